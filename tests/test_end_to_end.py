"""The whole daemon on real H.264 and H.265 over real servers, a real Redis-compatible server, real weights."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import av
import pytest
import redis

from monitor import keys
from monitor.check import score_recording
from monitor.config import Config, parse
from monitor.supervisor import running
from tests import servers
from tests.person import untaught
from trainer.puppet import Passage, Script, frames
from trainer.puppet_video import record

PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return untaught(tmp_path_factory.mktemp("model") / "nobody.pt")


def film(script: Script, path: Path, *, fps: float) -> None:
    """Render a script into a file."""
    for _ in record(frames(script, 640, 360, fps), str(path), 640, 360, fps):
        pass


def config(url: str, model: Path, folder: Path, **more: Any) -> Config:
    channel = {"name": "a", "url": url, "model": str(model)}
    parts: dict[str, Any] = {
        "channels": [channel],
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


def beginning(source: Path, path: Path, seconds: float) -> Path:
    """Copy the first seconds of a recording, without encoding again."""
    with av.open(str(source)) as whole, av.open(str(path), "w") as part:
        picture = whole.streams.video[0]
        copied = part.add_stream_from_template(picture)
        for packet in whole.demux(picture):
            if packet.dts is None or float(packet.pts * picture.time_base) >= seconds:
                continue
            packet.stream = copied
            part.mux(packet)
    return path


class LiveHls:
    """Puts a recording on the air as live HLS, in real time, without encoding again: the bits are the recording's."""

    def __init__(self, recording: Path, folder: Path) -> None:
        self._recording, self._folder = recording, folder
        self._thread = threading.Thread(target=self._send)

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        self._thread.join()

    def _send(self) -> None:
        options = {"hls_time": "1", "hls_list_size": "6", "hls_flags": "omit_endlist+temp_file"}
        started_s = time.monotonic()
        with (
            av.open(str(self._recording)) as source,
            av.open(str(self._folder / "live.m3u8"), "w", format="hls", options=options) as output,
        ):
            picture = source.streams.video[0]
            copied = output.add_stream_from_template(picture)
            for packet in source.demux(picture):
                if packet.dts is not None:
                    due_s = started_s + float(packet.dts * picture.time_base)
                    threading.Event().wait(max(0.0, due_s - time.monotonic()))
                    packet.stream = copied
                    output.mux(packet)


