"""The ingest against real servers: RTSP over TCP and UDP, HLS, RTMP, MPEG-TS over UDP; and what goes wrong there."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitor.errors import StreamError
from monitor.records import Frame
from monitor.stream.ingest import Ingest, StreamState, probe, redact
from monitor.stream.packets import CodedPacket
from tests.support import servers
from tests.support.servers import until


@pytest.fixture(scope="module")
def broadcast(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute of the test pattern at 25 fps, a key frame a second."""
    return servers.clip(tmp_path_factory.mktemp("broadcast") / "minute.mp4", frames=1500)


class Watched:
    """An ingest in a thread of its own, and all that it told; frames without their pictures."""

    def __init__(self, url: str, **options: Any) -> None:
        self.frames: list[tuple[int, float, int, tuple[int, ...]]] = []  # epoch, time_s, number in the picture, shape
        self.arrived_s: list[float] = []
        self.states: list[StreamState] = []
        self.packets: list[CodedPacket] = []
        self._stop = threading.Event()
        ingest = Ingest(
            "one",
            url,
            **{"timeout_s": 2.0, "retry_max_s": 1.0} | options,
            deliver=self._deliver,
            on_state=self.states.append,
            on_packet=self.packets.append,
        )
        self._thread = threading.Thread(target=ingest.run, args=(self._stop,), daemon=True)
        self._thread.start()

    def _deliver(self, frame: Frame) -> None:
        self.arrived_s.append(frame.arrived_s)
        self.frames.append((frame.epoch, frame.time_s, servers.number_of(frame.image), frame.image.shape))

    @property
    def state(self) -> str:
        return self.states[-1].state if self.states else ""

    def of_epoch(self, epoch: int) -> list[tuple[float, int]]:
        """Give (time_s, number) of an epoch's frames."""
        return [(time_s, number) for found, time_s, number, _ in list(self.frames) if found == epoch]

    def stop(self) -> float:
        """Stop it; gives the seconds that took."""
        started_s = time.monotonic()
        self._stop.set()
        self._thread.join(10.0)
        assert not self._thread.is_alive()
        return time.monotonic() - started_s


@contextlib.contextmanager
def watching(url: str, **options: Any) -> Iterator[Watched]:
    watched = Watched(url, **options)
    try:
        yield watched
    finally:
        watched.stop()


def assert_true_times(frames: list[tuple[float, int]], fps: float = 25.0) -> None:
    """Each picture's number tells when it was filmed: time and number must rise together, none missing."""
    times_s, numbers = zip(*frames, strict=True)
    assert np.diff(numbers).tolist() == [1] * (len(frames) - 1)
    assert np.diff(times_s) == pytest.approx(1 / fps, abs=0.002)  # RTMP counts in milliseconds


def serve_gst(broadcast: Path, folder: Path) -> contextlib.AbstractContextManager[servers.Server]:
    return servers.gst_rtsp(broadcast)


def serve_gst_udp(broadcast: Path, folder: Path) -> contextlib.AbstractContextManager[servers.Server]:
    return servers.gst_rtsp(broadcast, transport="udp")


def serve_toolkit(broadcast: Path, folder: Path) -> contextlib.AbstractContextManager[servers.Server]:
    return servers.toolkit_rtsp(broadcast)


def serve_rtmp(broadcast: Path, folder: Path) -> contextlib.AbstractContextManager[servers.Server]:
    return servers.rtmp(broadcast, folder)


def serve_udp(broadcast: Path, folder: Path) -> contextlib.AbstractContextManager[servers.Server]:
    return servers.udp(broadcast)


Serve = Callable[[Path, Path], contextlib.AbstractContextManager[servers.Server]]


