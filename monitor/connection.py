"""One opening of a stream: a thread that reads ahead, so that nobody has to wait for a server that hangs."""

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import av

from monitor.errors import (
    StreamEnded,
    StreamError,
    StreamNotFound,
    StreamUnreachable,
    StreamUnreadable,
    StreamWithoutVideo,
)
from monitor.source import ANALYSE_S, Transport, exists, explain, is_file, options_of, path_of, redact, scheme_of

if TYPE_CHECKING:
    Packet: TypeAlias = av.Packet[av.VideoStream]
else:  # PyAV's class has no parameters at run time
    Packet = av.Packet

AHEAD_PACKETS = 2048
"""Compressed pictures that may wait; a file's reader then pauses, a live one is caught up with long before."""

SEGMENT_S = 30.0
"""Longest time that FFmpeg may need for one packet once a stream is open: HLS sends nothing between segments."""

FORMATS_OF_TEXT = frozenset({"tty", "bin", "xbin", "adf", "idf"})
"""FFmpeg plays a text file as a film of a terminal."""


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """What a stream says of itself; fps is 0.0 when it doesn't say, url is redacted."""

    url: str
    format: str
    codec: str
    width: int
    height: int
    fps: float
    transport: str

    def __str__(self) -> str:
        rate = f"{self.fps:.2f} fps" if self.fps else "rate not told"
        return f"{self.url}: {self.codec} {self.width}x{self.height}, {rate}, {self.format} over {self.transport}"


class Connection:
    """An open stream, or one that is being opened; take() gives its packets in the order of decoding.

    The reader thread ends by itself soon after close(), at the latest when FFmpeg's time-out does.
    """

    def __init__(self, url: str, *, transport: Transport, timeout_s: float) -> None:
        self._url, self._transport, self._timeout_s = url, transport, timeout_s
        self.url = redact(url)
        self._packets: deque[Packet] = deque()
        self._moved = threading.Condition()
        self._closed = self._over = False
        self._error: StreamError = StreamEnded(self.url)
        self._container: av.container.InputContainer | None = None
        self.stream: av.VideoStream | None = None
        self.heard_s = time.monotonic()
        threading.Thread(target=self._read, name=f"read {self.url}", daemon=True).start()

    def opened(self, wait_s: float) -> bool:
        """Wait until the stream is open; False when that takes longer.

        Raises:
            StreamError: it can't be opened.
        """
        with self._moved:
            self._moved.wait_for(lambda: self.stream is not None or self._over, wait_s)
            if self.stream is None and self._over:
                raise self._error
            return self.stream is not None

    def take(self, wait_s: float) -> Packet | None:
        """Give the next packet; None when there is none yet.

        Raises:
            StreamError: there will be no more; StreamEnded when the server said so.
        """
        with self._moved:
            self._moved.wait_for(lambda: bool(self._packets) or self._over, wait_s)
            if self._packets:
                self._moved.notify_all()
                return self._packets.popleft()
            if self._over:
                raise self._error
            return None

    def waiting_s(self) -> float:
        """Tell how many seconds of pictures wait."""
        with self._moved:
            times = [packet.dts for packet in (self._packets[0], self._packets[-1])] if self._packets else [None, None]
            if times[0] is None or times[1] is None:
                return 0.0
            return float((times[1] - times[0]) * self._packets[0].time_base)

    def skip(self) -> int:
        """Let go of all that waits before the newest key frame, and count it."""
        with self._moved:
            newest = max((n for n, packet in enumerate(self._packets) if packet.is_keyframe), default=0)
            for _ in range(newest):
                self._packets.popleft()
            self._moved.notify_all()
            return newest

    def close(self) -> None:
        """Turn away; never waits for the server."""
        with self._moved:
            self._closed = True
            self._moved.notify_all()
            container = self._container if self._over else None
        if container is not None:
            container.close()

    def facts(self) -> StreamFacts:
        """Tell what the open stream says of itself."""
        assert self.stream is not None
        assert self._container is not None
        scheme = scheme_of(self._url)
        return StreamFacts(
            url=self.url,
            format=self._container.format.name.split(",")[0],
            codec=self.stream.codec_context.name,
            width=self.stream.codec_context.width,
            height=self.stream.codec_context.height,
            fps=float(self.stream.average_rate or self.stream.guessed_rate or 0),
            transport=f"rtsp/{self._transport}" if scheme.startswith("rtsp") else scheme,
        )

    def _read(self) -> None:
        container = None
        try:
            container = open_container(self._url, self._transport, self._timeout_s)
            stream = choose_video(container, self._url)
            with self._moved:
                self._container, self.stream = container, stream
                self._moved.notify_all()
            for packet in container.demux(stream):
                if packet.size and not self._give(packet):
                    break
        except (av.FFmpegError, StreamError, OSError, ValueError) as error:
            self._error = self._explained(error)
        finally:
            with self._moved:
                self._over, last = True, self._closed or self.stream is None
                self._moved.notify_all()
            if container is not None and last:
                container.close()

    def _explained(self, error: Exception) -> StreamError:
        """Tell what went wrong; FFmpeg takes an RTSP server that hangs for one that sends nonsense."""
        told = explain(error, self._url, self._transport, timeout_s=self._timeout_s, opened=self.stream is not None)
        waited_s = time.monotonic() - self.heard_s
        hung = self.stream is None and waited_s >= self._timeout_s and not is_file(self._url)
        if hung and isinstance(told, StreamUnreadable | StreamUnreachable):
            return StreamUnreachable(self.url, f"silent for {self._timeout_s:g} s")
        return told

    def _give(self, packet: Packet) -> bool:
        """Put a packet where take() finds it; False when nobody wants any more."""
        with self._moved:
            self._moved.wait_for(lambda: self._closed or len(self._packets) < AHEAD_PACKETS)
            self._packets.append(packet)
            self.heard_s = time.monotonic()
            self._moved.notify_all()
            return not self._closed


def open_container(url: str, transport: Transport, timeout_s: float) -> av.container.InputContainer:
    """Open an address; every failure is one of av's errors, or a StreamNotFound."""
    if not exists(url):
        raise StreamNotFound(redact(url))
    live = not is_file(url)
    return av.open(
        path_of(url),
        "r",
        options=options_of(url, transport, timeout_s) if live else {},
        timeout=(timeout_s + ANALYSE_S, max(timeout_s, SEGMENT_S)) if live else None,
        metadata_errors="ignore",
    )


def choose_video(container: av.container.InputContainer, url: str) -> av.VideoStream:
    """Pick the picture to watch and tell FFmpeg to leave the rest alone.

    Of HLS variants the smallest with at least 720 lines is enough for a network that sees a crop of 192 pixels.

    Raises:
        StreamWithoutVideo, StreamUnreadable: there is nothing to see.
    """
    if container.format.name in FORMATS_OF_TEXT:
        raise StreamUnreadable(redact(url), "it is text")
    videos = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
    if not videos:
        raise StreamWithoutVideo(redact(url), ", ".join(sorted({s.type for s in container.streams})))
    chosen = videos[0]
    if container.format.name.startswith("hls"):
        tall = [s for s in videos if s.codec_context.height >= 720]
        chosen = min(tall, key=_lines) if tall else max(videos, key=_lines)
    for stream in container.streams:
        if stream is not chosen:
            stream.discard = av.stream.Discard.all
    return chosen


def _lines(stream: av.VideoStream) -> int:
    return stream.codec_context.height
