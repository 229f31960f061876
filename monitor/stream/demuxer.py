"""Opening a container and choosing what to watch in it."""

import av

from monitor.errors import StreamNotFound, StreamUnreadable, StreamWithoutVideo
from monitor.stream.source import ANALYSE_S, Transport, exists, is_file, options_of, path_of, redact

PACKET_S = 30.0
"""Least time that FFmpeg gets for one packet once a stream is open: HLS sends nothing between segments."""

FORMATS_OF_TEXT = frozenset({"tty", "bin", "xbin", "adf", "idf"})
"""FFmpeg plays a text file as a film of a terminal."""


def open_container(
    url: str, transport: Transport, timeout_s: float, segment_s: float = 0.0
) -> av.container.InputContainer:
    """Open an address; every failure is one of av's errors, or a StreamNotFound."""
    if not exists(url):
        raise StreamNotFound(redact(url))
    live = not is_file(url)
    return av.open(
        path_of(url),
        "r",
        options=options_of(url, transport, timeout_s) if live else {},
        timeout=(timeout_s + segment_s + ANALYSE_S, max(timeout_s + 2 * segment_s, PACKET_S)) if live else None,
        metadata_errors="ignore",
    )


def choose_video_stream(container: av.container.InputContainer, url: str) -> av.VideoStream:
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
