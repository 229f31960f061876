"""A causal filter that steadies keypoints without making fast hands late."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from monitor.stages.resample import MAX_GAP_S

Floats = npt.NDArray[np.float32]

MIN_CUTOFF_HZ = 1.5
BETA = 12.0
SPEED_CUTOFF_HZ = 3.0


def filter_name(smooth: bool) -> str:
    """Name the filter and its parameters as tracks and a model's card do: a model needs poses that went through it."""
    if not smooth:
        return "none"
    return f"one-euro, min_cutoff {MIN_CUTOFF_HZ:g} Hz, beta {BETA:g}, speed_cutoff {SPEED_CUTOFF_HZ:g} Hz"


class OneEuroFilter:
    """The one-euro filter (Casiez, Roussel, Vogel, CHI 2012) on every coordinate, on the stream's clock.

    The cut-off rises with speed, measured in shoulder widths per second, so that a far and a near speaker are
    filtered alike. A keypoint that was unseen starts anew, and so does all after a pause over MAX_GAP_S: the window
    starts anew there too, and who comes next may be somebody else. One push costs some 50 us.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything: what comes next is another person or another shot."""
        self._time_s: float | None = None
        self._xy = np.zeros((18, 2), np.float32)
        self._speed = np.zeros((18, 2), np.float32)  # pixels per second
        self._seen = np.zeros(18, bool)

    def push(self, time_s: float, keypoints: Floats, scale_px: float) -> Floats:
        """Steady keypoints (18, 3) of the frame at time_s; scale_px is the speaker's shoulder width."""
        seen = keypoints[:, 2] > 0
        xy = keypoints[:, :2]
        step_s = 0.0 if self._time_s is None else time_s - self._time_s
        known = seen & self._seen & (0 < step_s <= MAX_GAP_S)
        if known.any():
            speed = (xy - self._xy) / step_s
            self._speed = np.where(
                known[:, None], self._speed + _share(SPEED_CUTOFF_HZ, step_s) * (speed - self._speed), 0
            )
            pace = np.sqrt((self._speed**2).sum(1, keepdims=True)) / scale_px  # shoulder widths per second
            share = _share(MIN_CUTOFF_HZ + BETA * pace, step_s)
            self._xy = np.where(known[:, None], self._xy + share * (xy - self._xy), xy)
        else:
            self._xy, self._speed = xy.copy(), np.zeros((18, 2), np.float32)
        self._time_s, self._seen = time_s, seen
        out = keypoints.copy()
        out[seen, :2] = self._xy[seen]
        return out


def _share(cutoff_hz: Any, step_s: float) -> Any:
    """How much of a new value a low-pass filter of this cut-off takes after step_s."""
    rise = 2 * math.pi * step_s * cutoff_hz
    return rise / (rise + 1)
