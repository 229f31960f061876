"""The model file: TorchScript and its card in one, loaded only when somebody vouches for it.

The only place that calls torch.jit. A TorchScript file runs code when it is opened, so its sha256 is compared with
the one that the caller or the index.json beside the file names before anything in it is executed.
"""

import hashlib
import io
import json
import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from models.card import SCHEMA, Card, card_of
from models.errors import ModelMismatch, ModelNotTrusted, ModelUnreadable
from models.skeleton import KEYPOINTS, RATE_HZ, WINDOW_POSES

__all__ = [
    "SCHEMA",
    "WEIGHTS",
    "Card",
    "LoadedModel",
    "enter",
    "find",
    "load",
    "read_card",
    "read_index",
    "replace_file",
    "save",
    "save_copy",
]

WEIGHTS = Path(__file__).parent / "weights"
CARD_MEMBER = "/extra/card.json"
LARGEST_CARD = 8 * 2**20


class LoadedModel:
    """A model file that was vouched for, fits this program and has been warmed up."""

    def __init__(self, path: Path, sha256: str, card: Card, module: torch.jit.ScriptModule) -> None:
        self.path, self.sha256, self.card, self.module = path, sha256, card, module

    @property
    def person(self) -> str:
        return self.card.person

    def score(self, windows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """(B, T, 18, 3) raw keypoints -> (B,) probability that each window is not the person.

        T is card.window, or anything from card.shortest to card.longest. No randomness, no gradient.
        """
        if windows.ndim != 4 or windows.shape[2:] != (len(KEYPOINTS), 3):
            raise ValueError(f"windows must be (B, T, {len(KEYPOINTS)}, 3), not {windows.shape}")
        if not self.card.shortest <= windows.shape[1] <= self.card.longest:
            raise ValueError(
                f"{self.path} judges {self.card.shortest} to {self.card.longest} poses, not {windows.shape[1]}"
            )
        if len(windows) == 0:
            return np.zeros(0, np.float32)
        with torch.inference_mode():
            scores: torch.Tensor = self.module(torch.from_numpy(np.ascontiguousarray(windows, np.float32)))
        return scores.numpy().astype(np.float32, copy=False)


def save(path: Path, module: nn.Module, card: Card) -> str:
    """Write a model file and its line in the index.json beside it; return its sha256."""
    scripted = torch.jit.script(module.cpu().eval())
    buffer = io.BytesIO()
    torch.jit.save(scripted, buffer, _extra_files={"card.json": card.to_json().encode()})
    return _write(path, buffer.getvalue(), card)


def save_copy(path: Path, model: LoadedModel, card: Card) -> str:
    """Write a model that load() opened once more, with another card; return the copy's sha256.

    Code and weights stay byte by byte. Only what somebody vouched for gets here, so the copy's line in the index.json
    beside it vouches for nothing new.

    Raises:
        ModelNotTrusted: the file was changed since it was opened.
    """
    content, buffer = _read(model.path), io.BytesIO()
    if (found := hashlib.sha256(content).hexdigest()) != model.sha256:
        raise ModelNotTrusted(model.path, found, model.sha256)
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        for member in old.infolist():
            inside = old.read(member)
            new.writestr(member, card.to_json() if member.filename.endswith(CARD_MEMBER) else inside)
    return _write(path, buffer.getvalue(), card)


def _write(path: Path, content: bytes, card: Card) -> str:
    """Write a model file and its line in the index beside it; return its sha256."""
    sha256 = hashlib.sha256(content).hexdigest()
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, content)
    entry = {"file": path.name, "kind": "person", "person": card.person, "sha256": sha256, "note": card.note}
    enter(path.parent, path.stem, entry)
    return sha256


def load(path: Path, *, sha256: str | None = None, pose_backend: dict[str, str] | None = None) -> LoadedModel:
    """Open a model file that the given sha256, or else the index.json beside it, vouches for.

    pose_backend, when given, is the running pose network's {name, sha256}, which the card must agree with.

    Raises:
        ModelNotTrusted: nobody vouches for it, or its bytes are not those vouched for.
        ModelUnreadable: there is no such file, or it holds no model.
        ModelMismatch: it was made for another schema, window, rate, keypoint list or pose network.
    """
    content = _read(path)
    found = hashlib.sha256(content).hexdigest()
    expected = sha256 if sha256 is not None else _vouched(path)
    if found != expected:
        _card(path, content)  # "this is no model file" helps more than "its sha256 is wrong"
        raise ModelNotTrusted(path, found, expected)
    card = _card(path, content)
    _check(path, card, pose_backend)
    try:
        module = torch.jit.load(io.BytesIO(content), map_location="cpu").eval()  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        raise ModelUnreadable(path, str(error).strip().splitlines()[0][:120]) from None
    model = LoadedModel(path, found, card, module)
    for _ in range(
        2
    ):  # TorchScript looks at the first call and optimises at the second: 150 ms that no frame waits for
        model.score(np.zeros((1, card.window, len(KEYPOINTS), 3), np.float32))
    return model


