"""Listens to the daemon as a newsroom's programs would, by Redis and by websocket, and notes when each word came."""

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import redis
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from monitor.bus import keys

POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """One message: an incident's change or a window's verdict, and the Unix time at which it was here."""

    via: Literal["redis", "websocket"]
    kind: Literal["incident", "window"]
    data: dict[str, Any]
    at_s: float

    @property
    def latency_ms(self) -> float:
        """Time since the newest frame behind it was handed to the daemon."""
        return (self.at_s - float(self.data["arrived_s"])) * 1000


class AlertListener:
    """Collects what is said about one channel, from entering the context to leaving it."""

    def __init__(self, redis_url: str, page_url: str, channel: str) -> None:
        self._redis = redis.Redis.from_url(redis_url, decode_responses=True)
        self._page, self._channel = urlsplit(page_url), channel
        self._heard: queue.Queue[ReceivedEvent] = queue.Queue()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> "AlertListener":
        ready = [threading.Event() for _ in range(3)]
        for job, event in zip((self._alerts, self._windows, self._websocket), ready, strict=True):
            self._threads.append(threading.Thread(target=job, args=(event,), daemon=True, name=job.__name__))
            self._threads[-1].start()
        for event in ready:
            event.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=3)
        self._redis.close()

    def listen(self, done: Callable[[], bool]) -> Iterator[ReceivedEvent | None]:
        """Give each message as it comes until done; None when nothing came for POLL_S."""
        while not done():
            try:
                yield self._heard.get(timeout=POLL_S)
            except queue.Empty:
                yield None

    def health(self) -> dict[str, str]:
        """Read the channel's health."""
        fields: dict[str, str] = self._redis.hgetall(keys.health(self._channel))  # type: ignore[assignment]
        return fields

    def _note(self, via: Literal["redis", "websocket"], kind: Literal["incident", "window"], data: Any) -> None:
        if data.get("channel") == self._channel:
            self._heard.put(ReceivedEvent(via, kind, data, time.time()))

    def _alerts(self, ready: threading.Event) -> None:
        """Subscribe as any program would; ten lines are all it takes."""
        with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:  # type: ignore[no-untyped-call]
            pubsub.subscribe(keys.ALERTS)
            ready.set()
            while not self._stop.is_set():
                message = pubsub.get_message(timeout=POLL_S)
                if message is not None:
                    self._note("redis", "incident", json.loads(message["data"])["data"])

    def _windows(self, ready: threading.Event) -> None:
        stream, cursor = keys.scores(self._channel), "0-0"
        ready.set()
        while not self._stop.is_set():
            answer: Any = self._redis.xread({stream: cursor}, block=round(POLL_S * 1000))
            for _, entries in answer or []:
                for number, fields in entries:
                    cursor = number
                    self._note("redis", "window", json.loads(fields["score"]))

    def _websocket(self, ready: threading.Event) -> None:
        scheme = "wss" if self._page.scheme == "https" else "ws"
        with connect(f"{scheme}://{self._page.netloc}/ws", max_size=None) as socket:
            socket.send(json.dumps({"type": "hello", "channels": [self._channel]}))
            while not self._stop.is_set():
                try:
                    message = json.loads(socket.recv(timeout=POLL_S))
                except TimeoutError:
                    continue
                except ConnectionClosed:
                    return
                match message["type"]:
                    case "welcome":
                        ready.set()
                    case "alert":
                        self._note("websocket", "incident", message["event"]["data"])
                    case "score":
                        self._note("websocket", "window", message["window"])
