"""Recordings, addresses and what an operator is told when a source is bad."""

import contextlib
import itertools
import threading
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from monitor.errors import StreamError, StreamUnreadable
from monitor.stream.clock import StreamClock
from monitor.stream.connection import Connection
from monitor.stream.ingest import probe, read_recording, redact
from monitor.stream.playback import Playback
from tests.support import servers


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://desk:s3cret@cam.example:554/live", "rtsp://***@cam.example:554/live"),
        ("rtsp://desk:s3@cret@cam.example/live", "rtsp://***@cam.example/live"),
        ("rtsp://desk:s3/cret@cam.example/live", "rtsp://***@cam.example/live"),
        ("rtsp://desk:s3?cr#et@cam.example/live", "rtsp://***@cam.example/live"),
        ("rtsp://cam.example:554/live", "rtsp://cam.example:554/live"),
        ("https://cdn.example/a.m3u8?token=s3cret&id=7", "https://cdn.example/a.m3u8?token=***&id=***"),
        ("https://cdn.example/a.m3u8?s3cret", "https://cdn.example/a.m3u8?***"),
        ("https://cdn.example/hdnts=exp=1~hmac=s3cret/a.m3u8", "https://cdn.example/hdnts=***/a.m3u8"),
        ("https://cdn.example/a.m3u8#s3cret", "https://cdn.example/a.m3u8#***"),
        ("rtmp://live.example/app/s3cret-key", "rtmp://live.example/app/***"),
        ("rtmps://desk:s3cret@live.example:443/app/room/s3cret?auth=s3cret", "rtmps://***@live.example:443/app/***"),
        ("RTMP://live.example//app//s3cret#x", "RTMP://live.example//app//***"),
        ("rtmp://live.example/app playpath=s3cret live=1", "rtmp://live.example/app ***"),
        ("rtmp://live.example/app?token=s3cret/s3cret", "rtmp://live.example/app?***"),
        ("rtmp://live.example//app/", "rtmp://live.example//app/"),
        ("udp://@239.1.2.3:5000", "udp://@239.1.2.3:5000"),
        ("/clips/speech@noon.mp4", "/clips/speech@noon.mp4"),
        ("file:///clips/speech.mp4", "file:///clips/speech.mp4"),
    ],
)
def test_an_address_is_shown_without_what_is_secret_in_it(url: str, shown: str) -> None:
    assert redact(url) == shown


@pytest.mark.parametrize("fps", ["25", "30000/1001", "50", "60"])
def test_every_frame_of_a_recording_comes_with_its_true_time(tmp_path: Path, fps: str) -> None:
    """60 frames, the n-th at n / fps; each carries its own number in its picture."""
    path = servers.clip(tmp_path / "clip.mp4", fps=fps, frames=60)
    frames = list(read_recording(str(path), "one"))
    assert [servers.number_of(frame.image) for frame in frames] == list(range(60))
    assert [frame.time_s for frame in frames] == pytest.approx([n / float(Fraction(fps)) for n in range(60)], abs=1e-4)
    assert {(frame.channel, frame.epoch, frame.image.shape) for frame in frames} == {("one", 0, (180, 320, 3))}


def test_pictures_out_of_decoding_order_come_in_the_order_of_display(tmp_path: Path) -> None:
    """Three B-frames between references: the encoder sends picture 4 before 1, 2 and 3."""
    path = servers.clip(tmp_path / "clip.mp4", frames=50, options={"preset": "ultrafast", "bf": "3", "b_strategy": "0"})
    assert [servers.number_of(frame.image) for frame in read_recording(str(path), "one")] == list(range(50))


def test_a_break_in_the_clock_and_another_size_are_new_epochs(tmp_path: Path) -> None:
    """Three encoder runs in one stream: the clock goes on at another size, then starts again at 0."""
    runs = [
        servers.clip(tmp_path / "a.ts", frames=50),
        servers.clip(tmp_path / "b.ts", frames=25, first=50, width=640, height=360),
        servers.clip(tmp_path / "c.ts", frames=25, width=640, height=360),
    ]
    path = tmp_path / "all.ts"
    path.write_bytes(b"".join(run.read_bytes() for run in runs))
    found = [(frame.epoch, servers.number_of(frame.image)) for frame in read_recording(str(path), "one")]
    assert found == [(0, n) for n in range(50)] + [(1, n) for n in range(50, 75)] + [(2, n) for n in range(25)]