def read_card(path: Path) -> Card:
    """Read a model file's card without running anything in the file.

    Raises:
        ModelUnreadable, ModelMismatch: as load().
    """
    return _card(path, _read(path))


def find(name_or_path: str) -> Path:
    """Turn the name of a shipped model, or a path, into the path of a model file.

    Raises:
        ModelUnreadable: neither a shipped name nor a file.
    """
    entry = read_index(WEIGHTS).get(name_or_path)
    if entry is not None and entry.get("kind") == "person":
        return WEIGHTS / str(entry["file"])
    path = Path(name_or_path)
    if not path.is_file():
        raise ModelUnreadable(path, "no such file, and no model of this name ships")
    return path


def read_index(folder: Path) -> dict[str, dict[str, Any]]:
    """Read folder/index.json: name -> {file, kind ("person" or "pose"), sha256, ...}; empty when there is none."""
    path = folder / "index.json"
    if not path.is_file():
        return {}
    try:
        index = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ModelUnreadable(path, f"its index can't be read: {error}") from None
    if not isinstance(index, dict) or not all(isinstance(entry, dict) and "file" in entry for entry in index.values()):
        raise ModelUnreadable(path, "an index maps names to {file, kind, sha256}")
    return index


def enter(folder: Path, name: str, entry: dict[str, Any]) -> None:
    """Write a file's line in folder/index.json; the other lines stay."""
    replace_file(folder / "index.json", _index_json(folder, name, entry))


def replace_file(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part."""
    fresh = path.with_name(path.name + ".new")
    try:
        fresh.write_bytes(content)
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


def _vouched(path: Path) -> str | None:
    entries = read_index(path.parent).values()
    return next((str(entry.get("sha256")) for entry in entries if entry["file"] == path.name), None)


def _index_json(folder: Path, name: str, entry: dict[str, Any]) -> bytes:
    index = read_index(folder)
    index[name] = {**index.get(name, {}), **entry}
    return (json.dumps(index, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelUnreadable(path, (error.strerror or "can't be read").lower()) from None


def _card(path: Path, content: bytes) -> Card:
    """Take the card out of the file's zip archive; no code of the file runs."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            member = next((name for name in archive.namelist() if name.endswith(CARD_MEMBER)), None)
            if member and archive.getinfo(member).file_size > LARGEST_CARD:
                raise ModelUnreadable(path, f"its card has more than {LARGEST_CARD // 2**20} MiB")
            values = json.loads(archive.read(member)) if member else None
    except (zipfile.BadZipFile, zlib.error, ValueError, OSError, EOFError, RecursionError, RuntimeError):
        raise ModelUnreadable(path, "no whole zip archive with a card") from None
    if not isinstance(values, dict):
        raise ModelUnreadable(path, "it has no card.json")
    if values.get("schema") != SCHEMA:
        raise ModelMismatch(path, "schema", expected=SCHEMA, found=values.get("schema"))
    try:
        return card_of(values)
    except ValueError as error:
        raise ModelUnreadable(path, f"its card is not whole: {error}") from None


def _check(path: Path, card: Card, pose_backend: dict[str, str] | None) -> None:
    """Compare the card with what this program feeds to a model."""
    facts = {"window": WINDOW_POSES, "rate_hz": RATE_HZ, "keypoints": KEYPOINTS}
    for name, expected in facts.items():
        if getattr(card, name) != expected:
            raise ModelMismatch(path, name, expected=expected, found=getattr(card, name))
    if not card.shortest <= card.window <= card.longest:
        raise ModelUnreadable(path, f"its window of {card.window} is not from {card.shortest} to {card.longest}")
    for part, expected in (pose_backend or {}).items():
        if card.pose_backend.get(part) != expected:
            raise ModelMismatch(path, f"pose_backend.{part}", expected=expected, found=card.pose_backend.get(part))
