"""`bodywatch bench pipeline`: live streams through the whole daemon, and what became of every frame."""

import contextlib
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.bench import processes
from deploy.broadcast.copies import copies_on_air
from deploy.broadcast.station import Kind
from deploy.demo.alert_listener import AlertListener, ReceivedEvent
from deploy.demo.programme import impostor_style
from monitor.config import Config, parse
from monitor.errors import BodywatchError, ConfigError
from monitor.supervisor import Service, running

SETTLE_S = 5.0
"""Measuring begins so long after every channel's first judged window."""

WARM_UP_MAX_S = 30.0
"""A machine that is too slow for a judged window is measured all the same, from this time on."""


class NothingSeen(BodywatchError):
    """No pose was made, so there is nothing to measure."""

    def __init__(self, channel: str, health: Mapping[str, str]) -> None:
        self.channel, self.health = channel, health

    def __str__(self) -> str:
        state, why = (self.health.get(key, "") for key in ("state", "why"))
        return (
            f"{self.channel} had no frame posed within {WARM_UP_MAX_S:.0f} s ({why or state or 'no health at all'}); "
            "try fewer streams, or `bodywatch check` with a configuration of your own"
        )


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent through the daemon. size is "1280x720"; video replaces the rendered recording."""

    streams: int
    seconds: float
    size: str
    fps: float
    video: str | None
    model: str
    kind: Kind
    settle_s: float = SETTLE_S


@dataclass(slots=True)
class Channel:
    """What is heard of one channel: its health at both ends of the measurement, and all messages between."""

    name: str
    listener: AlertListener
    before: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    heard: list[ReceivedEvent] = field(default_factory=list)

    def result(self) -> dict[str, Any]:
        """Tell what the channel did between the two readings of its health."""
        poses, dropped, span_s = (self._gained(key) for key in ("poses", "dropped", "at"))
        scores = [h for h in self.heard if h.kind == "window" and "score" in h.data]
        covered = [float(h.data["quality"]["measured"]) for h in scores]
        alerts = [h.latency_ms for h in self.heard if h.kind == "incident" and h.via == "websocket"]
        windows = [h.latency_ms for h in self.heard if h.kind == "window" and h.via == "websocket"]
        return {
            "name": self.name,
            "poses_per_s": round(poses / span_s, 2),
            "dropped": int(dropped),
            "coverage": round(statistics.fmean(covered), 4) if covered else None,
            "coverage_lowest": min(covered, default=None),
            "alert_latency_ms": _median(alerts),
            "alerts": len(alerts),
            "window_latency_ms": _median(windows),
            "windows_judged": int(self._gained("windows_judged")),
            "windows_not_judged": int(self._gained("windows_not_judged")),
            "fps": float(self.after["fps"]),
        }

    def _gained(self, key: str) -> float:
        return float(self.after[key]) - float(self.before[key])


def run(load: Load) -> dict[str, Any]:
    """Send, watch, measure.

    Raises:
        BodywatchError: the video, the model or a part is not what it should be, or nothing is seen.
    """
    processes.check_proc()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bodywatch-bench-")))
        os.environ.setdefault("BODYWATCH_LOG", "ERROR")
        video = Path(load.video) if load.video else _render(load, folder / "speech.ts")
        air = stack.enter_context(copies_on_air(video, load.streams, load.kind))
        service = stack.enter_context(running(_config(air.urls, load.model, folder)))
        stack.enter_context(_kept_alive(service))
        names = [f"stream-{number}" for number in range(1, load.streams + 1)]
        channels = [
            Channel(name, stack.enter_context(AlertListener(service.redis_url, service.page_url or "", name)))
            for name in names
        ]
        parts = _parts(service, air.pid)
        warm_up_s = _warm_up(channels, load.settle_s)
        cpu, memory = _measure(channels, parts, load.seconds)
    daemon = [part for part in cpu if part != "sender"]
    if gone := next((channel for channel in channels if "poses" not in channel.after), None):
        raise NothingSeen(gone.name, gone.after)
    return {
        "streams": load.streams,
        "seconds": load.seconds,
        "video": load.video or f"rendered {load.size} at {load.fps:g} fps, coded beforehand",
        "sent": f"{load.kind}, remuxed in real time by a process of its own (cpu_s: sender)",
        "cores": len(os.sched_getaffinity(0)),
        "warm_up_s": round(warm_up_s, 1),
        "channels": [channel.result() for channel in channels],
        "cpu_s_per_stream_s": round(sum(cpu[part] for part in daemon) / load.streams / load.seconds, 4),
        "cpu_s": {part: round(spent, 2) for part, spent in cpu.items()},
        "rss_mb": round(max(memory), 1),
        "rss_mb_growth": round(statistics.median(memory[-5:]) - statistics.median(memory[:5]), 1),
        "rss_mb_by_minute": [round(statistics.median(memory[n : n + 60]), 1) for n in range(0, len(memory), 60)],
    }


def told(result: Mapping[str, Any]) -> str:
    """Tell the result in lines of text."""
    lines = [
        f"{result['streams']} streams for {result['seconds']:g} s after {result['warm_up_s']:g} s of warm-up, "
        f"{result['cores']} cores; {result['video']}; {result['sent']}",
        f"{'channel':12} {'poses/s':>8} {'dropped':>8} {'coverage':>9} {'alert ms':>9} {'window ms':>10}",
    ]
    for channel in result["channels"]:
        figures = [channel[key] for key in ("coverage", "alert_latency_ms", "window_latency_ms")]
        coverage, alert, window = ("-" if figure is None else f"{figure:g}" for figure in figures)
        lines.append(
            f"{channel['name']:12} {channel['poses_per_s']:8.2f} {channel['dropped']:8d} "
            f"{coverage:>9} {alert:>9} {window:>10}"
        )
    spent = ", ".join(f"{part} {seconds:g}" for part, seconds in result["cpu_s"].items())
    lines.append(f"processor: {result['cpu_s_per_stream_s']:g} s per second of one stream ({spent} s in all)")
    lines.append(f"memory: {result['rss_mb']:g} MB, {result['rss_mb_growth']:+g} MB over the measurement")
    return "\n".join(lines)


def _render(load: Load, file: Path) -> Path:
    """Render and code 40 s: the speaker, a cut-away, an impostor for whom an incident fires, the speaker again."""
    from trainer.puppet.renderer import Passage, Script, frames
    from trainer.puppet.video import record

    try:
        width, height = (int(side) for side in load.size.split("x"))
    except ValueError:
        raise ConfigError("the command line", "--size", f"must be WIDTHxHEIGHT, not {load.size}") from None
    script = Script(
        (
            Passage(0, 14, "lectern", seed=1),
            Passage(14, 15, "audience", who=None),
            Passage(15, 33, "lectern", who="impostor", style=impostor_style(0), seed=2),
            Passage(33, 40, "lectern", seed=3),
        )
    )
    for _ in record(frames(script, width, height, load.fps), str(file), width, height, load.fps):
        pass
    return file


def _config(urls: Sequence[str], model: str, folder: Path) -> Config:
    channels = [{"name": f"stream-{n}", "url": url, "model": model} for n, url in enumerate(urls, 1)]
    values = {
        "redis": {"outbox": folder / "outbox.sqlite"},
        "gateway": {"port": 0, "audit": folder / "audit.jsonl"},
        "evidence": {"folder": folder / "evidence"},
        "channels": channels,
    }
    return parse(values, "the benchmark")


@contextlib.contextmanager
def _kept_alive(service: Service) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=service.wait, args=(stop,), daemon=True, name="keep alive")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=5)


def _parts(service: Service, sender: int) -> dict[str, int]:
    """Name the processes that count: the daemon's, Redis, and the sender, which is no part of it."""
    parts = {one.name: one.process.pid for one in service.processes if one.process and one.process.pid}
    for pid in processes.children_of(os.getpid()):
        if processes.name_of(pid).startswith(("redis", "valkey")):
            parts["redis"] = pid
    return {**parts, "sender": sender}


