"""The whole daemon on real RTSP servers, a real Redis-compatible server, real weights; HLS is in test_filmed_live."""

import time
from pathlib import Path

import pytest
import redis

from monitor.bus import keys
from monitor.supervisor import running
from tests.support import servers
from tests.support.live import config, film, health_after, offline, until, verdicts
from tests.support.model_files import untaught
from trainer.puppet.renderer import Passage, Script


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return untaught(tmp_path_factory.mktemp("model") / "nobody.pt")


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve seconds of the rendered speaker at 15 fps, the lowest rate that measures every pose."""
    return film(Script((Passage(0, 12),)), tmp_path_factory.mktemp("speech") / "speech.mp4", fps=15)


def judged_over(client: "redis.Redis", channel: str) -> tuple[set[float], bytes, bytes, bytes]:
    """Wait for a judged window; gives how long such windows are, and the health's transport, reconnects and dropped."""
    until(lambda: any("score" in window for window in verdicts(client, channel)), f"a judged window of {channel}")
    said = verdicts(client, channel)
    health = until(lambda: health_after(client, len(said), channel), "the health then")
    lengths_s = {round(window["end_s"] - window["start_s"], 3) for window in said if "score" in window}
    return lengths_s, health[b"transport"], health[b"reconnects"], health[b"dropped"]


def test_a_speaker_is_judged_over_rtsp_whatever_the_transport(speech: Path, model: Path, tmp_path: Path) -> None:
    """Two channels of one daemon; one server refuses UDP, the other TCP, and no channel names a transport."""
    with (
        servers.gst_rtsp(speech, transport="tcp") as tcp,
        servers.gst_rtsp(speech, transport="udp") as udp,
        running(config(model, tmp_path, {"a": tcp.url, "b": udp.url}), serve=False) as service,
        redis.Redis.from_url(service.redis_url) as client,
    ):
        assert judged_over(client, "a") == ({round(149 / 30, 3)}, b"rtsp/tcp", b"0", b"0")
        assert judged_over(client, "b") == ({round(149 / 30, 3)}, b"rtsp/udp", b"0", b"0")


def test_a_dead_stream_is_told_and_comes_back_by_itself(model: Path, speech: Path, tmp_path: Path) -> None:
    """The server is killed as by a power cut; the timeout is 3 s."""
    with servers.gst_rtsp(speech) as server:
        setting = config(model, tmp_path, {"a": server.url}, timeout_s=3.0, retry_max_s=1.0)
        with running(setting, serve=False) as service, redis.Redis.from_url(service.redis_url) as client:

            def state(*wanted: bytes) -> bool:
                return client.hget(keys.health("a"), "state") in wanted

            until(lambda: state(b"live"), "a picture")
            server.kill()
            killed_s = time.monotonic()
            until(lambda: state(b"stream_down"), "word that the stream is down")
            assert time.monotonic() - killed_s < 3.0 + 5.0  # timeout, health once a second, a busy machine
            until(
                lambda: any(w.get("not_judged") == "stream_down" for w in verdicts(client)), "a verdict that says why"
            )
            server.start()
            until(
                lambda: state(b"live", b"degraded"), "the stream again"
            )  # degraded: of the latest 10 s much is missing
            assert int(client.hget(keys.health("a"), "reconnects") or 0) >= 1


def test_a_rendered_cut_is_found_to_the_frame(model: Path, tmp_path: Path) -> None:
    """True cuts at 2.0 s and 3.0 s, 30 fps: told at that frame, and the next judged window begins after it."""
    script = Script((Passage(0, 2), Passage(2, 3, "audience", who=None), Passage(3, 9)))
    result = offline(film(script, tmp_path / "cut.mp4", fps=30), model, tmp_path)
    assert result.cuts_s == pytest.approx([2.0, 3.0], abs=0.001)
    starts = [window["start_s"] for window in result.windows if "score" in window]
    assert starts
    assert min(starts) >= 3.0
