"""`bodywatch demo`: a rendered broadcast, the daemon on it, Redis and the page; tells in plain words what happens.

The speaker is rendered (trainer/puppet/) and the demo's model knows only that speaker. Everything else is what runs on
air: H.264 over HLS or RTSP, the pose network, the LSTM, Redis and the websocket.
"""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from deploy.demo.report import Report
    from monitor.config import Config
    from trainer.puppet.renderer import Script

CHANNEL = "demo"
PORT = 8600
FRAMES_PER_S = 15.0
"""The lowest rate at which every tick of the 30 Hz grid is measured (resample.MEASURED_S): two slow cores have to draw,
encode, pose and serve at once."""

LAST_WORDS_S = 8.0
"""The daemon gets so long after the last picture to judge what is on its way."""


def command(
    seconds: Annotated[
        float | None, typer.Option(help="Length of the broadcast; without it until Ctrl-C, at most a day", min=80)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end; talk on stderr")] = False,
    rtsp: Annotated[bool, typer.Option("--rtsp", help="Broadcast by RTSP (needs GStreamer) instead of HLS")] = False,
    port: Annotated[
        int | None, typer.Option("--port", "-p", help="Port of the page; 0: any free one", min=0, max=65535)
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the daemon's log as well")] = False,
) -> None:
    """Watch a rendered broadcast on this machine: a speaker, an anchor, and an impostor who only moves differently.

    Examples: [bold]bodywatch demo[/]   [bold]bodywatch demo --seconds 90 --json[/]
    """
    import os
    import tempfile

    from monitor import supervisor

    if not verbose:
        os.environ.setdefault("BODYWATCH_LOG", "ERROR")
    stop = supervisor.stop_on_signals()
    with tempfile.TemporaryDirectory(prefix="bodywatch-demo-") as folder:
        report = _run(seconds, "rtsp" if rtsp else "hls", port, Path(folder), stop.is_set, as_json)
    typer.echo(json.dumps(report.as_json()) if as_json else report.summary())


def _run(seconds: float | None, kind: Any, port: int | None, folder: Path, stopped: Any, as_json: bool) -> "Report":
    import threading

    from deploy.broadcast.station import Format, on_air
    from deploy.demo.alert_listener import AlertListener
    from deploy.demo.programme import DAY_S, programme
    from deploy.demo.report import Narrator, Report
    from monitor.bus.connection import redact
    from monitor.supervisor import running

    script = programme(seconds or DAY_S)
    say = _Voice(as_json)
    say("The speaker you will see is rendered, and the model knows only that speaker. Starting ...")
    ended = threading.Event()
    with (
        on_air(script, kind=kind, form=Format(fps=FRAMES_PER_S)) as station,
        running(_config(station.url, port, folder)) as service,
        AlertListener(service.redis_url, service.page_url or "", CHANNEL) as listener,
    ):
        threading.Thread(target=service.wait, args=(ended,), daemon=True, name="keep alive").start()
        say(f"On air at {station.url}, watched live. Open the page: {service.page_url}")
        say(f"Alerts go to Redis at {redact(service.redis_url)}")
        report = Report(script, station.started_s, exact_clock=kind == "hls")
        narrator = Narrator(report, say)
        end = _End(script, report, station.ended, stopped)
        for heard in listener.listen(end.reached):
            if heard is not None:
                report.take(heard)
                narrator.tell(heard)
        report.health = listener.health()
        ended.set()
    return report


class _End:
    """Knows when the demo is over: stopped by hand, or everything that was broadcast has been judged."""

    def __init__(self, script: "Script", report: "Report", off_air: Any, stopped: Any) -> None:
        self._end_s, self._report, self._off_air, self._stopped = script.end_s, report, off_air, stopped
        self._silent_since_s: float | None = None

    def reached(self) -> bool:
        if self._stopped():
            return True
        if not self._off_air():
            return False
        if self._silent_since_s is None:
            self._silent_since_s = time.monotonic()
        waited_s = time.monotonic() - self._silent_since_s
        return self._report.latest_s >= self._end_s - 0.6 or waited_s > LAST_WORDS_S


class _Voice:
    """Prints lines with the time since the start; to standard error when the result is JSON."""

    def __init__(self, to_stderr: bool) -> None:
        self._start_s, self._to_stderr = time.monotonic(), to_stderr

    def __call__(self, text: str) -> None:
        spent_s = time.monotonic() - self._start_s
        typer.echo(f"{int(spent_s // 60):2d}:{int(spent_s % 60):02d}  {text}", err=self._to_stderr)


def _config(url: str, port: int | None, folder: Path) -> "Config":
    from monitor.config import parse

    return parse(
        {
            "redis": {"outbox": folder / "outbox.sqlite"},
            "gateway": {"port": _free(PORT) if port is None else port, "audit": folder / "audit.jsonl"},
            "evidence": {"folder": folder / "evidence"},
            "channels": [{"name": CHANNEL, "url": url, "model": "demo-speaker"}],
        },
        "the demo",
    )


def _free(port: int) -> int:
    """Give the port if nobody listens there, else 0 for any."""
    import socket

    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return 0
    return port
