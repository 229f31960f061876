"""The puppet as H.264: what recordings and the demo's broadcast are made of."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from fractions import Fraction
from types import TracebackType

import av
from av.container import OutputContainer

from trainer.puppet.drawing import Image
from trainer.puppet.renderer import Rendered


class Encoder:
    """Writes pictures as H.264 to a file, a playlist or a stream; a key frame every second.

    The PTS of a frame is its time_s. format None takes it from the name's ending.
    """

    def __init__(
        self, target: str, width: int, height: int, fps: float, *, crf: int = 23, format: str | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        rate = Fraction(fps).limit_denominator(1001)
        container = av.open(target, "w", format=format, options=dict(options or {}))
        assert isinstance(container, OutputContainer)
        self._container = container
        self._stream = container.add_stream("libx264", rate=rate)
        self._stream.width, self._stream.height, self._stream.pix_fmt = width, height, "yuv420p"
        self._stream.time_base = self._time_base = Fraction(1, 90_000)
        self._stream.codec_context.time_base = self._time_base
        self._stream.codec_context.gop_size = max(1, round(fps))
        self._stream.codec_context.thread_count = 1
        self._stream.options = {
            "preset": "ultrafast", "tune": "zerolatency", "crf": str(crf), "sc_threshold": "0",
            "x264-params": "nal-hrd=none:force-cfr=0",
        }  # fmt: skip

    def __enter__(self) -> "Encoder":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, image: Image, time_s: float) -> None:
        """Encode one BGR picture that belongs to time_s."""
        frame = av.VideoFrame.from_ndarray(image, format="bgr24")
        frame.time_base, frame.pts = self._time_base, round(time_s * 90_000)
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Write what is still inside and end the file."""
        self._container.mux(self._stream.encode(None))
        self._container.close()


def record(
    shots: Iterable[Rendered], path: str, width: int, height: int, fps: float, *, crf: int = 23
) -> Iterator[Rendered]:
    """Write frames to a video file and pass each on, so that its truth can be kept beside it."""
    with closing(Encoder(path, width, height, fps, crf=crf)) as encoder:
        for shot in shots:
            encoder.write(shot.image, shot.time_s)
            yield shot
