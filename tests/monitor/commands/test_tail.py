"""bodywatch tail: the page's messages in a terminal, from a real gateway."""

import json
import re
import time
from pathlib import Path

import pytest
from rich.console import Console
from typer import Typer
from typer.testing import CliRunner

from monitor.bus import embedded_server
from monitor.bus.publisher import Publisher, event
from monitor.commands.tail import command, follow
from monitor.commands.tail_table import REASONS, Table
from monitor.errors import GatewayAway
from monitor.gateway.tokens import Tokens
from tests.support.gateway import config, incident, serving

DASHBOARD = Path(__file__).parents[3] / "monitor" / "gateway" / "dashboard"


def test_it_follows_a_gateway_through_its_restart_and_misses_no_alert(server: embedded_server.EmbeddedServer) -> None:
    """The second alert is raised while no gateway is there."""
    publisher = Publisher(server.url, outbox=None, worker="worker-0")
    with serving(config(), server.url) as address:
        told = follow(f"http://{address}", token="", channels=[], until_s=time.monotonic() + 30)
        assert next(told)["type"] == "welcome"
        publisher.incident(incident(1))
        publisher.turn()
        assert next(m for m in told if m["type"] == "alert")["event"]["id"] == "inc-1.1"
    publisher.incident(incident(2))
    publisher.turn()
    with serving(config(port=int(address.rpartition(":")[2])), server.url):
        assert next(m for m in told if m["type"] == "alert")["event"]["id"] == "inc-2.1"
        told.close()


def test_as_json_every_message_is_one_line(server: embedded_server.EmbeddedServer) -> None:
    """For jq and for scripts; --seconds ends it."""
    app = Typer()
    app.command()(command)
    with serving(config(), server.url) as address:
        result = CliRunner().invoke(app, [f"http://{address}", "--json", "--seconds", "1"])
    assert json.loads(result.output.splitlines()[0])["type"] == "welcome"
    assert result.exit_code == 0


def test_a_gateway_that_is_not_there_is_told() -> None:
    """Nobody listens on port 9; the token in the address is not shown."""
    with pytest.raises(GatewayAway, match=r"the gateway at http://127.0.0.1:9 can't be followed \(ConnectionRefused"):
        next(follow("http://user:s3cret@127.0.0.1:9", token="", channels=[]))


def test_a_gateway_that_wants_a_token_is_told(server: embedded_server.EmbeddedServer, tmp_path: Path) -> None:
    """With how to give it."""
    Tokens(tmp_path / "tokens.json").new("first", "viewer", 0.0)
    with (
        serving(config(tokens=str(tmp_path / "tokens.json")), server.url) as address,
        pytest.raises(GatewayAway, match="it wants a token: --token or BODYWATCH_TOKEN"),
    ):
        next(follow(f"http://{address}", token="", channels=[]))


def test_the_table_shows_a_row_a_channel_and_the_incidents() -> None:
    """A suspicious channel, one that is not judged, and one that is down."""
    table = Table()
    live = {"state": "live", "enter": 0.8, "clear": 0.4, "fps": 25.0}
    health = {"one": live, "two": live, "three": {"state": "stream_down", "why": "does not answer"}}
    table.take({"type": "welcome", "health": health, "incidents": []})
    table.take({"type": "score", "channel": "one", "window": {"score": 0.91}})
    table.take({"type": "score", "channel": "two", "window": {"not_judged": "arms_hidden"}})
    table.take({"type": "alert", "id": "1-0", "event": event(incident(1, state="firing", fired=True))})
    console = Console(width=140, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(table.draw())
    console.file.close()
    shown = console.export_text()
    assert re.search(r"one +│ firing +│ 0\.91 █{18}░{2}", shown)
    assert re.search(r"two +│ not judged +│ – +│ arms are not in the picture", shown)
    assert re.search(r"three +│ stream_down +│ – +│ does not answer", shown)
    assert "inc-1" in shown


def test_a_channel_whose_evidence_tells_nothing_yet_is_not_clear() -> None:
    """Not judged would be wrong too: somebody moves there, and the model can't tell."""
    table = Table()
    table.take({"type": "welcome", "health": {"one": {"state": "live", "alarm": 6.0, "calm": 1.2}}, "incidents": []})
    table.take({"type": "score", "channel": "one", "window": {"score": 0.5, "evidence": {"says": "cant_tell"}}})
    console = Console(width=140, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(table.draw())
    console.file.close()
    assert re.search(r"one +│ can't tell yet +│ 0\.50", console.export_text())


def test_terminal_and_page_use_the_same_words() -> None:
    """One reason reads the same everywhere."""
    words = (DASHBOARD / "words.js").read_text()
    block = words[words.index("REASONS") : words.index("};")]
    assert dict(re.findall(r'(\w+): "([^"]+)"', block)) == REASONS