@pytest.mark.parametrize(
    ("serve", "transport", "format"),
    [
        (serve_gst, "rtsp/tcp", "rtsp"),
        (serve_gst_udp, "rtsp/udp", "rtsp"),
        (serve_toolkit, "rtsp/tcp", "rtsp"),
        (serve_rtmp, "rtmp", "flv"),
        (serve_udp, "udp", "mpegts"),
    ],
)
def test_a_broadcast_comes_in_with_every_frame_at_its_time(
    serve: Serve, transport: str, format: str, broadcast: Path, tmp_path: Path
) -> None:
    """60 frames are 2.4 s. With no transport named, a server that refuses TCP is asked for UDP."""
    with serve(broadcast, tmp_path) as server, watching(server.url) as watched:
        until(lambda: len(watched.frames) >= 60)
        live = watched.states[-1]
    assert_true_times(watched.of_epoch(0))
    assert (live.state, live.codec, live.width, live.height, live.fps) == (
        "live",
        "h264",
        320,
        180,
        pytest.approx(25.0),
    )
    assert (live.transport, live.format) == (transport, format)
    assert np.median(np.diff(watched.arrived_s)) == pytest.approx(0.04, abs=0.01)  # a burst is not passed on as one


def test_packets_are_kept_as_they_came(broadcast: Path) -> None:
    with servers.toolkit_rtsp(broadcast) as server, watching(server.url) as watched:
        until(lambda: len(watched.frames) >= 30)
    kept = {(packet.epoch, packet.time_s) for packet in watched.packets}
    assert {(epoch, time_s) for epoch, time_s, _, _ in watched.frames} <= kept
    keys = [packet.time_s for packet in watched.packets if packet.is_key]
    assert np.diff(keys) == pytest.approx(1.0)
    assert {(packet.track.codec, packet.track.width, packet.track.height) for packet in watched.packets} == {
        ("h264", 320, 180)
    }


