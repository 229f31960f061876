"""A recording, every frame of it, as fast as it can be decoded."""

import logging
from collections.abc import Iterator

import av

from monitor.errors import StreamError, StreamUnreadable
from monitor.records import Frame
from monitor.stream.clock import StreamClock
from monitor.stream.decoder import Decoder, Picture
from monitor.stream.demuxer import choose_video_stream, open_container
from monitor.stream.source import explain, redact

logger = logging.getLogger(__name__)

TIMEOUT_S = 30.0
"""For a recording that lies on a web server."""

MISSING_S = 1.0
"""A recording that ends so much before the length that its header tells is cut short."""


def read_recording(path: str, channel: str) -> Iterator[Frame]:
    """Give every frame in the order of display; arrived_s is time_s, since nothing arrives.

    Epochs are those of the live ingest. Damaged pictures are left out and their number logged.

    Raises:
        StreamError: the file is missing, no video, or ends before the length that it tells (after its last frame).
    """
    timeline, last_s = StreamClock(), None
    try:
        with open_container(path, "auto", TIMEOUT_S) as container:
            stream = choose_video_stream(container, path)
            decoder = Decoder(stream)
            for picture in _pictures(container, stream, decoder, timeline):
                if timeline.place(picture.time_s, picture.size):
                    assert picture.time_s is not None
                    last_s = picture.time_s
                    yield Frame(channel, timeline.epoch, last_s, last_s, picture.image)
            if decoder.damaged:
                logger.warning("%s: %d pictures of %s could not be decoded", channel, decoder.damaged, redact(path))
            if last_s is None:
                raise StreamUnreadable(redact(path), "not one picture could be decoded")
            end_s = _end_s(container, stream)
            if end_s is not None and end_s - last_s > MISSING_S:
                raise StreamUnreadable(redact(path), f"it ends at {last_s:.1f} s instead of {end_s:.1f} s")
    except (av.FFmpegError, StreamError, OSError, ValueError) as error:
        raise explain(error, path, "auto", timeout_s=TIMEOUT_S, opened=last_s is not None) from None


def _pictures(
    container: av.container.InputContainer, stream: av.VideoStream, decoder: Decoder, timeline: StreamClock
) -> Iterator[Picture]:
    for packet in container.demux(stream):
        stamp = packet.dts if packet.dts is not None else packet.pts
        if packet.size and timeline.breaks(None if stamp is None else float(stamp * packet.time_base)):
            yield from decoder.decode(None)
            timeline.restart()
        if packet.size:
            yield from decoder.decode(packet)
    yield from decoder.decode(None)


def _end_s(container: av.container.InputContainer, stream: av.VideoStream) -> float | None:
    """Give the end that the file's index tells; None where FFmpeg only guesses it from the bit rate."""
    if not container.format.name.startswith(("mov", "matroska")) or stream.duration is None:
        return None
    return float((stream.duration + (stream.start_time or 0)) * (stream.time_base or 0))
