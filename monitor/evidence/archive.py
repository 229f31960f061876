"""The evidence folder: one folder an incident, sealed by digests, each chained to the one before.

<folder>/<incident>/...            what is kept, and manifest.json with the sha256 of every other file
<folder>/chain.jsonl               the incidents in the order of sealing, with the sha256 of their manifests
<folder>/removed/<incident>.json   manifests of what was deleted to make room: the chain can still be checked
<folder>/held/<incident>           is never deleted while this file is there; it holds the reason
<folder>/.<incident>.part/         being written
"""

import contextlib
import fcntl
import hashlib
import json
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from monitor.errors import EvidenceMissing
from monitor.evidence.atomic_files import append_atomic, sha256_of, sync_folder, write_atomic

MANIFEST = "manifest.json"
CHAIN = "chain.jsonl"
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class ArchivedIncident:
    """One incident's place in the chain; state is kept, held, removed (to make room) or missing."""

    id: str
    sealed_at: str
    state: str
    nbytes: int
    sha256: str


class Archive:
    """Reads and seals an evidence folder. Several processes may seal into the same one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def chain(self) -> list[dict[str, Any]]:
        """Give the chain's lines, oldest first; a line that is no JSON becomes one with an empty id."""
        try:
            lines = (self.folder / CHAIN).read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        return [_parsed(line) for line in lines]

    def kept(self) -> list[ArchivedIncident]:
        """List what is or was kept, oldest first."""
        return [
            ArchivedIncident(line["id"], line["sealed_at"], self.state_of(line["id"]), line["nbytes"], line["sha256"])
            for line in self.chain()
            if line["id"]
        ]

    def manifest(self, incident: str) -> dict[str, Any]:
        """Read an incident's manifest.

        Raises:
            EvidenceMissing: no such incident, or its files were removed to make room.
        """
        path = self.folder / incident / MANIFEST
        if incident not in {line["id"] for line in self.chain()} or not path.is_file():
            raise EvidenceMissing(str(self.folder), incident)
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return manifest

    def facts(self, incident: str) -> dict[str, Any]:
        """Read what an incident was about; {} when a crash came before the first word."""
        try:
            facts: dict[str, Any] = json.loads((self.folder / incident / "incident.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return facts

    def seal(self, part: Path, incident: str, sealed_at_s: float) -> str:
        """Write the manifest, add it to the chain and give the folder its name; gives the manifest's sha256.

        sealed_at_s is Unix time.

        A crash in between is mended by the next seal's caller: finish() knows a part that stands in the chain.
        """
        with self.locked():
            previous = self.chain()[-1:] or [{}]
            manifest = {
                "schema": SCHEMA,
                "id": incident,
                "sealed_at": datetime.fromtimestamp(sealed_at_s, UTC).isoformat(timespec="seconds"),
                "previous": {key: previous[0][key] for key in ("id", "sha256") if key in previous[0]} or None,
                "files": [_described(path) for path in files_of(part)],
            }
            text = json.dumps(manifest, indent=1)
            write_atomic(part / MANIFEST, text.encode())
            line = {
                "id": incident,
                "sha256": hashlib.sha256(text.encode()).hexdigest(),
                "sealed_at": manifest["sealed_at"],
                "nbytes": sum(path.stat().st_size for path in files_of(part)),
            }
            append_atomic(self.folder / CHAIN, (json.dumps(line) + "\n").encode())
            self._name(part, incident)
            return str(line["sha256"])

    def finish(self, part: Path, incident: str) -> bool:
        """Give a part that stands in the chain already its name; False when it doesn't."""
        with self.locked():
            if incident not in {line["id"] for line in self.chain()}:
                return False
            self._name(part, incident)
            return True

    def hold(self, incident: str, why: str) -> None:
        """Never delete an incident, until release(); one that is still being written too.

        Raises:
            EvidenceMissing: nothing is kept of it.
        """
        with self._keeping(incident) as mark:
            mark.parent.mkdir(exist_ok=True)
            write_atomic(mark, why.encode())

    def release(self, incident: str) -> None:
        """Let retention have it again.

        Raises:
            EvidenceMissing: nothing is kept of it.
        """
        with self._keeping(incident) as mark:
            mark.unlink(missing_ok=True)

    def held(self, incident: str) -> str | None:
        """Tell why an incident is held; None when it isn't."""
        try:
            return (self.folder / "held" / incident).read_text(encoding="utf-8")
        except OSError:
            return None

    def files(self, incident: str) -> list[str]:
        """Name the files of an incident that is sealed."""
        folder = self.folder / incident
        names = [path.name for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
        return sorted(name for name in names if not name.startswith("."))

    def stage(self, incident: str) -> str:
        """Tell how far an incident is: none, open (being written), sealed, or removed (to make room)."""
        places = {"sealed": incident, "open": f".{incident}.part", "removed": f"removed/{incident}.json"}
        return next((stage for stage, place in places.items() if (self.folder / place).exists()), "none")

    @contextlib.contextmanager
    def _keeping(self, incident: str) -> Iterator[Path]:
        """Give the file that holds an incident, while no other process tidies up."""
        if "/" in incident or not self.folder.is_dir():
            raise EvidenceMissing(str(self.folder), incident)
        with self.locked():
            if not (self.folder / f".{incident}.part").is_dir():
                self.manifest(incident)
            yield self.folder / "held" / incident

    def tidy(self, *, keep_days: float, keep_bytes: int, now_s: float) -> list[str]:
        """Delete what is too old, then the oldest until all fits; held incidents stay, and count. Gives the names."""
        removed = []
        with self.locked():
            here = [kept for kept in self.kept() if kept.state in ("kept", "held")]
            total_bytes = sum(kept.nbytes for kept in here)
            for kept in here:
                age_s = now_s - datetime.fromisoformat(kept.sealed_at).timestamp()
                if kept.state == "kept" and (age_s > keep_days * 86_400 or total_bytes > keep_bytes):
                    self._remove(kept.id)
                    total_bytes -= kept.nbytes
                    removed.append(kept.id)
        return removed

    def export(self, incident: str, file: Path) -> Path:
        """Write one zip with an incident's files and the chain."""
        manifest = self.manifest(incident)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for name in [*(entry["name"] for entry in manifest["files"]), MANIFEST]:
                archive.write(self.folder / incident / name, f"{incident}/{name}")
            archive.write(self.folder / CHAIN, CHAIN)
        return file

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out of the chain."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def state_of(self, incident: str) -> str:
        """Tell how an incident of the chain is kept: kept, held, removed or missing."""
        if (self.folder / "removed" / f"{incident}.json").exists():
            return "removed"
        if not (self.folder / incident).is_dir():
            return "missing"
        return "held" if (self.folder / "held" / incident).exists() else "kept"

    def _name(self, part: Path, incident: str) -> None:
        part.rename(self.folder / incident)
        sync_folder(self.folder)

    def _remove(self, incident: str) -> None:
        """Delete an incident's files; its manifest goes to removed/ first, so a crash leaves no hole in the chain."""
        (self.folder / "removed").mkdir(exist_ok=True)
        write_atomic(self.folder / "removed" / f"{incident}.json", (self.folder / incident / MANIFEST).read_bytes())
        shutil.rmtree(self.folder / incident)


def files_of(folder: Path) -> list[Path]:
    """List what a manifest has to name."""
    return sorted(path for path in folder.iterdir() if path.name != MANIFEST and not path.name.startswith("."))


def _described(path: Path) -> dict[str, Any]:
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": sha256_of(path)}


def _parsed(line: str) -> dict[str, Any]:
    try:
        parsed = json.loads(line)
        return {key: parsed[key] for key in ("id", "sha256", "sealed_at", "nbytes")}
    except (ValueError, KeyError, TypeError):
        return {"id": ""}
