"""Turns OpenPose weights that somebody has into a pose network for this program.

Recognised by what is in it, not by its name: PyTorch-OpenPose's body_pose_model.pth, CMU's COCO caffemodel and its
BODY_25 caffemodel. They are for non-commercial use only, so none of them ships.
"""

import hashlib
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from models import artifact
from models.errors import WeightsUnreadable
from models.pose_networks.onnx_file import onnx_bytes
from models.pose_networks.published import Plan, body25, coco

Tensors = Mapping[str, npt.NDArray[np.float32]]

LICENCE = (
    "Carnegie Mellon University's OpenPose licence: academic or non-profit, non-commercial research use only; "
    "you may not pass the weights on or sell what they do"
)
PICKLED = (b"PK\x03\x04", b"\x80\x02")
"""How files of torch.save begin, since PyTorch 1.6 and before."""

NOT_WHOLE = (
    pickle.UnpicklingError,
    RuntimeError,
    EOFError,
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    OSError,
)
"""What torch.load raises over a file that is not whole or not tensors, depending on where it breaks."""


@dataclass(frozen=True, slots=True)
class Imported:
    """A network that was written: its file, what it was made of, and the sentence on its use."""

    path: Path
    name: str
    title: str
    sha256: str
    source_sha256: str
    tensors: int
    unused: int
    licence: str = LICENCE


def import_openpose(file: Path, out_dir: Path) -> Imported:
    """Check a file of weights, write it as out_dir/NAME.onnx and enter it in the index.json there.

    Raises:
        WeightsUnreadable: no such file, none of the three, cut short, or a tensor is missing or misshapen.
    """
    try:
        source_sha256 = _sha256(file)
        tensors = _read(file)
    except OSError as error:
        raise WeightsUnreadable(file, (error.strerror or "it can't be read").lower()) from None
    plan = recognised(file, tensors)
    check(file, plan, tensors)
    content = onnx_bytes(plan, tensors)
    path = out_dir / f"{plan.name}.onnx"
    sha256 = hashlib.sha256(content).hexdigest()
    needed = len(plan.tensors())
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        artifact.replace_file(path, content)
        entry = {
            "file": path.name,
            "kind": "pose",
            "sha256": sha256,
            "title": plan.title,
            "source": {"file": file.name, "sha256": source_sha256},
            "licence": LICENCE,
        }
        artifact.enter(out_dir, plan.name, entry)
    except OSError as error:
        raise WeightsUnreadable(path, f"it can't be written: {(error.strerror or 'unknown').lower()}") from None
    return Imported(path, plan.name, plan.title, sha256, source_sha256, needed, len(tensors) - needed)


def recognised(file: Path, tensors: Tensors) -> Plan:
    """Tell by the tensors' names which network they belong to.

    Raises:
        WeightsUnreadable: to none.
    """
    if "prelu4_2.weight" in tensors or "Mconv1_stage0_L2_0.weight" in tensors:
        return body25()
    if "conv1_1.weight" in tensors or "conv4_4_CPM.weight" in tensors:
        return coco()
    known = "body_pose_model.pth, pose_iter_440000.caffemodel or BODY_25's caffemodel"
    raise WeightsUnreadable(file, f"none of its {len(tensors)} tensors is a layer of OpenPose's body; it takes {known}")


def check(file: Path, plan: Plan, tensors: Tensors) -> None:
    """Hold every tensor against the plan.

    Raises:
        WeightsUnreadable: names the first that is missing, misshapen or not finite.
    """
    for name, shape in plan.tensors().items():
        if name not in tensors:
            raise WeightsUnreadable(file, f"it looks like {plan.title}, but {name} is missing")
        if tensors[name].shape != shape:
            found = tensors[name].shape
            raise WeightsUnreadable(file, f"{name} must have shape {shape} in {plan.title}, and has {found}")
        if not np.isfinite(tensors[name]).all():
            raise WeightsUnreadable(file, f"{name} holds values that are no finite numbers")


def _read(file: Path) -> Tensors:
    with file.open("rb") as opened:
        start = opened.read(4)
    if start.startswith(PICKLED):
        return _read_pth(file)
    from models.pose_networks.caffe import read_caffemodel

    return read_caffemodel(file)


def _read_pth(file: Path) -> Tensors:
    """Give name -> tensor of a saved state dict; no code in the file runs.

    The published file names a tensor "conv1_1.weight"; saved from PyTorch-OpenPose's own module it is
    "model0.conv1_1.weight".
    """
    try:
        values: Any = torch.load(file, map_location="cpu", weights_only=True)
    except NOT_WHOLE:
        raise WeightsUnreadable(
            file, "it is cut short, or holds more than tensors; fetch body_pose_model.pth again"
        ) from None
    if not isinstance(values, Mapping) or not all(isinstance(value, torch.Tensor) for value in values.values()):
        raise WeightsUnreadable(file, "it is no mapping from names to tensors")
    return {".".join(str(name).split(".")[-2:]): value.detach().float().numpy() for name, value in values.items()}


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
