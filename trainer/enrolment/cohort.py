"""Make the cohort of models/face/cohort.py: `python -m trainer.enrolment.cohort SFHQ T2I [OUT]`.

SFHQ and T2I are checkouts of SelfishGene/SFHQ-dataset (4c898bc7936c) and SelfishGene/SFHQ-T2I-dataset (a8064474a09c),
both MIT: pictures of people who do not exist, made by generators, a few hundred on sheets of six rows. The sheets by
origin and age are taken, for the cohort has to be as varied as people are. Writes OUT (face-cohort.npy) and its line in
the index.json beside it.
"""

import hashlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from models import artifact
from models.errors import WeightsUnreadable
from models.face.align import Unseen, align
from models.face.cohort import FILE
from models.face.embed import FaceNetwork
from models.skeleton import LEFT_EYE, RIGHT_EYE
from monitor.records import Frame
from monitor.stages.pose import PoseNetwork
from monitor.stages.speaker import SpeakerTracker

Image = npt.NDArray[np.uint8]
Vectors = npt.NDArray[np.float32]

SHEETS = (
    (
        "SFHQ",
        "images/SFHQ_variability_ethnicity.jpg",
        "4bffebd2fb1b9a28690226e863ae084b39aaaeac829bcdc744f66f789dcc519f",
    ),
    (
        "SFHQ",
        "images/SFHQ_variability_age_X_ethnicity_1.jpg",
        "e34646f6d09fdfba6c8b47f6d878b4d747d4b681f7c710cc66759f1478ede857",
    ),
    (
        "SFHQ",
        "images/SFHQ_variability_age_X_ethnicity_2.jpg",
        "7d1fae55a31ffa14c16ab43dcc75a678861a71ff58de2008da554d2f6618a2f0",
    ),
    (
        "T2I",
        "figures/textual_search_2_Ethnicity_top_10_matches.jpg",
        "5a4b84a88447131d063eb6bf6e10c356959a1054707f12acf7cc4627dce99d8a",
    ),
    (
        "T2I",
        "figures/textual_search_2_Ethnicity x Age 1_top_10_matches.jpg",
        "40ab38158edffa32d8666db83d84451ee4c697ad53184fed7a940bf25ed672fd",
    ),
    (
        "T2I",
        "figures/textual_search_2_Ethnicity x Age 2_top_10_matches.jpg",
        "c8d65a71e067f074c909b0b75ddbc490931f2b9843d9a9ff3d7bd8728629212c",
    ),
    (
        "T2I",
        "figures/textual_search_2_Ethnicity x Age 3_top_10_matches.jpg",
        "2af8761f11c6d55df42c543ed3ceeb0f9e11efce87453ae4ef1242f97b1f0223",
    ),
    (
        "T2I",
        "figures/textual_search_2_Age_x_Ethnicity x Sex 1_top_10_matches.jpg",
        "03be0406d1be0c798481e070281a4b271b779fcd0c74e2413277c36a0de09a30",
    ),
    (
        "T2I",
        "figures/textual_search_2_Age_x_Ethnicity x Sex 2_top_10_matches.jpg",
        "07532872093652e644ba450aa2abb74e2648cfb910f18e088e7ce30888d5cd00",
    ),
)

ALIKE = 0.2
"""Nearer together two faces are one picture that stands on two sheets."""

TILE_PX = 340
PLACES = [(10 + 360 * row, 43 + 426 * column) for row in (0, 1) for column in (0, 1, 2)]
"""Where six pictures are shown to the pose network at once, on grey, as (top, left) in 720 x 1280 pixels."""


