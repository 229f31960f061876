"""On real motion that the repository may not contain."""

from pathlib import Path

import numpy as np

from models.style.statistics import WIDTHS
from trainer.data.folder import read_tracks
from trainer.verify.benchmark import Data, benchmark
from trainer.verify.motions import one_body_tracks, project, read_motions
from trainer.verify.sources import read_source
from trainer.verify.windows import describe


def test_ten_people_who_do_the_same_are_told_apart_from_two_minutes(shared_data: Path) -> None:
    """Movements m07 to m10 of bodies/, background of six or seven others: windows of 5 s by repetition over 0.8."""
    tracks = [track for track in read_tracks(shared_data / "bodies") if track.movement in ("m07", "m08", "m09", "m10")]
    tracks = [track for track in tracks if track.take == "cor"]
    data = Data({"impersonator": describe(tracks)}, {"impersonator": tracks}, by_take=False)
    figures = benchmark(data, tuple(WIDTHS))["impersonator"]["enrolled_actions"]
    assert figures["auroc_5s"] > 0.8


def test_puppets_in_the_picture_have_everybodys_arms(shared_data: Path) -> None:
    """Ten people: the longest upper arm seen, in shoulder widths, differs by under 10 % instead of by up to half."""
    tracks = [track for track in read_tracks(shared_data / "bodies") if track.session == "m07_cor"]

    def reach(some: list) -> np.ndarray:
        arm = [np.linalg.norm(t.keypoints[:, 3, :2] - t.keypoints[:, 2, :2], axis=1) for t in some]
        across = [np.linalg.norm(t.keypoints[:, 2, :2] - t.keypoints[:, 5, :2], axis=1) for t in some]
        return np.array([np.quantile(a, 0.95) / np.median(b) for a, b in zip(arm, across, strict=True)])

    own, puppets = reach(tracks), reach(one_body_tracks(tracks))
    assert puppets.std() < own.std() / 2


def test_signs_of_ten_signers_are_joined_to_recordings_that_hold_windows(shared_data: Path) -> None:
    """2,700 clips of 2 to 3 s become some 600 of 5 s and more; nothing in them is NaN."""
    motions = read_motions(shared_data / "motions" / "islkinect.npz")
    assert len({motion.person for motion in motions}) == 10
    assert 500 < len(motions) < 700
    windows = describe(project(motions[:20]))
    assert len(windows) >= 20
    assert np.isfinite(windows.values).all()


def test_a_source_of_motions_comes_once_as_it_is_and_once_as_seen(shared_data: Path) -> None:
    """The same people and actions twice; the second with jitter, so that whitening takes it away."""
    tracks = read_source(shared_data / "motions" / "islkinect.npz", as_seen=True)
    plain, seen = tracks[: len(tracks) // 2], tracks[len(tracks) // 2 :]
    assert [track.person for track in plain] == [track.person for track in seen]
    assert seen[0].recording == f"{plain[0].recording} as seen"
    assert not np.array_equal(plain[0].keypoints, seen[0].keypoints)
