"""Writes a plan of models/pose_networks/published.py with its tensors as an ONNX file.

The same tensors give the same bytes on every machine and with every version of PyTorch, since a person's model names
its pose network by sha256.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.pose_networks.published import PICTURE, Layer, Plan

OPSET = 17
IR_VERSION = 8  # what opset 17 came with


def onnx_bytes(plan: Plan, tensors: Mapping[str, npt.NDArray[np.float32]]) -> bytes:
    """Give the ONNX file: image (B, 3, H, W), BGR 0..255 float32 -> maps (B, 57, H/8, W/8); B, H and W are free."""
    writer = _Writer()
    writer.add("Div", ["image", writer.constant("scale", np.float32(256))], "scaled")
    writer.add("Sub", ["scaled", writer.constant("middle", np.float32(0.5))], PICTURE)
    for layer in plan.layers:
        writer.layer(layer, tensors)
    writer.pick(plan)
    graph = helper.make_graph(
        writer.nodes,
        plan.name,
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, "height", "width"])],
        [helper.make_tensor_value_info("maps", TensorProto.FLOAT, ["batch", len(plan.picks), "rows", "columns"])],
        writer.values,
    )
    opset = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, producer_name="bodywatch", ir_version=IR_VERSION, opset_imports=opset)
    return bytes(model.SerializeToString(deterministic=True))


class _Writer:
    """Nodes and values of a graph that grows."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.values: list[onnx.TensorProto] = []

    def add(self, kind: str, reads: list[str], name: str, **settings: Any) -> str:
        self.nodes.append(helper.make_node(kind, reads, [name], name=f"{kind}_{name}", **settings))
        return name

    def constant(self, name: str, value: npt.NDArray[np.generic] | np.generic) -> str:
        self.values.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def layer(self, layer: Layer, tensors: Mapping[str, npt.NDArray[np.float32]]) -> None:
        """Write a convolution with all that stands before and after it."""
        name, reads = layer.name, list(layer.reads)
        x = self.add("Concat", reads, f"{name}.joined", axis=1) if len(reads) > 1 else reads[0]
        if layer.pooled:
            x = self.add("MaxPool", [x], f"{name}.pooled", kernel_shape=[2, 2], strides=[2, 2])
        weights = [self.constant(f"{name}.{part}", tensors[f"{name}.{part}"]) for part in ("weight", "bias")]
        out = f"{name}.sum" if layer.then else name
        self.add("Conv", [x, *weights], out, kernel_shape=[layer.side] * 2, pads=[layer.side // 2] * 4)
        if layer.then == "prelu":
            slopes = tensors[f"{layer.slopes}.weight"].reshape(-1, 1, 1)  # (C, 1, 1) lies over (B, C, H, W)
            self.add("PRelu", [out, self.constant(f"{layer.slopes}.weight", slopes)], name)
        elif layer.then == "relu":
            self.add("Relu", [out], name)

    def pick(self, plan: Plan) -> None:
        """Bring the last layers' channels into the order of the 57 maps; a map that is not there is 0."""
        plain = plan.picks == tuple(range(len(plan.picks)))
        joined = self.add("Concat", list(plan.ends), "maps" if plain else "joined", axis=1)
        if plain:
            return
        numbers = np.array([pick or 0 for pick in plan.picks], np.int64)
        there = np.array([pick is not None for pick in plan.picks], np.float32).reshape(1, -1, 1, 1)
        picked = self.add("Gather", [joined, self.constant("picks", numbers)], "picked", axis=1)
        self.add("Mul", [picked, self.constant("there", there)], "maps")
