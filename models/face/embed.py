"""Runs the face network in ONNX Runtime: chips of faces -> vectors whose distance tells whether it is one person."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.artifact import WEIGHTS, read_index
from models.errors import WeightsUnreadable
from models.face.network import CHIP_PX, NUMBERS

Chip = npt.NDArray[np.uint8]
Vectors = npt.NDArray[np.float32]

OPENVINO = "OpenVINOExecutionProvider"


class FaceNetwork:
    """The face network of a process; 6.5 ms of one core a face, 45 MB.

    name and sha256 are those of the weights: vectors of two networks can't be compared. Nothing is kept between calls,
    and they may come from several threads.
    """

    def __init__(self, path: Path = WEIGHTS / "dlib-face.onnx", *, provider: str = "CPUExecutionProvider") -> None:
        """Open the file at path with ONNX Runtime's provider of that name, which must be installed.

        Every ONNX Runtime has the CPU's, where a face gives the same vector whatever the pose network runs on;
        OpenVINO's is hardly faster (5.4 ms for 6.0).

        Raises:
            WeightsUnreadable: there is no such file or no line in the index beside it, its bytes are not those that
                the index names, or it is no network from chips to vectors.
        """
        self.name, self.sha256, content = read_weights(path)
        self._session = _open(path, content, provider)

    def vectors(self, chips: Sequence[Chip]) -> Vectors:
        """Give chips, each (150, 150, 3) uint8, RGB, as models.face.align cuts them, as (B, 128) float32.

        One after the other: in a batch of eight a face takes as long, and here is one at a time.
        """
        found = [self._session.run(None, {"chips": chip[None]})[0] for chip in chips]
        return np.concatenate(found) if found else np.zeros((0, NUMBERS), np.float32)


def distance(some: Vectors, others: Vectors) -> npt.NDArray[np.float32]:
    """Give the Euclidean distances (A, B) between vectors (A, 128) and (B, 128), or means of vectors."""
    apart: npt.NDArray[np.float32] = np.linalg.norm(some[:, None] - others[None], axis=2)
    return apart


def read_weights(path: Path) -> tuple[str, str, bytes]:
    """Read a face network's file: name, sha256 and content.

    Raises:
        WeightsUnreadable: as FaceNetwork.
    """
    index = read_index(path.parent)
    name = next((key for key, e in index.items() if e["file"] == path.name and e.get("kind") == "face"), None)
    if name is None:
        raise WeightsUnreadable(path, "no face network of this name stands in the index.json beside it")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WeightsUnreadable(path, (error.strerror or "it can't be read").lower()) from None
    found, expected = hashlib.sha256(content).hexdigest(), index[name].get("sha256")
    if found != expected:
        raise WeightsUnreadable(path, f"its sha256 is {found}, and the index.json beside it says {expected}")
    return name, found, content


def _open(path: Path, content: bytes, provider: str) -> Any:
    """Open a session for one chip at a time, on one core, and see that it is a network for faces."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    options.add_free_dimension_override_by_name("batch", 1)
    settings = _openvino() if provider == OPENVINO else {}
    try:
        session = onnxruntime.InferenceSession(content, options, providers=[(provider, settings)])
    except Exception as error:  # ONNX Runtime's errors have no common class of their own
        raise WeightsUnreadable(path, f"ONNX Runtime can't open it ({str(error).splitlines()[0][:200]})") from None
    for what, ends, shape in (
        ("reads", session.get_inputs(), [1, CHIP_PX, CHIP_PX, 3]),
        ("gives", session.get_outputs(), [1, NUMBERS]),
    ):
        if [end.shape for end in ends] != [shape]:
            raise WeightsUnreadable(path, f"it {what} {[end.shape for end in ends]}, and a face network {shape}")
    return session


def _openvino() -> dict[str, str]:
    """Not tied to core 0, in whole float32, as the pose network: the same face gives the same vector everywhere."""
    cpu = {"ENABLE_CPU_PINNING": "NO", "INFERENCE_PRECISION_HINT": "f32"}
    return {"device_type": "CPU", "num_of_threads": "1", "num_streams": "1", "load_config": json.dumps({"CPU": cpu})}
