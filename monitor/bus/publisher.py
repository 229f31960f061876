"""What the stages found out -> Redis; never blocks the loop that watches."""

import json
import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import redis

from monitor.bus import connection, keys, messages
from monitor.bus.messages import event
from monitor.bus.outbox import Outbox
from monitor.errors import RedisAway
from monitor.records import Incident, NotJudged, Score

__all__ = ["Publisher", "event", "open_incidents"]

log = logging.getLogger(__name__)

TURN_S = 0.1
"""The sender looks for new records at least so often, and at once for an incident, a score or a preview."""

ASK_S = 1.0
"""Age at which "who looks?" and "what is silenced?" are asked again."""

SCORES_WAITING = 1_000
BATCH = 200
BACKOFF_S = (0.1, 0.2, 0.5, 1.0, 2.0)

Fields = Mapping[str, str | int | float]
Command = Callable[["redis.client.Pipeline"], object]


class Publisher:
    """Sends records to Redis from a thread of its own: what tells something returns at once.

    Incidents go through the outbox first: they arrive at least once and in order, however long Redis is away. Scores,
    health and previews are about now: what can't be sent is dropped, and `dropped` counts it by kind. A turn of the
    sender is one round trip, however much there is to tell.

    Raises:
        ConfigError: redis_url or the outbox can't be used.
    """

    def __init__(self, redis_url: str, *, outbox: Path | None, worker: str) -> None:
        self._url, self._worker = redis_url, worker
        self._redis = connection.connect(redis_url)
        self._outbox = Outbox(outbox)
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._incidents: deque[str] = deque()
        self._scores: deque[Score | NotJudged] = deque(maxlen=SCORES_WAITING)
        self._health: dict[str, Fields] = {}
        self._previews: dict[str, dict[str, Any]] = {}
        self._asked: set[str] = set()
        self._looking: frozenset[str] = frozenset()
        self._silences: dict[str, float] = {}
        self._asked_at = float("-inf")
        self._away = False
        self.dropped: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()

    def incident(self, incident: Incident) -> None:
        """Tell a change of an incident; it waits while Redis is away."""
        self._incidents.append(messages.dumps(event(incident)))
        self._wake.set()

    def score(self, score: Score | NotJudged) -> None:
        """Tell a window's verdict; the oldest is dropped when too many wait."""
        with self._lock:
            self.dropped["scores"] += len(self._scores) == SCORES_WAITING
            self._scores.append(score)
        self._wake.set()

    def health(self, channel: str, fields: Fields) -> None:
        """Tell how a channel is; only its latest word counts, and it expires when no more comes."""
        with self._lock:
            self._health[channel] = dict(fields)
        self._wake.set()

    def preview_wanted(self, channel: str) -> bool:
        """Tell whether somebody looks at the channel, as known within the last second."""
        self._asked.add(channel)
        return channel in self._looking

    def preview(
        self,
        channel: str,
        time_s: float,
        jpeg: bytes,
        keypoints: npt.NDArray[np.float32] | None,
        *,
        width: int = 0,
        height: int = 0,
    ) -> None:
        """Show a picture and the body in it; an older one that still waits is dropped.

        keypoints is (18, 3) as in records.Pose, in pixels of a picture of width x height (0 x 0: of the jpeg itself).
        """
        shown = messages.pose(channel, time_s, jpeg, keypoints, width=width, height=height)
        with self._lock:
            self.dropped["previews"] += channel in self._previews
            self._previews[channel] = shown
        self._wake.set()

    def silenced(self, channel: str, person: str, now_s: float | None = None) -> bool:
        """Tell whether an operator wants no incident of this channel or person now (Unix time)."""
        now_s = time.time() if now_s is None else now_s
        return any(self._silences.get(key, 0) > now_s for key in (f"channel:{channel}", f"person:{person}"))

    def open_incidents(self, channels: Iterable[str]) -> list[Incident]:
        """Give the channels' pending and firing incidents as Redis remembers them, none when Redis is away.

        This one waits for Redis: it is for a worker that starts, not for its loop.
        """
        names = set(channels)
        try:
            return [incident for incident in open_incidents(self._url) if incident.channel in names]
        except RedisAway as error:
            log.warning("%s: %s; an incident that was open starts anew", self._worker, error)
            return []

    @property
    def waiting(self) -> int:
        """Number of incident changes that Redis has not confirmed."""
        return len(self._incidents) + len(self._outbox)

    def run(self, stop: threading.Event) -> None:
        """Send until stop is set, then what is left if Redis is there; the worker gives this a thread."""
        failures = 0
        while not stop.is_set():
            self._wake.wait(TURN_S)
            self._wake.clear()
            failures = 0 if self.turn() else failures + 1
            if failures:
                stop.wait(BACKOFF_S[min(failures, len(BACKOFF_S)) - 1])
        self.turn()
        self._outbox.close()
        self._redis.close()

    def turn(self) -> bool:
        """Send what there is in one round trip; tell whether Redis took it."""
        while self._incidents:
            self._outbox.add(self._incidents[0])
            self._incidents.popleft()
        held = self._outbox.first(BATCH)
        now, counts = self._take()
        ask = time.monotonic() - self._asked_at >= ASK_S
        if not (held or now or ask):
            return not self._away
        asked = sorted(self._asked.copy())
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                for command in [*map(_alert, (text for _, text in held)), *now]:
                    command(pipe)
                if ask:
                    pipe.hgetall(keys.SILENCES)
                    pipe.pubsub_numsub(*(keys.preview(channel) for channel in asked))
                answers = pipe.execute(raise_on_error=True)
        except (*connection.AWAY, redis.ResponseError) as error:
            self._lost(counts, error)
            return False
        self._outbox.remove([number for number, _ in held])
        self.sent.update(counts)
        self.sent["incidents"] += len(held)
        if ask:
            self._learn(asked, *answers[-2:])
        self._back()
        if len(held) == BATCH:
            self._wake.set()
        return True

    def _take(self) -> tuple[list[Command], Counter[str]]:
        """Take all that is about now, as pipeline commands, with how many there are of each kind."""
        with self._lock:
            scores, self._scores = self._scores, deque(maxlen=SCORES_WAITING)
            health, self._health = self._health, {}
            previews, self._previews = self._previews, {}
        commands: list[Command] = [_score(score) for score in scores]
        commands += [_health(channel, fields) for channel, fields in health.items()]
        commands += [_preview(channel, shown) for channel, shown in previews.items()]
        return commands, Counter(scores=len(scores), health=len(health), previews=len(previews))

    def _learn(self, asked: Sequence[str], silences: dict[str, str], looking: Sequence[tuple[str, int]]) -> None:
        self._silences = {key: float(until) for key, until in silences.items()}
        self._looking = frozenset(channel for channel, (_, count) in zip(asked, looking, strict=True) if count)
        self._asked_at = time.monotonic()

    def _lost(self, counts: Counter[str], error: Exception) -> None:
        self.dropped.update(counts)
        if not self._away:
            log.warning("%s: %s; alerts wait in the outbox", self._worker, connection.away(self._url, error))
        self._away, self._looking = True, frozenset()

    def _back(self) -> None:
        if self._away:
            log.warning("%s: Redis at %s is back", self._worker, connection.redact(self._url))
        self._away = False


