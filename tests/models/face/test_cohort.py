"""Faces of people who do not exist, which tell how crowded the neighbourhood of a face is."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from models.artifact import WEIGHTS, read_index
from models.errors import WeightsUnreadable
from models.face.cohort import Cohort, read_cohort
from models.face.embed import read_weights


def test_the_ten_nearest_tell() -> None:
    """Ten at 0.3 and ten at 0.9: the far ones don't count."""
    near, far = np.eye(10, 128, dtype=np.float32) * 0.3, np.eye(10, 128, 10, dtype=np.float32) * 0.9
    assert Cohort("c0de", np.concatenate((far, near))).away(np.zeros(128, np.float32)) == pytest.approx(0.3)


def test_the_cohort_that_ships_is_of_the_network_that_ships() -> None:
    """Several hundred faces, no two alike: none is a person's other picture."""
    _, network, _ = read_weights(WEIGHTS / "dlib-face.onnx")
    cohort = read_cohort(network_sha256=network)
    assert cohort.faces.shape[0] > 400
    assert cohort.faces.shape[1:] == (128,)
    apart = np.linalg.norm(cohort.faces[:, None] - cohort.faces[None], axis=2) + np.eye(len(cohort.faces))
    assert apart.min() > 0.19
    assert read_index(WEIGHTS)["face-cohort"]["sha256"] == cohort.sha256


def test_a_cohort_of_another_network_is_refused() -> None:
    with pytest.raises(WeightsUnreadable, match="its vectors are of the face network 8b6153f5eb5f, not of f00d"):
        read_cohort(network_sha256="f00d")


def test_a_cohort_that_was_changed_is_refused(tmp_path: Path) -> None:
    """A file of nobody's faces would let strangers pass."""
    path = tmp_path / "face-cohort.npy"
    shutil.copy(WEIGHTS / "index.json", tmp_path)
    np.save(path, np.full((10, 128), 9, np.float16))
    with pytest.raises(WeightsUnreadable, match="its sha256 is"):
        read_cohort(path, network_sha256="f00d")
    (tmp_path / "index.json").write_text(json.dumps({}))
    with pytest.raises(WeightsUnreadable, match="no face cohort of this name"):
        read_cohort(path, network_sha256="f00d")
