"""What operators do: checked, applied, told to everybody, written down, and there after a restart."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from monitor.bus import connection, embedded_server, keys
from monitor.bus.publisher import Publisher
from monitor.evidence.archive import Archive
from monitor.gateway.operator_commands import Refused, fold, parse
from monitor.gateway.tokens import Tokens
from tests.support.gateway import Client, config, incident, serving


@pytest.fixture
def server(tmp_path: Path) -> Iterator[embedded_server.EmbeddedServer]:
    with embedded_server.running(tmp_path / "redis") as server:
        publisher = Publisher(server.url, outbox=None, worker="worker-0")
        publisher.incident(incident(1, state="firing", fired=True))
        assert publisher.turn()
        yield server


@pytest.fixture
def store(server: embedded_server.EmbeddedServer) -> Iterator["redis.Redis"]:
    client = connection.connect(server.url)
    yield client
    client.close()


def ask(client: Client, **message: object) -> None:
    """Give an order and wait for its answer."""
    client.say(ref="r", **message)
    assert client.hear("done")["ref"] == "r"


def test_every_order_is_in_the_audit_log_with_who_and_when(
    server: embedded_server.EmbeddedServer, store: "redis.Redis", tmp_path: Path
) -> None:
    """The name is that of the token; the log is only ever appended to."""
    audit = tmp_path / "audit.jsonl"
    audit.write_text('{"command":"before"}\n')
    secret = Tokens(tmp_path / "tokens.json").new("ada", "operator", 0.0)
    before_s = time.time()
    settings = config(audit=str(audit), tokens=str(tmp_path / "tokens.json"))
    with serving(settings, server.url) as address, Client(address, token=secret) as client:
        ask(client, type="ack", incident="inc-1")
        ask(client, type="dismiss", incident="inc-1", reason="rehearsal")
        ask(client, type="note", incident="inc-1", text="told the studio")
        ask(client, type="silence", person="speaker", until_s=before_s + 60)
    first, *lines = [json.loads(line) for line in audit.read_text().splitlines()]
    assert first == {"command": "before"}
    assert [line["command"] for line in lines] == ["ack", "dismiss", "note", "silence"]
    assert {(line["who"], line["role"]) for line in lines} == {("ada", "operator")}
    assert before_s <= lines[0]["at"] <= lines[3]["at"] <= time.time()
    assert [json.loads(entry["command"])["command"] for _, entry in store.xrange(keys.COMMANDS)] == [
        "ack",
        "dismiss",
        "note",
        "silence",
    ]


def test_an_operator_holds_the_evidence_of_an_incident_and_releases_it(
    server: embedded_server.EmbeddedServer, store: "redis.Redis", tmp_path: Path
) -> None:
    """What retention heeds is the archive's own mark; commands, audit log and every page tell who and why."""
    archive, audit = Archive(tmp_path / "evidence"), tmp_path / "audit.jsonl"
    (archive.folder / ".inc-1.part").mkdir(parents=True)
    archive.seal(archive.folder / ".inc-1.part", "inc-1", 0.0)
    settings = config(archive.folder, audit=str(audit))
    with serving(settings, server.url) as address, Client(address) as client, Client(address) as other:
        other.hear("welcome")
        ask(client, type="hold", incident="inc-1", reason="legal, case 7")
        assert archive.held("inc-1") == "legal, case 7 (this machine)"
        ask(client, type="release", incident="inc-1", reason="case closed")
        assert archive.held("inc-1") is None
        assert other.hear("handled")["command"]["handling"]["released"] is None
        handling = other.hear("handled")["command"]["handling"]
    assert (handling["held"]["by"], handling["held"]["reason"]) == ("this machine", "legal, case 7")
    assert handling["released"]["reason"] == "case closed"
    lines = [json.loads(line) for line in audit.read_text().splitlines()]
    assert [(line["command"], line["incident"], line["reason"], line["who"]) for line in lines] == [
        ("hold", "inc-1", "legal, case 7", "this machine"),
        ("release", "inc-1", "case closed", "this machine"),
    ]
    assert [json.loads(entry["command"])["command"] for _, entry in store.xrange(keys.COMMANDS)] == ["hold", "release"]


