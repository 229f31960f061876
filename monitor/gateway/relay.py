"""Redis -> clients: one reader for all of them, which comes back whenever Redis does."""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol

import redis.asyncio

from monitor.bus import connection, keys
from monitor.bus.messages import dumps
from monitor.bus.queries import RedisQueries, stream_id

log = logging.getLogger(__name__)

BLOCK_MS = 1_000
"""A read returns at once when there is something; after so long the list of channels is looked at again."""

POLL_S = 1.0
RETRY_S = (0.1, 0.2, 0.5, 1.0)


class Listener(Protocol):
    """A client, as the relay sees it; every method returns at once."""

    def alert(self, number: str, text: bytes) -> None:
        """Take an entry of the alerts stream."""

    def handled(self, text: bytes) -> None:
        """Take what an operator did."""

    def score(self, channel: str, text: bytes) -> None:
        """Take a score or the reason for none."""

    def latest(self, kind: str, channel: str, text: bytes) -> None:
        """Take what replaces its forerunner: health, pose, status."""

    def looks_at(self) -> Iterable[str]:
        """Name the channels whose pictures are wanted."""


class Relay:
    """Reads Redis once and hands every listener the same bytes.

    position is the newest alert that the listeners have been given. away is True while Redis does not answer.
    observe is told how old each alert was when it was read.
    """

    def __init__(self, redis_url: str) -> None:
        self._url = redis_url
        self._redis = connection.connect_async(redis_url)
        self._clients = connection.connect_async(redis_url)
        self._own = RedisQueries(self._redis)
        self.store = RedisQueries(self._clients)
        self.listeners: set[Listener] = set()
        self.healths: dict[str, dict[str, str | float]] = {}
        self.position = "0-0"
        self.away = True
        self.observe: Callable[[float], object] = lambda delay_s: None
        self._cursors: dict[str, str] = {}
        self._since = ""  # the time, as a stream id, at which the first streams were at their ends

    @property
    def redis(self) -> "redis.asyncio.Redis":
        """The clients' connections, for those who write: hundreds of them must not hold up the alerts."""
        return self._clients

    async def run(self, *others: Callable[[], Awaitable[None]]) -> None:
        """Relay until cancelled; other jobs that need Redis are kept running beside."""
        jobs = [asyncio.create_task(self._forever(job)) for job in (self._follow, self._poll, self._show, *others)]
        try:
            done, _ = await asyncio.wait(jobs, return_when=asyncio.FIRST_EXCEPTION)
            done.pop().result()
        finally:
            await connection.end(jobs)
            await self._redis.aclose()
            await self._clients.aclose()

    async def _forever(self, job: Callable[[], Awaitable[None]]) -> None:
        """Do one job again and again, after pauses while Redis is away."""
        failures = 0
        while True:
            try:
                await job()
                failures = 0
            except connection.AWAY as error:
                self._lost(error)
                await asyncio.sleep(RETRY_S[min(failures, len(RETRY_S) - 1)])
                failures += 1

    def _lost(self, error: BaseException) -> None:
        if not self.away:
            log.warning("%s", connection.away(self._url, error))
            self._tell("status", "", {"type": "status", "redis": "away"})
        self.away = True

    def _back(self) -> None:
        if self.away:
            log.info("reading from Redis at %s", connection.redact(self._url))
            self._tell("status", "", {"type": "status", "redis": "ok"})
        self.away = False

    async def _follow(self) -> None:
        """Read the alerts, the commands and every channel's scores, once."""
        await self._begin([keys.ALERTS, keys.COMMANDS, *map(keys.scores, self.healths)])
        self._back()
        client: Any = self._redis  # its types can't tell text from bytes
        answer = await client.xread(self._cursors, count=500, block=BLOCK_MS)
        for stream, entries in answer or []:
            for number, fields in entries:
                self._cursors[stream] = number
                try:
                    self._hand_on(stream, number, fields)
                except (ValueError, KeyError, TypeError):
                    log.warning("%s: entry %s is not ours and left out", stream, number)
            await asyncio.sleep(0)

    async def _begin(self, streams: Iterable[str]) -> None:
        """Start at the end of what there is; a channel that comes later is followed from its first score on."""
        for stream in streams:
            if stream not in self._cursors:
                self._cursors[stream] = self._since or await self._own.last(stream)
                if stream == keys.ALERTS:
                    self.position = self._cursors[stream]
        self._since = self._since or await self._own.now()

    def _hand_on(self, stream: str, number: str, fields: dict[str, str]) -> None:
        if stream == keys.ALERTS:
            text = alert_text(number, fields["event"])
            json.loads(text)
            self.position = number
            self.observe(max(0.0, time.time() - stream_id(number)[0] / 1000))
            for listener in tuple(self.listeners):
                listener.alert(number, text)
        elif stream == keys.COMMANDS:
            text = f'{{"type":"handled","id":"{number}","command":{fields["command"]}}}'.encode()
            json.loads(text)
            for listener in tuple(self.listeners):
                listener.handled(text)
        else:
            channel = json.loads(fields["score"])["channel"]
            text = f'{{"type":"score","channel":"{channel}","id":"{number}","window":{fields["score"]}}}'.encode()
            for listener in tuple(self.listeners):
                listener.score(channel, text)

    async def _poll(self) -> None:
        """Ask every channel's health, once a second."""
        started_s = time.monotonic()
        self.healths = await self._own.healths(await self._own.channels())
        for channel, health in self.healths.items():
            self._tell("health", channel, {"type": "health", "channel": channel, "health": health})
        await asyncio.sleep(max(0.0, POLL_S - (time.monotonic() - started_s)))

    async def _show(self) -> None:
        """Pass pictures on, of the channels that somebody looks at."""
        async with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
            shown: frozenset[str] = frozenset()
            while True:
                wanted = frozenset(channel for listener in self.listeners for channel in listener.looks_at())
                if wanted - shown:
                    await pubsub.subscribe(*map(keys.preview, wanted - shown))
                if shown - wanted:
                    await pubsub.unsubscribe(*map(keys.preview, shown - wanted))
                shown = wanted
                if not shown:
                    await asyncio.sleep(0.1)
                elif (message := await pubsub.get_message(timeout=0.25)) is not None:
                    self._picture(message["channel"], message["data"])

    def _picture(self, stream: str, pose: str) -> None:
        channel = stream.removeprefix(keys.preview(""))
        text = f'{{"type":"pose","channel":"{channel}","pose":{pose}}}'.encode()
        for listener in tuple(self.listeners):
            listener.latest("pose", channel, text)

    def _tell(self, kind: str, channel: str, message: object) -> None:
        text = dumps(message).encode()
        for listener in tuple(self.listeners):
            listener.latest(kind, channel, text)


def alert_text(number: str, event: str) -> bytes:
    """Write an alert as the clients get it: the event as it stands in the stream, with its id there."""
    return f'{{"type":"alert","id":"{number}","event":{event}}}'.encode()


def newer(number: str, than: str) -> bool:
    """Compare two stream ids."""
    return stream_id(number) > stream_id(than)
