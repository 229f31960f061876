"""Imports point one way: models <- monitor <- trainer; deploy may use all three."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ALLOWED = {"models": {"models"}, "monitor": {"models", "monitor"}, "trainer": {"models", "monitor", "trainer"}}
OURS = {"models", "monitor", "trainer", "deploy", "tests"}
FILES = [path for package in ALLOWED for path in sorted((ROOT / package).rglob("*.py"))]
STAGES = ["pose", "looks", "speaker", "cuts", "smooth", "resample", "window", "scorer", "verdict", "watch"]


def imported(path: Path) -> set[str]:
    """Give the full names of all modules that a file imports, at its top or within a function."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_what_lies_below_it(path: Path) -> None:
    """A daemon that needs the trainer can't be installed alone."""
    ours = {name.split(".")[0] for name in imported(path)} & OURS
    assert ours <= ALLOWED[path.relative_to(ROOT).parts[0]]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_has_no_clock_thread_or_socket(stage: str) -> None:
    """Replay is exact only if time comes in with the frame."""
    path = ROOT / "monitor" / f"{stage}.py"
    outside = {"time", "datetime", "threading", "multiprocessing", "concurrent.futures", "socket", "asyncio", "queue"}
    assert not imported(path) & outside


def test_a_frames_story_fits_one_screen_and_a_half() -> None:
    """watch.py is what a newcomer reads first."""
    assert len((ROOT / "monitor" / "watch.py").read_text(encoding="utf-8").splitlines()) < 80
