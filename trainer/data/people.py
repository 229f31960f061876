"""How many people a picture shows: told by what is seen of the whole frame, with the followed speaker counted once."""

import numpy as np
import numpy.typing as npt

from monitor.records import Frame, Pose
from monitor.stages.crops import CROP_SIZE
from monitor.stages.pose import Crop

Floats = npt.NDArray[np.float32]

NEAR = 0.25
"""Two readings are of one body when half of the keypoints that both have lie this near, as a share of its size."""


def count_people(seen: Floats, followed: Pose | None) -> int:
    """Count people (P, 18, 3) seen in the whole frame: the followed one once, seen there or not, and the others."""
    if followed is None:
        return len(seen)
    return 1 + sum(not _same(person, followed.keypoints) for person in seen)


def in_whole_frame(crop: Crop, people: Floats, frame: Frame) -> Floats:
    """Give, in pixels of the frame, the people of a search, or of the whole-frame view right of a followed square."""
    if crop.complete:
        return people
    seen = people[..., 2] > 0
    middle = (people[..., 0] * seen).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    border_px = crop.left_px + CROP_SIZE * crop.scale
    scale = frame.image.shape[0] / CROP_SIZE / crop.scale  # crops.side_by_side: places are in the square's pixels
    around = (people - [border_px, crop.top_px, 0]) * [scale, scale, 1] * seen[..., None]
    return np.asarray(around[middle >= border_px], np.float32)


def _same(person: Floats, followed: Floats) -> bool:
    there = followed[:, 2] > 0
    both = there & (person[:, 2] > 0)
    if not both.any():
        return False
    size_px = float(np.hypot(*np.ptp(followed[there, :2], axis=0)))
    apart_px = np.hypot(*(person[both, :2] - followed[both, :2]).T)
    return bool(np.median(apart_px) < NEAR * size_px)