@pytest.mark.parametrize(
    ("folder", "incident", "why"),
    [
        ("evidence", "inc-1", "nothing is kept of inc-1; evidence begins when an incident fires"),
        ("evidence", "inc-9", "there is no incident inc-9"),
        (None, "inc-1", "no evidence is kept here (evidence.folder)"),
    ],
)
def test_what_is_not_kept_is_refused_and_not_written_down(
    server: embedded_server.EmbeddedServer,
    store: "redis.Redis",
    tmp_path: Path,
    folder: str | None,
    incident: str,
    why: str,
) -> None:
    """A page must not show as held what retention will delete."""
    settings = config(tmp_path / folder if folder else None)
    with serving(settings, server.url) as address, Client(address) as client:
        client.say(type="hold", incident=incident, reason="legal")
        assert client.hear("refused")["why"] == why
    assert store.xlen(keys.COMMANDS) == 0


def test_what_was_done_is_known_after_a_restart_of_everything(tmp_path: Path) -> None:
    """Gateway and Redis: acknowledged stays acknowledged, silenced stays silenced."""
    until_s = time.time() + 600
    with embedded_server.running(tmp_path) as server:
        publisher = Publisher(server.url, outbox=None, worker="worker-0")
        publisher.incident(incident(1, state="firing", fired=True))
        publisher.turn()
        with serving(config(), server.url) as address, Client(address) as client:
            ask(client, type="ack", incident="inc-1")
            ask(client, type="silence", channel="one", until_s=until_s)
    with (
        embedded_server.running(tmp_path) as server,
        serving(config(), server.url) as address,
        Client(address) as client,
    ):
        welcome = client.hear("welcome")
    (known,) = welcome["incidents"]
    assert (known["state"], known["handling"]["acknowledged"]["by"]) == ("firing", "this machine")
    assert welcome["silences"] == {"channel:one": pytest.approx(until_s)}


def test_an_order_reaches_every_client(server: embedded_server.EmbeddedServer) -> None:
    """With what is known of the incident afterwards, so that no page has to reckon."""
    with serving(config(), server.url) as address, Client(address) as one, Client(address) as other:
        other.hear("welcome")
        ask(one, type="note", incident="inc-1", text="looking into it")
        command = other.hear("handled")["command"]
    assert (command["command"], command["incident"]) == ("note", "inc-1")
    assert command["handling"]["notes"][0]["text"] == "looking into it"


def test_a_silence_whose_time_is_past_ends_it(server: embedded_server.EmbeddedServer, store: "redis.Redis") -> None:
    """The page sends 0."""
    with serving(config(), server.url) as address, Client(address) as client:
        ask(client, type="silence", channel="one", until_s=time.time() + 60)
        assert store.hexists(keys.SILENCES, "channel:one")
        ask(client, type="silence", channel="one", until_s=0)
        assert not store.hexists(keys.SILENCES, "channel:one")


def test_the_first_to_acknowledge_stays_the_one_who_did() -> None:
    """A second one changes nothing; a second dismissal corrects the reason."""
    first = fold({}, {"command": "ack", "who": "ada", "at": 1.0})
    second = fold(first, {"command": "ack", "who": "bob", "at": 2.0})
    assert second["acknowledged"] == {"by": "ada", "at": 1.0}
    dismissed = fold(second, {"command": "dismiss", "who": "bob", "at": 3.0, "reason": "rehearsal"})
    assert dismissed["dismissed"] == {"by": "bob", "at": 3.0, "reason": "rehearsal"}


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ({"type": "ack"}, "incident: Field required"),
        ({"type": "dismiss", "incident": "inc-1", "reason": ""}, "reason: String should have at least 1 character"),
        ({"type": "silence", "until_s": 5}, "Value error, name either a channel or a person"),
        ({"type": "silence", "channel": "one", "until_s": -5}, "until_s: Input should be greater than or equal to 0"),
        ({"type": "ack", "incident": "inc-1", "by": "me"}, "by: Extra inputs are not permitted"),
    ],
)
def test_a_wrong_order_is_refused_in_words(message: dict[str, object], why: str) -> None:
    """With the field that is wrong."""
    with pytest.raises(Refused) as told:
        parse(message)
    assert str(told.value) == why
