"""Clips -> files, over HTTPS from where the lists say, each known by its bytes. Called again it goes on.

A clip that is gone or changed is told and left out: repositories are removed, and the rest is still worth having.
"""

import csv
import hashlib
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from trainer.backgrounds.clips import Clip
from trainer.backgrounds.cut import cut
from trainer.errors import ClipUnavailable

HOST = "https://raw.githubusercontent.com"
"""Gives a file of a public repository at a commit; any server with the same paths does."""

PATIENCE_S = 30.0
CHUNK_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of a clip: its file, or why there is none."""

    name: str
    path: Path | None
    why: str = ""


def url_of(clip: Clip, host: str) -> str:
    """Say where a clip is."""
    return f"{host.rstrip('/')}/{clip.repository}/{clip.commit}/{quote(clip.path)}"


def fetch_all(
    clips: Sequence[Clip], folder: Path, host: str = HOST, *, told: Callable[[Fetched], None] = lambda done: None
) -> list[Fetched]:
    """Fetch clips into folder, one after the other; told hears of each as it is done."""
    done: list[Fetched] = []
    for clip in clips:
        try:
            done.append(Fetched(clip.name, fetch(clip, folder, host)))
        except ClipUnavailable as unavailable:
            done.append(Fetched(clip.name, None, str(unavailable)))
        told(done[-1])
    return done


def fetch(clip: Clip, folder: Path, host: str = HOST) -> Path:
    """Fetch a clip into folder and give its file; of a part, folder/whole has what it was cut from.

    Raises:
        ClipUnavailable: it can't be had, or is another file by now.
    """
    whole = (folder / "whole" if clip.is_part else folder) / f"{clip.name}{clip.suffix}"
    whole.parent.mkdir(parents=True, exist_ok=True)
    if not (whole.is_file() and _sha256(whole) == clip.sha256):
        _download(url_of(clip, host), whole, clip)
    if not clip.is_part:
        return whole
    part = folder / whole.name
    if not part.is_file():
        cut(whole, part, clip.start_s, clip.end_s)
    return part


def write_manifest(path: Path, clips: Sequence[Clip], done: Sequence[Fetched]) -> None:
    """List what was fetched as `extract` wants it: each speaker as themself, generated ones too."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("path", "person", "genuine", "session", "source", "licence"))
        for clip, one in zip(clips, done, strict=True):
            if one.path is not None:
                event = clip.event or clip.name
                table.writerow((one.path.name, clip.speaker, "genuine", event, clip.source, clip.licence))


def _download(url: str, path: Path, clip: Clip) -> None:
    """Write the file whole or not at all; half of it waits beside it as .part."""
    part = path.with_name(path.name + ".part")
    have_bytes = part.stat().st_size if part.is_file() else 0
    if have_bytes < clip.size_bytes:
        request = urllib.request.Request(url, headers={"Range": f"bytes={have_bytes}-"} if have_bytes else {})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                goes_on = answer.status == 206
                with part.open("ab" if goes_on else "wb") as file:
                    _copy(answer, file, most_bytes=clip.size_bytes - (have_bytes if goes_on else 0))
        except urllib.error.HTTPError as error:
            error.close()
            raise ClipUnavailable(url, _refused(error.code)) from None
        except (OSError, HTTPException) as error:
            why = getattr(error, "reason", error)
            raise ClipUnavailable(url, f"can't be reached ({why}); call again, it goes on") from None
    _check(url, part, clip)
    part.replace(path)


def _copy(answer: BinaryIO, file: BinaryIO, *, most_bytes: int) -> None:
    """Copy up to one byte more than there should be, which tells that there is too much."""
    left_bytes = most_bytes + 1
    while left_bytes and (chunk := answer.read(min(CHUNK_BYTES, left_bytes))):
        file.write(chunk)
        left_bytes -= len(chunk)


def _check(url: str, part: Path, clip: Clip) -> None:
    size_bytes = part.stat().st_size
    if size_bytes < clip.size_bytes:
        why = f"broke off after {size_bytes} of {clip.size_bytes} bytes; call again, it goes on"
    elif size_bytes > clip.size_bytes:
        why = f"is longer than the {clip.size_bytes} bytes that the list names; leave its row out"
        part.unlink()
    elif _sha256(part) != clip.sha256:
        why = "is another file than the list names, by its sha256; call again, and if it stays so leave its row out"
        part.unlink()
    else:
        return
    raise ClipUnavailable(url, why)


def _refused(status: int) -> str:
    if status in (404, 410, 451):
        return f"is gone ({status}); leave its row out, or find another clip"
    return f"was refused ({status}); call again later, it goes on"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
