"""The desk on the demo's own broadcast: rendered speaker, pose network, model, Redis, gateway, and real browsers.

Nothing is fed in by hand. BODYWATCH_ARTEFACTS names a folder for the pictures, to be looked at, and the figures.
"""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from deploy.bench.processes import children_of
from deploy.demo.command import CHANNEL
from monitor.bus import connection, keys
from monitor.bus.queries import stream_id
from tests.support.browser import NEEDS_CHROMIUM, watched
from tests.support.gateway import wait

BROADCAST_S = 100
"""The impostor is on air from 27 s to 49 s, the incident ends at about 60 s; the rest is for slow machines."""

NOTE_WHEN_SHOWN = """() => {
    window.shownMs = {};
    const note = () => {
        for (const row of document.querySelectorAll("#list li"))
            for (const id of row.dataset.events.split(" ")) window.shownMs[id] ??= Date.now();
    };
    const all = {subtree: true, childList: true, attributes: true};
    new MutationObserver(note).observe(document.getElementById("list"), all);
}"""
EVENTS_SHOWN = "() => [...document.querySelectorAll('#list li')].flatMap(row => row.dataset.events.split(' '))"


class Demo:
    """`bodywatch demo` as a user starts it, on a port that is known, so that its gateway comes back there."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self.address = f"127.0.0.1:{self.port}"
        self._said, self._report = folder / "said.txt", folder / "report.json"

    def __enter__(self) -> "Demo":
        program = Path(sys.executable).with_name("bodywatch")
        order = [program, "demo", "--seconds", str(BROADCAST_S), "--json", "--port", str(self.port)]
        with self._said.open("w") as said, self._report.open("w") as report:
            self._process = subprocess.Popen(order, stdout=report, stderr=said)
        try:
            url = wait(lambda: re.search(r"Redis at (redis://\S+)", self._said.read_text()), timeout_s=60)
        except BaseException:
            self._stop()
            raise
        self.store: redis.Redis = connection.connect(url[1])
        return self

    def __exit__(self, *_: object) -> None:
        self.store.close()
        self._stop()

    def end(self) -> dict[str, Any]:
        """Stop it as Ctrl-C does, and give its report."""
        self._stop()
        assert self._process.returncode == 0, self._said.read_text()
        return dict(json.loads(self._report.read_text()))

    def _stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        self._process.wait(60)

    def alerts(self) -> dict[str, float]:
        """Give the ids of all events in the stream, and when Redis had each (Unix time)."""
        entries: Any = self.store.xrange(keys.ALERTS)
        return {json.loads(fields["event"])["id"]: stream_id(number)[0] / 1000 for number, fields in entries}

    def states(self) -> list[str]:
        """Give the states that the incident went through, as the stream has them."""
        entries: Any = self.store.xrange(keys.ALERTS)
        return [json.loads(fields["event"])["data"]["state"] for _, fields in entries]

    def score(self) -> float:
        """Give the latest window's score; 1.0 while nothing is judged."""
        ((_, fields),) = self.store.xrevrange(keys.scores(CHANNEL), count=1) or [(0, {"score": "{}"})]
        return float(json.loads(fields["score"]).get("score", 1.0))

    def gateways(self) -> list[int]:
        """Find the processes of ours that listen on the page's port; none while the gateway is dead."""
        table = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        inodes = {row[9] for row in table if row[3] == "0A" and row[1].endswith(f":{self.port:04X}")}
        return [pid for pid in children_of(self._process.pid) if inodes & set(_sockets_of(pid))]

    def kill_gateway(self) -> None:
        """Kill it, if it lives, so that it can't say goodbye."""
        for pid in self.gateways():
            os.kill(pid, signal.SIGKILL)


def _sockets_of(pid: int) -> Iterator[str]:
    """Name the inodes of a process' sockets."""
    with contextlib.suppress(OSError):
        for file in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                yield file.readlink().name.removeprefix("socket:[").removesuffix("]")