def test_a_discontinuity_of_hls_is_a_new_epoch(tmp_path: Path) -> None:
    """An advertisement between two programmes: another clock and another size."""
    servers.clip(tmp_path / "a.ts", frames=50, first=500)
    servers.clip(tmp_path / "b.ts", frames=25, width=640, height=360)
    playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na.ts\n#EXT-X-DISCONTINUITY\n#EXTINF:1,\nb.ts\n"
    (tmp_path / "vod.m3u8").write_text(playlist + "#EXT-X-ENDLIST\n")
    found = [(f.epoch, servers.number_of(f.image)) for f in read_recording(str(tmp_path / "vod.m3u8"), "one")]
    assert found == [(0, n) for n in range(500, 550)] + [(1, n) for n in range(25)]


def test_the_clock_of_a_transport_stream_wraps_once_a_day_without_a_break(tmp_path: Path) -> None:
    """33 bits at 90 kHz are 26.5 hours; picture 50 is the first after the wrap."""
    path = servers.clip(tmp_path / "wrap.ts", frames=100, first=2**33 * 25 // 90_000 - 50)
    frames = [(frame.epoch, frame.time_s) for frame in read_recording(str(path), "one")]
    assert {epoch for epoch, _ in frames} == {0}
    assert np.diff([time_s for _, time_s in frames]) == pytest.approx(0.04, abs=1e-6)


def test_an_anamorphic_picture_is_widened_to_square_pixels(tmp_path: Path) -> None:
    """PAL's 720 x 576 with pixels of 64:45 is a 16:9 picture of 1024 x 576."""
    options = {"preset": "ultrafast", "x264-params": "sar=64/45"}
    path = servers.clip(tmp_path / "pal.mp4", width=720, height=576, frames=3, options=options)
    assert [frame.image.shape for frame in read_recording(str(path), "one")] == [(576, 1024, 3)] * 3
    assert (probe(str(path)).width, probe(str(path)).height) == (1024, 576)


def test_a_turned_picture_is_put_upright(tmp_path: Path) -> None:
    """The matrix in an MP4's track header says "show it turned clockwise by a quarter", as a telephone writes it."""
    path = servers.clip(tmp_path / "clip.mp4", frames=1)
    plain = next(iter(read_recording(str(path), "one"))).image
    one, turned = (1 << 16).to_bytes(4), (-1 << 16).to_bytes(4, signed=True)
    zero, unit = bytes(4), (1 << 30).to_bytes(4)
    before = one + zero * 3 + one + zero * 3 + unit
    after = zero + one + zero + turned + zero * 4 + unit
    head, rest = path.read_bytes().split(b"tkhd", 1)
    assert before in rest
    path.write_bytes(head + b"tkhd" + rest.replace(before, after, 1))
    assert np.array_equal(next(iter(read_recording(str(path), "one"))).image, np.rot90(plain, -1))


def fields(number: int, width: int, height: int) -> np.ndarray:
    """Weave two moments of the pattern, as an interlacing camera does."""
    image = servers.picture(2 * number, width, height)
    image[1::2] = servers.picture(2 * number + 1, width, height)[1::2]
    return image


def edge_px(rows: np.ndarray) -> float:
    """Find where the white bar of the pattern begins, as a mean over rows (H, W)."""
    return float(np.argmax(rows > 225, axis=1).mean())


def test_interlaced_pictures_lose_their_comb(tmp_path: Path) -> None:
    """The bar stands 4 pixels further in the odd lines; deinterlaced, even and odd lines agree."""
    options = {"preset": "ultrafast", "x264-params": "tff=1:qp=10"}
    path = servers.clip(tmp_path / "clip.mp4", frames=25, draw=fields, options=options)
    bar = slice(66, 84)
    woven = fields(12, 320, 180)[bar, :, 0]
    assert edge_px(woven[1::2]) - edge_px(woven[::2]) == 4.0
    frames = list(read_recording(str(path), "one"))
    assert len(frames) == 25
    still = frames[12].image[bar].mean(axis=2)
    assert edge_px(still[1::2]) - edge_px(still[::2]) == pytest.approx(0.0, abs=1.0)


def test_a_damaged_stretch_costs_its_pictures_and_no_more(tmp_path: Path) -> None:
    """4 s with a key frame a second; bytes in the third are overwritten: the first two and the last stay whole."""
    path = servers.clip(tmp_path / "clip.ts", frames=100)
    data = bytearray(path.read_bytes())
    middle = len(data) * 5 // 8
    data[middle : middle + 188 * 8] = bytes(188 * 8)
    path.write_bytes(data)
    numbers = [servers.number_of(frame.image) for frame in read_recording(str(path), "one")]
    assert numbers[:50] == list(range(50))
    assert numbers[-24:] == list(range(76, 100))


def test_a_reader_that_is_behind_goes_on_at_the_newest_key_frame(tmp_path: Path) -> None:
    """100 pictures, a key frame each 25: the newest is number 75."""
    path = servers.clip(tmp_path / "clip.mp4", frames=100)
    connection = Connection(str(path), transport="auto", timeout_s=5.0)
    assert connection.opened(5.0)
    servers.until(lambda: connection.waiting_s() > 99 / 25 - 0.001)
    assert connection.skip() == 75
    packet = connection.take(0.0)
    assert packet is not None
    assert packet.is_keyframe
    connection.close()


PLAY = "play it with ffplay to see whether the source is whole"
HOST = "check the host, the port and the network between"


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """Make a folder of sources that are not what their names say."""
    whole = servers.clip(tmp_path / "whole.mp4", frames=50).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("The minister speaks at noon.\n" * 100)
    (tmp_path / "page.m3u8").write_text("<html><body>Sign in</body></html>")
    (tmp_path / "gone.m3u8").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nno.ts\n#EXT-X-ENDLIST\n")
    servers.sound(tmp_path / "sound.m4a")
    return tmp_path


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (
            "{bad}/nowhere.mp4",
            "{bad}/nowhere.mp4 does not exist; check the path behind the host name, or the file's name",
        ),
        ("{bad}", "{bad} can't be read as video (it is a folder); " + PLAY),
        ("{bad}/empty.mp4", "{bad}/empty.mp4 can't be read as video (damaged, cut short, or no video at all); " + PLAY),
        ("{bad}/cut.mp4", "{bad}/cut.mp4 can't be read as video (damaged, cut short, or no video at all); " + PLAY),
        ("{bad}/notes.txt", "{bad}/notes.txt can't be read as video (it is text); " + PLAY),
        ("{bad}/sound.m4a", "{bad}/sound.m4a has no video (audio); point bodywatch at a stream with a video track"),
        (
            "{web}/sound.m4a?token=s3cret",
            "{web}/sound.m4a?token=*** has no video (audio); point bodywatch at a stream with a video track",
        ),
        (
            "{web}/nowhere.m3u8?token=s3cret",
            "{web}/nowhere.m3u8?token=*** does not exist; check the path behind the host name, or the file's name",
        ),
        ("{web}/page.m3u8", "{web}/page.m3u8 can't be read as video (damaged, cut short, or no video at all); " + PLAY),
        ("{web}/gone.m3u8", "{web}/gone.m3u8 can't be read as video (damaged, cut short, or no video at all); " + PLAY),
        (
            "rtsp://desk:s3cret@127.0.0.1:{closed}/live",
            "rtsp://***@127.0.0.1:{closed}/live does not answer (connection refused); " + HOST,
        ),
        (
            "rtmp://127.0.0.1:{closed}/live/key",
            "rtmp://127.0.0.1:{closed}/live/*** does not answer (connection refused); " + HOST,
        ),
        (
            "rtsp://desk:s3cret@nowhere.invalid/live",
            "rtsp://***@nowhere.invalid/live does not answer (host name unknown); " + HOST,
        ),
        ("rtsp://desk:s3cret@{silent}/live", "rtsp://***@{silent}/live does not answer (silent for 0.5 s); " + HOST),
        (
            "http://desk:s3cret@{silent}/live.m3u8",
            "http://***@{silent}/live.m3u8 does not answer (silent for 0.5 s); " + HOST,
        ),
        ("udp://127.0.0.1:{closed}", "udp://127.0.0.1:{closed} does not answer (silent for 0.5 s); " + HOST),
        (
            "foo://127.0.0.1/live",
            "foo://127.0.0.1/live can't be read as video (FFmpeg knows no such protocol); " + PLAY,
        ),
    ],
)
def test_a_bad_source_is_told_in_one_sentence(
    bad: Path, source: str, sentence: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """The table of the operator's sentences; nothing else goes to the screen, least of all a password."""
    with servers.web(bad) as web, servers.silent() as silent:
        places = {"bad": bad, "web": web, "silent": silent, "closed": servers.free_port()}
        with pytest.raises(StreamError) as caught:
            probe(source.format(**places), timeout_s=0.5)
    assert str(caught.value) == sentence.format(**places)
    assert caught.value.exit_code == 3
    assert caught.value.__cause__ is None
    assert capfd.readouterr() == ("", "")


def test_a_recording_that_is_cut_short_is_told_after_its_last_frame(tmp_path: Path) -> None:
    """4 s with the index in front, half of the bytes gone: what is there is given, then said to be a part.

    The last of 100 frames at 25 fps begins at 3.96 s and ends at 4.0 s.
    """
    path = servers.clip(tmp_path / "clip.mp4", container={"movflags": "faststart"})
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    frames = read_recording(str(path), "one")
    given = list(itertools.islice(frames, 25))
    with pytest.raises(StreamUnreadable, match=r"it ends at \d\.\d s instead of 4\.0 s"):
        given += list(frames)
    assert len(given) == 25


@pytest.mark.parametrize("name", ["nowhere.mp4", "notes.txt", "sound.m4a", "cut.mp4"])
def test_a_recording_is_refused_with_the_sentence_of_the_probe(bad: Path, name: str) -> None:
    with pytest.raises(StreamError) as probed:
        probe(str(bad / name))
    with pytest.raises(StreamError) as read:
        list(read_recording(str(bad / name), "one"))
    assert (type(read.value), str(read.value)) == (type(probed.value), str(probed.value))


def test_a_real_recording_keeps_its_own_rate(shared_data: Path) -> None:
    """147 pictures of 29.97 fps, 1001/30000 s apart."""
    times_s = [
        frame.time_s for frame in read_recording(str(shared_data / "videos" / "obama_weekly_address.mp4"), "one")
    ]
    assert len(times_s) == 147
    assert np.diff(times_s) == pytest.approx(1001 / 30000, abs=1e-6)


def test_pictures_without_time_stamps_on_an_earlier_connection_do_not_explain_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One picture had none an hour ago; now packets come and nothing can be decoded (waited for 0 s here, not 15)."""
    monkeypatch.setattr("monitor.stream.playback.FIRST_PICTURE_S", float("-inf"))
    timeline = StreamClock()
    timeline.place(None, (180, 320))
    path = servers.clip(tmp_path / "clip.ts", frames=50)
    with contextlib.closing(Connection(str(path), transport="auto", timeout_s=5.0)) as connection:
        assert connection.opened(5.0)
        playout = Playback(
            "one",
            connection,
            timeline,
            timeout_s=5.0,
            behind_s=None,
            deliver=lambda frame: None,
            on_live=lambda playout: None,
            on_packet=None,
        )
        with pytest.raises(StreamUnreadable, match="no picture could be decoded"):
            playout.play(threading.Event())
