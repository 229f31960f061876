"""Recordings become tracks through the monitor's own stages: real H.264, the real pose network, the real weights."""

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from models import artifact
from models.card import Card
from models.pose_lstm import Design, PoseLSTM
from monitor.offline import score_file
from monitor.records import Pose, Score
from monitor.stages.pose import PoseNetwork
from monitor.stages.verdict import Rule
from trainer.data.conditions import summary
from trainer.data.extract import Extracted, PoseSettings, Recording, extract, make_track, read_manifest
from trainer.data.people import count_people
from trainer.data.tracks import Track, read_track, write_track
from trainer.data.windows import Span
from trainer.puppet.renderer import Passage, Script, frames
from trainer.puppet.video import record
from trainer.replay import play

SECONDS = 6.5


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest of a 6.5 s recording at 25 fps and of a file that is no video."""
    home = tmp_path_factory.mktemp("recordings")
    for _ in record(frames(Script((Passage(0, SECONDS),)), 640, 360, 25), str(home / "speech.mp4"), 640, 360, 25):
        pass
    (home / "broken.mp4").write_bytes(b"this is no video" * 100)
    rows = [
        "path,person,genuine,session,source,licence",
        "broken.mp4,ada,fake,one,,",
        "speech.mp4,ada,genuine,one,made up,CC0",
    ]
    (home / "manifest.csv").write_text("\n".join(rows) + "\n")
    return home


@pytest.fixture(scope="module")
def done(folder: Path) -> list[Extracted]:
    return extract(read_manifest(folder / "manifest.csv"), folder / "tracks", PoseSettings(threads=1))


@pytest.fixture(scope="module")
def track(folder: Path, done: list[Extracted]) -> Track:
    return read_track(folder / "tracks" / "speech.npz")


def test_a_broken_recording_is_reported_and_the_next_one_done(done: list[Extracted]) -> None:
    broken, speech = done
    assert (broken.poses, "can't be read as video" in broken.why) == (0, True)
    assert (speech.name, speech.why) == ("speech", "")


def test_a_25_fps_recording_becomes_30_poses_a_second(track: Track) -> None:
    """6.5 s of 25 fps end with the frame at 6.46 s: 194 ticks, all of one shot, all measured."""
    assert len(track.time_s) == pytest.approx(194, abs=2)
    assert np.diff(track.time_s) == pytest.approx(1 / 30, abs=1e-6)
    assert track.measured.mean() > 0.95
    assert (track.width, track.height, len(track.stretches())) == (640, 360, 1)
    assert track.fps == pytest.approx(25, abs=0.1)


def test_a_track_knows_where_it_is_from_and_who_read_it(track: Track) -> None:
    network = PoseNetwork("openpose-thin", threads=1)
    assert (track.person, track.genuine, track.source, track.licence) == ("ada", True, "made up", "CC0")
    assert track.pose_backend == {"name": network.name, "sha256": network.sha256}


def test_the_lectern_speaker_meets_the_papers_conditions(track: Track) -> None:
    """Alone, in the middle, before a camera that stands: what extraction measured says so."""
    [row] = summary([track])
    assert (row["segments"], row["dropped"]) == (1, 0)


def test_who_speaks_alone_is_one_person_in_every_pose(track: Track) -> None:
    """A search and three looks round in 6.5 s: in a look round the speaker is seen twice, and is still one."""
    assert set(track.people.tolist()) == {1}


def test_who_has_a_guest_beside_is_not_alone_in_any_pose(tmp_path: Path) -> None:
    """The guest stands outside the followed square: the whole frame shows two, held until it is looked at again."""
    script = Script((Passage(0, SECONDS, scene="beside"),))
    path = tmp_path / "guest.mp4"
    for _ in record(frames(script, 640, 360, 15), str(path), 640, 360, 15):
        pass
    one = Recording(path, "ada", True, "one", "made up", "CC0")
    both = make_track(one, PoseSettings(threads=1), PoseNetwork("openpose-thin", threads=1))
    assert set(both.people.tolist()) == {2}
    [row] = summary([both])
    assert (row["segments"], row["dropped_alone"]) == (0, 1)


@pytest.mark.parametrize("fps", [15, 30])
def test_a_pan_is_as_fast_whatever_the_frame_rate(fps: int, tmp_path: Path) -> None:
    """120 px a second of a 640 px picture are 120 / 30 / 640 = 0.00625 picture widths in 1/30 s."""
    path = tmp_path / "pan.mp4"
    shots = [
        replace(shot, image=np.roll(shot.image, round(120 * shot.time_s), axis=1))
        for shot in frames(Script((Passage(0, 1.5),)), 640, 360, fps)
    ]
    for _ in record(shots, str(path), 640, 360, fps):
        pass
    panned = make_track(Recording(path, "ada", True, "", "", ""), PoseSettings(threads=1), PoseNetwork(threads=1))
    assert np.median(panned.camera) == pytest.approx(0.00625, rel=0.15)


def body(x_px: float) -> npt.NDArray[np.float32]:
    """Nose, neck and arms about x_px: 100 px wide, 150 px high."""
    xy = [(0, -40), (0, 0), (-50, 0), (-50, 60), (-45, 110), (50, 0), (50, 60), (45, 110)]
    made = np.zeros((18, 3), np.float32)
    made[:8] = [(x_px + x, 150 + y, 0.9) for x, y in xy]
    return made


@pytest.mark.parametrize(
    ("seen", "followed", "people"),
    [
        ([body(320), body(520)], body(322), 2),
        ([body(322), body(327)], body(322), 1),  # one body read as two, as a pose network does
        ([body(366)], body(322), 1),  # 44 px apart: a body is 100 x 150 px, 180 across, a quarter of which is 45
        ([body(368)], body(322), 2),  # 46 px: somebody else, in front
        ([body(520)], body(322), 2),  # the small view missed the speaker
        ([], body(322), 1),
        ([body(20), body(620)], None, 2),
        ([], None, 0),
    ],
)
def test_the_speaker_counts_once_and_everybody_else_beside(
    seen: list[npt.NDArray[np.float32]], followed: npt.NDArray[np.float32] | None, people: int
) -> None:
    whole = np.stack(seen) if seen else np.zeros((0, 18, 3), np.float32)
    assert count_people(whole, None if followed is None else Pose(0.0, followed)) == people


def test_counts_of_an_older_version_are_not_believed(folder: Path, done: list[Extracted], tmp_path: Path) -> None:
    """They are of the followed square: unknown is what they are, the condition is not checked, and extract says so."""
    with np.load(folder / "tracks" / "speech.npz") as stored:
        values = {name: stored[name] for name in stored.files if name != "people_in_frame"}
    np.savez(tmp_path / "speech.npz", **(values | {"people": np.full(len(values["time_s"]), 2, np.int16)}))
    assert len(read_track(tmp_path / "speech.npz").people) == 0
    [_, again] = extract(read_manifest(folder / "manifest.csv"), tmp_path, PoseSettings(threads=1))
    assert "does not know who else is in the picture" in again.why


def test_what_is_there_is_not_read_again(folder: Path, done: list[Extracted]) -> None:
    """The second call leaves the file alone and tries the broken recording once more."""
    before = (folder / "tracks" / "speech.npz").stat().st_mtime_ns
    again = extract(read_manifest(folder / "manifest.csv"), folder / "tracks", PoseSettings(threads=1))
    assert [one.why for one in again][1] == "there already"
    assert (folder / "tracks" / "speech.npz").stat().st_mtime_ns == before


def again(folder: Path, out: Path, eyes: PoseSettings, **labels: object) -> Extracted:
    """Ask for the speech once more, in a folder of its own that has its track already."""
    out.mkdir()
    shutil.copy(folder / "tracks" / "speech.npz", out)
    [_, speech] = read_manifest(folder / "manifest.csv")
    [done] = extract([replace(speech, **labels)], out, eyes)  # type: ignore[arg-type]
    return done


def test_a_manifests_new_labels_reach_a_track_that_is_there(folder: Path, track: Track, tmp_path: Path) -> None:
    """Said to be Ada's second session, and a fake, after it was read: the labels change, the poses don't."""
    done = again(folder, tmp_path / "out", PoseSettings(threads=1), session="two", genuine=False)
    labelled = read_track(tmp_path / "out" / "speech.npz")
    assert (done.poses, done.why) == (len(track.time_s), "labelled anew, there already")
    assert (labelled.person, labelled.session, labelled.genuine, labelled.filter) == ("ada", "two", False, track.filter)
    assert np.array_equal(labelled.keypoints, track.keypoints)


def test_a_track_that_was_read_otherwise_is_not_taken_for_this_one(folder: Path, track: Track, tmp_path: Path) -> None:
    """Steadied, and now asked for unsteadied: half a folder of either would be trained on as one."""
    done = again(folder, tmp_path / "out", PoseSettings(threads=1, smooth=False))
    assert (done.poses, "was made with openpose-thin, filter one-euro" in done.why) == (0, True)
    assert read_track(tmp_path / "out" / "speech.npz").filter == track.filter


def test_another_video_of_the_same_name_does_not_label_a_track_that_is_there(
    folder: Path, track: Track, tmp_path: Path
) -> None:
    """Ada's genuine speech.mp4 was read; a fake in another folder has the same name: the poses are not the fake's."""
    fake = tmp_path / "speech.mp4"
    fake.write_bytes((folder / "speech.mp4").read_bytes() + b"another file")
    done = again(folder, tmp_path / "out", PoseSettings(threads=1), path=fake, genuine=False)
    kept = read_track(tmp_path / "out" / "speech.npz")
    assert (done.poses, kept.genuine) == (0, True)
    assert "speech.npz: was made from another file than" in done.why
    assert "remove it to have it made anew" in done.why


def test_a_recording_that_was_moved_is_the_same_recording(folder: Path, track: Track, tmp_path: Path) -> None:
    """The bytes tell, not the folder: the track is Ada's still, and takes the new labels."""
    moved = shutil.copy(folder / "speech.mp4", tmp_path)
    done = again(folder, tmp_path / "out", PoseSettings(threads=1), path=Path(moved), session="two")
    assert done.why == "labelled anew, there already"
    assert track.recording_sha256 == hashlib.sha256(Path(moved).read_bytes()).hexdigest()


