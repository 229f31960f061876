"""What the stages found reaches a real server: at least once, in order, and without holding up the loop."""

import json
import threading
from pathlib import Path

import numpy as np
import pytest
import redis

from monitor.bus import connection, embedded_server, keys
from monitor.bus.publisher import Publisher, event, open_incidents
from monitor.errors import ConfigError, RedisAway
from tests.support.gateway import NOW_S, incident, not_judged, score, wait

DEAD = "redis://:s3cret@127.0.0.1:9/0"  # port 9, discard: nobody listens


@pytest.fixture
def publisher(server: embedded_server.EmbeddedServer, store: "redis.Redis") -> Publisher:
    return Publisher(server.url, outbox=None, worker="worker-0")


def test_an_event_is_a_cloudevent_whose_id_names_the_change() -> None:
    """Receivers drop an id that they have seen: it must be the same each time the same change is sent."""
    told = event(incident(7, state="firing"))
    assert told["specversion"] == "1.0"
    assert told["id"] == "inc-7.2"  # pending is the first change, firing the second
    assert told["source"] == "bodywatch/one"
    assert told["type"] == "org.bodywatch.incident.firing"
    assert told["subject"] == "inc-7"
    assert told["time"] == "2023-11-14T22:13:20.000Z"
    assert told["data"]["peak"] == 0.95


def test_an_incident_is_in_the_stream_the_hash_and_the_pubsub_channel(
    publisher: Publisher, store: "redis.Redis"
) -> None:
    """Whichever way a subscriber takes, it reads the same JSON."""
    listener = store.pubsub(ignore_subscribe_messages=True)
    listener.subscribe(keys.ALERTS)
    wait(lambda: store.pubsub_numsub(keys.ALERTS)[0][1])
    publisher.incident(incident(1))
    assert publisher.turn()
    ((_, entry),) = store.xrange(keys.ALERTS)
    assert json.loads(entry["event"]) == event(incident(1))
    assert wait(lambda: listener.get_message())["data"] == entry["event"]
    assert json.loads(store.hget(keys.INCIDENTS, "inc-1")) == event(incident(1))["data"]
    listener.close()


def test_a_turn_is_one_round_trip(publisher: Publisher, store: "redis.Redis") -> None:
    """A Redis 20 ms away must not hold up 60 records a second."""
    publisher.turn()
    before = store.info("stats")["total_reads_processed"]
    publisher.incident(incident(1))
    publisher.score(score(0.2))
    publisher.score(not_judged("cut"))
    publisher.health("one", {"state": "live"})
    publisher.turn()
    assert store.info("stats")["total_reads_processed"] - before == 2  # the turn, and this question


def test_scores_tell_a_number_or_the_reason_for_none(publisher: Publisher, store: "redis.Redis") -> None:
    """ "Not judged" is an answer."""
    publisher.score(score(0.25))
    publisher.score(not_judged("arms_hidden"))
    publisher.turn()
    judged, blind = [json.loads(entry["score"]) for _, entry in store.xrange(keys.scores("one"))]
    assert (judged["score"], judged["start_s"], judged["end_s"]) == (0.25, 10.0, 15.0)
    assert (blind["not_judged"], "score" in blind) == ("arms_hidden", False)


def test_health_expires_when_no_more_comes(publisher: Publisher, store: "redis.Redis") -> None:
    """A worker that died must not look alive."""
    publisher.health("one", {"state": "live", "fps": 25.0})
    publisher.turn()
    assert store.hgetall(keys.health("one")) == {"state": "live", "fps": "25.0"}
    assert 0 < store.ttl(keys.health("one")) <= keys.HEALTH_EXPIRES_S
    assert store.smembers(keys.CHANNELS) == {"one"}


def test_what_health_no_longer_tells_is_gone(publisher: Publisher, store: "redis.Redis") -> None:
    """Thresholds of the person who was judged a minute ago are none of whoever is on screen now."""
    publisher.health("one", {"state": "live", "enter": 0.7})
    publisher.turn()
    publisher.health("one", {"state": "live"})
    publisher.turn()
    assert store.hgetall(keys.health("one")) == {"state": "live"}


def test_a_preview_is_wanted_only_while_somebody_looks(publisher: Publisher, store: "redis.Redis") -> None:
    """Encoding pictures that nobody sees costs a core."""
    assert not publisher.preview_wanted("one")
    listener = store.pubsub(ignore_subscribe_messages=True)
    listener.subscribe(keys.preview("one"))
    wait(lambda: publisher.turn() and publisher.preview_wanted("one"))
    publisher.preview("one", 3.5, b"\xff\xd8jpeg", np.ones((18, 3), np.float32))
    publisher.turn()
    shown = json.loads(wait(lambda: listener.get_message())["data"])
    assert (shown["time_s"], len(shown["keypoints"]), shown["jpeg"]) == (3.5, 18, "/9hqcGVn")
    listener.close()