def open_incidents(redis_url: str) -> list[Incident]:
    """Give the newest pending or firing incident of each channel and person as Redis remembers them.

    It is what a restarted worker goes on from.

    Raises:
        RedisAway: nobody can tell.
    """
    client = connection.connect(redis_url)
    try:
        known = [messages.incident_from(json.loads(text)) for text in client.hvals(keys.INCIDENTS)]
    except connection.AWAY as error:
        raise connection.away(redis_url, error) from None
    finally:
        client.close()
    known.sort(key=lambda incident: incident.arrived_s)
    newest = {(incident.channel, incident.person): incident for incident in known if incident.state != "resolved"}
    return list(newest.values())


def _alert(text: str) -> Command:
    """Put one event everywhere it belongs, all or nothing."""
    data = json.loads(text)["data"]

    def send(pipe: "redis.client.Pipeline") -> None:
        names = (keys.ALERTS, keys.INCIDENTS, keys.INCIDENT_ORDER, keys.HANDLING)
        values = (text, messages.dumps(data), data["id"], data["arrived_s"], keys.ALERTS_KEPT, keys.INCIDENTS_KEPT)
        pipe.eval(ALERT, len(names), *names, *values)

    return send


ALERT = """
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[5], '*', 'event', ARGV[1])
redis.call('HSET', KEYS[2], ARGV[3], ARGV[2])
redis.call('ZADD', KEYS[3], 'NX', ARGV[4], ARGV[3])
local over = redis.call('ZCARD', KEYS[3]) - tonumber(ARGV[6])
if over > 0 then
  local old = redis.call('ZRANGE', KEYS[3], 0, over - 1)
  redis.call('ZREM', KEYS[3], unpack(old))
  redis.call('HDEL', KEYS[2], unpack(old))
  redis.call('HDEL', KEYS[4], unpack(old))
end
return redis.call('PUBLISH', KEYS[1], ARGV[1])
"""
"""One step inside Redis: no crash can leave the stream with an event that the hash does not know."""


def _score(score: Score | NotJudged) -> Command:
    text = messages.dumps(messages.judged(score))
    return lambda pipe: pipe.xadd(
        keys.scores(score.channel), {"score": text}, maxlen=keys.SCORES_KEPT, approximate=True
    )


def _health(channel: str, fields: Fields) -> Command:
    def send(pipe: "redis.client.Pipeline") -> None:
        values = [part for pair in fields.items() for part in pair]
        pipe.eval(HEALTH, 1, keys.health(channel), keys.HEALTH_EXPIRES_S, *values)
        pipe.sadd(keys.CHANNELS, channel)

    return send


HEALTH = """
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return redis.call('EXPIRE', KEYS[1], ARGV[1])
"""
"""A field that is no longer told goes: it would be read as of now."""


def _preview(channel: str, shown: dict[str, Any]) -> Command:
    return lambda pipe: pipe.publish(keys.preview(channel), messages.dumps(shown))