def test_a_track_that_does_not_know_its_recording_keeps_its_labels(folder: Path, track: Track, tmp_path: Path) -> None:
    """An older trainer's: whether the fake of this name is what it shows, nobody can tell, and extract says so."""
    out = tmp_path / "out"
    out.mkdir()
    write_track(out / "speech.npz", replace(track, recording_sha256=""))
    [_, speech] = read_manifest(folder / "manifest.csv")
    [done] = extract([replace(speech, genuine=False)], out, PoseSettings(threads=1))
    assert (done.poses, read_track(out / "speech.npz").genuine) == (len(track.time_s), True)
    assert "does not know which file it was made from: its labels stay" in done.why


def test_a_recording_that_is_gone_leaves_its_track_and_the_labels_in_it(
    folder: Path, track: Track, tmp_path: Path
) -> None:
    """Videos are often thrown away once they are read: nothing to compare with, so nothing is changed, nor lost."""
    done = again(folder, tmp_path / "out", PoseSettings(threads=1), path=tmp_path / "speech.mp4", genuine=False)
    assert (done.poses, read_track(tmp_path / "out" / "speech.npz").genuine) == (len(track.time_s), True)
    assert "speech.mp4 can't be read: its labels stay" in done.why


def test_a_window_scores_in_the_monitor_as_in_the_trainer(folder: Path, track: Track) -> None:
    """The same recording, model and windows: through the track, and through the monitor's whole loop, to 1e-5."""
    network = PoseNetwork("openpose-thin", threads=1)
    torch.manual_seed(2)
    backend = {"name": network.name, "sha256": network.sha256}
    card = Card("ada", "body", "", "2026-01-01T00:00:00+00:00", "0", backend)
    artifact.save(folder / "ada.pt", PoseLSTM(Design("body", 16, 1)), card)
    model = artifact.load(folder / "ada.pt", pose_backend=backend)
    [played] = play([track], [Span(0, 0, len(track.time_s))], "ada", model.score)
    ours = [score.value for score in played.verdicts if isinstance(score, Score)]
    watched = score_file(
        str(folder / "speech.mp4"), {model.person: model}, network, rules={model.person: Rule(0.9, 0.5)}
    )
    theirs = [window["score"] for window in watched.windows if "score" in window]
    assert len(ours) >= 3
    assert theirs == pytest.approx(ours, abs=1e-5)
