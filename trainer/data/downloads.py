"""A recording by its address: the video of a page, or a file on a web server, fetched once into a folder."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from monitor.errors import MissingPart
from monitor.stream.source import redact
from trainer.errors import DownloadFailed

LARGEST_BYTES = 8 * 2**30

Told = Callable[[float], None]
"""Hears of the share that has come, 0 to 1."""


def is_address(source: str) -> bool:
    """Tell whether a recording is named by an address rather than by a path."""
    return source.lower().startswith(("http://", "https://"))


def download(address: str, folder: Path, told: Told = lambda share: None) -> Path:
    """Fetch the video of a page, or at an address itself, into folder; one that is there already is not fetched again.

    What was broken off goes on where it stopped. The best picture up to 720 lines is taken, without sound where it is
    kept apart: more tells the pose network nothing.

    Raises:
        MissingPart: yt-dlp, the extra `pages`, is not installed.
        DownloadFailed: nothing there is a video, or it doesn't come.
    """
    try:
        import yt_dlp
    except ImportError:
        raise MissingPart("yt-dlp", "recordings named by an address", "pip install 'bodywatch[pages]'") from None
    name = hashlib.sha256(address.encode()).hexdigest()[:16]
    if there := _whole(folder, name):
        return there
    folder.mkdir(parents=True, exist_ok=True)

    def hook(state: dict[str, Any]) -> None:
        whole = state.get("total_bytes") or state.get("total_bytes_estimate")
        told(state.get("downloaded_bytes", 0) / whole if whole else 0.0)

    options = {
        "format": "bestvideo[height<=720]/best[height<=720]/best",
        "outtmpl": str(folder / f"{name}.%(ext)s"),
        "noplaylist": True,
        "playlist_items": "1",
        "max_filesize": LARGEST_BYTES,
        "quiet": True,
        "no_warnings": True,
        "noprogress": True,
        "logger": _Silent(),
        "progress_hooks": [hook],
    }
    try:
        with yt_dlp.YoutubeDL(options) as loader:
            loader.extract_info(address, download=True)
    except (yt_dlp.utils.YoutubeDLError, ValueError, OSError) as error:
        raise DownloadFailed(redact(address), _plain(str(error))) from None
    if (found := _whole(folder, name)) is None:
        raise DownloadFailed(redact(address), "nothing came")
    return found


def _whole(folder: Path, name: str) -> Path | None:
    """Find what came of an address before; parts of it are no recording."""
    found = sorted(path for path in folder.glob(f"{name}.*") if ".part" not in path.name and path.suffix != ".ytdl")
    return found[0] if found else None


class _Silent:
    """What yt-dlp would print is told by errors and the progress bar."""

    def debug(self, message: str) -> None:
        pass

    info = warning = error = debug


def _plain(message: str) -> str:
    """Take yt-dlp's prefix, colours and advice off its sentence, and what an address may hide."""
    said = re.sub(r"\x1b\[[0-9;]*m", "", message).removeprefix("ERROR: ")
    said = re.sub(r"(?i)https?://[^\s\"']+", lambda found: redact(found.group()), re.sub(r"^\[[^\]]*\]\s*", "", said))
    said = re.sub(r"\S*[?@=&]\S*", "...", said)  # yt-dlp names a page by the end of its address, key and all
    return said.partition("\n")[0].partition("; please report")[0][:200] or "no reason told"
