"""Poses at a stream's own rate -> one pose every 1/30 s of the stream's clock.

The model has learned 150 poses as 5.0 s. Counted in frames, a 25 fps speaker would move 20 % too fast.
"""

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from models.skeleton import KEYPOINTS, RATE_HZ
from monitor.records import Frame, Pose, Reason, Sighting, Tick

MAX_GAP_S = 0.2
"""Longest stretch without a pose that is bridged by interpolation."""

EARLY_S = 0.001
"""A tick up to so much later than a frame counts as the frame's: containers round time stamps to 1 ms."""

MEASURED_S = 1 / RATE_HZ + EARLY_S
"""A tick with a posed frame this near is measured: met by every tick from 15 fps up. A gesture has little above the
7.5 Hz that 15 poses a second still show; what is thinner than that is told as low coverage."""

NOBODY = np.zeros((len(KEYPOINTS), 3), np.float32)
NOBODY.setflags(write=False)


class Resampler:
    """The uniform 30 Hz clock of one channel, set to 0 at each epoch's first frame.

    Ticks rise without repeats. A tick is given out once the pose after it is known, so it is at most MAX_GAP_S late;
    at 30 fps it is given out with its own frame.
    """

    def __init__(self) -> None:
        self._epoch: int | None = None
        self._origin_s = 0.0
        self._next = 0
        self._frame_s: float | None = None
        self._pose: Pose | None = None
        self._broken: Reason | None = None

    def wants(self, frame: Frame) -> bool:
        """Tell whether a pose of this frame would be used: at 50 or 60 fps only the frames nearest to a tick are."""
        last_s, self._frame_s = self._frame_s, frame.time_s
        if last_s is None or frame.epoch != self._epoch:
            return True
        interval_s = frame.time_s - last_s
        if interval_s > 1 / 40:
            return True
        offset_s = math.remainder(frame.time_s - self._origin_s, 1 / RATE_HZ)
        return abs(offset_s) <= interval_s / 2 + EARLY_S

    def advance(self, frame: Frame, sighting: Sighting) -> Iterator[Tick]:
        """Give out the ticks that this frame completes."""
        if frame.epoch != self._epoch:
            self._start(frame)
        if sighting.broken is not None:
            self._broken, self._pose = sighting.broken, None
            self._skip_before(frame.time_s)
        pose = sighting.pose
        if pose is not None:
            yield from self._reach(frame, pose)
            self._pose = pose
        elif self._pose is None or frame.time_s - self._pose.time_s > MAX_GAP_S:
            self._pose = None
            yield from self._emit_empty(frame)

    def _start(self, frame: Frame) -> None:
        if self._epoch is not None:
            self._broken = "cut"
        self._epoch, self._origin_s, self._next, self._pose = frame.epoch, frame.time_s, 0, None

    def _time_s(self, number: int) -> float:
        return self._origin_s + number / RATE_HZ

    def _skip_before(self, time_s: float) -> None:
        """Leave out ticks that belong to neither side of a break."""
        self._next = max(self._next, math.ceil((time_s - self._origin_s - EARLY_S) * RATE_HZ))

    def _reach(self, frame: Frame, pose: Pose) -> Iterator[Tick]:
        before = self._pose
        if before is not None and pose.time_s - before.time_s > MAX_GAP_S:
            before = None
            yield from self._emit_empty(frame, until_s=pose.time_s - 1 / RATE_HZ)
        if before is None:
            self._skip_before(pose.time_s)
            before = pose
        while (time_s := self._time_s(self._next)) <= pose.time_s + EARLY_S:
            nearest_s = min(abs(time_s - before.time_s), abs(pose.time_s - time_s))
            yield self._tick(frame, between(before, pose, time_s), measured=nearest_s <= MEASURED_S)

    def _emit_empty(self, frame: Frame, until_s: float | None = None) -> Iterator[Tick]:
        until_s = frame.time_s if until_s is None else until_s
        while self._time_s(self._next) <= until_s + EARLY_S:
            yield self._tick(frame, NOBODY, measured=True)

    def _tick(self, frame: Frame, keypoints: npt.NDArray[np.float32], *, measured: bool) -> Tick:
        number, self._next = self._next, self._next + 1
        broken, self._broken = self._broken, None
        return Tick(number, self._time_s(number), frame.arrived_s, keypoints, measured, broken)


def between(before: Pose, after: Pose, time_s: float) -> npt.NDArray[np.float32]:
    """Interpolate linearly; a keypoint that only one side has seen is the nearer side's, seen or not."""
    span_s = after.time_s - before.time_s
    share = min(max((time_s - before.time_s) / span_s, 0.0), 1.0) if span_s > 0 else 1.0
    a, b = before.keypoints, after.keypoints  # (18, 3)
    mixed = (a + np.float32(share) * (b - a)).astype(np.float32)
    nearer = b if share >= 0.5 else a
    both = (a[:, 2:] > 0) & (b[:, 2:] > 0)  # (18, 1)
    return np.where(both, mixed, nearer)
