"""Recordings on the air, the whole daemon on them, and what it says."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import redis

from monitor.bus import keys
from monitor.commands.check import score_recording
from monitor.config import Config, parse
from monitor.offline import Result
from monitor.supervisor import running
from tests.support import servers
from trainer.puppet.renderer import Script, frames
from trainer.puppet.video import record

PATIENCE_S = 60.0

HELD_BACK_S = 0.4
"""The last pictures of a playlist that stands still come when it goes on: so much of a recording isn't waited for."""


def film(script: Script, path: Path, *, fps: float) -> Path:
    """Render a script into a file."""
    for _ in record(frames(script, 640, 360, fps), str(path), 640, 360, fps):
        pass
    return path


def beginning(source: Path, path: Path, seconds: float) -> Path:
    """Copy the first seconds of a recording, without encoding again."""
    with av.open(str(source)) as whole, av.open(str(path), "w") as part:
        picture = whole.streams.video[0]
        copied = part.add_stream_from_template(picture)
        for packet in whole.demux(picture):
            if packet.dts is None or float(packet.dts * picture.time_base) >= seconds:
                break
            packet.stream = copied
            part.mux(packet)
    return path


def config(model: Path, folder: Path, urls: Mapping[str, str], **more: Any) -> Config:
    """Watch urls, by the channels' names, with nothing left outside of folder."""
    parts: dict[str, Any] = {
        "channels": [{"name": name, "url": url, "model": str(model)} for name, url in urls.items()],
        "redis": {"outbox": folder / "outbox.sqlite"},
        "gateway": {"port": 0, "audit": folder / "audit.jsonl"},
        "evidence": {"folder": folder / "evidence"},
        "queue_frames": 300,
    }
    return parse(parts | more, "test")


def until(true: Callable[[], Any], what: str) -> Any:
    """Wait for a condition and give what it found."""
    end_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < end_s:
        if found := true():
            return found
        threading.Event().wait(0.05)
    raise AssertionError(f"waited {PATIENCE_S:.0f} s in vain for {what}")


def verdicts(client: "redis.Redis", channel: str = "a") -> list[dict[str, Any]]:
    """Give a channel's windows, oldest first, with a score or the reason for none."""
    return [json.loads(fields[b"score"]) for _, fields in client.xrange(keys.scores(channel))]


def offline(path: Path, model: Path, folder: Path) -> Result:
    """Judge a recording every 0.5 s, as the daemon does."""
    return score_recording(str(path), config(model, folder, {"a": "x"}), every_s=0.5, smooth=True, quiet=True)


def health_after(client: "redis.Redis", windows: int, channel: str = "a") -> dict[bytes, bytes] | None:
    """Give a channel's health once it has counted so many windows; before that None."""
    health: dict[bytes, bytes] = client.hgetall(keys.health(channel))
    counted = sum(int(health.get(field, 0)) for field in (b"windows_judged", b"windows_not_judged"))
    return health if counted >= windows else None


class LiveHls:
    """Puts a recording on the air as live HLS, without encoding again: the bits are the recording's.

    The first segment is there at once, as of a broadcast that has been running; the rest follows in real time from
    go_on() on. Segments end at key frames, and after the last one the playlist stands still, without an end.
    """

    def __init__(self, recording: Path, folder: Path) -> None:
        self._recording, self._playlist = recording, folder / "live.m3u8"
        self._on, self._end = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._send)

    def __enter__(self) -> "LiveHls":
        self._thread.start()
        until(self._playlist.exists, "the first segment")
        return self

    def __exit__(self, *error: object) -> None:
        self._end.set()
        self._on.set()
        self._thread.join()

    def go_on(self) -> None:
        self._on.set()

    def _send(self) -> None:
        options = {"hls_time": "1", "hls_list_size": "6", "hls_flags": "omit_endlist+temp_file"}
        with (
            av.open(str(self._recording)) as source,
            av.open(str(self._playlist), "w", format="hls", options=options) as output,
        ):
            picture = source.streams.video[0]
            copied = output.add_stream_from_template(picture)
            for wait_s, packet in self._paced(source.demux(picture)):
                if self._end.wait(wait_s):
                    return
                packet.stream = copied
                output.mux(packet)

    def _paced(self, packets: Iterator[Any]) -> Iterator[tuple[float, Any]]:
        """Give each packet and how long to wait before it."""
        zero_s = None
        for packet in packets:
            if packet.dts is None:
                continue
            dts_s = float(packet.dts * packet.time_base)
            if zero_s is None and self._playlist.exists():
                self._on.wait()
                zero_s = time.monotonic() - dts_s
            yield (0.0 if zero_s is None else max(0.0, zero_s + dts_s - time.monotonic())), packet


@dataclass(frozen=True, slots=True)
class Heard:
    """What was said of one recording, by the time since its first picture at which a window ends.

    starts tells where the window begins, words its score or why there is none, sums what has added up against and for
    the person where the model's rule adds up. cuts_s is known offline only, health
    (the hash in Redis) live only.
    """

    starts: dict[float, float]
    words: dict[float, float | str]
    epochs: set[int]
    cuts_s: list[float]
    health: dict[bytes, bytes]
    sums: dict[float, tuple[float, float]]


def heard(windows: list[dict[str, Any]], cuts_s: list[float], health: dict[bytes, bytes]) -> Heard:
    """Sort windows, oldest first; the first one ends with the first picture."""
    zero_s = windows[0]["end_s"]
    ends = [round(window["end_s"] - zero_s, 2) for window in windows]
    return Heard(
        {end: window["start_s"] - zero_s for end, window in zip(ends, windows, strict=True)},
        {end: window.get("score", window.get("not_judged")) for end, window in zip(ends, windows, strict=True)},
        {window["epoch"] for window in windows},
        [cut_s - zero_s for cut_s in cuts_s],
        health,
        {
            end: (window["evidence"]["against"], window["evidence"]["in_favour"])
            for end, window in zip(ends, windows, strict=True)
            if "evidence" in window
        },
    )


def both_ways(recording: Path, model: Path, folder: Path) -> tuple[Heard, Heard]:
    """Judge a recording offline and as live HLS by the whole daemon; the same windows of both."""
    result = offline(recording, model, folder)
    end_s = result.epochs[-1]["end_s"] - HELD_BACK_S
    windows = [window for window in result.windows if window["end_s"] <= end_s]
    air = folder / "air"
    air.mkdir()
    with LiveHls(recording, air) as broadcast, servers.web(air) as address:
        # A machine too slow may lag, not connect anew: no silence of the server is long enough.
        setting = config(model, folder, {"a": f"{address}/live.m3u8"}, timeout_s=60.0)
        with running(setting, serve=False) as service, redis.Redis.from_url(service.redis_url) as client:
            broadcast.go_on()
            said = until(lambda: (found := verdicts(client))[len(windows) - 1 :] and found, "the last window")
            health = until(lambda: health_after(client, len(windows)), "the health then")
    return heard(windows, result.cuts_s, {}), heard(said[: len(windows)], [], health)
