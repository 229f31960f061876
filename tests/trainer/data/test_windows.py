"""Windows for training and tests are the ones that the monitor would judge, and the others are counted."""

from dataclasses import replace

import numpy as np
import pytest

from models.skeleton import LEFT_ELBOW, LEFT_WRIST, RIGHT_WRIST
from monitor.records import Score
from monitor.stages.window import MIN_ARMS, MIN_MEASURED, quality_of
from tests.support.tracks import make_track, two_people
from trainer.data import conditions
from trainer.data.paper_csv import segments_of
from trainer.data.splits import make_split
from trainer.data.tracks import Track
from trainer.data.windows import PoseDataset, Span
from trainer.errors import SplitImpossible
from trainer.replay import play

WHOLE = [Span(0, 0, 900)]


def hidden(track: Track) -> Track:
    """No wrist in any pose."""
    keypoints = track.keypoints.copy()
    keypoints[:, [LEFT_WRIST, RIGHT_WRIST]] = 0
    return replace(track, keypoints=keypoints)


def thin(track: Track, share: float) -> Track:
    """So many poses of each hundred are measured."""
    return replace(track, measured=np.arange(len(track.time_s)) % 100 < 100 * share)


def seen_live(track: Track) -> int:
    """Count the windows that the monitor's own stages judge."""
    [played] = play([track], WHOLE, "ada", lambda windows: np.zeros(len(windows), np.float32))
    return sum(isinstance(verdict, Score) for verdict in played.verdicts)


@pytest.mark.parametrize(
    ("track", "refused"),
    [
        (hidden(make_track("one", "ada", seconds=30)), {"arms_hidden": 26, "low_coverage": 0}),
        (thin(make_track("one", "ada", seconds=30), 0.83), {"arms_hidden": 0, "low_coverage": 26}),
        (hidden(thin(make_track("one", "ada", seconds=30), 0.83)), {"arms_hidden": 26, "low_coverage": 0}),
    ],
)
def test_what_the_monitor_refuses_is_no_window(track: Track, refused: dict[str, int]) -> None:
    """30 s hold 26 windows of 5 s, one a second; live none of them is judged, and arms are the first reason told."""
    windows = PoseDataset([track], "ada").cut(WHOLE, 30)
    assert (len(windows), seen_live(track)) == (0, 0)
    assert windows.refused == refused


def test_what_the_monitor_judges_is_a_window() -> None:
    """135 of 150 measured are 0.9, just enough. Motion capture doesn't say what was measured: all of it counts."""
    track = make_track("one", "ada", seconds=30)
    dataset = PoseDataset([track, replace(track, measured=np.arange(900) % 10 < 9)], "ada")
    windows = dataset.cut([*WHOLE, Span(1, 0, 900)], 30)
    assert len(windows) == 2 * 26
    assert windows.refused == {"arms_hidden": 0, "low_coverage": 0}
    assert seen_live(track) == 50


def test_windows_are_told_apart_exactly_as_the_monitor_does() -> None:
    """Every start in 60 s of flickering wrists and thin stretches, against quality_of() window by window."""
    random = np.random.default_rng(0)
    track = make_track("one", "ada", seconds=60)
    keypoints = track.keypoints.copy()
    keypoints[random.uniform(size=1800) < np.linspace(0.3, 0.8, 1800), RIGHT_WRIST] = 0
    keypoints[random.uniform(size=1800) < 0.9, LEFT_ELBOW] = 0
    measured = random.uniform(size=1800) < np.linspace(1.0, 0.85, 1800)
    track = replace(track, keypoints=keypoints, measured=measured)
    windows = PoseDataset([make_track("first", "bob"), track], "ada").cut([Span(1, 0, 1800)], 1)
    qualities = [quality_of(keypoints[at : at + 150], measured[at : at + 150], 150) for at in range(1651)]
    judged = [at for at, q in enumerate(qualities) if q.arms >= MIN_ARMS and q.measured >= MIN_MEASURED]
    assert windows.first_pose().tolist() == judged
    assert windows.refused["arms_hidden"] == sum(q.arms < MIN_ARMS for q in qualities)
    assert 0 < windows.refused["low_coverage"] == 1651 - len(judged) - windows.refused["arms_hidden"]


def test_a_part_without_a_window_that_can_be_judged_is_told_before_training() -> None:
    """All of Ada's arms are hidden: there are 20 s of her, and nothing to learn from."""
    tracks = [hidden(track) if track.person == "ada" else track for track in two_people()]
    with pytest.raises(SplitImpossible, match="the part train has no window of ada that the monitor would judge"):
        make_split("by_session", tracks, "ada")


def test_the_papers_csv_leaves_out_what_the_monitor_refuses() -> None:
    """It knows no measured poses: what is written there would be judged. 12 recordings of 4 segments, one is thin."""
    tracks = two_people()
    assert len(list(segments_of([thin(tracks[0], 0.83), *tracks[1:]], "ada"))) == 44


def test_the_papers_condition_on_the_rate_is_the_monitors_own() -> None:
    assert conditions.MIN_MEASURED == MIN_MEASURED
    track = replace(thin(make_track("one", "ada", seconds=20), 0.83), width=0)
    assert conditions.apply_conditions([track], ["rate"])[0].stretches() == []
