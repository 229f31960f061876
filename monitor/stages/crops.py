"""Where a person is in a frame, and the pictures that the pose network is shown of it."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from models.skeleton import LEFT_SHOULDER, NECK, RIGHT_SHOULDER
from monitor.stages.pose import Crop

Floats = npt.NDArray[np.float32]

CROP_WIDTHS = 3.3  # side of the followed square in shoulder widths
CROP_SIZE = 176  # pixels of that square at the network
CROP_BELOW = 0.45  # its centre lies so many shoulder widths under the neck
NO_CROP = Crop(np.zeros((0, 0, 3), np.uint8))


@dataclass(frozen=True, slots=True)
class BodyLocation:
    """Where a speaker is: neck in pixels of the frame, and the shoulder width that their size is told in."""

    x_px: float
    y_px: float
    width_px: float

    def near(self, other: "BodyLocation", moved: float, growth: float) -> bool:
        """Tell whether both can be the same person; moved is in shoulder widths."""
        larger = max(self.width_px, other.width_px)
        apart = float(np.hypot(self.x_px - other.x_px, self.y_px - other.y_px))
        return apart <= moved * larger and larger <= growth * min(self.width_px, other.width_px)


def locate(person: Floats) -> BodyLocation | None:
    """Tell where a person (18, 3) is, or None without a neck and both shoulders: then nobody can be followed."""
    if not (person[[NECK, RIGHT_SHOULDER, LEFT_SHOULDER], 2] > 0).all():
        return None
    width = float(np.hypot(*(person[RIGHT_SHOULDER, :2] - person[LEFT_SHOULDER, :2])))
    return BodyLocation(float(person[NECK, 0]), float(person[NECK, 1]), width)


def square_crop(image: npt.NDArray[Any], place: BodyLocation) -> Crop:
    """Cut a square around a speaker out of image and bring it to CROP_SIZE; black where it leaves the picture."""
    h, w = image.shape[:2]
    side = 8 * max(2, round(CROP_WIDTHS * place.width_px / 8))  # halves three times without a rest
    left = round(place.x_px - side / 2)
    top = round(place.y_px + CROP_BELOW * place.width_px - side / 2)
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, w), min(top + side, h)
    cut: npt.NDArray[Any] = image[y0 : max(y1, y0), x0 : max(x1, x0)]
    if cut.shape[:2] != (side, side):
        border = (max(0, -top), side, max(0, -left), side)
        cut = cv2.copyMakeBorder(cut, border[0], border[1], border[2], border[3], cv2.BORDER_CONSTANT)[:side, :side]
    seen = np.asarray(_to_size(cut, CROP_SIZE), np.uint8)
    return Crop(seen, left, top, side / CROP_SIZE, complete=False, often=True)


def _to_size(picture: npt.NDArray[Any], side: int) -> npt.NDArray[Any]:
    """Bring a square picture to side x side: by halves, then the rest; a tenth of the time of one averaging step."""
    while picture.shape[0] >= 2 * side:
        half = picture.shape[0] // 2
        picture = cv2.resize(picture[: 2 * half, : 2 * half], (half, half), interpolation=cv2.INTER_AREA)
    return cv2.resize(picture, (side, side), interpolation=cv2.INTER_LINEAR)


def whole_frame(image: npt.NDArray[Any], height: int) -> Crop:
    """Bring all of image to about this height in pixels; the sides become multiples of 8, black at right and below."""
    h, w = image.shape[:2]
    scale = h / height
    small = cv2.resize(image, (round(w / scale), round(h / scale)), interpolation=cv2.INTER_AREA)
    below, right = -small.shape[0] % 8, -small.shape[1] % 8
    padded = np.asarray(cv2.copyMakeBorder(small, 0, below, 0, right, cv2.BORDER_CONSTANT), np.uint8)
    return Crop(padded, 0.0, 0.0, scale)


def search_crop(image: npt.NDArray[Any], area: int) -> Crop:
    """Bring all of image to about so many pixels."""
    h, w = image.shape[:2]
    return whole_frame(image, round((area * h / w) ** 0.5))


def side_by_side(first: Crop, second: Crop) -> Crop:
    """Put two crops of one height beside each other; positions are told in the first one's pixels."""
    image = np.concatenate((first.image, second.image), 1)
    return Crop(image, first.left_px, first.top_px, first.scale, complete=False)
