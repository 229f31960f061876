"""What a person's file says of their face: a mean vector an event, and how near a shot's mean has to come."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.errors import ModelMismatch, ModelUnreadable
from models.face.align import DLIB, PLACINGS, WIDE, Placing
from models.face.cohort import Cohort
from models.face.network import NUMBERS

Vector = npt.NDArray[np.float32]

LARGEST_LIMIT = 0.6
"""dlib's own limit for single pictures. Of means of two people 5 % lie under 0.50 already
(models/face/README.md): beyond it the face says little."""

NEARER = 0.08
"""How much nearer two means have to lie than the cohort's nearest to them, where that is less than the limit
(models/face/README.md)."""

MOST_EVENTS = 1000
"""So many events are some 2 MB; more is a mistake or an attack."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceReferences:
    """A person's face, as a network saw it at some events.

    means is (E, 128) float32, the mean of eight or more vectors of each event, in no order. limit is the Euclidean
    distance up to which the mean of a shot was this person's when it was measured. Vectors of another network than the
    one of network_sha256, or of chips with another placing, mean nothing beside these. cohort tells where faces stand
    so close that the limit has to be lower; None: it is one for all.
    """

    network_sha256: str
    limit: float
    means: npt.NDArray[np.float32]
    placing: Placing = DLIB
    cohort: Cohort | None = None

    def distance(self, mean: Vector) -> float:
        """Tell how far the mean (128,) of some looks lies from the nearest event."""
        return float(np.linalg.norm(self.means - mean, axis=1).min())

    def limit_for(self, mean: Vector) -> float:
        """Tell how near to the nearest event the mean (128,) of some looks has to lie to be this person's.

        That is the limit, or less where the face or the event stands in a crowd.
        """
        if self.cohort is None:
            return self.limit
        event = self.means[np.linalg.norm(self.means - mean, axis=1).argmin()]
        return min(self.limit, (self.cohort.away(mean) + self.cohort.away(event)) / 2 - NEARER)

    def to_json(self) -> dict[str, Any]:
        """Give what from_json reads; the shortest decimals that read back as the same float32."""
        means = [[float(str(number)) for number in mean] for mean in self.means]
        values = {"network_sha256": self.network_sha256, "limit": self.limit, "means": means}
        beside = {} if self.cohort is None else {"cohort_sha256": self.cohort.sha256}
        return values | {"placing": self.placing.name} | beside


def from_json(
    values: Mapping[str, Any], path: Path, *, network_sha256: str, cohort: Cohort | None = None
) -> FaceReferences:
    """Read the references in a person's file at path, for the face network that runs and the cohort that ships.

    Those that were made before there was a cohort name neither it nor a placing: they keep the one limit and the wide
    chips that they were measured with.

    Raises:
        ModelMismatch: they are of another network, cohort or placing, or not of 128 numbers each.
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
    return FaceReferences(found, limit, means, _placing_of(values, path), _cohort_of(values, path, cohort))


def _placing_of(values: Mapping[str, Any], path: Path) -> Placing:
    name = str(values.get("placing", WIDE.name))
    if name not in PLACINGS:
        raise ModelMismatch(path, "face_placing", expected=" or ".join(PLACINGS), found=name)
    return PLACINGS[name]


def _cohort_of(values: Mapping[str, Any], path: Path, cohort: Cohort | None) -> Cohort | None:
    if "cohort_sha256" not in values:
        return None
    here = "none" if cohort is None else cohort.sha256
    if values["cohort_sha256"] != here:
        raise ModelMismatch(path, "face_cohort", expected=here, found=values["cohort_sha256"])
    return cohort
