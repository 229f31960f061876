"""A face is cut out upright and at one size, or there is a reason in words."""

from math import cos, hypot, radians, sin

import cv2
import numpy as np
import pytest

from models.face.align import WIDE, Unseen, align, unseen
from models.skeleton import LEFT_EAR, LEFT_EYE, LEFT_SHOULDER, NOSE, RIGHT_EAR, RIGHT_EYE, RIGHT_SHOULDER

MIDDLE = np.array([320.0, 180.0])


def head(apart_px: float, *, turn: float = 0.0, nose: tuple[float, float] = (0.0, 0.55)) -> np.ndarray:
    """Keypoints (18, 3) of a face in the middle of a picture of 640 x 360 whose eyes' line is turned by degrees.

    The person's right eye is at the left. nose is (along the eyes, below them) in distances of the eyes, and the
    shoulders are five such distances apart.
    """
    along = apart_px * np.array([cos(radians(turn)), sin(radians(turn))])
    below = np.array([-along[1], along[0]])
    keypoints = np.zeros((18, 3), np.float32)
    for number, x, y in (
        (RIGHT_EYE, -0.5, 0),
        (LEFT_EYE, 0.5, 0),
        (NOSE, *nose),
        (RIGHT_SHOULDER, -2.5, 3),
        (LEFT_SHOULDER, 2.5, 3),
    ):
        keypoints[number] = (*(MIDDLE + x * along + y * below), 0.9)
    return keypoints


def changed(keypoints: np.ndarray, number: int, **values: float) -> np.ndarray:
    """Give keypoints in which one has another x, y or confidence."""
    other = keypoints.copy()
    for name, value in values.items():
        other[number, ("x", "y", "confidence").index(name)] = value
    return other


def discs(keypoints: np.ndarray, radius_px: int) -> np.ndarray:
    """A black picture with a white disc on each eye, placed to a sixteenth of a pixel."""
    image = np.zeros((360, 640, 3), np.uint8)
    for x, y, _ in keypoints[[RIGHT_EYE, LEFT_EYE]]:
        centre = (round(16 * float(x)), round(16 * float(y)))
        cv2.circle(image, centre, 16 * radius_px, (255, 255, 255), cv2.FILLED, cv2.LINE_AA, 4)
    return image


def centre(patch: np.ndarray) -> tuple[float, float]:
    """Where the light of a picture (H, W) is centred, as (x, y)."""
    light = patch.astype(float)
    y, x = np.indices(light.shape)
    return float((x * light).sum() / light.sum()), float((y * light).sum() / light.sum())


@pytest.mark.parametrize("turn", [0, 30, -75])
@pytest.mark.parametrize("apart_px", [24, 45, 100])
def test_the_eyes_come_to_their_places_however_the_head_leans(turn: float, apart_px: float) -> None:
    """0.30 of 150 pixels are 45 between the eyes: 52 and 97 with the pixels' centres at whole numbers, y 56.5."""
    keypoints = head(apart_px, turn=turn)
    chip = align(discs(keypoints, round(apart_px / 8)), keypoints, WIDE)
    assert isinstance(chip, np.ndarray)
    assert chip.shape == (150, 150, 3)
    assert centre(chip[:, :75, 0]) == pytest.approx((52, 56.5), abs=0.2)
    x, y = centre(chip[:, 75:, 0])
    assert (75 + x, y) == pytest.approx((97, 56.5), abs=0.2)


def test_the_eyes_come_where_the_network_was_trained_to_find_them() -> None:
    """dlib's mean face, widened by a quarter a side: eyes (0.25 + 0.226) / 1.5 and (0.25 + 0.755) / 1.5 from the left,
    (0.25 + 0.216) / 1.5 from the top; times 150, less half a pixel: 47.1, 100.0 and 46.1."""
    keypoints = head(45)
    chip = align(discs(keypoints, 6), keypoints)
    assert isinstance(chip, np.ndarray)
    assert centre(chip[:, :74, 0]) == pytest.approx((47.1, 46.1), abs=0.3)
    x, y = centre(chip[:, 74:, 0])
    assert (74 + x, y) == pytest.approx((100.0, 46.1), abs=0.3)


def test_a_chip_is_rgb() -> None:
    """The frame is BGR: (200, 100, 50) there is a blue of 200."""
    chip = align(np.full((360, 640, 3), (200, 100, 50), np.uint8), head(45))
    assert isinstance(chip, np.ndarray)
    assert chip[75, 75].tolist() == [50, 100, 200]