def verdicts(client: "redis.Redis", start_s: float) -> dict[float, Any]:
    """Give the channel's verdicts by the time since start_s at which their windows end."""
    entries = client.xrange(keys.scores("a"))
    records = [json.loads(fields[b"score"]) for _, fields in entries]
    return {round(r["end_s"] - start_s, 2): r.get("score", r.get("not_judged")) for r in records}


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine seconds of the rendered speaker at 25 fps, with a key frame every second."""
    path = tmp_path_factory.mktemp("speech") / "speech.mp4"
    film(Script((Passage(0, 9),)), path, fps=25)
    return path


@pytest.mark.parametrize("clip", ["latentsync_demo3.mp4", "latentsync_demo2.mp4"])
def test_a_filmed_speaker_is_followed_and_judged(clip: str, clips: Path, model: Path, tmp_path: Path) -> None:
    """Both arms in view, at 30 and at 25 fps: 7 s hold the windows that end at 5.0, 5.5, 6.0 and 6.5 s, 5.0 s each."""
    result = offline(beginning(clips / clip, tmp_path / "beginning.mp4", 7.0), model, tmp_path)
    judged = [window for window in result["windows"] if "score" in window]
    assert len(judged) >= 4
    assert {round(w["end_s"] - w["start_s"], 3) for w in judged} == {round(149 / 30, 3)}
    assert result["cuts_s"] == []


def test_a_recording_gives_the_same_scores_live_and_offline(speech: Path, model: Path, tmp_path: Path) -> None:
    """The same windows to 1e-4, 5.0 s each at 25 fps: 150 poses, 149 steps of 1/30 s."""
    live = tmp_path / "live"
    live.mkdir()
    setting = config("x", model, tmp_path)
    offline = score_recording(str(speech), setting, every_s=0.5, smooth=True, quiet=True)
    windows = offline.windows
    judged = {round(w["end_s"] - offline.epochs[0]["start_s"], 2): w["score"] for w in windows if "score" in w}
    assert len(judged) >= 4
    assert {round(w["end_s"] - w["start_s"], 3) for w in windows if "score" in w} == {round(149 / 30, 3)}

    broadcast = LiveHls(speech, live)
    with servers.web(live) as address:
        url = f"{address}/live.m3u8"
        setting = config(
            url, model, tmp_path, retry_max_s=0.2, timeout_s=60.0
        )  # a machine too slow may lag, not reconnect
        with running(setting, serve=False) as service, redis.Redis.from_url(service.redis_url) as client:
            broadcast.start()
            last = max(judged)
            until(lambda: (found := client.xrange(keys.scores("a"))) and len(found) >= 4, "the first verdicts")
            first = json.loads(client.xrange(keys.scores("a"), count=1)[0][1][b"score"])
            start_s = first["end_s"] - round(first["end_s"] - first["start_s"], 4)
            until(lambda: last in verdicts(client, start_s), f"the verdict at {last} s")
            heard = verdicts(client, start_s)
            health = client.hgetall(keys.health("a"))
        broadcast.join()
    assert health[b"dropped"] == b"0"
    assert {at: heard[at] for at in judged} == pytest.approx(judged, abs=1e-4)


def test_a_dead_stream_is_told_and_comes_back_by_itself(model: Path, speech: Path, tmp_path: Path) -> None:
    """The server is killed as by a power cut; the timeout is 3 s."""
    servers.need_gstreamer()
    with servers.gst_rtsp(speech) as server:
        setting = config(server.url, model, tmp_path, timeout_s=3.0, retry_max_s=1.0)
        with running(setting, serve=False) as service, redis.Redis.from_url(service.redis_url) as client:

            def state(wanted: bytes) -> bool:
                return client.hget(keys.health("a"), "state") == wanted

            until(lambda: state(b"live"), "a picture")
            server.kill()
            killed_s = time.monotonic()
            until(lambda: state(b"stream_down"), "word that the stream is down")
            assert time.monotonic() - killed_s < 3.0 + 5.0  # timeout, health once a second, a busy machine
            until(lambda: "stream_down" in verdicts(client, 0.0).values(), "a verdict that says why")
            server.start()
            until(lambda: state(b"live"), "the stream again")
            assert int(client.hget(keys.health("a"), "reconnects") or 0) >= 1


@pytest.fixture
def clips(shared_data: Path) -> Path:
    return shared_data / "videos"


def offline(path: Path, model: Path, folder: Path) -> dict[str, Any]:
    return asdict(score_recording(str(path), config("x", model, folder), every_s=0.5, smooth=True, quiet=True))


def test_head_and_shoulders_are_not_judged(clips: Path, model: Path, tmp_path: Path) -> None:
    """4.9 s without an elbow or a wrist: never genuine, never fake."""
    result = offline(clips / "obama_weekly_address.mp4", model, tmp_path)
    reasons = [window.get("not_judged") for window in result["windows"]]
    assert result["verdict"] == "inconclusive"
    assert reasons[2:] == ["arms_hidden"] * len(reasons[2:])
    assert set(reasons[:2]) <= {"filling", "arms_hidden"}


def test_no_window_spans_a_cut(clips: Path, model: Path, tmp_path: Path) -> None:
    """The clip's shots are shorter than a window; its cuts were read off its frames."""
    result = offline(clips / "whitehouse_hamilton_clip.mp4", model, tmp_path)
    inside = [
        (window["start_s"], cut, window["end_s"])
        for window in result["windows"]
        for cut in result["cuts_s"]
        if "score" in window and window["start_s"] < cut <= window["end_s"]
    ]
    assert inside == []
    assert len(result["cuts_s"]) >= 3


def test_a_rendered_cut_is_found_to_the_frame(model: Path, tmp_path: Path) -> None:
    """True cuts at 2.0 s and 3.0 s, 30 fps: told at that frame, and the next judged window begins after it."""
    script = Script((Passage(0, 2), Passage(2, 3, "audience", who=None), Passage(3, 9)))
    film(script, tmp_path / "cut.mp4", fps=30)
    result = offline(tmp_path / "cut.mp4", model, tmp_path)
    assert result["cuts_s"] == pytest.approx([2.0, 3.0], abs=0.001)
    starts = [window["start_s"] for window in result["windows"] if "score" in window]
    assert starts
    assert min(starts) >= 3.0
