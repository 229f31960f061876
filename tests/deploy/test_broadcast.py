"""A script on the air: real H.264 over real HLS and RTSP, on the script's own clock."""

import contextlib
import socket
import threading
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest

from deploy.broadcast import rtsp
from deploy.broadcast.folder_server import FolderServer
from deploy.broadcast.station import Format, on_air
from monitor.errors import AddressInUse, StreamNotFound
from trainer.puppet.motion import Motion
from trainer.puppet.renderer import Camera, Passage, Script, Studio
from trainer.puppet.style import DEMO_SPEAKER

SMALL = Format(320, 180, 25.0)


def watch(url: str, count: int, **options: str) -> list[tuple[float | None, np.ndarray]]:
    """Read so many frames from a stream as a viewer would: (PTS in seconds, BGR picture)."""
    with contextlib.closing(av.open(url, options=options, timeout=(10.0, 5.0))) as container:
        return [(f.time, f.to_ndarray(format="bgr24")) for f in islice(container.decode(video=0), count)]


def test_hls_carries_the_scripts_own_clock() -> None:
    """The picture with PTS 1.0 s is the script's at 1.0 s; after the cut at 2.0 s it is the title."""
    script = Script((Passage(0, 2), Passage(2, 6, "title", who=None)))
    with on_air(script, form=SMALL) as station:
        seen = dict(watch(station.url, 60, live_start_index="0"))
    assert sorted(seen) == pytest.approx([number / 25 for number in range(60)])
    studio = Studio(320, 180, Camera())
    body = Motion(DEMO_SPEAKER, 1).at(1.0)
    assert np.abs(seen[1.0].astype(int) - studio.draw("lectern", body)).mean() < 6
    assert np.abs(seen[2.0].astype(int) - studio.draw("title", body)).mean() < 6
    assert np.abs(seen[1.96].astype(int) - studio.draw("title", body)).mean() > 30


def test_rtsp_carries_every_second_of_the_script() -> None:
    """PTS rise by 1/25 s; where they start is the server's choice."""
    if rtsp.interpreter() is None:
        pytest.skip("GStreamer's RTSP server is not installed")
    with on_air(Script((Passage(0, 8),)), kind="rtsp", form=SMALL) as station:
        times = [t for t, _ in watch(station.url, 40, rtsp_transport="tcp", timeout="5000000") if t is not None]
    assert np.diff(times[-30:]) == pytest.approx(1 / 25, abs=1e-3)


def test_a_file_goes_round_with_rising_pts(tmp_path: Path) -> None:
    """A one-second file in a loop: the second round begins at 1.0 s."""
    from trainer.puppet.renderer import frames
    from trainer.puppet.video import record

    clip = tmp_path / "clip.mp4"
    list(record(frames(Script((Passage(0, 1),)), 320, 180, 25), str(clip), 320, 180, 25))
    with on_air(clip, form=SMALL, loop=True) as station:
        times = [time_s for time_s, _ in watch(station.url, 40, live_start_index="0")]
    assert times == pytest.approx([number / 25 for number in range(40)])


def test_what_can_not_go_on_air_is_told(tmp_path: Path) -> None:
    with pytest.raises(StreamNotFound, match=r"nothing\.mp4 does not exist"), on_air(tmp_path / "nothing.mp4"):
        pass
    with on_air(Script((Passage(0, 3),)), form=SMALL) as station:
        port = int(station.url.split(":")[2].split("/")[0])
        with pytest.raises(AddressInUse, match=str(port)), on_air(Script((Passage(0, 3),)), form=SMALL, port=port):
            pass


def test_a_viewer_that_leaves_in_the_middle_is_not_worth_a_traceback(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Players drop a segment when they are stopped; 64 MB are more than the sockets' buffers hold."""
    (tmp_path / "segment.ts").write_bytes(bytes(64_000_000))
    with FolderServer(tmp_path) as server:
        server.daemon_threads = False  # closing then waits for the request
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        with socket.create_connection(server.server_address[:2]) as viewer:
            viewer.sendall(b"GET /segment.ts HTTP/1.0\r\n\r\n")
            assert viewer.recv(12) == b"HTTP/1.0 200"
        server.shutdown()
        thread.join()
    assert capfd.readouterr().err == ""
