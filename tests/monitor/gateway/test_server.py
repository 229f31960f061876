"""The gateway against a real server and real websocket clients."""

import contextlib
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import redis

from monitor.bus import embedded_server, keys
from monitor.bus.publisher import Publisher
from monitor.errors import AddressInUse, ConfigError
from monitor.gateway.server import Gateway, run_gateway
from monitor.gateway.tokens import Tokens
from monitor.records import Evidence
from tests.support.gateway import Client, config, incident, not_judged, score, serving, wait


@pytest.fixture
def publisher(server: embedded_server.EmbeddedServer, store: "redis.Redis") -> Publisher:
    publisher = Publisher(server.url, outbox=None, worker="worker-0")
    publisher.health("one", {"state": "live", "fps": 25.0, "person": "007"})
    publisher.turn()
    return publisher


@pytest.fixture
def address(publisher: Publisher, server: embedded_server.EmbeddedServer) -> Iterator[str]:
    with serving(config(), server.url) as address:
        wait(lambda: get(f"http://{address}/readyz")[0] == 200)
        yield address


def get(url: str, **headers: str) -> tuple[int, bytes]:
    """Ask as a browser would."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def raise_incident(publisher: Publisher, number: int, **changes: object) -> None:
    publisher.incident(incident(number, **changes))
    assert publisher.turn()


def test_a_client_is_told_what_there_is_and_then_what_happens(address: str, publisher: Publisher) -> None:
    """One connection carries state, alerts, scores and health."""
    raise_incident(publisher, 1)
    with Client(address) as client:
        welcome = client.hear("welcome")
        assert welcome["channels"] == ["one"]
        assert welcome["health"]["one"] == {"state": "live", "fps": 25.0, "person": "007"}
        assert [known["id"] for known in welcome["incidents"]] == ["inc-1"]
        raise_incident(publisher, 2, state="firing")
        assert client.hear("alert")["event"]["id"] == "inc-2.2"
        publisher.score(score(0.25))
        publisher.score(not_judged("cut"))
        publisher.turn()
        assert client.hear("score")["window"]["score"] == 0.25
        assert client.hear("score")["window"]["not_judged"] == "cut"
        assert client.hear("health")["health"]["fps"] == 25.0


def test_a_channel_that_comes_while_the_gateway_runs_is_followed_from_its_first_score(
    address: str, publisher: Publisher
) -> None:
    """The gateway learns of it within a second; what was said meanwhile is not lost."""
    with Client(address) as client:
        client.hear("welcome")
        publisher.health("two", {"state": "live"})
        publisher.score(score(0.25, channel="two"))
        publisher.turn()
        told = client.hear("score")
        assert (told["channel"], told["window"]["score"]) == ("two", 0.25)


def test_a_client_that_comes_back_is_given_exactly_what_it_missed(address: str, publisher: Publisher) -> None:
    """Nothing raised is lost, and nothing comes twice."""
    with Client(address) as client:
        client.hear("welcome")
        raise_incident(publisher, 1)
        last = client.hear("alert")["id"]
    raise_incident(publisher, 2)
    raise_incident(publisher, 3)
    with Client(address, resume=last) as client:
        assert [client.hear("alert")["event"]["subject"] for _ in range(2)] == ["inc-2", "inc-3"]
        raise_incident(publisher, 4)
        assert client.hear("alert")["event"]["subject"] == "inc-4"


def test_a_resume_over_many_pages_stays_in_order(address: str, publisher: Publisher) -> None:
    """1,200 alerts are three pages of 500 from the stream."""
    for number in range(1_200):
        publisher.incident(incident(number))
    wait(lambda: publisher.turn() and publisher.waiting == 0)
    with Client(address, resume="0-1") as client:
        told = [client.hear("alert")["event"]["subject"] for _ in range(1_200)]
    assert told == [f"inc-{number}" for number in range(1_200)]


def test_alerts_that_were_trimmed_are_told_as_a_gap(address: str, publisher: Publisher, store: "redis.Redis") -> None:
    """A page must not believe that nothing happened."""
    with Client(address) as client:
        client.hear("welcome")
        raise_incident(publisher, 1)
        last = client.hear("alert")["id"]
    raise_incident(publisher, 2)
    raise_incident(publisher, 3)
    store.xtrim(keys.ALERTS, maxlen=1, approximate=False)
    ((kept, _),) = store.xrange(keys.ALERTS)
    with Client(address, resume=last) as client:
        assert client.hear("gap") == {"type": "gap", "after": last, "before": kept}
        assert client.hear("alert")["event"]["subject"] == "inc-3"


def test_a_redis_that_forgot_everything_is_a_gap_too(address: str, publisher: Publisher, store: "redis.Redis") -> None:
    """Somebody flushed it: what came before can't be had any more."""
    with Client(address, resume="1700000000000-0") as client:
        assert client.hear("gap")["before"] is None
        raise_incident(publisher, 1)
        assert client.hear("alert")["event"]["subject"] == "inc-1"