def picture(page: Any, path: Path) -> None:
    """Keep a picture of a page that shows the body, the gauge and the reason, and scrolls sideways nowhere."""
    page.wait_for_selector("canvas.picture[data-body=yes]")
    page.wait_for_selector("#details .why-so .outline")
    assert page.locator("[data-channel] .tick:visible").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.screenshot(path=path, full_page=True)


def acknowledge(page: Any, other: Any, demo: Demo) -> float:
    """Press A on one page; gives the seconds until the other shows it, and finds it in Redis."""
    (incident,) = demo.store.zrange(keys.INCIDENT_ORDER, 0, -1)
    pressed_s = time.time()
    page.keyboard.press("a")
    other.wait_for_selector(f"#list [data-incident='{incident}'][data-handled=acknowledged]")
    reached_s = time.time() - pressed_s
    ((_, entry),) = demo.store.xrange(keys.COMMANDS)
    command = json.loads(entry["command"])
    assert (command["command"], command["incident"]) == ("ack", incident)
    assert json.loads(demo.store.hget(keys.HANDLING, incident) or "{}")["acknowledged"]["by"] == "this machine"
    return reached_s


def keep_dead(demo: Demo, until: str) -> float:
    """Kill the gateway whenever it lives, until the incident has this state in Redis; gives the first kill's time."""
    killed_s = time.time()
    while until not in demo.states():
        demo.kill_gateway()
        time.sleep(0.05)
        assert time.time() - killed_s < 40
    return killed_s


@NEEDS_CHROMIUM
@pytest.mark.slow
def test_the_desk_shows_acknowledges_and_misses_nothing(browser: Any, tmp_path: Path) -> None:
    """One broadcast: two pages open, an impostor, a picture of each size, a key, and a gateway that dies at the end."""
    folder = Path(os.environ.get("BODYWATCH_ARTEFACTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    with Demo(tmp_path) as demo:
        desk = watched(browser, demo.address, viewport={"width": 1280, "height": 720})
        phone = watched(browser, demo.address, viewport={"width": 390, "height": 844})
        wall = watched(browser, demo.address, viewport={"width": 3840, "height": 2160})
        with desk as page, phone as other:
            page.evaluate(NOTE_WHEN_SHOWN)
            page.wait_for_selector("#list [data-state=firing]", timeout=90_000)
            picture(other, folder / "on-air-phone.png")
            with wall as large:
                picture(large, folder / "on-air-4k.png")
            acknowledged_s = acknowledge(page, other, demo)
            shown_ms = page.evaluate("window.shownMs")
            delays_s = {event: shown_ms[event] / 1000 - at_s for event, at_s in demo.alerts().items()}
            assert demo.states() == ["pending", "firing"]
            assert max(delays_s.values()) < 2.0
            assert desk.complaints == phone.complaints == []

            wait(lambda: demo.score() < 0.2, timeout_s=60)  # the speaker is back: after three more such windows it ends
            killed_s = keep_dead(demo, until="resolved")
            page.wait_for_selector("#link[data-link=live]", timeout=60_000)
            back_s = time.time() - killed_s
            page.wait_for_selector(".notice.missed:has-text('1 alert came meanwhile')")
            other.wait_for_selector("#list [data-state=resolved]", timeout=60_000)
            assert demo.states() == ["pending", "firing", "resolved"]
            assert sorted(page.evaluate(EVENTS_SHOWN)) == sorted(other.evaluate(EVENTS_SHOWN)) == sorted(demo.alerts())
            page.wait_for_selector(f"[data-channel={CHANNEL}][data-verdict=clear]")
            desk.expect("net::ERR_")
            phone.expect("net::ERR_")
        report = demo.end()
    assert [(one["truth"], one["state"]) for one in report["incidents"]] == [("impostor", "resolved")]
    figures = {"redis_to_page_s": delays_s, "key_to_other_page_s": acknowledged_s, "killed_to_live_again_s": back_s}
    (folder / "on-air.json").write_text(json.dumps(figures, indent=1))
