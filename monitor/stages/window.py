"""The latest 150 poses of one person in one unbroken shot, and why there are fewer."""

import numpy as np
import numpy.typing as npt

from models.skeleton import (
    LEFT_ELBOW,
    LEFT_WRIST,
    RATE_HZ,
    RIGHT_ELBOW,
    RIGHT_WRIST,
    UPPER_BODY,
    WINDOW_POSES,
)
from monitor.records import Claim, NotJudged, Quality, Reason, Tick, Window
from monitor.stages.resample import EARLY_S

MIN_ARMS = 0.5
"""Share of poses with one whole arm in view below which there is no body language to judge."""

MIN_MEASURED = 0.9
"""Share of measured poses below which a window is not judged: interpolation rounds off quick gestures, and on a machine
that was too slow the demo's genuine speaker then looked like the impostor (seen at shares from 0.8 on)."""

SOON_POSES = 7
"""So many ticks may come with one frame, after a gap of MAX_GAP_S."""

AGAIN_POSES = 3
"""So many ticks a window that a strange look withheld may come late: else one strange picture in fifteen, always at the
frame where a window is due, would keep an impostor unjudged for ever."""

TELLING_POSES = 30
"""One second of poses is enough to say that the arms are out of view."""


class PoseWindow:
    """A ring of the latest poses on the 30 Hz grid.

    push() costs one copy of 18 x 3 floats, whatever the length. A break or a stretch with nobody in view empties the
    ring: the network has never seen a jump in time, and a score that spans a cut would be about two people.

    What lies between two emptyings is one shot: nothing says that who is seen after a cut, an epoch, a "wrong_person",
    or a pause over MAX_GAP_S (resample.py) is who was seen before. Each Window and NotJudged carries its shot's number,
    whichever reason is told: "nobody" and "filling" follow a cut to an empty lectern and take the place of "cut".

    A claim says whose face the ticks are under (identity.py). What was begun is thrown away when it is seen to be
    somebody else's or another one than before; under a face that isn't seen a whole window is kept and not judged.
    """

    def __init__(self, channel: str, *, every_s: float = 0.5, poses: int = WINDOW_POSES) -> None:
        self._channel = channel
        self._every = max(1, round(every_s * RATE_HZ))
        self._ring = np.zeros((2 * poses, 18, 3), np.float32)  # written twice, so that a window is one slice
        self._measured = np.zeros(poses, bool)
        self._length = poses
        self._epoch: int | None = None
        self._due = -1
        self._again = 0  # ticks left in which the latest withheld window may still come
        self._shot = 0
        self._count, self._at = 0, 0
        self._why: Reason = "filling"
        self._last: tuple[int, float] | None = None  # number and time_s of the latest tick
        self._faces = 0
        self._claim: Claim | None = None

    def expects(self, time_s: float) -> bool:
        """Tell whether a whole window may be due by this time of the stream."""
        if self._count < self._length - SOON_POSES or self._last is None:
            return False
        number, at_s = self._last
        return self._again > 0 or time_s >= at_s + ((self._due + 1) * self._every - number) / RATE_HZ - EARLY_S - 1e-6

    def push(self, tick: Tick, epoch: int, claim: Claim | None = None) -> Window | NotJudged | None:
        """Take one tick and whose face it is under; every every_s give the window, or the reason why there is none."""
        if epoch != self._epoch:
            if self._epoch is not None:
                self._clear("cut")
            self._epoch, self._due = epoch, -1
        if tick.broken is not None:
            self._clear(tick.broken)
        self._last = (tick.number, tick.time_s)
        self._ask(claim)
        if claim is not None and claim.who == "somebody_else":
            self._clear("someone_else")
        elif tick.keypoints[:, 2].any():
            self._keep(tick)
        else:
            self._clear("nobody")
        slot = tick.number // self._every
        if slot == self._due and self._again:
            return self._judge_again(tick, epoch)
        if slot == self._due or (self._due < 0 and tick.number % self._every):
            self._due = max(self._due, slot)
            return None
        self._due = slot
        judged = self._judge(tick, epoch)
        withheld = isinstance(judged, NotJudged) and judged.reason == "face_unseen"
        self._again = AGAIN_POSES if withheld and claim is not None and claim.passing else 0
        return judged

    def _judge_again(self, tick: Tick, epoch: int) -> Window | None:
        """Give the window that was withheld after all, once the face is again the one from before."""
        self._again -= 1
        judged = self._judge(tick, epoch)
        if isinstance(judged, NotJudged):
            return None
        self._again = 0
        return judged

    def _ask(self, claim: Claim | None) -> None:
        """Throw away what was begun under another face."""
        faces = 0 if claim is None else claim.faces
        if faces != self._faces:
            self._clear("wrong_person")
        self._faces, self._claim = faces, claim

    def _clear(self, why: Reason) -> None:
        self._shot += self._count > 0
        self._count, self._at, self._why = 0, 0, why

    def _keep(self, tick: Tick) -> None:
        if self._why in ("nobody", "someone_else"):
            self._why = "filling"
        self._ring[self._at] = self._ring[self._at + self._length] = tick.keypoints
        self._measured[self._at] = tick.measured
        self._at = (self._at + 1) % self._length
        self._count = min(self._count + 1, self._length)

    def _poses(self) -> npt.NDArray[np.float32]:
        """Give the poses at hand, (T, 18, 3) with T <= 150, oldest first."""
        end = self._at + self._length
        return self._ring[end - self._count : end]

    def _judge(self, tick: Tick, epoch: int) -> Window | NotJudged:
        poses = self._poses()
        start_s = tick.time_s - max(self._count - 1, 0) / RATE_HZ
        quality = quality_of(poses, self._measured, self._count)
        if reason := self._reason(quality):
            return NotJudged(
                self._channel, epoch, start_s, tick.time_s, tick.arrived_s, reason, self._shot, self._claim
            )
        return Window(
            self._channel,
            epoch,
            start_s,
            tick.time_s,
            tick.arrived_s,
            poses.copy(),
            quality,
            self._shot,
            self._claim,
        )

    def _reason(self, quality: Quality) -> Reason | None:
        if self._count == 0:
            return self._why
        if self._count >= TELLING_POSES and quality.arms < MIN_ARMS:
            return "arms_hidden"
        if self._count < self._length:
            return self._why
        if quality.measured < MIN_MEASURED:
            return "low_coverage"
        if self._claim is not None and not self._claim.judged:
            return "face_unseen"
        return None


def quality_of(poses: npt.NDArray[np.float32], measured: npt.NDArray[np.bool_], count: int) -> Quality:
    """Say how far poses (T, 18, 3) can be trusted; measured is the ring's (150,), of which count are filled."""
    if count == 0:
        return Quality(0.0, 0.0, 0.0)
    seen = poses[..., 2] > 0  # (T, 18)
    right, left = seen[:, [RIGHT_ELBOW, RIGHT_WRIST]].all(1), seen[:, [LEFT_ELBOW, LEFT_WRIST]].all(1)  # (T,)
    filled = measured if count == len(measured) else measured[:count]
    return Quality(
        measured=float(filled.mean()),
        arms=float((right | left).mean()),
        visible=float(seen[:, UPPER_BODY].mean()),
    )
