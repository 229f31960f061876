"""The 30 Hz grid: time is the stream's, whatever its rate."""

from collections.abc import Iterable

import numpy as np
import pytest

from monitor.records import Frame, Pose, Sighting, Tick
from monitor.stages.resample import Resampler, between

IMAGE = np.zeros((2, 2, 3), np.uint8)


def frame(time_s: float, epoch: int = 0) -> Frame:
    return Frame("a", epoch, time_s, 1000.0 + time_s, IMAGE)


def pose_at(time_s: float, speed_px_s: float = 100.0) -> Pose:
    """A body that moves to the right at a steady speed: its place tells its time."""
    return Pose(time_s, np.full((18, 3), (speed_px_s * time_s, 50.0, 1.0), np.float32))


def ticks(
    times_s: Iterable[float], *, lost: frozenset[int] = frozenset(), unseen: frozenset[int] = frozenset()
) -> list[Tick]:
    grid = Resampler()
    frames = [frame(t) for i, t in enumerate(times_s) if i not in lost]
    return [
        tick
        for i, f in enumerate(frames)
        if grid.wants(f)
        for tick in grid.advance(f, Sighting(f.time_s, None if i in unseen else pose_at(f.time_s)))
    ]


@pytest.mark.parametrize(("fps", "frames"), [(25, 126), (30000 / 1001, 150), (30, 151), (50, 251), (60, 301)])
def test_five_seconds_of_any_rate_are_150_ticks_and_the_first(fps: float, frames: int) -> None:
    """5.0 s at 30 Hz are ticks 0..150; at 29.97 fps 150 frames end just after tick 149."""
    got = ticks(i / fps for i in range(frames))
    assert [t.number for t in got] == list(range(150 if fps == 30000 / 1001 else 151))
    assert all(t.measured for t in got)


@pytest.mark.parametrize("fps", [24, 25, 30000 / 1001, 30, 50, 60])
def test_a_steady_movement_keeps_its_speed_at_any_rate(fps: float) -> None:
    """100 px/s is 3.333 px a tick: at 25 fps, counting frames would have made it 4 px."""
    got = ticks(7.0 + i / fps for i in range(round(3 * fps)))
    steps_px = np.diff([t.keypoints[0, 0] for t in got])
    assert steps_px == pytest.approx(100 / 30, abs=0.12)  # a tick may lie 1 ms (0.1 px) after the frame it takes


@pytest.mark.parametrize(("fps", "posed"), [(30, 60), (50, 60), (60, 60)])
def test_two_seconds_need_about_60_poses_at_high_frame_rates(fps: int, posed: int) -> None:
    """At 60 fps every second frame, at 50 fps three of five go to the pose network."""
    grid = Resampler()
    wanted = 0
    for i in range(2 * fps):
        f = frame(i / fps)
        if grid.wants(f):
            wanted += 1
            list(grid.advance(f, Sighting(f.time_s, pose_at(f.time_s))))
    assert wanted == pytest.approx(posed, abs=1)


def test_lost_frames_are_interpolated_and_told() -> None:
    """Of three lost frames at 30 fps the middle tick is 67 ms from both neighbours, over one step of the grid."""
    got = ticks((i / 30 for i in range(30)), lost=frozenset({10, 11, 12}))
    assert [t.number for t in got if not t.measured] == [11]
    assert got[11].keypoints[0, 0] == pytest.approx(100 * 11 / 30, abs=0.01)


def test_fifteen_poses_a_second_measure_every_tick_and_eight_do_not() -> None:
    """Every second tick of 15 fps lies 33 ms from a frame; at 8 fps (125 ms apart) some lie over 34 ms away."""
    assert all(t.measured for t in ticks(i / 15 for i in range(30)))
    assert not all(t.measured for t in ticks(i / 8 for i in range(30)))


def test_a_missed_detection_is_bridged() -> None:
    """Five frames without a pose are 0.2 s between the poses around them: bridged, not emptied."""
    got = ticks((i / 30 for i in range(40)), unseen=frozenset(range(10, 15)))
    assert [t.number for t in got] == list(range(40))
    assert all(t.keypoints[0, 2] > 0 for t in got)


def test_nobody_for_longer_than_the_gap_gives_empty_ticks() -> None:
    """Ten frames without a pose are 0.37 s: too long to guess what the body did."""
    got = ticks((i / 30 for i in range(40)), unseen=frozenset(range(10, 20)))
    empty = [t.number for t in got if not t.keypoints.any()]
    assert empty == list(range(10, 20))


def test_a_gap_without_frames_is_not_bridged() -> None:
    """0.5 s without a frame: no tick may hold a pose that was never near it."""
    got = ticks([*(i / 30 for i in range(10)), *(0.8 + i / 30 for i in range(10))])
    assert any(not t.keypoints.any() for t in got)
    assert all(t.measured for t in got)


def test_a_cut_is_told_on_the_next_tick_and_never_interpolated_across() -> None:
    """The pose before the cut is another shot: a tick between the two would be nobody's body."""
    grid = Resampler()
    list(grid.advance(frame(0.0), Sighting(0.0, pose_at(0.0))))
    after = list(grid.advance(frame(0.04), Sighting(0.04, pose_at(0.04, 9000.0), "cut")))
    assert after == []  # tick 1 at 0.033 s lies before the cut, tick 2 at 0.067 s is not reached yet
    later = list(grid.advance(frame(0.08), Sighting(0.08, pose_at(0.08, 9000.0))))
    assert [(t.number, t.broken) for t in later] == [(2, "cut")]


def test_a_new_epoch_starts_the_grid_again_and_is_told() -> None:
    """After a reconnect PTS may start anywhere."""
    grid = Resampler()
    list(grid.advance(frame(100.0, epoch=0), Sighting(100.0, pose_at(100.0))))
    (tick,) = grid.advance(frame(3.0, epoch=1), Sighting(3.0, pose_at(3.0)))
    assert (tick.number, tick.time_s, tick.broken) == (0, 3.0, "cut")


def test_a_keypoint_seen_on_one_side_only_is_not_dragged_to_the_corner() -> None:
    """An unseen keypoint has no place: interpolating to its 0,0 would invent a movement."""
    before, after = pose_at(0.0), pose_at(1 / 30)
    after.keypoints[4] = 0.0
    near_before = between(before, after, 0.01)
    near_after = between(before, after, 0.03)
    assert near_before[4].tolist() == before.keypoints[4].tolist()
    assert near_after[4, 2] == 0.0
