"""Webhooks against a real HTTP server: signed, tried again, in order, and not twice after a restart."""

import hashlib
import hmac
import json
import queue
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from monitor.bus import connection, embedded_server, keys
from monitor.bus.publisher import Publisher, event
from monitor.config import Config, parse
from monitor.gateway import webhooks
from tests.support.gateway import NOW_S, incident, serving, wait


class Receiver:
    """A web server that keeps what it gets and answers as it is told, with 200 when nothing is said."""

    def __init__(self) -> None:
        self.got: queue.SimpleQueue[tuple[dict[str, str], bytes]] = queue.SimpleQueue()
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.put((dict(self.headers), body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?key=s3cret"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}).start()

    def next(self) -> tuple[dict[str, str], Any]:
        headers, body = self.got.get(timeout=10)
        return headers, json.loads(body)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture
def server() -> Iterator[embedded_server.EmbeddedServer]:
    with embedded_server.running() as server:
        yield server


def settings(receiver: Receiver, **hook: object) -> Config:
    return parse(
        {
            "channels": [{"name": "one", "url": "rtsp://camera/one"}],
            "gateway": {"port": 0, "audit": None},
            "webhooks": [{"url": receiver.url, **hook}],
        },
        "test",
    )


def ready(server: embedded_server.EmbeddedServer) -> Publisher:
    """Wait until the gateway's webhook has its place in the stream."""
    client = connection.connect(server.url)
    wait(lambda: client.hlen(keys.WEBHOOKS))
    return Publisher(server.url, outbox=None, worker="worker-0")


def test_an_event_is_delivered_signed_and_in_order(receiver: Receiver, server: embedded_server.EmbeddedServer) -> None:
    """The signature covers time and body; the receiver computes it with the same key."""
    with serving(settings(receiver, secret="key"), server.url):
        publisher = ready(server)
        publisher.incident(incident(1))
        publisher.incident(incident(1, state="firing", fired=True))
        publisher.turn()
        headers, body = receiver.got.get(timeout=10)
        _, second = receiver.next()
    assert json.loads(body) == event(incident(1))
    assert second["id"] == "inc-1.2"
    assert headers["Content-Type"] == "application/cloudevents+json"
    when, _, digest = headers["Bodywatch-Signature"].partition(",v1=")
    signed = when.removeprefix("t=").encode() + b"." + body
    assert digest == hmac.new(b"key", signed, hashlib.sha256).hexdigest()


def test_a_server_that_fails_is_tried_again(
    receiver: Receiver, server: embedded_server.EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 twice, then taken; the next event waits its turn."""
    monkeypatch.setattr(webhooks.Webhook.__init__, "__kwdefaults__", {"pauses_s": (0.01, 0.01, 0.01)})
    receiver.answers = [503, 503]
    with serving(settings(receiver), server.url):
        publisher = ready(server)
        publisher.incident(incident(1))
        publisher.incident(incident(2))
        publisher.turn()
        assert [receiver.next()[1]["id"] for _ in range(4)] == ["inc-1.1", "inc-1.1", "inc-1.1", "inc-2.1"]


def test_a_refusal_is_not_repeated_and_its_log_line_has_no_secret(
    receiver: Receiver, server: embedded_server.EmbeddedServer, caplog: pytest.LogCaptureFixture
) -> None:
    """404 stays 404; the address of a Slack hook is a password."""
    receiver.answers = [404]
    with serving(settings(receiver), server.url):
        publisher = ready(server)
        publisher.incident(incident(1))
        publisher.incident(incident(2))
        publisher.turn()
        assert [receiver.next()[1]["id"] for _ in range(2)] == ["inc-1.1", "inc-2.1"]
    assert "inc-1.1 is given up: HTTP 404" in caplog.text
    assert "s3cret" not in caplog.text


def test_a_restarted_gateway_goes_on_where_the_last_one_stopped(
    receiver: Receiver, server: embedded_server.EmbeddedServer
) -> None:
    """What came meanwhile is delivered, what was delivered is not repeated."""
    client = connection.connect(server.url)
    with serving(settings(receiver), server.url):
        publisher = ready(server)
        publisher.incident(incident(1))
        publisher.turn()
        assert receiver.next()[1]["id"] == "inc-1.1"
        ((last, _),) = client.xrange(keys.ALERTS)
        wait(lambda: last in client.hvals(keys.WEBHOOKS))
    publisher.incident(incident(2))
    publisher.turn()
    client.delete(keys.WEBHOOKS_LEASE)  # as if its 10 s were over
    with serving(settings(receiver), server.url):
        assert receiver.next()[1]["id"] == "inc-2.1"


def test_a_line_of_evidence_says_over_how_many_seconds_it_was_gathered() -> None:
    told = incident(1, state="firing", fired=True, evidence=6.25, alarm=6.0, gathered_s=25.0)
    line = webhooks.slack(event(told))
    assert line is not None
    assert "peak 0.95, evidence 6.2 (alarm 6.0) over 25 s; inc-1)" in line["text"]


def test_slack_gets_a_line_when_it_fires_and_when_it_is_over() -> None:
    """Not for every suspicion."""
    assert webhooks.slack(event(incident(1))) is None
    firing = webhooks.slack(event(incident(1, state="firing", fired=True)))
    assert firing == {"text": "*Firing* on one: does not move like speaker (score 0.90, peak 0.95; inc-1)"}
    over = webhooks.slack(event(incident(1, state="resolved", fired=True)))
    assert over == {"text": "*Over* on one: watched for speaker (score 0.90, peak 0.95; inc-1)"}


def test_alertmanager_gets_begin_and_end() -> None:
    """An incident of 5 s that ended at 22:13:20 began at 22:13:15."""
    assert webhooks.alertmanager(event(incident(1))) is None
    (alert,) = webhooks.alertmanager(event(incident(1, state="resolved", fired=True))) or []
    assert alert["startsAt"] == "2023-11-14T22:13:15.000Z"
    assert alert["endsAt"] == "2023-11-14T22:13:20.000Z"
    assert alert["labels"]["channel"] == "one"
    (firing,) = webhooks.alertmanager(event(incident(1, state="firing", fired=True, arrived_s=NOW_S))) or []
    assert firing["endsAt"] > alert["endsAt"]
    assert firing["labels"] == alert["labels"]
