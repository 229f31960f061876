"""Puts a script or a file on the air in real time: HLS by default, RTSP where a server for it is installed.

The PTS of the stream is the time of the script, so what an incident names can be held against what was shown.
Runs in its own process: `with on_air(source) as station: station.url`.
"""

import contextlib
import multiprocessing
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Literal

import av
import cv2
import numpy as np

from deploy.broadcast import rtsp
from deploy.broadcast.folder_server import FolderServer
from monitor.errors import AddressInUse, BodywatchError, StreamNotFound, StreamUnreadable, StreamWithoutVideo
from trainer.puppet.drawing import Image
from trainer.puppet.renderer import Player, Script
from trainer.puppet.video import Encoder

SPAWN = multiprocessing.get_context("spawn")
Kind = Literal["hls", "rtsp"]

HLS_OPTIONS = {
    "hls_time": "1",
    "hls_list_size": "6",
    "hls_flags": "delete_segments+program_date_time+independent_segments+omit_endlist",
}
LATE_S = 0.25
"""A picture that is due for longer is left out: a broadcast never falls behind the clock."""


@dataclass(frozen=True, slots=True)
class Format:
    """Size and frame rate of what is sent."""

    width: int = 640
    height: int = 360
    fps: float = 30.0


@dataclass(slots=True)
class Broadcast:
    """A broadcast on the air. started_s is the Unix time at which time 0 of the script was shown."""

    url: str
    started_s: float
    process: SpawnProcess

    def ended(self) -> bool:
        """Tell whether the last picture has been sent."""
        return not self.process.is_alive()


@contextlib.contextmanager
def on_air(
    source: Script | Path, *, kind: Kind = "hls", form: Format | None = None, port: int = 0, loop: bool = False
) -> Iterator[Broadcast]:
    """Broadcast from another process until the source ends or the block is left; port 0 takes a free one.

    The server keeps the end of the broadcast available until the block is left. A script is played once; a file
    over and over with loop, its PTS always rising.

    Raises:
        AddressInUse: the port is taken.
        MissingPart: kind is rtsp and GStreamer's RTSP server is not installed.
    """
    if kind == "rtsp":
        rtsp.check_installed()
    listen, speak = SPAWN.Pipe(duplex=False)
    with (
        tempfile.TemporaryDirectory(prefix="bodywatch-air-") as folder,
        _server(kind, Path(folder), port) as (url, out),
    ):
        process = SPAWN.Process(target=_broadcast, args=(source, kind, form or Format(), out, loop, speak), daemon=True)
        process.start()
        speak.close()
        try:
            yield Broadcast(url, _first_word(listen), process)
        finally:
            process.terminate()
            process.join(timeout=5)


def _first_word(listen: Connection) -> float:
    """Wait until the first second is out, and give the Unix time of the script's start."""
    try:
        word = listen.recv()
    except EOFError:
        raise RuntimeError("the broadcast ended before its first second was out") from None
    if isinstance(word, BodywatchError):
        raise word
    return float(word)


@contextlib.contextmanager
def _server(kind: Kind, folder: Path, port: int) -> Iterator[tuple[str, str]]:
    """Serve what the encoder writes: the URL for viewers, and where the encoder has to write to."""
    if kind == "rtsp":
        with rtsp.serving(port) as (url, target):
            yield url, target
        return
    try:
        server = FolderServer(folder, port)
    except OSError:
        raise AddressInUse("127.0.0.1", port) from None
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True, name="broadcast").start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/live.m3u8", str(folder / "live.m3u8")
    finally:
        server.shutdown()
        server.server_close()


def _broadcast(source: Script | Path, kind: Kind, form: Format, out: str, loop: bool, speak: Connection) -> None:
    """Encode in real time. Says the start's Unix time once the first second is out."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    cv2.setNumThreads(1)  # the pose network needs the other cores
    name, options = ("mpegts", {"flush_packets": "1"}) if kind == "rtsp" else ("hls", HLS_OPTIONS)
    try:
        with Encoder(out, form.width, form.height, form.fps, format=name, options=options) as encoder:
            start_s, start_unix_s, told = time.monotonic(), time.time(), False
            for time_s, draw in _play(source, form, loop):
                wait_s = start_s + time_s - time.monotonic()
                if wait_s < -LATE_S:
                    continue
                if wait_s > 0:
                    time.sleep(wait_s)
                encoder.write(draw(), time_s)
                if not told and (time_s > 0.5 if kind == "rtsp" else Path(out).exists()):
                    told = True
                    speak.send(start_unix_s)
    except BodywatchError as error:
        speak.send(error)


def _play(source: Script | Path, form: Format, loop: bool) -> Iterator[tuple[float, Callable[[], Image]]]:
    """Give each picture's time, and how to get it: a picture that comes too late is not even drawn."""
    if isinstance(source, Script):
        player = Player(source, form.width, form.height)
        for number in range(round(source.end_s * form.fps)):
            time_s = number / form.fps
            yield time_s, lambda time_s=time_s: player.frame(time_s).image  # type: ignore[misc]
        return
    before_s = 0.0
    while True:
        last_s = 0.0
        for picture in _decode(source):
            last_s = float(picture.time or 0.0)
            yield before_s + last_s, lambda picture=picture: _sized(picture, form)  # type: ignore[misc]
        before_s += last_s + 1 / form.fps
        if not loop:
            return


def _decode(file: Path) -> Iterator[av.VideoFrame]:
    try:
        with av.open(str(file)) as container:
            if not container.streams.video:
                raise StreamWithoutVideo(str(file))
            yield from container.decode(video=0)
    except FileNotFoundError:
        raise StreamNotFound(str(file)) from None
    except av.FFmpegError as error:
        raise StreamUnreadable(str(file), error.strerror or "") from None


def _sized(picture: av.VideoFrame, form: Format) -> Image:
    return np.asarray(picture.to_ndarray(format="bgr24", width=form.width, height=form.height), np.uint8)


def main() -> None:
    """Broadcast a file over HLS until it ends: `python -m deploy.broadcast FILE [--loop] [--rtsp] [--port N]`."""
    import argparse

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--loop", action="store_true")
    parser.add_argument("--rtsp", action="store_true")
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    with on_air(given.file, kind="rtsp" if given.rtsp else "hls", port=given.port, loop=given.loop) as station:
        print(station.url, flush=True)
        station.process.join()


if __name__ == "__main__":
    main()