def test_a_silence_holds_until_its_time(publisher: Publisher, store: "redis.Redis") -> None:
    """For a channel or a person, as Unix time."""
    store.hset(keys.SILENCES, mapping={"channel:one": NOW_S + 10, "person:guest": NOW_S + 10})
    publisher.turn()
    assert publisher.silenced("one", "speaker", NOW_S)
    assert publisher.silenced("two", "guest", NOW_S)
    assert not publisher.silenced("one", "speaker", NOW_S + 11)
    assert not publisher.silenced("two", "speaker", NOW_S)


def test_incidents_wait_in_order_on_disk_while_redis_is_away(
    tmp_path: Path, server: embedded_server.EmbeddedServer, store: "redis.Redis"
) -> None:
    """Redis is away, the worker dies too, and still nothing raised is lost."""
    away = Publisher(DEAD, outbox=tmp_path / "outbox.sqlite", worker="worker-0")
    away.incident(incident(1))
    away.score(score(0.9))
    assert not away.turn()
    away.incident(incident(1, state="firing"))
    assert not away.turn()
    assert away.waiting == 2
    assert away.dropped["scores"] == 1

    back = Publisher(server.url, outbox=tmp_path / "outbox.sqlite", worker="worker-0")
    back.turn()
    assert [json.loads(entry["event"])["id"] for _, entry in store.xrange(keys.ALERTS)] == ["inc-1.1", "inc-1.2"]
    assert back.waiting == 0


def test_the_sender_catches_up_when_redis_comes_back(tmp_path: Path) -> None:
    """The same server, stopped and started again on its port, with the sender's thread running all the while."""
    with embedded_server.running(tmp_path / "data") as server:
        port = int(server.url.rsplit(":", 1)[1].split("/")[0])
        publisher = Publisher(server.url, outbox=tmp_path / "outbox.sqlite", worker="worker-0")
        stop = threading.Event()
        sender = threading.Thread(target=publisher.run, args=(stop,))
        sender.start()
        publisher.incident(incident(1))
        wait(lambda: publisher.sent["incidents"] == 1)
    publisher.incident(incident(2))
    wait(lambda: publisher.waiting == 1)
    with embedded_server.running(tmp_path / "data", port):
        wait(lambda: publisher.sent["incidents"] == 2)
        told = [json.loads(entry["event"])["id"] for _, entry in connection.connect(server.url).xrange(keys.ALERTS)]
        stop.set()
        sender.join(10)
    assert told == ["inc-1.1", "inc-2.1"]


def test_a_restarted_worker_learns_which_incidents_are_open(
    publisher: Publisher, server: embedded_server.EmbeddedServer
) -> None:
    """An incident that fired before the restart goes on under its id."""
    publisher.incident(incident(1, state="resolved"))
    publisher.incident(incident(2, state="firing", fired=True, channel="two"))
    publisher.turn()
    assert open_incidents(server.url) == [incident(2, state="firing", fired=True, channel="two")]
    assert publisher.open_incidents(["one"]) == []


def test_redis_that_is_away_is_told_without_its_password() -> None:
    """The log of a newsroom is read by many."""
    with pytest.raises(RedisAway) as told:
        open_incidents(DEAD)
    assert "Redis at redis://127.0.0.1:9/0 does not answer" in str(told.value)
    assert "s3cret" not in str(told.value)


def test_an_address_that_is_no_redis_is_refused() -> None:
    """Before anything starts."""
    with pytest.raises(ConfigError, match="must start with redis://"):
        Publisher("http://localhost/", outbox=None, worker="worker-0")


def test_a_file_that_is_no_outbox_is_told(tmp_path: Path) -> None:
    """Rather than to lose alerts later."""
    (tmp_path / "outbox.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(ConfigError, match="can't be used as the outbox"):
        Publisher(DEAD, outbox=tmp_path / "outbox.sqlite", worker="worker-0")


def test_a_broken_models_nan_does_not_stop_the_loop(publisher: Publisher, store: "redis.Redis") -> None:
    """JSON knows no NaN: it is told as null."""
    publisher.incident(incident(1, explanation={"seconds": [float("nan"), 0.5]}))
    publisher.score(score(float("nan")))
    assert publisher.turn()
    ((_, entry),) = store.xrange(keys.ALERTS)
    assert json.loads(entry["event"])["data"]["explanation"] == {"seconds": [None, 0.5]}
