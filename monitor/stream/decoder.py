"""Packets to upright pictures with square pixels and no comb lines."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import av
import av.filter
import numpy as np
import numpy.typing as npt
from av.video.reformatter import VideoReformatter


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded picture; time_s is its PTS in seconds or None, size its image's height and width in pixels.

    image converts it to (H, W, 3) uint8, BGR, each time it is called; all pictures of a decoder share the converter,
    so only one thread may.
    """

    time_s: float | None
    size: tuple[int, int]
    image: Callable[[], npt.NDArray[np.uint8]]


class Decoder:
    """Decodes one stream, in one thread: a channel costs a core's share that can be told, and no extra delay.

    Interlaced pictures go through yadif, one frame late; anamorphic ones are widened to square pixels, rotated ones
    turned upright. damaged counts packets and pictures that could not be used.
    """

    def __init__(self, stream: av.VideoStream) -> None:
        self._codec = stream.codec_context
        self._codec.thread_type = "SLICE"
        self._codec.thread_count = 1
        self._time_base = stream.time_base or Fraction(1, 90_000)
        self._weave: av.filter.Graph | None = None
        self._form: tuple[object, ...] | None = None
        self._colours = VideoReformatter()
        self.damaged = 0

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as coded, of the newest picture header."""
        return self._codec.width, self._codec.height

    @property
    def shown_size(self) -> tuple[int, int]:
        """Width and height that its pictures will have, before they are turned upright."""
        return round(self.size[0] * self._widened), self.size[1]

    @property
    def _widened(self) -> Fraction:
        ratio = self._codec.sample_aspect_ratio or Fraction(1)
        return ratio if Fraction(1, 3) < ratio < 3 else Fraction(1)

    def decode(self, packet: "av.Packet[av.VideoStream] | None") -> Iterator[Picture]:
        """Give the pictures that a packet completes; None gives what is left and makes ready for another stream."""
        try:
            frames = self._codec.decode(packet)
        except av.FFmpegError:
            self.damaged += 1
            return
        finally:
            if packet is None:
                self._codec.flush_buffers()
        for frame in frames:
            if frame.is_corrupt:
                self.damaged += 1
                continue
            time_s = None if frame.pts is None else float(frame.pts * self._time_base)
            if self._weave is None and not frame.interlaced_frame:
                yield self._picture(time_s, frame)
            else:
                yield from self._woven(frame)
        if packet is None and self._weave is not None:
            yield from self._woven(None)
            self._weave = None

    def _woven(self, frame: av.VideoFrame | None) -> Iterator[Picture]:
        """Send a frame through the deinterlacer; None gives what it still holds."""
        if self._weave is None:
            assert frame is not None
            self._weave = av.filter.Graph()
            source = self._weave.add_buffer(
                width=frame.width, height=frame.height, format=frame.format, time_base=self._time_base
            )
            self._weave.link_nodes(
                source, self._weave.add("yadif", "deint=interlaced"), self._weave.add("buffersink")
            ).configure()
        try:
            if frame is not None:
                frame.time_base = self._time_base
            self._weave.vpush(frame)
            while True:
                out = self._weave.vpull()
                time_s = None if out.pts is None or out.time_base is None else float(out.pts * out.time_base)
                yield self._picture(time_s, out)
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        except av.FFmpegError:  # another picture size: the next frame builds another graph
            self.damaged += 1
            self._weave = None

    def _picture(self, time_s: float | None, frame: av.VideoFrame) -> Picture:
        width, turns = round(frame.width * self._widened), round(frame.rotation / 90) % 4
        form = (frame.format.name, width, frame.height)
        if form != self._form:
            self._form, self._colours = form, VideoReformatter()
            _upright(self._colours, frame, width, turns)  # what can't be converted is told here, while decoding
        size = (width, frame.height) if turns % 2 else (frame.height, width)
        return Picture(time_s, size, partial(_upright, self._colours, frame, width, turns))


def _upright(colours: VideoReformatter, frame: av.VideoFrame, width: int, turns: int) -> npt.NDArray[np.uint8]:
    """Convert a frame; with a converter of its own each would set FFmpeg's up anew, and threads with it."""
    image = np.asarray(colours.reformat(frame, width, frame.height, "bgr24", threads=1).to_ndarray(), np.uint8)
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image
