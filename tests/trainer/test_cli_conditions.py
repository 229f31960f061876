"""What the paper's conditions take of the data, as a user of `bodywatch trainer` meets it: told, and kept if wanted.

Ada's six recordings are 640x360. Bob's five are 480x360: another shape than most have, so condition (b) takes them all.
18 s are three segments of 150 poses, so that is 15 of 33 segments, 75 s.
"""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from models.artifact import read_card
from models.pose_networks.backends import find_backend
from monitor.stages.smoothing import filter_name
from tests.support.tracks import make_track, two_people
from trainer.cli import app
from trainer.data.tracks import Track, write_track
from trainer.errors import RunUnusable, SplitImpossible
from trainer.runs import open_run

ALL = "rate,size,middle,alone,camera"
NO_SIZE = "rate,middle,alone,camera"
QUICK = [
    *("--split", "by_session", "--set", "pool=mean", "--set", "batch=32", "--set", "step=75"),
    *("--hidden", "8", "--epochs", "1", "--threads", "1"),
]


def two_shapes() -> list[Track]:
    *tracks, _ = two_people(recordings=6, seconds=18)
    return [replace(track, width=480) if track.person == "bob" else track for track in tracks]


def written(folder: Path, tracks: list[Track]) -> Path:
    for track in tracks:
        write_track(folder / f"{track.recording}.npz", track)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("data"), two_shapes())


def call(*arguments: str | Path) -> Result:
    """Call a command; a mistake of the user's is raised as main() would catch it."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


def train(data: Path, run: Path, *more: str) -> Result:
    return call("train", data, "--person", "ada", "-o", run, *QUICK, *more)


def test_a_body_in_shoulder_widths_is_learned_from_pictures_of_any_shape(data: Path, tmp_path: Path) -> None:
    """Preset body measures in shoulder widths: what the picture is like around them can't matter."""
    assert train(data, tmp_path / "run").exit_code == 0
    assert sum(len(open_run(tmp_path / "run").windows(part, 150)) for part in ("train", "validate", "test")) > 18


def test_the_papers_features_ask_for_the_usual_shape_and_say_how_to_keep_the_others(data: Path, tmp_path: Path) -> None:
    """Nothing is left of Bob: the split can't be made, and the option that the sentence names makes it."""
    with pytest.raises(
        SplitImpossible, match=rf"of others.*It can with `--conditions {NO_SIZE}`: the condition size.*15 of 33"
    ):
        train(data, tmp_path / "run", "--features", "paper")
    assert not (tmp_path / "run").exists()
    assert train(data, tmp_path / "run", "--features", "paper", "--conditions", NO_SIZE).exit_code == 0


def shaken() -> list[Track]:
    """Two shapes, and in the first 5 s of one of Bob's recordings the camera moves by 0.05 of the picture's width."""
    camera = np.repeat(np.float32([0.05, 0]), [150, 390])
    return [replace(track, camera=camera) if track.recording == "bob-0" else track for track in two_shapes()]


def test_train_says_what_is_left_out_why_and_how_to_keep_it(data: Path, tmp_path: Path) -> None:
    """One sentence a reason: how much, of whom, and the very option; nothing where nothing is left out."""
    assert "leaves out" not in train(data, tmp_path / "run").stderr
    told = train(written(tmp_path, shaken()), tmp_path / "run-2").stderr
    assert (
        "trainer: the condition camera, (e) steady camera, leaves out 1 of 33 segments (0.1 of 2.8 min): "
        "1 of 15 of bob; `--conditions rate,middle,alone` keeps them\n"
    ) in told


def test_train_tells_the_same_as_json(tmp_path: Path) -> None:
    """Figures for a program; nothing else on standard error than progress."""
    result = train(written(tmp_path, shaken()), tmp_path / "run", "--json")
    told = json.loads(result.stdout.splitlines()[-1])["conditions"]
    assert (told["held"], told["segments"], told["left_out"]) == (NO_SIZE.split(","), 33, 1)
    [reason] = told["reasons"]
    assert (reason["condition"], reason["segments"], reason["people"]) == (
        "camera",
        1,
        {"bob": {"left_out": 1, "of": 15}},
    )
    assert reason["conditions"] == "rate,middle,alone"
    assert "leaves out" not in result.stderr


