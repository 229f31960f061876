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
    StreamSilent,
    StreamUnreachable,
    StreamUnreadable,
)
from monitor.stream.demuxer import choose_video_stream, open_container
from monitor.stream.playlist import UNTOLD_SEGMENT_S, read_playlist
from monitor.stream.source import Transport, explain, is_file, redact, scheme_of

if TYPE_CHECKING:
    Packet: TypeAlias = av.Packet[av.VideoStream]
else:  # PyAV's class has no parameters at run time
    Packet = av.Packet

AHEAD_PACKETS = 2048
"""Compressed pictures that may wait; a file's reader then pauses, a live one is caught up with long before."""


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

    segment_s is the longest that a segment of HLS may last, 0.0 for anything else: nothing comes for so long and all is
    well. The reader thread ends by itself soon after close(), at the latest when FFmpeg's time-out does.
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
        self.heard_s = self._came_s = self._spoke_s = time.monotonic()
        self._late: Packet | None = None
        self.segment_s = 0.0
        self.program_s: float | None = None  # Unix time of the first packet, where HLS tells it
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
                packet = self._packets.popleft()
                if packet is not self._late:
                    self.heard_s = time.monotonic()  # a burst that is still being played is heard
                return packet
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

    @property
    def recorded(self) -> bool:
        """Tell whether the open stream is a recording: a file, or something on a web server that tells its length."""
        assert self._container is not None
        return is_file(self._url) or (scheme_of(self._url).startswith("http") and bool(self._container.duration))

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
            playlist = read_playlist(self._url, self._timeout_s / 4)
            self.segment_s = playlist.segment_s if playlist else 0.0
            container = open_container(self._url, self._transport, self._timeout_s, self.segment_s)
            stream = choose_video_stream(container, self._url)
            if playlist is None and container.format.name.startswith("hls"):
                self.segment_s = UNTOLD_SEGMENT_S
            if playlist and playlist.newest and playlist == read_playlist(self._url, self._timeout_s / 4):
                self.program_s = playlist.newest[1]  # no segment came meanwhile: FFmpeg began with this one
            with self._moved:
                self._container, self.stream = container, stream
                self._moved.notify_all()
            for packet in container.demux(stream):
                if packet.size and not self._give(packet):
                    break
            self._error = self._explained(self._error)
        except (av.FFmpegError, StreamError, OSError, ValueError) as error:
            self._error = self._explained(error)
        finally:
            with self._moved:
                self._over, last = True, self._closed or self.stream is None
                self._moved.notify_all()
            if container is not None and last:
                container.close()

    def _explained(self, error: Exception) -> StreamError:
        """Tell what went wrong; FFmpeg takes an RTSP server that hangs for one that sends nonsense, or for its end."""
        told = explain(error, self._url, self._transport, timeout_s=self._timeout_s, opened=self.stream is not None)
        hung = not is_file(self._url) and (self.stream is None or scheme_of(self._url).startswith("rtsp"))
        waited = time.monotonic() - self._spoke_s >= 0.95 * self._timeout_s  # FFmpeg's clock starts a little earlier
        if hung and waited and isinstance(told, StreamUnreadable | StreamUnreachable | StreamEnded):
            return StreamSilent(self.url, self._timeout_s)
        return told

    def _give(self, packet: Packet) -> bool:
        """Put a packet where take() finds it; False when nobody wants any more."""
        with self._moved:
            self._moved.wait_for(lambda: self._closed or len(self._packets) < AHEAD_PACKETS)
            self._packets.append(packet)
            now_s = time.monotonic()
            if now_s - self._came_s < self._timeout_s:
                self.heard_s = self._spoke_s = now_s
            else:  # the first after a silence may be one that FFmpeg held back: it proves nothing
                self._late = packet
            self._came_s = now_s
            self._moved.notify_all()
            return not self._closed
