"""What a person's file says of their face: a mean vector an event, and how near a shot's mean has to come."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.errors import ModelMismatch, ModelUnreadable
from models.face.network import NUMBERS

Vector = npt.NDArray[np.float32]

LARGEST_LIMIT = 0.6
"""dlib's own limit for single pictures. Of means of two people 5 % lie under 0.50 already
(models/face/README.md): beyond it the face says little."""

MOST_EVENTS = 1000
"""So many events are some 2 MB; more is a mistake or an attack."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceReferences:
    """A person's face, as a network saw it at some events.

    means is (E, 128) float32, the mean of eight or more vectors of each event, in no order. limit is the Euclidean
    distance up to which the mean of a shot was this person's when it was measured. Vectors of another network than the
    one of network_sha256 mean nothing beside these.
    """

    network_sha256: str
    limit: float
    means: npt.NDArray[np.float32]

    def distance(self, mean: Vector) -> float:
        """Tell how far the mean (128,) of some looks lies from the nearest event."""
        return float(np.linalg.norm(self.means - mean, axis=1).min())

    def to_json(self) -> dict[str, Any]:
        """Give what from_json reads; the shortest decimals that read back as the same float32."""
        means = [[float(str(number)) for number in mean] for mean in self.means]
        return {"network_sha256": self.network_sha256, "limit": self.limit, "means": means}


def from_json(values: Mapping[str, Any], path: Path, *, network_sha256: str) -> FaceReferences:
    """Read the references in a person's file at path, for the face network that runs.

    Raises:
        ModelMismatch: they are of another network, or not of 128 numbers each.
        ModelUnreadable: they are not whole.
    """
    try:
        found = str(values["network_sha256"])
        means = np.array(values["means"], np.float32)
        limit = float(values["limit"])
    except (KeyError, TypeError, ValueError, OverflowError):
        raise ModelUnreadable(path, "its face references are not network_sha256, limit and means") from None
    if found != network_sha256:
        raise ModelMismatch(path, "face_network", expected=network_sha256, found=found)
    if means.ndim != 2:
        raise ModelUnreadable(path, "its face references hold no list of mean vectors")
    if means.shape[1] != NUMBERS:
        raise ModelMismatch(path, "numbers_per_face", expected=NUMBERS, found=means.shape[1])
    if len(means) > MOST_EVENTS:
        raise ModelUnreadable(path, f"its face references are of {len(means)} events, {MOST_EVENTS} at most are taken")
    if not np.isfinite(means).all() or not 0 < limit <= LARGEST_LIMIT:
        why = f"its face references have a limit of {limit:g} or numbers that are none; a limit is 0 to {LARGEST_LIMIT}"
        raise ModelUnreadable(path, f"{why}, or strangers pass")
    return FaceReferences(found, limit, means)