def test_a_client_gets_only_the_channels_it_asked_for(address: str, publisher: Publisher) -> None:
    """A phone that watches one channel need not pay for forty."""
    with Client(address, channels=["two"]) as client:
        client.hear("welcome")
        raise_incident(publisher, 1, channel="one")
        raise_incident(publisher, 2, channel="two")
        assert client.hear("alert")["event"]["subject"] == "inc-2"


def test_pictures_come_only_to_those_who_look(address: str, publisher: Publisher) -> None:
    """And the publisher knows within a second that somebody does."""
    with Client(address) as client:
        client.hear("welcome")
        client.say(type="look", channels=["one"])
        wait(lambda: publisher.turn() and publisher.preview_wanted("one"))
        publisher.preview("one", 3.5, b"jpeg", np.ones((18, 3), np.float32))
        publisher.turn()
        assert client.hear("pose")["pose"]["time_s"] == 3.5
        client.say(type="look", channels=[])
        wait(lambda: publisher.turn() and not publisher.preview_wanted("one"))


def test_scores_can_be_asked_back(address: str, publisher: Publisher) -> None:
    """The timeline of a page that was just opened starts an hour ago; what adds up is a fourth part of a row."""
    publisher.score(score(0.25))
    publisher.score(not_judged("cut"))
    publisher.score(replace(score(0.75), evidence=Evidence(3.5, 0.0, 6.0, 12.5, "cant_tell")))
    publisher.turn()
    with Client(address) as client:
        client.say(type="history", ref=7, channel="one", from_s=0, to_s=time.time() + 1)
        answer = client.hear("history")
    assert answer["ref"] == 7
    assert [row[1:] for row in answer["rows"]] == [[0.25, None], [None, "cut"], [0.75, None, 3.5]]


def test_redis_may_go_and_come_back(tmp_path: Path) -> None:
    """The gateway says so, keeps its clients, and goes on with what it missed."""
    with embedded_server.running(tmp_path) as redis_server:
        port = int(redis_server.url.rsplit(":", 1)[1].split("/")[0])
        publisher = Publisher(redis_server.url, outbox=None, worker="worker-0")
        raise_incident(publisher, 1)
        gateway = serving(config(), redis_server.url)
        address = gateway.__enter__()
        wait(lambda: get(f"http://{address}/readyz")[0] == 200)
        client = Client(address)
        client.hear("welcome")
    assert client.hear("status")["redis"] == "away"
    assert get(f"http://{address}/readyz")[0] == 503
    assert get(f"http://{address}/healthz")[0] == 200
    with embedded_server.running(tmp_path, port):
        assert client.hear("status")["redis"] == "ok"
        raise_incident(publisher, 2)
        assert client.hear("alert")["event"]["subject"] == "inc-2"
        client.__exit__()
        gateway.__exit__(None, None, None)


@pytest.fixture
def guarded(
    server: embedded_server.EmbeddedServer, publisher: Publisher, tmp_path: Path
) -> Iterator[tuple[str, Tokens]]:
    """A gateway that asks for tokens."""
    tokens = Tokens(tmp_path / "tokens.json")
    tokens.new("first", "admin", 0.0)
    with serving(config(tokens=str(tmp_path / "tokens.json")), server.url) as address:
        wait(lambda: get(f"http://{address}/readyz")[0] == 200)
        yield address, tokens


