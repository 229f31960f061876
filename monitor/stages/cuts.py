"""Where one shot ends and another begins."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scenedetect import FrameTimecode
from scenedetect.detector import FlashFilter
from scenedetect.detectors import ContentDetector

WIDTH, HEIGHT = 96, 54
"""The size that pictures are compared at, in pixels."""


class CutDetector:
    """Tells hard cuts from gestures and photographers' flashes, with the frame at hand and the one before it.

    PySceneDetect's content detector says how much a picture changed; a change that leaves the pattern of light and
    dark alone (a flash, a fade of the studio's lights) is no cut. About 0.4 ms a frame.
    """

    def __init__(self, *, change: float = 20.0, likeness: float = 0.7) -> None:
        """change is the least mean difference of hue, saturation and light, 0..255; likeness a correlation."""
        self._change, self._likeness = change, likeness
        self.reset()

    def reset(self) -> None:
        """Forget the picture before: the next one follows nothing."""
        self._detector = ContentDetector(threshold=self._change, min_scene_len=1, filter_mode=FlashFilter.Mode.SUPPRESS)
        self._number = 0
        self._light: npt.NDArray[Any] | None = None

    def push(self, image: npt.NDArray[np.uint8]) -> bool:
        """Tell whether image, (H, W, 3) uint8 BGR, is the first of another shot."""
        h, w = image.shape[:2]
        every = max(1, w // (3 * WIDTH))  # averaging all pixels costs ten times as much
        sparse = cv2.resize(image, (w // every, h // every), interpolation=cv2.INTER_NEAREST)
        small = cv2.resize(sparse, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        light = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
        changed = bool(self._detector.process_frame(FrameTimecode(self._number, 30.0), small))
        cut = changed and self._light is not None and _likeness(self._light, light) < self._likeness
        self._number, self._light = self._number + 1, light
        return cut


def _likeness(before: npt.NDArray[Any], after: npt.NDArray[Any]) -> float:
    """Correlate two pictures' light, -1..1, whatever their brightness; 0 where one has no pattern at all."""
    a, b = (picture.astype(np.float32) - picture.mean() for picture in (before, after))
    power = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / power if power > 1 else 0.0
