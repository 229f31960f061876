"""Faces of people who do not exist, which tell how crowded the neighbourhood of a face is.

The network puts some faces, above all of East Asian people and of children, nearer to each other than others: a limit
that fits everybody else lets their strangers pass. A face that lies near to many of the cohort stands in such a crowd
(adaptive cohort normalisation, as of speakers: Matejka et al. 2017, "Analysis of score normalization in multilingual
speaker recognition").
"""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.artifact import WEIGHTS, read_index
from models.errors import WeightsUnreadable
from models.face.network import NUMBERS

Vector = npt.NDArray[np.float32]

FILE = WEIGHTS / "face-cohort.npy"

NEAREST = 10
"""So many of the nearest tell; 5 to 50 of them separate equally well."""


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """Vectors (N, 128) of N faces, N at least NEAREST, as the network sees chips that are placed as dlib's are."""

    sha256: str
    faces: npt.NDArray[np.float32]

    def away(self, mean: Vector) -> float:
        """Tell how far the nearest of the cohort lie from a mean (128,), on average; takes 0.1 ms."""
        return float(np.partition(np.linalg.norm(self.faces - mean, axis=1), NEAREST - 1)[:NEAREST].mean())


def read_cohort(path: Path = FILE, *, network_sha256: str) -> Cohort:
    """Read the cohort that ships, for the face network that runs.

    Raises:
        WeightsUnreadable: there is no such file or no line in the index beside it, its bytes are not those that the
            index names, or they are another network's vectors.
    """
    index = read_index(path.parent)
    entry = next((e for e in index.values() if e["file"] == path.name and e.get("kind") == "face-cohort"), None)
    if entry is None:
        raise WeightsUnreadable(path, "no face cohort of this name stands in the index.json beside it")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WeightsUnreadable(path, (error.strerror or "it can't be read").lower()) from None
    if (found := hashlib.sha256(content).hexdigest()) != entry["sha256"]:
        raise WeightsUnreadable(path, f"its sha256 is {found}, and the index.json beside it says {entry['sha256']}")
    if (network := str(entry["network_sha256"])) != network_sha256:
        raise WeightsUnreadable(
            path, f"its vectors are of the face network {network[:12]}, not of {network_sha256[:12]}"
        )
    faces = np.load(io.BytesIO(content), allow_pickle=False).astype(np.float32)
    if faces.ndim != 2 or faces.shape[1] != NUMBERS or len(faces) < NEAREST or not np.isfinite(faces).all():
        raise WeightsUnreadable(path, f"it holds {faces.shape} numbers, not {NEAREST} faces or more of {NUMBERS} each")
    return Cohort(found, faces)
