"""A worker that starts: what Redis remembers of its channels, and what nobody owns any more."""

import json
from pathlib import Path

import redis

from monitor.bus import embedded_server, keys
from monitor.bus.publisher import Publisher
from monitor.config import parse
from monitor.worker import Worker
from tests.support.gateway import incident


def test_an_incident_of_a_person_whom_the_channel_knows_no_more_ends_at_the_start(
    server: embedded_server.EmbeddedServer, store: "redis.Redis", tmp_path: Path
) -> None:
    """The model was taken off the channel while it fired: no verdict would ever end it, and the page said FIRING."""
    before = Publisher(server.url, outbox=tmp_path / "before.sqlite", worker="before")
    before.incident(incident(1, state="firing", fired=True))
    before.turn()
    channel = {"name": "one", "url": str(tmp_path / "none.mp4")}
    facts = {"redis": {"outbox": str(tmp_path / "outbox.sqlite")}, "evidence": {"folder": None}, "channels": [channel]}
    worker = Worker(parse(facts, "a test"), ["one"], server.url, threads=1, label="worker-0")
    worker._end_unowned()
    worker._publisher.turn()
    [known] = [json.loads(text) for text in store.hvals(keys.INCIDENTS)]
    assert (known["state"], known["ended_by"], known["fired"]) == ("resolved", "not_judged", True)
