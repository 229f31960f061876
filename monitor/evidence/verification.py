"""Is the evidence as it was sealed? Every file against its manifest, every manifest against the chain."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor.evidence.archive import CHAIN, MANIFEST, Archive, files_of
from monitor.evidence.atomic_files import sha256_of


@dataclass(frozen=True, slots=True)
class Fault:
    """What is not as it was sealed; file is empty when it is the incident as a whole."""

    id: str
    file: str
    what: str

    def __str__(self) -> str:
        return f"{self.id}{'/' if self.file else ''}{self.file}: {self.what}"


def verify(archive: Archive) -> Iterator[Fault]:
    """Hold every file against its manifest, every manifest against the chain, and the chain against itself.

    Cutting incidents off the chain's end, files and all, leaves no trace in the folder: compare the last sha256
    with one that was noted elsewhere (the log tells each).
    """
    before: dict[str, Any] | None = None
    for line in archive.chain():
        if not line["id"]:
            yield Fault(CHAIN, "", "a line of the chain can't be read")
            continue
        yield from _verify_one(archive, line, before)
        before = line
    chained = {line["id"] for line in archive.chain()}
    for path in sorted(archive.folder.glob("*/")):
        if path.name not in chained | {"removed", "held"} and not path.name.startswith("."):
            yield Fault(path.name, "", "a folder that stands in no chain")


def _verify_one(archive: Archive, line: dict[str, Any], before: dict[str, Any] | None) -> Iterator[Fault]:
    incident, removed = line["id"], archive.state_of(line["id"]) == "removed"
    path = archive.folder / "removed" / f"{incident}.json" if removed else archive.folder / incident / MANIFEST
    try:
        data = path.read_bytes()
        manifest = dict(json.loads(data))
    except (OSError, ValueError, TypeError):
        yield Fault(incident, MANIFEST, "is missing or no JSON")
        return
    if hashlib.sha256(data).hexdigest() != line["sha256"]:
        yield Fault(incident, MANIFEST, "is not the one that the chain names")
    if manifest.get("previous") != (before and {"id": before["id"], "sha256": before["sha256"]}):
        yield Fault(incident, MANIFEST, "does not follow on the incident before it in the chain")
    if not removed:
        yield from _verify_files(archive.folder / incident, manifest.get("files", []))


def _verify_files(folder: Path, entries: list[dict[str, Any]]) -> Iterator[Fault]:
    for entry in entries:
        try:
            found = sha256_of(folder / entry["name"])
        except OSError:
            yield Fault(folder.name, entry["name"], "is missing")
            continue
        if found != entry["sha256"]:
            yield Fault(folder.name, entry["name"], "was changed")
    for path in files_of(folder):
        if path.name not in {entry["name"] for entry in entries}:
            yield Fault(folder.name, path.name, "was added")
