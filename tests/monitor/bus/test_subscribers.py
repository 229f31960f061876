"""The README's two subscribers, run as they stand there, but for the addresses."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.bus import embedded_server
from monitor.bus.publisher import Publisher
from tests.support.gateway import config, incident, serving

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
REDIS, WEBSOCKET = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[:2]


@pytest.fixture
def server() -> Iterator[embedded_server.EmbeddedServer]:
    """A server on which one incident has fired."""
    with embedded_server.running() as server:
        publisher = Publisher(server.url, outbox=None, worker="worker-0")
        publisher.incident(incident(1, state="firing", fired=True))
        assert publisher.turn()
        yield server


def first_line(program: str) -> str:
    """Run a program that never ends and give the first line that it prints."""
    with subprocess.Popen([sys.executable, "-u", "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.kill()
    return line.strip()


def test_the_redis_subscriber_prints_the_incident(server: embedded_server.EmbeddedServer) -> None:
    """Type, channel and score."""
    assert "redis://127.0.0.1:6379/0" in REDIS
    printed = first_line(REDIS.replace("redis://127.0.0.1:6379/0", server.url))
    assert printed == "org.bodywatch.incident.firing one 0.9"


def test_the_websocket_subscriber_prints_the_incident(server: embedded_server.EmbeddedServer) -> None:
    """From the start of the stream, as it asks for."""
    assert "127.0.0.1:8600" in WEBSOCKET
    with serving(config(), server.url) as address:
        assert first_line(WEBSOCKET.replace("127.0.0.1:8600", address)) == "org.bodywatch.incident.firing one"
