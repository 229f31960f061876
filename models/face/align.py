"""Cuts a face out of a frame, upright and of one size, by the eyes that OpenPose found; no face detector is needed."""

from dataclasses import dataclass
from math import ceil, hypot

import cv2
import numpy as np
import numpy.typing as npt

from models.face.network import CHIP_PX
from models.skeleton import LEFT_EAR, LEFT_EYE, LEFT_SHOULDER, NOSE, RIGHT_EAR, RIGHT_EYE, RIGHT_SHOULDER

Floats = npt.NDArray[np.float32]
Chip = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Placing:
    """Where the eyes come to lie in a chip: their mid-point and their distance, as shares of its side."""

    name: str
    eyes_at: tuple[float, float]
    eyes_apart: float


DLIB = Placing("dlib", (0.4934, 0.3107), 0.353)
"""As in dlib's own chips, which the network was trained on: the eyes of dlib's mean face, (0.226, 0.216) and
(0.755, 0.216) of the face's square, with a quarter of it added on each side (get_face_chip_details, padding 0.25)."""

WIDE = Placing("wide", (0.5, 0.38), 0.30)
"""Of references that were made before a placing stood in them: the face is smaller and lower than the network expects,
and strangers lie nearer together for it (models/face/README.md)."""

PLACINGS = {placing.name: placing for placing in (DLIB, WIDE)}

SMALLEST_EYES_PX = 12.0
"""A face with its eyes nearer together is left out: at 12 a shot's mean lies up to 0.15 further from its person's than
at full size, at 8 up to 0.23 (models/face/README.md)."""

CLEAR_EYE = 0.6
"""Least confidence of each eye: faces in view have 0.68 and more, profiles and dim faces 0.2 to 0.53."""

MOST_TURNED = 0.35
"""How far the nose may lie from the eyes' mid-point, along the line of the eyes and in their distance. A nose stands
about half as far before the eyes as these are apart, so a turned head moves it by half of the turn's tangent: 35
degrees."""

EARS_APART = 1.0
"""How much further one ear may lie behind its eye than the other, in distances of the eyes: 0.7 to 0.93 of speakers
before a camera a little to their side, whose looks lie as far from their mean as anybody's (0.33 to 0.38)."""

LONE_EAR = 1.3
"""How far an ear may lie behind its eye when the other is not seen: up to here looks lie 0.31 to 0.34 from their
person's mean, from 1.6 on 0.44, where the head hides it."""

NARROWEST_EYES = 0.10
"""Least distance of the eyes in shoulder widths. It is 0.16 to 0.25 of people who face the camera, and less only where
the head is turned further than the shoulders."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """Why there is no chip, in words that follow "the face is not looked at: "."""

    why: str


def align(image: npt.NDArray[np.uint8], keypoints: Floats, placing: Placing = DLIB) -> Chip | Unseen:
    """Cut a face out, turned so that its eyes are level, at one size; or tell why it can't be.

    image is (H, W, 3) uint8, BGR; keypoints (18, 3) as in monitor.records.Pose. Gives (150, 150, 3) uint8, RGB; black
    where it leaves the picture. Takes 0.2 ms, and 2 ms for a face that fills a frame of 1080 lines.
    """
    if (why := unseen(keypoints)) is not None:
        return why
    right, left = keypoints[RIGHT_EYE, :2].astype(float), keypoints[LEFT_EYE, :2].astype(float)
    scale = hypot(*(left - right)) / (placing.eyes_apart * CHIP_PX)  # pixels of the frame for one of the chip
    side_px = CHIP_PX * max(1, ceil(scale))  # a larger face is averaged: skipped pixels would flicker as it moves
    cut = cv2.warpAffine(image, _to_chip(right, left, side_px, placing), (side_px, side_px))
    if side_px > CHIP_PX:
        cut = cv2.resize(cut, (CHIP_PX, CHIP_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(cut, cv2.COLOR_BGR2RGB), np.uint8)


def unseen(keypoints: Floats) -> Unseen | None:
    """Tell why a face can't be cut out by these keypoints (18, 3), or None when it can."""
    for name, number in (("right eye", RIGHT_EYE), ("left eye", LEFT_EYE), ("nose", NOSE)):
        if not keypoints[number, 2] > 0:
            return Unseen(f"its {name} is not seen")
    if keypoints[[RIGHT_EYE, LEFT_EYE], 2].min() < CLEAR_EYE:
        return Unseen("its eyes are not seen clearly")
    right, left, nose = keypoints[[RIGHT_EYE, LEFT_EYE, NOSE], :2].astype(float)
    apart = hypot(*(left - right))
    if apart < SMALLEST_EYES_PX:
        return Unseen(f"it is too small: the eyes are {apart:.0f} pixels apart, {SMALLEST_EYES_PX:.0f} are needed")
    along, below = _across(left - right, nose - (left + right) / 2)
    if below <= 0:
        return Unseen("its nose lies above the eyes")
    if abs(along) > MOST_TURNED or apart < NARROWEST_EYES * _shoulders_px(keypoints) or _ears_tell_of_a_turn(keypoints):
        return Unseen("it is turned too far away")
    return None


def _ears_tell_of_a_turn(keypoints: Floats) -> bool:
    """Tell whether the ears lie as those of a turned head: the pose network moves them more than it moves the nose."""
    right, left = keypoints[[RIGHT_EYE, LEFT_EYE], :2].astype(float)
    eyes = left - right
    behind_right = float((right - keypoints[RIGHT_EAR, :2]) @ eyes / (eyes @ eyes))
    behind_left = float((keypoints[LEFT_EAR, :2] - left) @ eyes / (eyes @ eyes))
    seen = keypoints[[RIGHT_EAR, LEFT_EAR], 2] > 0
    if seen.all():
        return abs(behind_right - behind_left) > EARS_APART
    return bool(seen.any()) and (behind_right if seen[0] else behind_left) > LONE_EAR


def _across(eyes: npt.NDArray[np.float64], nose: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Tell how far the nose lies along the line of the eyes, and below it, in distances of the eyes."""
    square = float(eyes @ eyes)
    return float(nose @ eyes) / square, float(eyes[0] * nose[1] - eyes[1] * nose[0]) / square


def _shoulders_px(keypoints: Floats) -> float:
    """Give the shoulder width, 0 where a shoulder is not seen."""
    right, left = keypoints[[RIGHT_SHOULDER, LEFT_SHOULDER]]
    return hypot(*(left - right)[:2]) if right[2] > 0 and left[2] > 0 else 0.0


def _to_chip(
    right: npt.NDArray[np.float64], left: npt.NDArray[np.float64], side_px: int, placing: Placing
) -> npt.NDArray[np.float64]:
    """Give the similarity (2, 3) that takes the eyes of a frame to their places in a chip of so many pixels.

    Pixels' centres have whole coordinates, so a chip reaches from -0.5 to side_px - 0.5.
    """
    eyes = left - right
    turn = placing.eyes_apart * side_px * np.array([[eyes[0], eyes[1]], [-eyes[1], eyes[0]]]) / (eyes @ eyes)  # (2, 2)
    middle = np.array(placing.eyes_at) * side_px - 0.5
    return np.column_stack((turn, middle - turn @ ((left + right) / 2)))
