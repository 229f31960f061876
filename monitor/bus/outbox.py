"""Events that have not reached Redis yet, in order, on disk."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from monitor.errors import ConfigError


class Outbox:
    """A first-in first-out list of JSON texts that survives a crash.

    An entry is removed only once Redis has confirmed it, so it may be sent twice, never lost. With no path it is
    kept in memory and lives as long as the process. Used by one thread.

    Raises:
        ConfigError: the file can't be opened or is no outbox.
    """

    def __init__(self, path: Path | None) -> None:
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS waiting (number INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT)"
            )
        except (sqlite3.Error, OSError) as error:
            raise ConfigError("redis.outbox", str(path), f"can't be used as the outbox ({error})") from None

    def add(self, event: str) -> None:
        """Append one."""
        self._db.execute("INSERT INTO waiting (event) VALUES (?)", (event,))

    def first(self, count: int) -> list[tuple[int, str]]:
        """Give the oldest ones with their numbers."""
        return list(self._db.execute("SELECT number, event FROM waiting ORDER BY number LIMIT ?", (count,)))

    def remove(self, numbers: Sequence[int]) -> None:
        """Drop those that have arrived."""
        self._db.executemany("DELETE FROM waiting WHERE number = ?", [(number,) for number in numbers])

    def __len__(self) -> int:
        (count,) = self._db.execute("SELECT count(*) FROM waiting").fetchone()
        return int(count)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()
