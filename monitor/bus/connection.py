"""Connections to Redis: how they are made, what counts as away, and a URL that may be shown."""

import asyncio
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import redis
import redis.asyncio
import redis.asyncio.retry
from redis.backoff import NoBackoff
from redis.retry import Retry

from monitor.errors import ConfigError, RedisAway

TIMEOUT_S = 3.0
"""Redis that says nothing for so long is away; a blocking read asks for less."""

CONNECTIONS = 16

SWALLOWED_S = 1.0
"""A task that has not ended so long after a cancellation did not notice it."""

AWAY = (
    redis.ConnectionError,
    redis.TimeoutError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.OutOfMemoryError,
    OSError,
)
"""What a call raises when the data can't be had now, but may be later. BusyLoadingError is a ConnectionError."""


def redact(url: str) -> str:
    """Give a URL without user name, password and query."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def connect(url: str) -> "redis.Redis":
    """Make a client that fails fast and never retries in secret: callers keep what they could not send.

    Raises:
        ConfigError: url is no Redis address.
    """
    try:
        return redis.Redis.from_url(
            url,
            decode_responses=True,
            protocol=2,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            socket_keepalive=True,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError:
        raise ConfigError("redis.url", redact(url), "must start with redis://, rediss:// or unix://") from None


def connect_async(url: str) -> "redis.asyncio.Redis":
    """The same for the gateway's loop; callers beyond CONNECTIONS wait for their turn.

    Raises:
        ConfigError: url is no Redis address.
    """
    try:
        pool = redis.asyncio.BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=None,
            decode_responses=True,
            protocol=2,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            socket_keepalive=True,
            retry=redis.asyncio.retry.Retry(NoBackoff(), 0),
        )
        return redis.asyncio.Redis.from_pool(pool)
    except ValueError:
        raise ConfigError("redis.url", redact(url), "must start with redis://, rediss:// or unix://") from None


def away(url: str, error: BaseException) -> RedisAway:
    """Tell in our words that Redis can't be reached."""
    return RedisAway(redact(url), type(error).__name__)


async def end(tasks: "Iterable[asyncio.Task[Any]]") -> None:
    """Cancel tasks until they are done: redis-py can swallow a cancellation that hits it in the middle of a call."""
    ending = list(tasks)
    while pending := [task for task in ending if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=SWALLOWED_S)
    await asyncio.gather(*ending, return_exceptions=True)  # how they ended has been told, or is of no interest
