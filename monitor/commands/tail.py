"""bodywatch tail: what the page shows, in a terminal."""

import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from monitor.errors import GatewayAway

PAUSE_S = 1.0
REFUSALS = {4401: "it wants a token: --token or BODYWATCH_TOKEN", 4403: "this token may not do that"}
FULL = 4429


def command(
    url: Annotated[str, typer.Argument(help="Address of the page.")] = "http://127.0.0.1:8600",
    token: Annotated[str, typer.Option(envvar="BODYWATCH_TOKEN", help="Where the gateway asks for one.")] = "",
    channel: Annotated[list[str] | None, typer.Option(help="Only this channel; may be given again.")] = None,
    seconds: Annotated[float, typer.Option(help="End after so long; 0: never.")] = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print every message as one JSON object a line")] = False,
) -> None:
    """Follow channels and incidents live; comes back by itself when the gateway does.

    Example: [bold]bodywatch tail http://desk.example:8600 --json[/]
    """
    until_s = time.monotonic() + seconds if seconds else float("inf")
    messages = follow(url, token=token, channels=channel or [], until_s=until_s)
    try:
        if as_json:
            for message in messages:
                sys.stdout.write(json.dumps(message, ensure_ascii=False) + "\n")
                sys.stdout.flush()
        else:
            _live(messages)
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:  # | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def follow(url: str, *, token: str, channels: list[str], until_s: float = float("inf")) -> Iterator[dict[str, Any]]:
    """Give the gateway's messages until a time of the monotonic clock; no alert twice, none left out.

    Raises:
        GatewayAway: it never answered, or it turns us away.
    """
    from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
    from websockets.sync.client import connect

    from monitor.bus import connection

    address = url.rstrip("/").replace("http", "ws", 1) + "/ws"
    last: str | None = None
    reached = False
    while time.monotonic() < until_s:
        try:
            with connect(address, max_size=None, proxy=None, open_timeout=5) as socket:
                hello = {"type": "hello", "token": token or None, "channels": channels, "resume": last}
                socket.send(json.dumps(hello))
                while (left_s := until_s - time.monotonic()) > 0:
                    message = json.loads(socket.recv(timeout=left_s if left_s < 1e6 else None))
                    reached = True
                    last = _place(message, last)
                    yield message
        except TimeoutError:
            if not reached:
                raise GatewayAway(connection.redact(url), "it says nothing") from None
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else None
            if code in REFUSALS:
                raise GatewayAway(connection.redact(url), REFUSALS[code]) from None
            if code == FULL and not reached:
                raise GatewayAway(connection.redact(url), closed.rcvd.reason if closed.rcvd else "") from None
            _pause(until_s)
        except (OSError, InvalidHandshake, InvalidURI) as error:
            if not reached:
                raise GatewayAway(connection.redact(url), type(error).__name__) from None
            _pause(until_s)


def _place(message: dict[str, Any], last: str | None) -> str | None:
    """Give the id to resume from after this message."""
    if message["type"] == "welcome":
        return last or str(message["last"])
    if message["type"] == "gap" and message["before"] is None:
        return None
    return str(message["id"]) if message["type"] == "alert" else last


def _pause(until_s: float) -> None:
    time.sleep(max(0.0, min(PAUSE_S, until_s - time.monotonic())))


def _live(messages: Iterator[dict[str, Any]]) -> None:
    from rich.live import Live

    from monitor.commands.tail_table import Table

    table = Table()
    with Live(table.draw(), auto_refresh=False, screen=sys.stdout.isatty()) as live:
        for message in messages:
            if table.take(message):
                live.update(table.draw(), refresh=True)
