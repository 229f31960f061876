"""Finds the pose network that a configuration names: one that ships, or an imported ONNX file."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from models.artifact import WEIGHTS, read_index
from models.errors import WeightsUnreadable


@dataclass(frozen=True, slots=True)
class Backend:
    """A pose network's file. A person's model names the network that it was made with by name and sha256."""

    name: str
    path: Path
    sha256: str
    content: bytes


def find_backend(name_or_path: str) -> Backend:
    """Turn what `pose: {backend: ...}` says into a file whose bytes are those that its index.json names.

    Raises:
        WeightsUnreadable: no such network, no line in the index beside it, or other bytes than that line's.
    """
    if not name_or_path.endswith(".onnx"):
        return _shipped(name_or_path)
    path = Path(name_or_path)
    for name, entry in read_index(path.parent).items():
        if entry["file"] == path.name and entry.get("kind") == "pose":
            return _read(name, path, str(entry.get("sha256")))
    raise WeightsUnreadable(
        path, "no pose network of this name stands in the index.json beside it; `bodywatch models import-openpose` "
        "writes both"
    )  # fmt: skip


def _shipped(name: str) -> Backend:
    shipped = {key: entry for key, entry in read_index(WEIGHTS).items() if entry.get("kind") == "pose"}
    if name not in shipped:
        listed = ", ".join(sorted(shipped)) or "none"
        raise WeightsUnreadable(
            Path(name), f"pose networks that ship: {listed}; an imported one is given by the path of its .onnx file"
        )
    return _read(name, WEIGHTS / str(shipped[name]["file"]), str(shipped[name].get("sha256")))


def _read(name: str, path: Path, sha256: str) -> Backend:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WeightsUnreadable(path, (error.strerror or "it can't be read").lower()) from None
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise WeightsUnreadable(path, f"its sha256 is {found}, and the index.json beside it says {sha256}")
    return Backend(name, path, sha256, content)
