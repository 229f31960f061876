"""Files with the names and shapes of OpenPose's published weights and random values in them."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

Tensors = dict[str, npt.NDArray[np.float32]]


def random_tensors(shapes: Mapping[str, tuple[int, ...]]) -> Tensors:
    """Make values under which signals neither die out nor grow from layer to layer (He et al. 2015)."""
    rng = np.random.default_rng(1)
    return {
        name: rng.standard_normal(shape, np.float32) * np.float32((2 / max(np.prod(shape[1:]), 100)) ** 0.5)
        for name, shape in shapes.items()
    }


def write_caffemodel(path: Path, tensors: Tensors, *, old: bool = False) -> None:
    """Write Caffe's wire form byte by byte; old is that of its first version (V1LayerParameter, four sides)."""
    layers: dict[str, list[npt.NDArray[np.float32]]] = {}
    for name, values in tensors.items():
        layers.setdefault(name.rpartition(".")[0], []).append(values)
    with path.open("wb") as file:
        file.write(_field(1, b"net"))
        for name, blobs in layers.items():
            file.write(_field(2 if old else 100, b"".join(_layer(name, blobs, old))))


def _layer(name: str, blobs: list[npt.NDArray[np.float32]], old: bool) -> Iterator[bytes]:
    yield _field(4 if old else 1, name.encode())
    for values in blobs:
        if old:
            sides = (*[1] * (4 - values.ndim), *values.shape)
            shape = b"".join(_number(number << 3) + _number(side) for number, side in enumerate(sides, 1))
        else:
            shape = _field(7, _field(1, b"".join(map(_number, values.shape))))
        yield _field(6 if old else 7, shape + _field(5, values.astype("<f4").tobytes()))


def _field(number: int, content: bytes) -> bytes:
    """A tag of wire type 2, the length and the content."""
    return _number(number << 3 | 2) + _number(len(content)) + content


def _number(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth bit says that more follow."""
    return bytes([value & 127 | 128]) + _number(value >> 7) if value > 127 else bytes([value])
