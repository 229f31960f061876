"""What an HLS playlist says of itself: how long a segment may be, when the newest was filmed. FFmpeg tells nobody."""

import contextlib
import http.client
import re
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass
from datetime import datetime

from monitor.stream.source import scheme_of

MOST_BYTES = 1_000_000

UNTOLD_SEGMENT_S = 10.0
"""Longest segment of a playlist that doesn't say: what Apple once asked for."""

LONGEST_SEGMENT_S = 30.0
"""A playlist that speaks of longer ones isn't waited for longer."""


@dataclass(frozen=True, slots=True)
class Playlist:
    """A playlist as it stood once.

    segment_s is the longest that a segment may last; newest the last segment's address and the Unix time of its first
    picture, None where no time is told.
    """

    segment_s: float
    newest: tuple[str, float] | None


def read_playlist(url: str, timeout_s: float) -> Playlist | None:
    """Read a playlist; of a list of sizes the first one's.

    None when url is no playlist or can't be read this way (a login, for one): what it says is worth having, but
    nothing depends on it.
    """
    path = urllib.parse.urlsplit(url).path
    if not scheme_of(url).startswith("http") or not path.endswith(".m3u8"):
        return None
    with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
        text = _fetched(url, timeout_s)
        variant = re.search(r"^#EXT-X-STREAM-INF:[^\n]*\n([^#\n][^\n]*)", text, re.MULTILINE)
        if variant is not None:
            url = urllib.parse.urljoin(url, variant[1].strip())
            text = _fetched(url, timeout_s)
        return Playlist(longest_s(text), last_timed(text))
    return None


def longest_s(playlist: str) -> float:
    """Find how long a segment of a playlist's text may last."""
    told = re.search(r"^#EXT-X-TARGETDURATION:\s*([0-9.]+)", playlist, re.MULTILINE)
    return min(float(told[1]), LONGEST_SEGMENT_S) if told else UNTOLD_SEGMENT_S


def last_timed(playlist: str) -> tuple[str, float] | None:
    """Find the last segment of a playlist's text and its time, counted on from the newest tag before it."""
    begins_s: float | None = None
    found, duration_s = None, 0.0
    for line in map(str.strip, playlist.splitlines()):
        if line.startswith("#EXT-X-PROGRAM-DATE-TIME:"):
            begins_s = datetime.fromisoformat(line.partition(":")[2]).timestamp()
        elif line.startswith("#EXT-X-DISCONTINUITY") and not line.startswith("#EXT-X-DISCONTINUITY-SEQUENCE"):
            begins_s = None
        elif line.startswith("#EXTINF:"):
            duration_s = float(line[len("#EXTINF:") :].partition(",")[0])
        elif line and not line.startswith("#"):
            found = None if begins_s is None else (line, begins_s)
            begins_s = None if begins_s is None else begins_s + duration_s
    return found


def _fetched(url: str, timeout_s: float) -> str:
    """Read a playlist from a web server, within timeout_s altogether.

    Raises:
        OSError: not from there, not in time, or too long for a playlist.
    """
    if not scheme_of(url).startswith("http"):
        raise OSError("a playlist may not name what is not on the web")
    text, end_s = b"", time.monotonic() + timeout_s
    with urllib.request.urlopen(url, timeout=timeout_s) as answer:
        while piece := answer.read1(65_536):
            text += piece
            if time.monotonic() > end_s or len(text) > MOST_BYTES:
                raise OSError("no playlist is so long")
    return text.decode("utf-8", "replace")