def test_no_token_and_a_bad_token_are_turned_away(guarded: tuple[str, Tokens]) -> None:
    """With code 4401, whatever comes first."""
    address, _ = guarded
    assert Client(address).closed() == 4401
    assert Client(address, token="bw_00000000_wrong").closed() == 4401
    assert get(f"http://{address}/metrics")[0] == 401


def test_too_many_bad_tokens_bar_the_address_for_a_while(guarded: tuple[str, Tokens]) -> None:
    """Ten guesses a minute: a good token, too, must wait then."""
    address, tokens = guarded
    good = tokens.new("shift", "viewer", 0.0)
    assert [Client(address, token="bw_0_x").closed() for _ in range(10)] == [4401] * 10
    assert Client(address, token=good).closed() == 4401
    assert get(f"http://{address}/metrics", Authorization=f"Bearer {good}")[0] == 429


def test_a_good_token_opens_page_and_metrics_until_it_is_revoked(
    guarded: tuple[str, Tokens], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lost phone is shut out while it is connected."""
    monkeypatch.setattr("monitor.gateway.sender.SLOW_S", 0.4)
    address, tokens = guarded
    good = tokens.new("phone", "viewer", 0.0)
    with Client(address, token=good) as client:
        assert client.hear("welcome")["role"] == "viewer"
        assert get(f"http://{address}/metrics", Authorization=f"Bearer {good}")[0] == 200
        tokens.revoke("phone")
        assert client.closed() == 4401


def test_a_viewer_who_acknowledges_is_closed_with_4403(guarded: tuple[str, Tokens], publisher: Publisher) -> None:
    """A viewer may look."""
    address, tokens = guarded
    raise_incident(publisher, 1)
    client = Client(address, token=tokens.new("wall", "viewer", 0.0))
    client.say(type="ack", incident="inc-1")
    assert client.closed() == 4403


def test_a_page_from_elsewhere_is_turned_away(address: str) -> None:
    """A web page that a journalist opens must not read the desk behind their back."""
    assert Client(address, origin="https://elsewhere.example").closed() == 4403


def test_our_own_page_and_a_named_origin_may_connect(
    server: embedded_server.EmbeddedServer, publisher: Publisher
) -> None:
    """gateway.origins names others."""
    with serving(config(origins=["https://desk.example"]), server.url) as address:
        with Client(address, origin=f"http://{address}") as client:
            assert client.hear("welcome")
        with Client(address, origin="https://desk.example") as client:
            assert client.hear("welcome")


def test_a_host_name_that_somebody_pointed_at_this_machine_is_refused(address: str) -> None:
    """DNS rebinding: Origin and Host agree, and both are foreign."""
    assert get(f"http://{address}/", Host="elsewhere.example")[0] == 403
    assert get(f"http://{address}/", Host=f"localhost:{address.rpartition(':')[2]}")[0] != 403


def test_whoever_says_nothing_is_closed_with_4408(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An open socket without a hello costs memory."""
    monkeypatch.setattr("monitor.gateway.handshake.HELLO_S", 0.2)
    assert Client(address, greet=False).closed() == 4408


def test_a_message_that_is_too_long_closes_the_connection(address: str) -> None:
    """16 KiB is plenty for a command."""
    client = Client(address)
    client.say(type="note", text="x" * 20_000)
    assert client.closed() == 1009


def test_a_client_that_does_not_read_is_closed_with_4413(
    address: str, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers no ping either; once it reads again, it finds the reason."""
    monkeypatch.setattr("monitor.gateway.sender.SLOW_S", 0.4)
    deaf = socket.create_connection(tuple(address.split(":")))  # type: ignore[arg-type]
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    head = f"GET /ws HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    deaf.sendall(f"{head}Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
    hello = json.dumps({"type": "hello"}).encode()
    deaf.sendall(bytes([0x81, 0x80 | len(hello), 0, 0, 0, 0]) + hello)
    wait(lambda: b'bodywatch_gateway_closed_total{code="4413"} 1.0' in get(f"http://{address}/metrics")[1])
    received = wait(
        lambda: found if (4413).to_bytes(2, "big") in (found := deaf.recv(2**20, socket.MSG_PEEK)) else None
    )
    assert b"too slow: no answer to a ping" in received
    deaf.close()


def test_one_client_too_many_is_closed_with_4429_until_another_goes(
    server: embedded_server.EmbeddedServer, publisher: Publisher
) -> None:
    """Two have room. The third is told so in words; plain HTTP is answered all the while."""
    with serving(config(max_clients=2), server.url) as address:
        with Client(address) as one, Client(address) as two:
            one.hear("welcome")
            two.hear("welcome")
            third = Client(address, greet=False)
            assert third.closed() == 4429
            assert third.socket.close_reason == "no room: 2 websockets are open (gateway.max_clients); try later"
            assert get(f"http://{address}/healthz")[0] == 200
            assert b'bodywatch_gateway_closed_total{code="4429"} 1.0' in get(f"http://{address}/metrics")[1]
            raise_incident(publisher, 1)
            assert two.hear("alert")["event"]["subject"] == "inc-1"
        wait(lambda: b"bodywatch_gateway_clients 0.0" in get(f"http://{address}/metrics")[1])
        with Client(address) as third:
            assert third.hear("welcome")


def test_sockets_that_ask_for_nothing_are_dropped_when_there_are_too_many(
    server: embedded_server.EmbeddedServer, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One client and three more may be open: of five silent sockets two go at once, and the client notices nothing."""
    monkeypatch.setattr("monitor.gateway.connection_limit.SPARE", 3)
    with (
        serving(config(max_clients=1), server.url) as address,
        Client(address) as client,
        contextlib.ExitStack() as open_,
    ):
        client.hear("welcome")
        host, _, port = address.rpartition(":")
        silent = [open_.enter_context(socket.create_connection((host, int(port)), timeout=10)) for _ in range(5)]
        for late in silent[3:]:
            with contextlib.suppress(ConnectionResetError):
                assert late.recv(1) == b""
        silent.pop(0).close()
        raise_incident(publisher, 1)
        assert client.hear("alert")["event"]["subject"] == "inc-1"
        wait(lambda: b"bodywatch_gateway_dropped_total 2.0" in get(f"http://{address}/metrics")[1])


def test_nonsense_gets_an_answer_and_the_connection_lives(address: str) -> None:
    """Bad input is told in words."""
    with Client(address) as client:
        client.hear("welcome")
        client.socket.send("}{")
        assert client.hear("refused")["why"] == "that is no JSON"
        client.socket.send("[" * 10_000)
        assert client.hear("refused")
        client.say(type="ack", incident="inc-9", ref="a")
        assert client.hear("refused") == {"type": "refused", "ref": "a", "why": "there is no incident inc-9"}
        client.say(type="dismiss", incident="inc-9")
        assert client.hear("refused")["why"] == "reason: Field required"


def test_metrics_tell_of_channels_and_clients(address: str) -> None:
    """Every number of a health hash is a gauge."""
    with Client(address) as client:
        client.hear("welcome")
        wait(lambda: b'bodywatch_channel_fps{channel="one"} 25.0' in get(f"http://{address}/metrics")[1])
        page = get(f"http://{address}/metrics")[1].decode()
    assert "bodywatch_gateway_clients 1.0" in page
    assert 'bodywatch_channel_state{channel="one",state="live"} 1.0' in page
    assert "bodywatch_redis_up 1.0" in page


def test_a_taken_port_is_told(address: str, server: embedded_server.EmbeddedServer) -> None:
    """In one sentence, with its number."""
    port = int(address.rpartition(":")[2])
    with pytest.raises(AddressInUse, match=f"127.0.0.1:{port} is in use"):
        run_gateway(config(port=port), server.url, stop=threading.Event())


def test_beyond_loopback_a_tokens_file_is_needed(server: embedded_server.EmbeddedServer, tmp_path: Path) -> None:
    """Open to the network without a token is how desks get watched."""
    with pytest.raises(ConfigError, match="beyond loopback needs a tokens file"):
        Gateway(config(host="0.0.0.0"), server.url)
    with pytest.raises(ConfigError, match="has no token yet"):
        Gateway(config(host="0.0.0.0", tokens=str(tmp_path / "none.json")), server.url)


def test_the_page_has_a_strict_policy(address: str) -> None:
    """No script but ours, no address but ours."""
    with urllib.request.urlopen(f"http://{address}/", timeout=10) as answer:
        policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
