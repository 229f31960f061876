"""Reads the tensors of a caffemodel: Caffe's protobuf, of which three message types matter here.

OpenCV 5 no longer reads Caffe files. Google's protobuf library does the parsing; the field numbers are Caffe's.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory

from models.errors import WeightsUnreadable

_FIELDS = {
    "Shape": (("dim", 1, "repeated int64"),),
    "Blob": (
        # Packed floats have the wire form of bytes: taken as such, 200 MB need no Python number each.
        ("data", 5, "bytes"),
        ("shape", 7, "Shape"),
        *((name, number, "int32") for number, name in enumerate(("num", "channels", "height", "width"), 1)),
    ),
    "Layer": (("name", 1, "string"), ("blobs", 7, "repeated Blob")),
    "OldLayer": (("name", 4, "string"), ("blobs", 6, "repeated Blob")),
    "Net": (("layers", 2, "repeated OldLayer"), ("layer", 100, "repeated Layer")),
}
"""Message -> (field, number, type); everything else in a caffemodel is skipped."""


def read_caffemodel(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    """Give name -> tensor: "conv1_1.weight", "conv1_1.bias"; a PReLU's slopes are its weight.

    Raises:
        WeightsUnreadable: no caffemodel, cut short, or a blob's data don't fill its shape.
    """
    net = _net_type()()
    try:
        net.ParseFromString(path.read_bytes())
    except message.DecodeError:
        raise WeightsUnreadable(path, "it is no whole caffemodel; fetch it again") from None
    tensors = {}
    for layer in (*net.layer, *net.layers):
        for part, blob in zip(("weight", "bias"), layer.blobs, strict=False):
            name = f"{layer.name}.{part}"
            tensors[name] = _tensor(path, name, blob)
    return tensors


def _tensor(path: Path, name: str, blob: Any) -> npt.NDArray[np.float32]:
    """Give a blob as an array; the old form has always four sides, with 1 before those that count."""
    old = [blob.num, blob.channels, blob.height, blob.width]
    shape = list(blob.shape.dim) or old[next((i for i, side in enumerate(old) if side != 1), 3) :]
    if len(blob.data) != 4 * int(np.prod(shape, dtype=object)):
        raise WeightsUnreadable(path, f"{name} says shape {tuple(shape)} and holds {len(blob.data)} bytes")
    return np.frombuffer(blob.data, "<f4").reshape(shape)


def _net_type() -> Any:
    """Describe the messages of _FIELDS to protobuf and give the class of Net."""
    file = descriptor_pb2.FileDescriptorProto(name="bodywatch/caffe.proto", package="bodywatch", syntax="proto2")
    for name, fields in _FIELDS.items():
        described = file.message_type.add(name=name)
        for field, number, kind in fields:
            word = kind.removeprefix("repeated ")
            entry = described.field.add(name=field, number=number)
            entry.label = entry.LABEL_REPEATED if word != kind else entry.LABEL_OPTIONAL
            if word in _FIELDS:
                entry.type, entry.type_name = entry.TYPE_MESSAGE, f".bodywatch.{word}"
            else:
                entry.type = getattr(entry, f"TYPE_{word.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("bodywatch.Net"))