def test_extract_says_what_training_will_leave_out(tmp_path: Path) -> None:
    """By what most features need, and what the paper's would leave out beyond it; with --json as figures."""
    (tmp_path / "manifest.csv").write_text(
        "path,person,genuine,session\n"
        + "".join(f"{t.recording}.mp4,{t.person},genuine,{t.session}\n" for t in shaken())
    )
    extracted(tmp_path)
    result = call("extract", tmp_path / "manifest.csv", "-o", tmp_path)
    assert "1 of 15 of bob; `train --conditions rate,middle,alone` keeps them" in result.stderr
    assert (
        "for --features paper alone: the condition size, (b) picture of the data's usual shape, leaves out "
        f"15 of 33 segments (1.2 of 2.8 min): all 15 of bob; `train --conditions {NO_SIZE}` keeps 14 of them"
    ) in result.stderr
    told = json.loads(call("extract", tmp_path / "manifest.csv", "-o", tmp_path, "--json").stdout.splitlines()[-1])
    assert told["conditions"]["left_out"] == 1
    assert told["conditions_features_paper"]["people_gone"] == ["bob"]
    assert [row["dropped_size"] for row in told["table_2"]] == [0, 15]


def extracted(folder: Path) -> None:
    """Lay tracks beside the recordings they are said to be of, so that extract has nothing left to look at."""
    backend = find_backend("openpose-thin")
    made = {"pose_backend": {"name": backend.name, "sha256": backend.sha256}, "filter": filter_name(True)}
    for track in shaken():
        (folder / f"{track.recording}.mp4").write_bytes(track.recording.encode())
        sha256 = hashlib.sha256(track.recording.encode()).hexdigest()
        write_track(folder / f"{track.recording}.npz", replace(track, **made, recording_sha256=sha256))


def test_a_run_remembers_its_conditions(data: Path, tmp_path: Path) -> None:
    """evaluate, export and audit are of the data that it was trained on, and nobody has to say so again."""
    run, model = tmp_path / "run", tmp_path / "ada.pt"
    train(data, run, "--conditions", "camera,rate")
    assert json.loads((run / "recipe.json").read_text())["conditions"] == ["rate", "camera"]
    assert json.loads(call("evaluate", run, "--json").stdout)["conditions"]["held"] == ["rate", "camera"]
    call("export", run, "-o", model)
    assert read_card(model).data["conditions"] == "rate,camera"
    audited = json.loads(call("audit", model, data, "--json").stdout)
    assert (audited["conditions"]["held"], audited["recordings"]) == (["rate", "camera"], 5)


def test_what_a_models_own_data_lack_comes_back_by_training_again_only(tmp_path: Path) -> None:
    """audit has the option for other data; on these it would refuse it, so the sentence names the command."""
    data, model = written(tmp_path, shaken()), tmp_path / "ada.pt"
    train(data, tmp_path / "run")
    call("export", tmp_path / "run", "-o", model)
    assert "`train --conditions rate,middle,alone` keeps them" in call("audit", model, data).stderr
    other = tmp_path / "other"
    other.mkdir()
    written(other, shaken()[:-1])
    assert "`--conditions rate,middle,alone` keeps them" in call("audit", model, other).stderr


def test_a_run_of_an_older_trainer_opens_with_the_data_that_it_was_trained_on(tmp_path: Path) -> None:
    """Its recipe names no conditions: all of the paper's held, whatever the features.

    One of Bob's recordings, three segments, is of another shape.
    """
    tracks = [replace(track, width=480) if track.recording == "bob-1" else track for track in two_people(6, 18)]
    data, run = written(tmp_path, tracks), tmp_path / "run"
    train(data, run, "--conditions", ALL)
    recipe = json.loads((run / "recipe.json").read_text())
    (run / "recipe.json").write_text(json.dumps({key: recipe[key] for key in recipe.keys() - {"conditions"}}))
    assert json.loads(call("evaluate", run, "--json").stdout)["conditions"]["left_out"] == 3
    with pytest.raises(RunUnusable, match=rf"under the conditions {ALL}, .*go on with --conditions {ALL}, or choose"):
        train(data, run, "--epochs", "2")
    assert train(data, run, "--epochs", "2", "--conditions", ALL).exit_code == 0


