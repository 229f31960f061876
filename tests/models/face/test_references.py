"""What a person's file says of their face comes back as it was, or is refused in one sentence."""

import json
from pathlib import Path

import numpy as np
import pytest

from models.errors import ModelMismatch, ModelUnreadable
from models.face.align import DLIB, WIDE
from models.face.cohort import Cohort
from models.face.references import FaceReferences, from_json

FILE = Path("ada.pt")
MEANS = np.random.default_rng(0).normal(0, 0.1, (3, 128)).astype(np.float32)
REFERENCES = FaceReferences("b413", 0.46, MEANS)


def ring(radius: float) -> Cohort:
    """Ten faces that lie so far from a face of zeros, each in a direction of its own."""
    return Cohort("c0de", np.eye(10, 128, 64, dtype=np.float32) * radius)


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


def test_a_face_among_many_like_it_has_to_come_nearer() -> None:
    """Of both faces the nearest ten of the cohort lie 0.45 away: 0.45 - 0.08 is 0.37, and 0.48 where nobody is near."""
    nobody = np.zeros(128, np.float32)
    among = FaceReferences("b413", 0.48, nobody[None], DLIB, ring(0.45))
    alone = FaceReferences("b413", 0.48, nobody[None], DLIB, ring(0.70))
    assert among.limit_for(nobody) == pytest.approx(0.37)
    assert alone.limit_for(nobody) == 0.48


def test_both_faces_tell_how_crowded_it_is_between_them() -> None:
    """The event has ten faces 0.40 away, the shot at a right angle to them, 0.30 off, ten of 0.50: 0.45 - 0.08."""
    shot = np.zeros(128, np.float32)
    shot[0] = 0.3
    known = FaceReferences("b413", 0.48, np.zeros((1, 128), np.float32), DLIB, ring(0.4))
    assert known.limit_for(shot) == pytest.approx(0.37)


def test_references_made_before_keep_their_chips_and_their_limit() -> None:
    """Their vectors are of chips that show more of the head, and the limit was measured without a cohort."""
    values = {"network_sha256": "b413", "limit": 0.46, "means": MEANS.tolist()}
    old = from_json(values, FILE, network_sha256="b413", cohort=ring(0.2))
    assert (old.placing, old.cohort) == (WIDE, None)
    assert old.limit_for(MEANS[0]) == 0.46


def test_the_cohort_comes_back_with_the_references() -> None:
    known = FaceReferences("b413", 0.48, MEANS, DLIB, ring(0.4))
    again = from_json(json.loads(json.dumps(known.to_json())), FILE, network_sha256="b413", cohort=ring(0.4))
    assert again.placing == DLIB
    assert again.limit_for(MEANS[0]) == known.limit_for(MEANS[0])


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"cohort_sha256": "f00d"}, "face_cohort=f00d, this monitor needs c0de"),
        ({"placing": "tall"}, "face_placing=tall, this monitor needs dlib or wide"),
    ],
)
def test_references_of_another_cohort_or_placing_are_refused(changed: dict[str, str], why: str) -> None:
    """How crowded a face stands, and its vector itself, mean something only beside what they were measured with."""
    known = FaceReferences("b413", 0.48, MEANS, DLIB, ring(0.4))
    with pytest.raises(ModelMismatch, match=why):
        from_json(known.to_json() | changed, FILE, network_sha256="b413", cohort=ring(0.4))
