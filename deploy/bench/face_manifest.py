"""The recordings of `bodywatch bench identity`: who is shown in which, at what event."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from monitor.errors import ConfigError, StreamNotFound

COLUMNS = ("path", "person", "session")


@dataclass(frozen=True, slots=True)
class Recording:
    """One row of a manifest: who is shown in it, at what event. It should show nobody else as the speaker."""

    path: Path
    person: str
    session: str


def read_manifest(path: Path) -> list[Recording]:
    """Read a CSV of path, person and perhaps session; paths are relative to it.

    Without a session a recording is an event of its own.

    Raises:
        ConfigError: names the row and the rule.
        StreamNotFound: a recording is not there.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # as spreadsheets write it, too
            table = csv.DictReader(file)
            _check_columns(path, table.fieldnames or ())
            recordings = [_recording(path, number, row) for number, row in enumerate(table, start=2)]
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not UTF-8"
        raise ConfigError(str(path), "the manifest", f"can't be read ({why})") from None
    if len(recordings) < 2:
        raise ConfigError(str(path), "the manifest", "lists fewer than two recordings: nothing to hold them against")
    _refuse_twins(path, recordings)
    return recordings


def _check_columns(path: Path, found: Sequence[str]) -> None:
    for name in COLUMNS[:2]:
        if name not in found:
            which = f", it has {','.join(found)}" if found else ""
            raise ConfigError(str(path), "row 1", f"lacks the column {name}{which}; path,person[,session] are read")
    if strange := [name for name in found if name not in COLUMNS]:
        raise ConfigError(str(path), "row 1", f"has the column {strange[0]}; path,person[,session] are read")


def _recording(manifest: Path, number: int, row: dict[str | None, str | list[str] | None]) -> Recording:
    if None in row:
        raise ConfigError(str(manifest), f"row {number}", "has more fields than row 1 has columns")
    values = {name: str(row.get(name) or "").strip() for name in COLUMNS}
    for name in COLUMNS[:2]:
        if not values[name]:
            raise ConfigError(str(manifest), f"row {number}", f"{name} is empty")
    path = manifest.parent / values["path"]
    if not path.is_file():
        raise StreamNotFound(str(path))
    return Recording(path, values["person"], values["session"] or values["path"])


def _refuse_twins(manifest: Path, recordings: Sequence[Recording]) -> None:
    """Refuse what would make a pair of one person look like two people's, or a recording its own."""
    files: dict[Path, int] = {}
    people: dict[str, str] = {}
    for number, one in enumerate(recordings, start=2):
        first = files.setdefault(one.path.resolve(), number)
        if first != number:
            raise ConfigError(str(manifest), f"row {number}", f"names the file of row {first} again")
        spelt = people.setdefault(one.person.casefold(), one.person)
        if spelt != one.person:
            why = f"is of {one.person}, another row of {spelt}: one name is spelt in two ways"
            raise ConfigError(str(manifest), f"row {number}", why)
