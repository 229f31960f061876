"""A run's JSON is there whole or not at all, and one that a crash cut is told by name."""

from pathlib import Path

import pytest

from trainer.errors import RunUnusable
from trainer.json_files import read_json, write_json

CUT = ["", '{"person": "ad', "[1, 2]", "\0\0\0\0", "\udcff"]
"""Nothing written, half of it, no object, a file system's blanks after a power cut, and no UTF-8."""


def test_what_was_written_comes_back(tmp_path: Path) -> None:
    write_json(tmp_path / "task.json", {"person": "Zoë", "fold": 2})
    assert read_json(tmp_path / "task.json", remedy="") == {"person": "Zoë", "fold": 2}
    assert [path.name for path in tmp_path.iterdir()] == ["task.json"]


def test_a_file_is_replaced_not_written_over(tmp_path: Path) -> None:
    """Whoever has the old one open reads all of it: at no moment is there a part of either."""
    write_json(tmp_path / "task.json", {"fold": 1})
    with (tmp_path / "task.json").open() as old:
        write_json(tmp_path / "task.json", {"fold": 2})
        assert '"fold": 1' in old.read()


@pytest.mark.parametrize("content", CUT)
def test_a_damaged_file_is_told_in_one_sentence(content: str, tmp_path: Path) -> None:
    (tmp_path / "task.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(RunUnusable, match=r"task\.json: is damaged, as by a crash \(.+\); train again$"):
        read_json(tmp_path / "task.json", remedy="train again")


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunUnusable, match=r"task\.json: can't be read \(No such file or directory\); train again"):
        read_json(tmp_path / "task.json", remedy="train again")
