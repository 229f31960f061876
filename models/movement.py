"""How fast each keypoint moves, in a unit that can be pictured: shoulder widths a second.

For the person who reads an explanation, beside it: "right wrist 1.9, normally 0.4 to 1.2". No network looks at it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from models.skeleton import KEYPOINTS, LEFT_SHOULDER, NECK, RATE_HZ, RIGHT_SHOULDER, UPPER_BODY

APART = 5
"""Poses between the two ends of a step, 1/6 s: no gesture is shorter, and over it a pose network's jitter, which is
another at another frame rate, adds little."""

LOW, HIGH = 5, 95
"""Percentiles that bound what is normal."""

FEWEST = 20
"""Of fewer windows there is no 5th percentile to speak of."""


def speeds(window: npt.NDArray[np.float32]) -> dict[str, float]:
    """Give each upper keypoint's mean speed in one window, (T, 18, 3) raw keypoints.

    Shoulder widths (their median in the window) a second, about the neck; the neck's own is across the picture. A
    keypoint is left out that is not seen at both ends of at least half of the steps.
    """
    xy, seen = window[..., :2].astype(np.float64), window[..., 2] > 0  # (T, 18, 2), (T, 18)
    both = seen[:, RIGHT_SHOULDER] & seen[:, LEFT_SHOULDER]
    across_px = np.linalg.norm(xy[both, RIGHT_SHOULDER] - xy[both, LEFT_SHOULDER], axis=1)
    if len(across_px) == 0 or (shoulders_px := float(np.median(across_px))) < 1.0:
        return {}
    place = xy - xy[:, [NECK]]
    place[:, NECK] = xy[:, NECK]
    shown = seen & seen[:, [NECK]]
    known = shown[APART:] & shown[:-APART]  # (T - APART, 18)
    way = np.linalg.norm(place[APART:] - place[:-APART], axis=2) / shoulders_px * RATE_HZ / APART  # (T - APART, 18)
    return {
        KEYPOINTS[k]: float(way[known[:, k], k].mean())
        for k in UPPER_BODY
        if known[:, k].any() and known[:, k].mean() >= 0.5
    }


def normal_speeds(windows: Iterable[npt.NDArray[np.float32]]) -> dict[str, dict[str, float]]:
    """Give each upper keypoint's usual speed over a person's own windows: mean, and the 5th and 95th percentiles.

    low, mean and high in shoulder widths a second, as speeds() has them; a keypoint with fewer than FEWEST windows
    is left out.
    """
    return normal_of(map(speeds, windows))


def normal_of(speeds_of: Iterable[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Give the same from what speeds() gave of each window."""
    found: dict[str, list[float]] = defaultdict(list)
    for window in speeds_of:
        for name, speed in window.items():
            found[name].append(speed)
    return {name: _range(np.array(values)) for name, values in found.items() if len(values) >= FEWEST}


def _range(values: npt.NDArray[np.float64]) -> dict[str, float]:
    low, high = np.percentile(values, [LOW, HIGH])
    return {"low": round(float(low), 3), "mean": round(float(values.mean()), 3), "high": round(float(high), 3)}