def test_a_face_larger_than_the_chip_is_averaged() -> None:
    """Every second pixel white: averaged it is grey, 127; picked pixel by pixel it would be a pattern of 0 and 255."""
    board = np.tile(np.array([[0, 255], [255, 0]], np.uint8), (180, 320))
    chip = align(np.stack([board] * 3, 2), head(120))
    assert isinstance(chip, np.ndarray)
    assert np.abs(chip[30:90, 30:120].astype(float) - 127.5).max() < 40
    assert chip[30:90, 30:120].mean() == pytest.approx(127.5, abs=2)


def test_a_face_at_the_edge_is_filled_up_with_black() -> None:
    """The eyes stand in row 56.5 of the chip and in row 10.25 of the frame: the first 46 rows are above the frame."""
    keypoints = head(45)
    keypoints[:, 1] -= 169.75
    chip = align(np.full((360, 640, 3), 255, np.uint8), keypoints, WIDE)
    assert isinstance(chip, np.ndarray)
    dark = (chip[:, 75, 0] < 128).sum()
    assert dark == 46


@pytest.mark.parametrize(
    ("keypoints", "why"),
    [
        (changed(head(45), LEFT_EYE, confidence=0), "its left eye is not seen"),
        (changed(head(45), RIGHT_EYE, confidence=0), "its right eye is not seen"),
        (changed(head(45), NOSE, confidence=0), "its nose is not seen"),
        (changed(head(45), LEFT_EYE, confidence=0.5), "its eyes are not seen clearly"),
        (head(11), "it is too small: the eyes are 11 pixels apart, 12 are needed"),
        (head(45, nose=(0.4, 0.5)), "it is turned too far away"),
        (head(45, nose=(-0.4, 0.5)), "it is turned too far away"),
        (head(45, nose=(0, -0.3)), "its nose lies above the eyes"),
        (changed(head(45), LEFT_SHOULDER, x=770), "it is turned too far away"),
    ],
)
def test_what_can_not_be_cut_out_is_told_in_words(keypoints: np.ndarray, why: str) -> None:
    """The last one: shoulders of 562 pixels beside eyes of 45 are 0.08, the least is 0.10."""
    assert align(np.zeros((360, 640, 3), np.uint8), keypoints) == Unseen(why)


@pytest.mark.parametrize(
    "keypoints",
    [head(12.5), head(45, nose=(0.3, 0.5)), changed(head(45), LEFT_SHOULDER, x=640), head(45, turn=80)],
)
def test_what_is_just_good_enough_is_cut_out(keypoints: np.ndarray) -> None:
    """The counterpart of the reasons: eyes of 12.5 pixels, a nose 0.3 aside, eyes of 0.104 shoulder widths."""
    assert isinstance(align(np.zeros((360, 640, 3), np.uint8), keypoints), np.ndarray)


def test_a_face_is_cut_out_without_shoulders() -> None:
    """A close-up shows none."""
    keypoints = changed(head(45), LEFT_SHOULDER, confidence=0, x=0, y=0)
    assert hypot(*keypoints[LEFT_SHOULDER, :2]) == 0
    assert isinstance(align(np.zeros((360, 640, 3), np.uint8), keypoints), np.ndarray)


def eared(right: float | None, left: float | None) -> np.ndarray:
    """A face whose ears lie so far behind their eyes, in distances of the eyes; None: not seen."""
    keypoints = head(45)
    eyes = keypoints[LEFT_EYE, :2] - keypoints[RIGHT_EYE, :2]
    for ear, eye, behind, side in ((RIGHT_EAR, RIGHT_EYE, right, -1), (LEFT_EAR, LEFT_EYE, left, 1)):
        keypoints[ear] = 0.0
        if behind is not None:
            keypoints[ear] = [*(keypoints[eye, :2] + side * behind * eyes), 0.9]
    return keypoints


@pytest.mark.parametrize(("right", "left"), [(0.36, 1.42), (1.56, 0.41), (None, 1.68), (1.4, None)])
def test_a_head_whose_ears_tell_of_a_turn_is_not_looked_at(right: float | None, left: float | None) -> None:
    """The pose network puts the nose of a turned head nearly in the middle; its face looked like somebody else's."""
    assert unseen(eared(right, left)) == Unseen("it is turned too far away")


@pytest.mark.parametrize(("right", "left"), [(0.8, 0.7), (0.51, 1.44), (0.41, 1.19), (None, 1.2), (None, None)])
def test_a_head_that_hardly_turns_or_hides_an_ear_is_looked_at(right: float | None, left: float | None) -> None:
    """Who speaks looks about, hair hides ears, and a camera stands to the side: 0.41 and 1.19 are an anchor's."""
    assert unseen(eared(right, left)) is None