def test_conditions_that_change_nothing_are_no_other_run(tmp_path: Path) -> None:
    """All pictures are of one shape: with or without condition (b) the data are the same, and training goes on."""
    data, run = written(tmp_path, two_people(6, 18)), tmp_path / "run"
    assert train(data, run, "--conditions", ALL).exit_code == 0
    assert train(data, run, "--epochs", "2").exit_code == 0


@pytest.mark.parametrize("command", ["train", "honest", "audit", "to-csv", "reproduce"])
def test_a_condition_that_there_is_not_is_told(command: str, data: Path, tmp_path: Path) -> None:
    """Exit code 2 is a wrong command line; the sentence lists what there is."""
    train(data, tmp_path / "run")
    call("export", tmp_path / "run", "-o", tmp_path / "ada.pt")
    person = [] if command in ("audit", "honest") else ["--person", "ada"]
    model = [tmp_path / "ada.pt"] if command == "audit" else []
    out = [] if command == "audit" else ["-o", tmp_path / "out"]
    result = call(command, *model, data, *person, *out, "--conditions", "shape")
    assert result.exit_code == 2
    assert 'no condition is called "shape"; there are rate, size, middle, alone, camera, or none' in " ".join(
        result.stderr.replace("│", " ").split()
    )


def test_the_papers_csv_holds_what_its_conditions_leave_or_what_was_asked_for(tmp_path: Path) -> None:
    """One of Bob's six recordings, three segments, is of another shape: 33 of 36 segments."""
    tracks = [replace(track, width=480) if track.recording == "bob-1" else track for track in two_people(6, 18)]
    data = written(tmp_path, tracks)
    said = json.loads(call("to-csv", data, "--person", "ada", "-o", tmp_path / "csv", "--json").stdout)
    assert (said["segments"], said["conditions"]["left_out"]) == (33, 3)
    asked = call("to-csv", data, "--person", "ada", "-o", tmp_path / "all", "--conditions", "none", "--json")
    assert json.loads(asked.stdout)["segments"] == 36
    told = call("to-csv", data, "--person", "ada", "-o", tmp_path / "csv").stderr
    assert f"3 of 18 of bob; `--conditions {NO_SIZE}` keeps them" in told


def test_honest_names_whom_the_conditions_leave_nothing_of(tmp_path: Path) -> None:
    """Of four people Dan is never alone: nobody can judge him, and the others' mean figures stay numbers."""
    tracks = two_people(6, 18)
    tracks += [make_track(f"cy-{n}", "cy", hz=0.5, session=_session(n), seed=n, seconds=18) for n in range(6)]
    company = np.full(540, 2, np.int16)
    dan = [make_track(f"dan-{n}", "dan", hz=2, session=_session(n), seed=50 + n, seconds=18) for n in range(6)]
    data = written(tmp_path, tracks + [replace(track, people=company) for track in dan])
    more = ["--split", "by_session", "--set", "hidden=8", "--set", "epochs=1", "--threads", "1"]
    result = call("honest", data, "-o", tmp_path / "runs", *more)
    assert (
        "all 18 of dan; `--conditions rate,middle,camera` keeps them\ntrainer: nothing is left of dan" in result.stderr
    )
    row = json.loads(result.stdout)["by_session"]
    assert row["people"].keys() == {"ada", "bob", "cy"}
    assert row["conditions"]["people_gone"] == ["dan"]
    assert 0 <= row["auroc"] <= 1


def _session(number: int) -> str:
    return f"m0_{'monday' if number < 3 else 'tuesday'}"
