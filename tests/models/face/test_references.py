"""What a person's file says of their face comes back as it was, or is refused in one sentence."""

import json
from pathlib import Path

import numpy as np
import pytest

from models.errors import ModelMismatch, ModelUnreadable
from models.face.references import FaceReferences, from_json

FILE = Path("ada.pt")
MEANS = np.random.default_rng(0).normal(0, 0.1, (3, 128)).astype(np.float32)
REFERENCES = FaceReferences("b413", 0.46, MEANS)


def test_references_come_back_from_a_card_to_the_last_bit() -> None:
    """Else a replay of the same recording could decide otherwise than the machine that measured the limit."""
    written = json.dumps(REFERENCES.to_json())
    again = from_json(json.loads(written), FILE, network_sha256="b413")
    assert (again.network_sha256, again.limit) == ("b413", 0.46)
    assert again.means.dtype == np.float32
    assert (again.means == MEANS).all()


def test_the_distance_is_to_the_nearest_event() -> None:
    """3 and 4 are the legs of a triangle whose third side is 5."""
    means = np.zeros((2, 128), np.float32)
    means[0, 0], means[1, 0] = 3, 9
    mean = np.zeros(128, np.float32)
    mean[1] = 4
    assert FaceReferences("b413", 0.46, means).distance(mean) == pytest.approx(5)


def test_references_of_another_network_are_refused() -> None:
    """Its 128 numbers mean something else."""
    with pytest.raises(ModelMismatch, match=r"ada.pt was made with face_network=b413, this monitor needs 8b61"):
        from_json(REFERENCES.to_json(), FILE, network_sha256="8b61")


def test_references_of_another_size_are_refused() -> None:
    with pytest.raises(ModelMismatch, match="numbers_per_face=127, this monitor needs 128"):
        from_json(REFERENCES.to_json() | {"means": MEANS[:, :127].tolist()}, FILE, network_sha256="b413")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"means": []}, "no list of mean vectors"),
        ({"means": [0.0] * 128}, "no list of mean vectors"),
        ({"means": [[0.0] * 128, [0.0]]}, "not network_sha256, limit and means"),
        ({"means": "all of them"}, "not network_sha256, limit and means"),
        ({"means": [[float("nan")] * 128]}, "numbers that are none"),
        ({"limit": None}, "not network_sha256, limit and means"),
        ({"limit": 0}, "a limit of 0 or"),
        ({"limit": float("nan")}, "a limit of nan or"),
        ({"limit": 0.61}, r"a limit of 0.61 .* a limit is 0 to 0.6, or strangers pass"),
        ({"means": [[0.0] * 128] * 1001}, "are of 1001 events, 1000 at most are taken"),
    ],
)
def test_references_that_are_not_whole_are_refused(changed: dict[str, object], why: str) -> None:
    """A limit of 0 would call everybody somebody else, and no number at all would call everybody unseen."""
    with pytest.raises(ModelUnreadable, match=why):
        from_json(REFERENCES.to_json() | changed, FILE, network_sha256="b413")


def test_a_card_without_its_network_is_refused() -> None:
    values = {name: value for name, value in REFERENCES.to_json().items() if name != "network_sha256"}
    with pytest.raises(ModelUnreadable, match="not network_sha256, limit and means"):
        from_json(values, FILE, network_sha256="b413")
