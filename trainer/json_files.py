"""The JSON that a run keeps: written whole or not at all, and told by name where a crash damaged it all the same."""

import json
from pathlib import Path
from typing import Any

from models.artifact import replace_file
from trainer.errors import RunUnusable


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Write an object so that a reader, or the next call after a crash, finds the old file or the new one."""
    replace_file(path, json.dumps(values, indent=1).encode())


def read_json(path: Path, *, remedy: str) -> dict[str, Any]:
    """Read an object that write_json() wrote.

    Raises:
        RunUnusable: it can't be read or is damaged; the sentence ends with the remedy.
    """
    return _object(path, _text(path, remedy), remedy)


def read_json_lines(path: Path, *, remedy: str) -> list[dict[str, Any]]:
    """Read a file of one object a line.

    Raises:
        RunUnusable: as read_json().
    """
    return [_object(path, line, remedy) for line in _text(path, remedy).splitlines()]


def _text(path: Path, remedy: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise RunUnusable(path, f"can't be read ({error.strerror}); {remedy}") from None
    except UnicodeDecodeError:
        raise RunUnusable(path, f"is damaged, as by a crash (not UTF-8); {remedy}") from None


def _object(path: Path, text: str, remedy: str) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except ValueError as error:
        raise RunUnusable(path, f"is damaged, as by a crash ({error}); {remedy}") from None
    if not isinstance(values, dict):
        raise RunUnusable(path, f"is damaged, as by a crash (no JSON object); {remedy}")
    return values
