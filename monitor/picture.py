"""Packets to upright pictures with square pixels and no comb lines."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
import av.filter
import numpy as np
import numpy.typing as npt
from av.video.reformatter import VideoReformatter


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded picture; time_s is its PTS in seconds or None, image is (H, W, 3) uint8, BGR."""

    time_s: float | None
    image: npt.NDArray[np.uint8]


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
        self._colours = VideoReformatter()  # a frame's own would be made anew for every frame, with threads of its own
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
                yield Picture(time_s, self._image(frame))
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
                yield Picture(time_s, self._image(out))
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        except av.FFmpegError:  # another picture size: the next frame builds another graph
            self.damaged += 1
            self._weave = None

    def _image(self, frame: av.VideoFrame) -> npt.NDArray[np.uint8]:
        width = round(frame.width * self._widened)
        bgr = self._colours.reformat(frame, width, frame.height, "bgr24", threads=1)
        image = np.asarray(bgr.to_ndarray(), np.uint8)
        turns = round(frame.rotation / 90) % 4
        return np.ascontiguousarray(np.rot90(image, turns)) if turns else image
