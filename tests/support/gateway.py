"""What the tests of the gateway share: records with round numbers, and waiting on a condition."""

import contextlib
import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

from monitor.config import Config, parse
from monitor.gateway.server import run_gateway
from monitor.records import Incident, NotJudged, Quality, Score

T = TypeVar("T")

NOW_S = 1_700_000_000.0  # 2023-11-14T22:13:20Z

HEALTH: dict[str, str | float] = {
    "state": "live",
    "person": "speaker",
    "model": "speaker.pt",
    "model_note": "The speaker is rendered.",
    "enter": 0.8,
    "clear": 0.4,
    "fps": 25.0,
    "blind_s": 7.0,
}

INCIDENT = Incident(
    id="inc-1",
    channel="one",
    person="speaker",
    state="pending",
    epoch=0,
    start_s=10.0,
    end_s=15.0,
    arrived_s=NOW_S,
    score=0.9,
    peak=0.95,
    windows=3,
    rule={"enter": 0.8},
    model="speaker.pt",
)


def incident(number: int, **changes: object) -> Incident:
    """Make incident inc-<number>."""
    return replace(INCIDENT, id=f"inc-{number}", **changes)  # type: ignore[arg-type]


def score(value: float, end_s: float = 15.0, channel: str = "one") -> Score:
    """Make the score of a window of 5 s."""
    return Score(channel, "speaker", 0, end_s - 5, end_s, NOW_S + end_s, value, Quality(1.0, 0.9, 0.8))


def not_judged(reason: str, end_s: float = 15.0, channel: str = "one") -> NotJudged:
    """Make the record of a window that could not be judged."""
    return NotJudged(channel, 0, end_s - 2, end_s, NOW_S + end_s, reason)  # type: ignore[arg-type]


def wait(condition: Callable[[], T], timeout_s: float = 10.0) -> T:
    """Ask until the answer is true, and give it."""
    until_s = time.monotonic() + timeout_s
    while not (answer := condition()):
        assert time.monotonic() < until_s, f"waited {timeout_s:.0f} s in vain"
        time.sleep(0.01)
    return answer


def config(evidence: Path | None = None, **gateway: object) -> Config:
    """Make a configuration with a gateway on a free port; evidence is a folder, and nothing else is kept on disk."""
    return parse(
        {
            "channels": [{"name": "one", "url": "rtsp://camera/one"}],
            "gateway": {"port": 0, "audit": None, **gateway},
            "evidence": {"folder": evidence},
        },
        "test",
    )


@contextlib.contextmanager
def serving(config: Config, redis_url: str) -> Iterator[str]:
    """Run a gateway beside the test and give its address as host:port."""
    stop, ready = threading.Event(), queue.SimpleQueue[str]()
    thread = threading.Thread(
        target=run_gateway, args=(config, redis_url), kwargs={"stop": stop, "on_ready": ready.put}
    )
    thread.start()
    try:
        yield ready.get(timeout=10).removeprefix("http://").rstrip("/")
    finally:
        stop.set()
        thread.join(30)


class Client:
    """A websocket client that remembers what it was told."""

    def __init__(self, address: str, *, origin: str | None = None, **hello: object) -> None:
        self._stack = contextlib.ExitStack()
        opening = connect(f"ws://{address}/ws", origin=Origin(origin) if origin else None, proxy=None)
        self.socket = self._stack.enter_context(opening)
        if hello.pop("greet", True):
            self.say(type="hello", **hello)

    def say(self, **message: object) -> None:
        self.socket.send(json.dumps(message))

    def hear(self, kind: str, timeout_s: float = 10.0) -> dict[str, Any]:
        """Read until a message of this kind comes."""
        until_s = time.monotonic() + timeout_s
        while True:
            message: dict[str, Any] = json.loads(self.socket.recv(timeout=until_s - time.monotonic()))
            if message["type"] == kind:
                return message

    def closed(self) -> int:
        """Read until the gateway closes, and give its code."""
        until_s = time.monotonic() + 30
        with contextlib.suppress(ConnectionClosed):
            while True:
                self.socket.recv(timeout=until_s - time.monotonic())
        self._stack.close()
        assert self.socket.close_code is not None
        return self.socket.close_code

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
