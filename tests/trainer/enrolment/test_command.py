"""`bodywatch enrol`, on drawn recordings, as its user would call it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from models import artifact
from monitor.stages.smoothing import filter_name
from tests.support.films import film
from trainer.cli import app
from trainer.verify.background import Background, save


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three short speeches before three cameras."""
    home = tmp_path_factory.mktemp("enrol")
    for number, name in enumerate(("monday", "friday", "gala")):
        film(home / f"{name}.mp4", seed=number, seconds=8, zoom=1 + 0.05 * number)
    return home


def call(home: Path, *arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["enrol", "ada", *arguments, "--background", str(home / "background.npz")])
    return done.exit_code, done.stdout, done.stderr if done.exception is None else str(done.exception)


@pytest.mark.slow
def test_three_recordings_become_a_file_by_one_command(
    home: Path, background: Background, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a minute is too little, said in a sentence; with --anyway it is made, from what was gathered before."""
    save(home / "background.npz", background)
    recordings = [str(home / f"{name}.mp4") for name in ("monday", "friday", "gala")]
    code, _, said = call(home, *recordings, "-o", str(home / "ada.pt"))
    assert code != 0
    assert "0.4 minutes of movement can be judged, 2 are needed" in said
    assert not (home / "ada.pt").exists()
    made = {path: path.stat().st_mtime_ns for path in (home / "ada.enrolment").glob("*.npz")}
    code, out, _ = call(home, *recordings, "-o", str(home / "ada.pt"), "--anyway", "--json")
    assert code == 0
    assert made == {path: path.stat().st_mtime_ns for path in (home / "ada.enrolment").glob("*.npz")}
    *rows, facts = map(json.loads, out.splitlines())
    assert [(row["recording"], row["face"], row["why"]) for row in rows] == [(path, True, "") for path in recordings]
    assert facts["doubts"].keys() >= {"few_minutes"}
    assert [event["name"] for event in facts["events"]] == ["monday", "friday", "gala"]
    assert Path(facts["report"]).is_file()
    card = artifact.load(home / "ada.pt").card
    assert (card.person, len(card.faces["means"]), card.filter) == ("ada", 3, filter_name(True))
    assert card.faces["cohort_sha256"] == artifact.read_index(artifact.WEIGHTS)["face-cohort"]["sha256"]


def test_a_file_that_is_there_is_not_overwritten(home: Path) -> None:
    """Nor is anything looked at first."""
    (home / "there.pt").touch()
    code, _, said = call(home, str(home / "monday.mp4"), "-o", str(home / "there.pt"))
    assert code != 0
    assert "is there already" in said


def test_a_background_that_is_none_is_named_before_anything_is_looked_at(home: Path) -> None:
    done = CliRunner().invoke(app, ["enrol", "ada", "x.mp4", "-o", str(home / "new.pt"), "--background", "nowhere"])
    assert "nowhere: no such file, and no background of this name ships" in str(done.exception)