def read_sheet(path: Path, sha256: str) -> Image:
    """Read a sheet, if it is the published one.

    Raises:
        WeightsUnreadable: it isn't there or isn't that one.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WeightsUnreadable(path, (error.strerror or "it can't be read").lower()) from None
    if (found := hashlib.sha256(content).hexdigest()) != sha256:
        raise WeightsUnreadable(path, f"its sha256 is {found}, the published one has {sha256}")
    return np.asarray(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def cut_apart(sheet: Image) -> list[Image]:
    """Cut the pictures out of a sheet (H, W, 3) whose ground is black; those that dark edges shorten are left out."""
    light = sheet.max(axis=2)
    found = [
        sheet[top:bottom, left:right]
        for top, bottom in _runs((light > 40).mean(axis=1) > 0.35, 150)
        for left, right in _runs((light[top:bottom] > 30).mean(axis=0) > 0.25, 100)
    ]
    usual = np.median([picture.shape[:2] for picture in found], axis=0)
    return [picture for picture in found if (np.abs(picture.shape[:2] - usual) < 0.06 * usual).all()]


def _runs(lit: npt.NDArray[np.bool_], least: int) -> list[tuple[int, int]]:
    """Give where stretches of True begin and end that are so long."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], lit, [False])).astype(np.int8)))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2) if end - start >= least]


def chips(pictures: list[Image], network: PoseNetwork) -> Iterator[Image]:
    """Cut the face out of each picture that shows one."""
    for first in range(0, len(pictures), len(PLACES)):
        six = pictures[first : first + len(PLACES)]
        canvas = np.full((720, 1280, 3), 110, np.uint8)
        for (top, left), picture in zip(PLACES, six, strict=False):
            canvas[top : top + TILE_PX, left : left + TILE_PX] = cv2.resize(picture, (TILE_PX, TILE_PX))
        frame = Frame("sheet", 0, 0.0, 0.0, canvas)
        [people] = network.find([SpeakerTracker().crop(frame)])
        for (top, left), picture in zip(PLACES, six, strict=False):
            inside = [one for one in people if _is_in(one, top, left)]
            yield from _chip(picture, inside, top, left)


def _is_in(keypoints: npt.NDArray[np.float32], top: int, left: int) -> bool:
    """Tell whether both eyes were seen, and the right one in the picture whose corner this is."""
    x, y = keypoints[RIGHT_EYE, :2]
    return bool(keypoints[[RIGHT_EYE, LEFT_EYE], 2].min() > 0 and 0 < x - left < TILE_PX and 0 < y - top < TILE_PX)


def _chip(picture: Image, people: list[npt.NDArray[np.float32]], top: int, left: int) -> list[Image]:
    if not people:
        return []
    largest = max(people, key=lambda one: float(np.linalg.norm(one[RIGHT_EYE, :2] - one[LEFT_EYE, :2])))
    scale = np.array(picture.shape[1::-1]) / TILE_PX
    keypoints = largest.copy()
    keypoints[:, :2] = (largest[:, :2] - (left, top)) * scale
    chip = align(picture, keypoints)
    return [] if isinstance(chip, Unseen) else [chip]


def distinct(faces: Vectors) -> Vectors:
    """Leave out of (N, 128) what lies nearer than ALIKE to one before it."""
    kept: list[int] = []
    for number, face in enumerate(faces):
        if not kept or np.linalg.norm(faces[kept] - face, axis=1).min() > ALIKE:
            kept.append(number)
    return faces[kept]


def main(sfhq: str, t2i: str, out: str = str(FILE)) -> None:
    """Make the cohort and enter it in the index.json beside it."""
    network, faces, roots = PoseNetwork(threads=1), FaceNetwork(), {"SFHQ": Path(sfhq), "T2I": Path(t2i)}
    seen = [
        faces.vectors([chip])[0]
        for root, name, sha256 in SHEETS
        for chip in chips(cut_apart(read_sheet(roots[root] / name, sha256)), network)
    ]
    buffer = io.BytesIO()
    np.save(buffer, distinct(np.stack(seen)).astype(np.float16))
    content, path = buffer.getvalue(), Path(out)
    artifact.replace_file(path, content)
    entry = {
        "file": path.name,
        "kind": "face-cohort",
        "licence": "MIT",
        "network_sha256": faces.sha256,
        "sha256": hashlib.sha256(content).hexdigest(),
        "source": "SelfishGene/SFHQ-dataset 4c898bc7936c and SelfishGene/SFHQ-T2I-dataset a8064474a09c on GitHub, "
        f"{len(SHEETS)} sheets of generated faces, through {faces.name}",
    }
    artifact.enter(path.parent, path.stem, entry)


if __name__ == "__main__":
    main(*sys.argv[1:4])
