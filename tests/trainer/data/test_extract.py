"""Recordings become tracks through the monitor's own stages: real H.264, the real pose network, the real weights."""

from pathlib import Path

import numpy as np
import pytest
import torch

from models import artifact
from models.card import Card
from models.pose_lstm import Design, PoseLSTM
from monitor.offline import score_file
from monitor.records import Score
from monitor.stages.pose import PoseNetwork
from monitor.stages.verdict import Rule
from trainer.data.extract import Extracted, PoseSettings, extract, read_manifest
from trainer.data.tracks import Track, read_track
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


def test_a_track_knows_where_it_is_from_and_who_read_it(track: Track) -> None:
    network = PoseNetwork("openpose-thin", threads=1)
    assert (track.person, track.genuine, track.source, track.licence) == ("ada", True, "made up", "CC0")
    assert track.pose_backend == {"name": network.name, "sha256": network.sha256}


def test_the_lectern_speaker_meets_the_papers_conditions(track: Track) -> None:
    """Alone, in the middle, before a camera that stands: what extraction measured says so."""
    from trainer.data.conditions import summary

    [row] = summary([track])
    assert (row["segments"], row["dropped"]) == (1, 0)


def test_what_is_there_is_not_read_again(folder: Path, done: list[Extracted]) -> None:
    """The second call leaves the file alone and tries the broken recording once more."""
    before = (folder / "tracks" / "speech.npz").stat().st_mtime_ns
    again = extract(read_manifest(folder / "manifest.csv"), folder / "tracks", PoseSettings(threads=1))
    assert [one.why for one in again][1] == "there already"
    assert (folder / "tracks" / "speech.npz").stat().st_mtime_ns == before


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
    watched = score_file(str(folder / "speech.mp4"), model, network, rule=Rule(0.9, 0.5))
    theirs = [window["score"] for window in watched.windows if "score" in window]
    assert len(ours) >= 3
    assert theirs == pytest.approx(ours, abs=1e-5)
