"""People with true keypoints in COCO's format, and how near a found person comes to one of them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from monitor.errors import ConfigError

Floats = npt.NDArray[np.float32]

COCO_UPPER = (0, 2, 1, 4, 3, 6, 8, 10, 5, 7, 9)
"""COCO's numbers of the upper body's keypoints: nose, eyes, ears, right arm, left arm; COCO has no neck."""

OURS = (0, 14, 15, 16, 17, 2, 3, 4, 5, 6, 7)
"""The same keypoints' numbers in skeleton.KEYPOINTS."""

SPREAD = 2 * np.array([26, 25, 25, 35, 35, 79, 72, 62, 79, 72, 62]) / 1000
"""How far human annotators stray, relative to a person's size (COCO's keypoint evaluation)."""


@dataclass(frozen=True, slots=True, eq=False)
class Annotated:
    """A picture and the people in it: keypoints (17, 3) as x_px, y_px, 0 not labelled; area in square pixels."""

    image: npt.NDArray[Any]
    people: list[tuple[Floats, float]]


def read_coco(path: Path) -> list[Annotated]:
    """Read a COCO keypoint file; its pictures lie in the same folder.

    Raises:
        ConfigError: it is no such file, or a picture is missing.
    """
    try:
        content = json.loads(path.read_bytes())
        files = {image["id"]: path.parent / image["file_name"] for image in content["images"]}
        people: dict[int, list[tuple[Floats, float]]] = {number: [] for number in files}
        for one in content["annotations"]:
            keypoints = np.array(one["keypoints"], np.float32).reshape(17, 3)
            if (keypoints[list(COCO_UPPER), 2] > 0).any():
                people[one["image_id"]].append((keypoints, float(one["area"])))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError("--coco", str(path), f"is no COCO keypoint file ({type(error).__name__}: {error})") from None
    return [Annotated(_read_image(files[number]), found) for number, found in people.items() if found]


def _read_image(path: Path) -> npt.NDArray[Any]:
    image = cv2.imread(str(path))
    if image is None:
        raise ConfigError("--coco", str(path), "the picture is missing or can't be read")
    return image


def similarity(found: list[Floats], person: tuple[Floats, float]) -> float:
    """Give the best object keypoint similarity, 0..1, of people (18, 3) found with one annotated person."""
    keypoints, area = person
    truth = keypoints[list(COCO_UPPER)]
    labelled = truth[:, 2] > 0
    best = 0.0
    for one in found:
        mine = one[list(OURS)]
        off = ((mine[:, :2] - truth[:, :2]) ** 2).sum(1)
        near = np.exp(-off / (2 * area * SPREAD**2)) * (mine[:, 2] > 0)
        best = max(best, float(near[labelled].mean()))
    return best