def _warm_up(channels: Sequence[Channel], settle_s: float) -> float:
    """Wait for a judged window on every channel, and settle_s more; give the time that it took.

    Raises:
        NothingSeen: a channel has not even a pose.
    """
    start_s = time.monotonic()

    def late() -> bool:
        return time.monotonic() - start_s > WARM_UP_MAX_S

    for channel in channels:
        judged = any(heard is not None and "score" in heard.data for heard in channel.listener.listen(late))
        if not judged and float((health := channel.listener.health()).get("poses", 0)) == 0:
            raise NothingSeen(channel.name, health)
    time.sleep(settle_s)
    return time.monotonic() - start_s


def _measure(
    channels: Sequence[Channel], parts: Mapping[str, int], seconds: float
) -> tuple[dict[str, float], list[float]]:
    """Let the time pass; give the processor time of each part, and the daemon's memory once a second."""
    for channel in channels:
        _drain(channel)
        channel.before = channel.listener.health()
        channel.heard.clear()
    cpu = {part: processes.cpu_s(pid) for part, pid in parts.items()}
    start_s, memory = time.monotonic(), []
    while (left_s := start_s + seconds - time.monotonic()) > 0:
        time.sleep(min(1.0, left_s))
        memory.append(sum(processes.rss_mb(pid) for part, pid in parts.items() if part != "sender"))
    cpu = {part: processes.cpu_s(pid) - cpu[part] for part, pid in parts.items()}
    for channel in channels:
        channel.after = channel.listener.health()
        _drain(channel)
    return cpu, memory


def _drain(channel: Channel) -> None:
    """Take what waits."""
    channel.heard += iter(lambda: next(channel.listener.listen(lambda: False), None), None)


def _median(values: Sequence[float]) -> float | None:
    return round(statistics.median(values), 1) if values else None
