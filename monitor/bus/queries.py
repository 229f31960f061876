"""What the gateway asks Redis: incidents, history, health; asyncio."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import redis.asyncio

from monitor.bus import keys

INCIDENTS_SHOWN = 200
PAGE = 500
ROWS = 2_000

TEXTS = frozenset(
    {"state", "why", "person", "model", "model_note", "verdict", "reason", "url", "incident", "transport", "evidence"}
    | {"face", "face_person", "face_why", "answer"}
)
"""Fields of a health hash that are words; every other one is a number."""

Id = tuple[int, int]
"""A stream id as numbers, so that 9-0 comes before 10-0."""


def stream_id(text: str) -> Id:
    """Read `<ms>-<number>`.

    Raises:
        ValueError: it is no stream id.
    """
    ms, _, number = text.partition("-")
    return int(ms), int(number or 0)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a stream; text is its JSON."""

    id: str
    text: str


class RedisQueries:
    """Questions to Redis; each raises what connection.AWAY names when it is away."""

    def __init__(self, client: "redis.asyncio.Redis") -> None:
        self._redis: Any = client  # its types can't tell text from bytes

    async def last(self, stream: str) -> str:
        """Give the newest id of a stream, 0-0 when it is empty."""
        newest = await self._redis.xrevrange(stream, count=1)
        return str(newest[0][0]) if newest else "0-0"

    async def now(self) -> str:
        """Give Redis' own time as a stream id."""
        second, microsecond = await self._redis.time()
        return f"{second * 1000 + microsecond // 1000}-0"

    async def alerts_after(self, after: str) -> list[Entry]:
        """Give the next page of alerts after an id."""
        entries = await self._redis.xrange(keys.ALERTS, min=f"({after}", count=PAGE)
        return [Entry(number, fields["event"]) for number, fields in entries]

    async def place(self, webhook: str) -> str:
        """Give the id of the last alert that a webhook is done with; a new one begins with the next alert."""
        known = await self._redis.hget(keys.WEBHOOKS, webhook)
        if known is None:
            known = await self.last(keys.ALERTS)
            await self.set_place(webhook, known)
        return str(known)

    async def set_place(self, webhook: str, number: str) -> None:
        """Remember it."""
        await self._redis.hset(keys.WEBHOOKS, webhook, number)

    async def lease(self, name: str, owner: str, lasts_s: int) -> bool:
        """Take or renew a lease; tell whether it is the owner's now."""
        if await self._redis.set(name, owner, nx=True, ex=lasts_s):
            return True
        if await self._redis.get(name) != owner:
            return False
        await self._redis.expire(name, lasts_s)
        return True

    async def gap(self, after: str) -> dict[str, Any] | None:
        """Tell what a client that saw `after` can't be given any more, or None when nothing is missing."""
        if stream_id(after) == (0, 0) or await self._redis.xrange(keys.ALERTS, min=after, max=after):
            return None
        oldest = await self._redis.xrange(keys.ALERTS, count=1)
        before = str(oldest[0][0]) if oldest else None
        if before is not None and stream_id(before) < stream_id(after):
            return None
        return {"type": "gap", "after": after, "before": before}

    async def incidents(self) -> list[dict[str, Any]]:
        """Give the newest incidents, newest first, each with what operators did about it as `handling`."""
        ids = await self._redis.zrevrange(keys.INCIDENT_ORDER, 0, INCIDENTS_SHOWN - 1)
        if not ids:
            return []
        known = await self._redis.hmget(keys.INCIDENTS, ids)
        handled = await self._redis.hmget(keys.HANDLING, ids)
        return [
            json.loads(text) | {"handling": json.loads(done) if done else None}
            for text, done in zip(known, handled, strict=True)
            if text
        ]

    async def silences(self, now_s: float) -> dict[str, float]:
        """Give what is silenced now, and until when (Unix time)."""
        known = await self._redis.hgetall(keys.SILENCES)
        return {key: float(until) for key, until in known.items() if float(until) > now_s}

    async def channels(self) -> list[str]:
        """Give the names of all channels."""
        return sorted(await self._redis.smembers(keys.CHANNELS))

    async def healths(self, channels: Iterable[str]) -> dict[str, dict[str, str | float]]:
        """Give each channel's health; a channel of which nothing is heard has the state `silent`."""
        names = list(channels)
        async with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hgetall(keys.health(name))
            answers = await pipe.execute()
        return {name: _health(fields) for name, fields in zip(names, answers, strict=True)}

    async def history(self, channel: str, from_ms: int, to_ms: int) -> list[list[Any]]:
        """Give rows of [Unix ms, score or None, reason or None], oldest first, at most ROWS.

        A row of a score whose evidence adds up has what stands against the person as a fourth part.
        """
        entries = await self._redis.xrange(keys.scores(channel), min=from_ms, max=to_ms, count=ROWS)
        return [_row(number, json.loads(fields["score"])) for number, fields in entries]


def _row(number: str, judged: dict[str, Any]) -> list[Any]:
    row = [stream_id(number)[0], judged.get("score"), judged.get("not_judged")]
    return [*row, judged["evidence"]["against"]] if "evidence" in judged else row


def _health(fields: dict[str, str]) -> dict[str, str | float]:
    if not fields:
        return {"state": "silent", "why": "its worker says nothing"}
    return {key: value if key in TEXTS else _number(value) for key, value in fields.items()}


def _number(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text
