"""Puts one recording on the air several times in real time without encoding it again: load for `bodywatch bench`.

Each copy starts at another key frame, so that the streams neither cut nor show a key frame at the same moment.
"""

import contextlib
import multiprocessing
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer

from deploy.broadcast import rtsp
from deploy.broadcast.folder_server import FolderServer
from deploy.broadcast.station import HLS_OPTIONS, Kind
from monitor.errors import StreamNotFound, StreamUnreadable, StreamWithoutVideo

SPAWN = multiprocessing.get_context("spawn")
READY_S = 30.0


@dataclass(frozen=True, slots=True)
class Copies:
    """Streams on the air, and the process that sends them all."""

    urls: list[str]
    pid: int


@dataclass(frozen=True, slots=True)
class CodedPicture:
    """One coded picture; offset is the decoding time since the file's start, delay what presentation adds to it."""

    content: bytes
    offset: int
    delay: int
    key: bool


@dataclass(frozen=True, slots=True)
class CodedRecording:
    """A whole recording as it is coded, to be played over and over. Times are in units of time_base."""

    pictures: Sequence[CodedPicture]
    length: int
    time_base: Fraction
    template: Any

    def from_key(self, share: float) -> int:
        """Give the number of the first key picture at or after this share of the recording."""
        start = int(share * len(self.pictures))
        return next((n for n in range(start, len(self.pictures)) if self.pictures[n].key), 0)


@contextlib.contextmanager
def copies_on_air(file: Path, count: int, kind: Kind = "hls") -> Iterator[Copies]:
    """Send count copies of an H.264 file, over and over, until the block is left.

    Raises:
        StreamError: the file can't be read.
        MissingPart: kind is rtsp and GStreamer's RTSP server is not installed.
    """
    with contextlib.ExitStack() as stack, _opened(file):
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bodywatch-copies-")))
        if kind == "rtsp":
            pairs = [stack.enter_context(rtsp.serving(0)) for _ in range(count)]
            urls, outs = [url for url, _ in pairs], [out for _, out in pairs]
        else:
            urls, outs = [], [str(folder / str(number) / "live.m3u8") for number in range(count)]
        listen, speak = SPAWN.Pipe(duplex=False)
        process = SPAWN.Process(target=_send, args=(file, outs, kind, folder, speak), daemon=True)
        process.start()
        stack.callback(process.join, 5)
        stack.callback(process.terminate)
        speak.close()
        port = _first_word(listen)
        urls = urls or [f"http://127.0.0.1:{port}/{number}/live.m3u8" for number in range(count)]
        assert process.pid is not None
        yield Copies(urls, process.pid)


def _first_word(listen: Connection) -> int:
    """Wait until every copy has sent its first seconds; give the port of the HTTP server, 0 for none."""
    try:
        if listen.poll(READY_S):
            return int(listen.recv())
    except EOFError:
        pass
    raise RuntimeError("the sender ended, or was silent for too long, before its streams were on the air")


def _send(file: Path, outs: Sequence[str], kind: Kind, folder: Path, speak: Connection) -> None:
    """Serve and send until terminated."""
    port = 0
    if kind == "hls":
        server = FolderServer(folder)
        threading.Thread(target=server.serve_forever, daemon=True, name="http").start()
        port = server.server_address[1]
        for out in outs:
            Path(out).parent.mkdir()
    form, options = ("hls", HLS_OPTIONS) if kind == "hls" else ("mpegts", {"flush_packets": "1"})
    with _opened(file) as source:
        reel = _reel(source)
        copies = [_copy(reel, out, form, options, number / len(outs)) for number, out in enumerate(outs)]
        start_s, told = time.monotonic(), False
        for sent, turns in enumerate(zip(*copies, strict=True), 1):
            if not told and (sent > 60 if kind == "rtsp" else all(Path(out).exists() for out in outs)):
                speak.send(port)
                told = True
            time.sleep(max(0.0, start_s + max(turns) - time.monotonic()))


def _copy(reel: CodedRecording, out: str, form: str, options: dict[str, str], share: float) -> Iterator[float]:
    """Send one picture a step, and give the time at which the next is due, in seconds since the start."""
    container = av.open(out, "w", format=form, options=dict(options))
    assert isinstance(container, OutputContainer)
    stream = container.add_stream_from_template(reel.template)
    first = number = reel.from_key(share)
    before = -reel.pictures[first].offset
    while True:
        picture = reel.pictures[number]
        packet = av.Packet(picture.content)
        packet.stream, packet.time_base, packet.is_keyframe = stream, reel.time_base, picture.key
        packet.dts = before + picture.offset
        packet.pts = packet.dts + picture.delay
        container.mux(packet)
        number += 1
        if number == len(reel.pictures):
            number, before = 0, before + reel.length
        yield float((before + reel.pictures[number].offset) * reel.time_base)


def _reel(source: Any) -> CodedRecording:
    stream = source.streams.video[0]
    packets = [packet for packet in source.demux(stream) if packet.dts is not None and packet.pts is not None]
    if len(packets) < 2 or stream.codec_context.name != "h264":
        raise StreamUnreadable(source.name, "it needs H.264 pictures with times")
    first, last = packets[0].dts, packets[-1].dts
    pictures = [CodedPicture(bytes(p), p.dts - first, p.pts - p.dts, p.is_keyframe) for p in packets]
    return CodedRecording(
        pictures, last - first + (last - first) // (len(packets) - 1), Fraction(stream.time_base), stream
    )


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[Any]:
    try:
        container = av.open(str(file))
    except FileNotFoundError:
        raise StreamNotFound(str(file)) from None
    except av.FFmpegError as error:
        raise StreamUnreadable(str(file), error.strerror or "") from None
    with container:
        if not container.streams.video:
            raise StreamWithoutVideo(str(file))
        yield container