@pytest.mark.parametrize("login", ["basic", "digest"])
def test_a_server_with_a_password_lets_in_only_who_knows_it(
    login: str, broadcast: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with servers.gst_rtsp(broadcast, login=login) as server:
        host = server.url.removeprefix("rtsp://")
        assert probe(f"rtsp://desk:s3cret@{host}").codec == "h264"
        with pytest.raises(StreamError) as refused:
            probe(f"rtsp://desk:wr0ng@{host}")
        with watching(f"rtsp://desk:wr0ng@{host}", retry_max_s=600.0) as watched:
            until(lambda: watched.state == "stream_down")
            assert watched.stop() < 1.0
    assert str(refused.value) == (
        f"rtsp://***@{host} refuses the user name or password; "
        "correct the credentials in the URL (rtsp://user:password@host/path)"
    )
    assert watched.states[-1].why == str(refused.value)
    assert "wr0ng" not in caplog.text + repr(watched.states)


def test_a_path_that_the_server_does_not_have_is_told(broadcast: Path) -> None:
    with servers.gst_rtsp(broadcast) as server, pytest.raises(StreamError) as caught:
        probe(f"{server.url}/other")
    assert str(caught.value) == (
        f"{server.url}/other does not exist; check the path behind the host name, or the file's name"
    )


@pytest.mark.parametrize(("offered", "asked"), [("udp", "tcp"), ("tcp", "udp")])
def test_a_transport_that_the_server_refuses_is_told_when_it_was_asked_for(
    offered: str, asked: Any, broadcast: Path
) -> None:
    with servers.gst_rtsp(broadcast, transport=offered) as server, pytest.raises(StreamError) as caught:
        probe(server.url, transport=asked)
    assert str(caught.value) == (
        f"{server.url} is not served over this transport ({asked.upper()}); set transport: auto for this channel"
    )


@pytest.mark.parametrize("serve", [serve_gst, serve_toolkit, serve_rtmp])
def test_a_server_that_was_killed_and_came_back_is_watched_again(serve: Serve, broadcast: Path, tmp_path: Path) -> None:
    """The clock starts again, so the frames after it are another epoch; the transport that worked is kept."""
    with serve(broadcast, tmp_path) as server, watching(server.url) as watched:
        until(lambda: len(watched.frames) >= 5)
        epoch, transport = watched.frames[-1][0], watched.states[-1].transport
        server.kill()
        until(lambda: watched.state == "stream_down")
        server.start()
        until(lambda: len(watched.of_epoch(epoch + 1)) >= 5)
        assert watched.state == "live"
        assert watched.states[-1].reconnects >= 1
        assert watched.states[-1].transport == transport
    assert_true_times(watched.of_epoch(epoch + 1))
    assert redact(server.url).partition("?")[0] in next(s.why for s in watched.states if s.state == "stream_down")


def test_the_stream_key_of_rtmp_stands_in_no_log_no_state_and_no_sentence(
    broadcast: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """rtmp://host/live/key: whoever reads "key" may broadcast. Live, and while the server is gone."""
    caplog.set_level(logging.DEBUG)
    with servers.rtmp(broadcast, tmp_path) as server, watching(server.url) as watched:
        until(lambda: len(watched.frames) >= 5)
        facts = probe(server.url)
        server.kill()
        until(lambda: watched.state == "stream_down")
    assert server.url.endswith("/live/key")
    assert str(facts).startswith(f"{server.url.removesuffix('key')}***: h264")
    assert "/live/key" not in caplog.text + repr(watched.states)


def test_a_server_that_hangs_is_down_within_the_time_out_and_stopping_does_not_wait_for_it(broadcast: Path) -> None:
    with servers.toolkit_rtsp(broadcast) as server, watching(server.url, timeout_s=2.0) as watched:
        until(lambda: len(watched.frames) >= 5)
        server.freeze()
        frozen_s = time.time()
        until(lambda: watched.state == "stream_down")
        silent_s = watched.states[-1].since_s - frozen_s
        assert watched.stop() < 1.0
    assert watched.states[-1].why == (
        f"{server.url.replace('=0', '=***')} does not answer (silent for 2 s); "
        "check the host, the port and the network between"
    )
    assert 1.5 < silent_s < 3.9  # the second that RTSP sent in advance is played first; twice the time-out is 4 s


@pytest.mark.parametrize("scheme", ["rtsp", "http", "rtmp"])
def test_a_server_that_says_nothing_is_down_within_the_time_out(scheme: str) -> None:
    with servers.silent() as host, watching(f"{scheme}://{host}/live", timeout_s=0.5) as watched:
        until(lambda: watched.state == "stream_down")
        assert 0.4 < watched.states[-1].since_s - watched.states[0].since_s < 1.5
        assert watched.stop() < 1.0
    assert "(silent for 0.5 s)" in watched.states[-1].why


def test_hls_comes_in_near_its_live_edge_and_evenly(tmp_path: Path) -> None:
    """Segments of 1 s arrive whole; the frames are handed over one by one, 2 segments behind at most."""
    with servers.hls(tmp_path) as (url, encoder), watching(url) as watched:
        until(lambda: len(watched.frames) >= 75)
        behind_s = watched.arrived_s[-1] - encoder.started_s - watched.frames[-1][2] / 25
    assert_true_times(watched.of_epoch(0))
    assert watched.states[-1].format == "hls"
    assert behind_s < 3.0
    assert max(np.diff(watched.arrived_s)) < 0.6
    told = {packet.clock for packet in watched.packets}
    assert told <= {"PROGRAM-DATE-TIME", ""}  # unsaid when a segment came just while the playlist was opened


def test_the_time_of_day_that_hls_tells_is_kept_with_the_packets(tmp_path: Path) -> None:
    """A playlist that stands still while it is opened: the newest segment began at 12:00:02.5 UTC."""
    servers.clip(tmp_path / "b.ts", frames=25)
    segment = "#EXTINF:2.5,\n#EXT-X-PROGRAM-DATE-TIME:2026-01-02T12:00:00.000+0000\na.ts\n#EXTINF:1,\nb.ts\n"
    (tmp_path / "live.m3u8").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n{segment}")
    with servers.web(tmp_path) as address, watching(f"{address}/live.m3u8") as watched:
        until(lambda: len(watched.packets) >= 25)
    noon_s = datetime(2026, 1, 2, 12, 0, 2, 500_000, tzinfo=UTC).timestamp()
    assert [packet.produced_s for packet in watched.packets[:25]] == pytest.approx([noon_s + n / 25 for n in range(25)])
    assert {packet.clock for packet in watched.packets[:25]} == {"PROGRAM-DATE-TIME"}


def test_an_hls_encoder_that_starts_again_is_found_again(tmp_path: Path) -> None:
    """Its media sequence goes back to 0: a player that waits for number 4 waits forever. The picture is larger now."""
    with servers.hls(tmp_path) as (url, encoder), watching(url) as watched:
        until(lambda: len(watched.frames) >= 75)
        encoder.start(width=640, height=360)
        until(lambda: watched.frames[-1][3] == (360, 640, 3))
        until(lambda: watched.state == "live")
        assert watched.states[-1].width == 640
    assert sorted({epoch for epoch, _, _, _ in watched.frames}) == [0, 1]


def test_an_hls_playlist_that_stands_still_is_down_and_not_played_again(tmp_path: Path) -> None:
    """What it still holds has been judged: once more, it would look like a live picture and raise old alarms."""
    with servers.hls(tmp_path) as (url, encoder), watching(url, timeout_s=1.0, retry_max_s=0.2) as watched:
        until(lambda: len(watched.frames) >= 5)
        encoder.stop()
        until(lambda: watched.state == "stream_down")
        until(lambda: watched.states[-1].reconnects >= 2)
        numbers = [number for _, _, number, _ in watched.frames]
    assert numbers == sorted(set(numbers))


def test_hls_with_key_frames_far_apart_is_watched_without_a_break(tmp_path: Path) -> None:
    """Segments end at key frames, here after 3, 4 and 7 s: nothing comes for 3 s while the time-out is 1 s.

    B-frames: the last pictures of a segment are complete only with the first packets of the next.
    """
    options = {"preset": "veryfast", "bf": "2", "sc_threshold": "0", "forced-idr": "1"}
    pattern = {"gop": 100, "keys": lambda number: number % 100 == 75, "options": options}
    with servers.hls(tmp_path, **pattern) as (url, _), watching(url, timeout_s=1.0) as watched:
        until(lambda: len(watched.frames) >= 130)
    assert_true_times(watched.of_epoch(0))
    assert {epoch for epoch, _, _, _ in watched.frames} == {0}
    assert (watched.states[-1].reconnects, watched.states[-1].skipped) == (0, 0)


def test_a_broadcast_that_is_over_is_not_played_again(tmp_path: Path) -> None:
    """A playlist with an end is a recording of what was on the air: judging it once more would raise old alarms."""
    with servers.hls(tmp_path) as (url, encoder), watching(url, retry_max_s=0.2) as watched:
        until(lambda: len(watched.frames) >= 30)
        encoder.stop()
        with (tmp_path / "live.m3u8").open("a") as playlist:
            playlist.write("#EXT-X-ENDLIST\n")
        until(lambda: watched.state == "stream_down")
        seen = len(watched.frames)
        until(lambda: watched.states[-1].reconnects >= 3)
        assert len(watched.frames) == seen
        encoder.start()
        until(lambda: len(watched.frames) > seen)
    assert watched.frames[-1][0] == 1


def test_a_recording_on_a_web_server_is_played_at_its_own_pace(broadcast: Path) -> None:
    """A minute is there at once; nothing of it may be skipped as if it were late."""
    with servers.web(broadcast.parent) as address, watching(f"{address}/{broadcast.name}") as watched:
        until(lambda: len(watched.frames) >= 40)
    assert_true_times(watched.of_epoch(0))
    assert 1.4 < watched.arrived_s[39] - watched.arrived_s[0] < 3.0  # 39 / 25 s = 1.56 s


def test_of_several_sizes_the_smallest_with_720_lines_is_watched(tmp_path: Path) -> None:
    """The pose network sees a crop of 192 pixels: 1080 lines would only cost decoding."""
    playlist = "#EXTM3U\n"
    for width, height in ((320, 180), (1280, 720), (1920, 1080)):
        name = f"{height}.ts"
        servers.clip(tmp_path / name, width=width, height=height, frames=5)
        (tmp_path / f"{height}.m3u8").write_text(
            f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.2,\n{name}\n#EXT-X-ENDLIST\n"
        )
        playlist += f"#EXT-X-STREAM-INF:BANDWIDTH={height}000,RESOLUTION={width}x{height}\n{height}.m3u8\n"
    (tmp_path / "all.m3u8").write_text(playlist)
    with servers.web(tmp_path) as address:
        facts = probe(f"{address}/all.m3u8")
    assert (facts.width, facts.height) == (1280, 720)


def test_an_error_of_our_own_costs_a_connection_and_tells_no_password(
    broadcast: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The first frame's receiver fails, with the address in its words as FFmpeg's errors have it."""
    frames: list[Frame] = []
    stop = threading.Event()

    def deliver(frame: Frame) -> None:
        frames.append(frame)
        if len(frames) == 1:
            raise RuntimeError(url)
        stop.set()

    with servers.toolkit_rtsp(broadcast) as server:
        url = server.url.replace("rtsp://", "rtsp://desk:s3cret@")
        Ingest("one", url, timeout_s=2.0, retry_max_s=0.1, deliver=deliver).run(stop)
    assert len(frames) >= 2
    assert "RuntimeError: rtsp://***@127.0.0.1" in caplog.text
    assert "s3cret" not in caplog.text


def test_a_recording_is_played_live_once(tmp_path: Path) -> None:
    """60 frames at 60 fps take 59/60 s from the first to the last; nothing is lost, and the end is no failure."""
    path = servers.clip(tmp_path / "clip.mp4", fps="60", frames=60)
    with watching(f"file://{path}") as watched:
        until(lambda: watched.state == "ended")
    assert [number for _, number in watched.of_epoch(0)] == list(range(60))
    assert 0.9 < watched.arrived_s[-1] - watched.arrived_s[0] < 2.0
    assert watched.states[-1].fps == pytest.approx(60.0)
    assert [state.state for state in watched.states] == ["connecting", "live", "live", "ended"]


def test_packets_and_frames_agree_on_their_epochs(tmp_path: Path) -> None:
    """Three encoder runs in one stream, at two sizes, the last from 0 again: evidence is cut by epoch."""
    runs = [
        servers.clip(tmp_path / "a.ts", frames=25),
        servers.clip(tmp_path / "b.ts", frames=25, first=25, width=640, height=360),
        servers.clip(tmp_path / "c.ts", frames=25, width=640, height=360),
    ]
    path = tmp_path / "all.ts"
    path.write_bytes(b"".join(run.read_bytes() for run in runs))
    with watching(str(path)) as watched:
        until(lambda: watched.state == "ended")
    frames = [(epoch, round(time_s, 3), shape[1]) for epoch, time_s, _, shape in watched.frames]
    packets = [(packet.epoch, round(packet.time_s, 3), packet.track.width) for packet in watched.packets]
    assert packets == frames
    assert [epoch for epoch, _, _ in frames] == [0] * 25 + [1] * 25 + [2] * 25


def test_a_stream_of_sound_alone_is_told(tmp_path: Path) -> None:
    servers.sound(tmp_path / "sound.m4a")
    with servers.web(tmp_path) as address, watching(f"{address}/sound.m4a") as watched:
        until(lambda: watched.state == "stream_down")
    assert watched.states[-1].why == (
        f"{address}/sound.m4a has no video (audio); point bodywatch at a stream with a video track"
    )


def test_a_recording_whose_index_is_at_its_end_is_read_over_http(tmp_path: Path) -> None:
    servers.clip(tmp_path / "clip.mp4", frames=25)
    with servers.web(tmp_path) as address, watching(f"{address}/clip.mp4", retry_max_s=600.0) as watched:
        until(lambda: len(watched.frames) == 25)
        until(lambda: watched.state == "stream_down")
    assert watched.states[-1].why == f"{address}/clip.mp4 ended; bodywatch connects again by itself"
