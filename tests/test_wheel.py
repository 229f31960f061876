"""The wheel holds all that the program reads: it works from another folder without the checkout."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch

from models import artifact
from models.card import Card
from models.pose_lstm import Design, PoseLSTM
from trainer.puppet.renderer import Passage, Script, frames
from trainer.puppet.video import record

CHECKOUT = Path(__file__).parents[1]
PACKAGES = ("models", "monitor", "trainer", "deploy")
READ_AT_RUN_TIME = (
    "models/weights/*",
    "monitor/gateway/dashboard/*",
    "trainer/presets/*.toml",
    "trainer/backgrounds/*.csv",
    "deploy/bodywatch.yaml",
)

SCRIPT = Script((Passage(0, 5.2),))
THRESHOLDS = {"enter": 0.8, "clear": 0.5, "hold_s": 2.0, "k": 3, "n": 4, "false_alerts_per_hour": 0.5}

COMMAND = """
import sys
checkout, venv = sys.argv.pop(1), sys.prefix
def watch(event, arguments):
    path = str(arguments[0]) if event == "open" else ""
    if path.startswith(checkout) and not path.startswith(venv):
        print("OPENED", path, file=sys.stderr, flush=True)
sys.addaudithook(watch)
from monitor.cli import main
main()
"""
"""Runs the command line and tells of every file of the checkout that is opened, the libraries' own apart."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy, so that nothing is left in the checkout and nothing old is taken from it."""
    source = tmp_path_factory.mktemp("source")
    for package in PACKAGES:
        shutil.copytree(CHECKOUT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, source)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(source / "dist")]
    built = subprocess.run([*command, str(source)], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = (source / "dist").glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install it without its dependencies, which are there already."""
    folder = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(folder)]
    subprocess.run([*command, str(wheel)], check=True, capture_output=True)
    return folder


def run(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command outside the checkout, with the installed folder first on the path."""
    return subprocess.run(
        [sys.executable, "-P", "-c", COMMAND, str(CHECKOUT), *arguments],
        cwd=installed,
        env=os.environ | {"PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_wheel_holds_every_file_that_is_read_at_run_time(wheel: Path) -> None:
    expected = {
        path.relative_to(CHECKOUT).as_posix()
        for pattern in READ_AT_RUN_TIME
        for path in CHECKOUT.glob(pattern)
        if path.is_file()
    }
    inside = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "models/weights/openpose-thin.onnx",
        "models/weights/index.json",
        "monitor/gateway/dashboard/index.html",
    } <= expected
    assert expected - inside == set()


def test_the_installed_command_lists_all_commands(installed: Path) -> None:
    """demo and bench come through entry points, so they need the wheel's own metadata."""
    done = run(installed, "--help")
    assert done.returncode == 0, done.stderr
    assert {"run", "score", "models", "demo", "bench"} <= set(done.stdout.replace("│", " ").split())
    assert "OPENED" not in done.stderr


def test_the_installed_command_judges_a_recording_without_the_checkout(installed: Path, tmp_path: Path) -> None:
    """5.2 s at 25 fps hold one window of 5 s."""
    recording = tmp_path / "speech.mp4"
    assert sum(1 for _ in record(frames(SCRIPT, 320, 180, 25), str(recording), 320, 180, 25)) == 130
    network = installed / "models" / "weights" / "openpose-thin.onnx"
    backend = {"name": "openpose-thin", "sha256": hashlib.sha256(network.read_bytes()).hexdigest()}
    torch.manual_seed(1)
    card = Card("ada", "body", "", "2026-01-01T00:00:00+00:00", "0.1.0", backend, thresholds=THRESHOLDS)
    artifact.save(tmp_path / "ada.pt", PoseLSTM(Design("body", 16, 2)).eval(), card)
    done = run(installed, "score", str(recording), "--model", str(tmp_path / "ada.pt"), "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["frames"] == 130
    assert [window for window in result["windows"] if "score" in window], result["windows"]
    assert "OPENED" not in done.stderr
