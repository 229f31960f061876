"""Recordings of one person become tracks and faces, once."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.support.films import film
from trainer.data.extract import PoseSettings
from trainer.enrolment.gather import Gathered, gather
from trainer.errors import DataUnusable


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A speech, a file that is no video, and what was made of both."""
    home = tmp_path_factory.mktemp("gather")
    film(home / "monday.mp4", seed=1, seconds=5.0)
    (home / "notes.mp4").write_text("no video", encoding="utf-8")
    return home


@pytest.fixture(scope="module")
def first(home: Path) -> list[Gathered]:
    return gather([str(home / "monday.mp4"), str(home / "notes.mp4")], "ada", home / "work", PoseSettings())


def test_a_recording_becomes_a_track_and_a_face_in_one_pass(first: list[Gathered]) -> None:
    """Five seconds at 30 Hz are 150 poses; a look each half second makes ten."""
    track, face = first[0].track, first[0].face
    assert track is not None
    assert face is not None
    assert face.mean is not None
    assert (track.person, track.session, track.genuine) == ("ada", "monday", True)
    assert len(track.time_s) == pytest.approx(148, abs=3)
    assert face.looks == pytest.approx(10, abs=1)


def test_one_that_is_no_video_is_told_and_leaves_the_others_alone(first: list[Gathered]) -> None:
    assert first[1].track is None
    assert "notes.mp4" in first[1].why


def test_what_was_made_is_taken_as_it_is(home: Path, first: list[Gathered]) -> None:
    """An afternoon's work must not be done again since one more recording came."""
    before = (home / "work" / "monday.npz").stat().st_mtime_ns
    [again] = gather([str(home / "monday.mp4")], "ada", home / "work", PoseSettings())
    assert (home / "work" / "monday.npz").stat().st_mtime_ns == before
    assert again.face is not None
    assert first[0].face is not None
    np.testing.assert_array_equal(again.face.mean, first[0].face.mean)


def test_a_face_of_chips_that_are_cut_otherwise_is_looked_at_again(home: Path, first: list[Gathered]) -> None:
    """Means of other chips lie elsewhere: one such among the events would look like somebody else's face."""
    file = home / "work" / "monday.face.json"
    values = json.loads(file.read_text())
    file.write_text(json.dumps({**values, "placing": "wide", "mean": [0.0] * 128}))
    [again] = gather([str(home / "monday.mp4")], "ada", home / "work", PoseSettings())
    assert again.face is not None
    assert first[0].face is not None
    np.testing.assert_array_equal(again.face.mean, first[0].face.mean)


def test_only_its_owner_reads_the_working_folder(home: Path, first: list[Gathered]) -> None:
    """It holds a mean face a recording."""
    assert (home / "work").stat().st_mode & 0o777 == 0o700


def test_another_recording_of_the_same_name_is_not_taken_for_the_first(
    home: Path, first: list[Gathered], tmp_path: Path
) -> None:
    [other] = gather([str(film(tmp_path / "monday.mp4", seed=2, seconds=5.0))], "ada", home / "work", PoseSettings())
    assert "was made from another file" in other.why


def test_two_recordings_of_one_name_are_refused(tmp_path: Path) -> None:
    """Else one would be taken for the other."""
    with pytest.raises(DataUnusable, match="needs a name of its own"):
        gather(
            [str(tmp_path / "a" / "monday.mp4"), str(tmp_path / "b" / "monday.mp4")], "ada", tmp_path, PoseSettings()
        )


@pytest.mark.parametrize("damaged", ["monday.face.json", "monday.npz"])
def test_what_is_damaged_is_made_again(home: Path, first: list[Gathered], damaged: str, tmp_path: Path) -> None:
    """A disk that was full must not cost the good recordings."""
    work = tmp_path / "work"
    shutil.copytree(home / "work", work)
    (work / damaged).write_bytes((work / damaged).read_bytes()[:60])
    [again] = gather([str(home / "monday.mp4")], "ada", work, PoseSettings())
    assert again.track is not None
    assert again.face is not None
    assert again.face.mean is not None


def test_a_folder_that_is_there_keeps_its_mode(home: Path, first: list[Gathered], tmp_path: Path) -> None:
    """It may be shared with others: its owner decides."""
    tmp_path.chmod(0o755)
    gather([str(home / "notes.mp4")], "ada", tmp_path, PoseSettings())
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_an_address_that_is_no_web_page_is_refused_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(DataUnusable, match="files, and addresses of http and https, are taken") as refused:
        gather(["rtsp://user:hunter2@127.0.0.1/x"], "ada", tmp_path, PoseSettings())
    assert "hunter2" not in str(refused.value)
