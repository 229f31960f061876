"""`bodywatch trainer`, called as a user calls it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from models.artifact import read_card
from tests.support.tracks import make_track, two_people
from trainer.cli import app
from trainer.data.paper_csv import read_csv
from trainer.data.tracks import write_track
from trainer.errors import DataUnusable, SplitImpossible
from trainer.evaluate import evaluate
from trainer.runs import open_run

COMMANDS = [
    "extract", "train", "evaluate", "export", "faces", "fetch-background", "audit", "reproduce", "honest", "to-csv",
]  # fmt: skip
QUICK = [
    "--set",
    "pool=mean",
    "--set",
    "batch=32",
    "--set",
    "step=75",
    "--hidden",
    "8",
    "--epochs",
    "2",
    "--threads",
    "1",
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for track in two_people(recordings=6, seconds=18):
        write_track(folder / f"{track.recording}.npz", track)
    return folder


def call(*arguments: str | Path) -> str:
    """Call a command and give what it printed; a mistake of the user's is raised as main() would catch it."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    assert "bodywatch trainer" in call(command, "--help")


def test_a_model_is_made_from_tracks_with_four_commands(data: Path, tmp_path: Path) -> None:
    """train, evaluate, export, audit; each with one JSON object as its last line."""
    run, model = tmp_path / "run", tmp_path / "ada.pt"
    call("train", data, "--person", "ada", "--split", "by_session", "-o", run, "--json", *QUICK)
    report = json.loads(call("evaluate", run, "--json"))
    assert 0 <= report["window"]["auroc"] <= 1
    assert list((run / "tensorboard").glob("events.*"))
    made = json.loads(call("export", run, "-o", model, "--note", "a test", "--json"))
    index = json.loads((tmp_path / "index.json").read_text())
    assert index["ada"]["sha256"] == made["sha256"]
    audited = CliRunner().invoke(app, ["audit", str(model), str(data), "--json"])
    assert len(json.loads(audited.stdout)["controls"]) >= 9


def trained(data: Path, run: Path, epochs: int) -> None:
    call(
        "train", data, "--person", "ada", "--split", "by_session", "-o", run, "--json", *QUICK, "--epochs", str(epochs)
    )


def test_a_card_never_tells_an_earlier_epochs_figures(data: Path, tmp_path: Path) -> None:
    """Evaluated after the first epoch, trained to the second: the second's figures, for the rate asked for before."""
    trained(data, tmp_path / "run", 1)
    call("evaluate", tmp_path / "run", "--false-alerts-per-hour", "3")
    trained(data, tmp_path / "run", 2)
    call("export", tmp_path / "run", "-o", tmp_path / "ada.pt")
    card, fresh = read_card(tmp_path / "ada.pt"), evaluate(open_run(tmp_path / "run"), false_alerts_per_hour=3)
    assert card.data["best_epoch"] == 2
    assert card.metrics["by_session calibration_error"] == fresh["window"]["calibration_error"]
    assert card.thresholds == fresh["thresholds"]
    assert json.loads((tmp_path / "run" / "evaluation.json").read_text())["best_epoch"] == 2


def test_what_was_evaluated_is_not_evaluated_again(data: Path, tmp_path: Path) -> None:
    """The kept report is of these weights and data, so that the card tells it, even a mark that no evaluation makes."""
    trained(data, tmp_path / "run", 1)
    report = json.loads(call("evaluate", tmp_path / "run", "--json"))
    marked = report | {"recording": {"mark": 17}}
    (tmp_path / "run" / "evaluation.json").write_text(json.dumps(marked))
    call("export", tmp_path / "run", "-o", tmp_path / "ada.pt")
    assert read_card(tmp_path / "ada.pt").metrics["by_session recording mark"] == 17


def test_an_evaluation_that_a_crash_cut_is_made_anew(data: Path, tmp_path: Path) -> None:
    """Half a report is none: it is said, and the card tells a whole one, for the usual rate of false alerts."""
    trained(data, tmp_path / "run", 1)
    (tmp_path / "run" / "evaluation.json").write_text('{"person": "ad')
    result = CliRunner().invoke(app, ["export", str(tmp_path / "run"), "-o", str(tmp_path / "ada.pt")])
    assert result.exit_code == 0
    assert "evaluation.json: is damaged" in result.stderr
    assert "evaluated anew for 0.5 false alerts an hour" in result.stderr
    report = json.loads((tmp_path / "run" / "evaluation.json").read_text())
    fresh = evaluate(open_run(tmp_path / "run"))
    assert (report["person"], report["asked_per_hour"]) == ("ada", 0.5)
    assert read_card(tmp_path / "ada.pt").thresholds == fresh["thresholds"]


def test_several_persons_in_one_command(data: Path, tmp_path: Path) -> None:
    said = call(
        "train", data, "--person", "all", "--split", "by_session", "-o", tmp_path, "--json", *QUICK, "--epochs", "1"
    )
    last = [json.loads(line) for line in said.splitlines() if "run" in line]
    assert [line["person"] for line in last] == ["ada", "bob"]
    assert (tmp_path / "bob" / "best.pt").is_file()


def test_tracks_become_the_papers_csv(data: Path, tmp_path: Path) -> None:
    """12 recordings of 18 s hold 3 segments of 5 s each: 36 x 150 rows."""
    assert json.loads(call("to-csv", data, "--person", "ada", "-o", tmp_path, "--json"))["segments"] == 36
    assert len((tmp_path / "poses.csv").read_text().splitlines()) == 36 * 150
    assert sum(not track.genuine for track in read_csv(tmp_path)) == 18


def test_a_person_who_is_not_in_the_data_is_told_before_training(data: Path, tmp_path: Path) -> None:
    with pytest.raises(SplitImpossible, match="no genuine recording of eve; there are ada, bob"):
        call("train", data, "--person", "eve", "-o", tmp_path / "run", *QUICK)
    assert not (tmp_path / "run").exists()


def test_one_class_alone_is_told(tmp_path: Path) -> None:
    write_track(tmp_path / "one.npz", make_track("one", "ada"))
    with pytest.raises(SplitImpossible, match="every recording is ada's own"):
        call("train", tmp_path, "--person", "ada", "-o", tmp_path / "run", *QUICK)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "lacks the column path"),
        ("path,person,genuine\n", "row 1: lacks the column session"),
        ("path,person,genuine,session\n", "lists no recordings"),
        ("path,person,genuine,session\na.mp4,,genuine,x\n", "row 2: person is empty"),
        ("path,person,genuine,session\na.mp4,ada,maybe,x\n", 'row 2: genuine is "maybe", must be genuine or fake'),
        (
            "path,person,genuine,session\nx/a.mp4,ada,fake,x\ny/a.mp4,ada,fake,x\n",
            "row 3: a second recording is called a",
        ),
    ],
)
def test_a_wrong_manifest_is_told_by_row(tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / "manifest.csv").write_text(content)
    with pytest.raises(DataUnusable, match=sentence):
        call("extract", tmp_path / "manifest.csv", "-o", tmp_path / "tracks")
