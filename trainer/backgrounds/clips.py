"""The lists of public clips: one row a file of a repository at one commit, whose terms are told with it."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from trainer.errors import DataUnusable

SPEAKERS = Path(__file__).with_name("speakers.csv")
"""The background: speakers whose movement is nobody's who is enrolled."""

EVENTS = Path(__file__).with_name("events.csv")
"""Real people at several events, none of them in SPEAKERS; one half for tuning, one for reporting."""

COLUMNS = (
    "speaker", "kind", "repository", "commit", "path", "sha256", "bytes", "licence", "terms", "start_s", "end_s",
)  # fmt: skip
"""An events' list has event and side (tune or report) besides."""

RULES = {
    "speaker": (r"[a-z0-9][a-z0-9_-]*", "must be of a to z, 0 to 9, - and _"),
    "kind": ("real|generated", "must be real or generated"),
    "repository": (r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9_-][A-Za-z0-9._-]*", "must be OWNER/NAME"),
    "commit": (r"[0-9a-f]{40}", "must be a whole commit, 40 hexadecimal digits: a branch moves on"),
    "path": (r"(?!/)(?!.*\.\./).+", "must be a file's path inside the repository"),
    "sha256": (r"[0-9a-f]{64}", "must be 64 hexadecimal digits"),
    "bytes": (r"[1-9]\d*", "must be a whole number"),
    "licence": (".+", "must be the licence's SPDX name, or NONE"),
    "terms": ("ship|research", "must be ship or research"),
    "start_s": (r"(\d+(\.\d+)?)?", "must be a number of seconds, or empty"),
    "end_s": (r"(\d+(\.\d+)?)?", "must be a number of seconds, or empty"),
}


@dataclass(frozen=True, slots=True)
class Clip:
    """A file of a public repository, or the part of it from start_s to end_s; end_s None is its end.

    speaker is the same for all clips of one person, as far as their faces tell. kind is "real" or "generated"; terms
    is "ship" where they let what is learned from the clip be given away, else "research": for measuring only. event
    and side ("tune" or "report") are "" in a background.
    """

    speaker: str
    kind: str
    repository: str
    commit: str
    path: str
    sha256: str
    size_bytes: int
    licence: str
    terms: str
    start_s: float = 0.0
    end_s: float | None = None
    event: str = ""
    side: str = ""

    @property
    def name(self) -> str:
        """The clip's own name, which its track has too."""
        return f"{self.speaker}_{self.sha256[:8]}"

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.path).suffix.lower()

    @property
    def is_part(self) -> bool:
        return self.start_s > 0 or self.end_s is not None

    @property
    def source(self) -> str:
        """Where it is from, in one word."""
        return f"{self.repository}@{self.commit}:{self.path}"


def read_clips(path: Path) -> list[Clip]:
    """Read a list of clips.

    Raises:
        DataUnusable: names the row, the column and the rule.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            table = csv.DictReader(file)
            if missing := [name for name in COLUMNS if name not in (table.fieldnames or ())]:
                raise DataUnusable(path, f"lacks the column {missing[0]}; a list has {','.join(COLUMNS)}", row=1)
            return [_clip(path, number, row) for number, row in enumerate(table, start=2)]
    except (OSError, UnicodeDecodeError) as error:
        raise DataUnusable(path, f"can't be read ({getattr(error, 'strerror', None) or 'not UTF-8'})") from None


def _clip(path: Path, number: int, row: dict[str, str | None]) -> Clip:
    values = {name: (row.get(name) or "").strip() for name in (*COLUMNS, "event", "side")}
    for name, (rule, told) in RULES.items():
        if not re.fullmatch(rule, values[name]):
            raise DataUnusable(path, f'{name} is "{values[name]}", {told}', row=number)
    start_s, end_s = float(values.pop("start_s") or 0), float(values.pop("end_s") or 0) or None
    if end_s is not None and end_s <= start_s:
        raise DataUnusable(path, f"end_s is {end_s:g}, not after start_s, {start_s:g}", row=number)
    return Clip(size_bytes=int(values.pop("bytes")), start_s=start_s, end_s=end_s, **values)
