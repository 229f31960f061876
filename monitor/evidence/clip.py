"""Compressed packets to an MP4 that a browser plays, without encoding anything again."""

import io
from fractions import Fraction
from pathlib import Path

import av

from monitor.stream.packets import START_CODES, CodedPacket

TICK = Fraction(1, 90_000)


class Clip:
    """An MP4 that grows packet by packet; a crash costs what came after its last key frame. Times are the stream's.

    start_s and end_s are the first and the last picture's time_s, in the order of display.
    """

    def __init__(self, path: Path, first: CodedPacket) -> None:
        """Begin with a key packet; only H.264 and HEVC can be kept.

        Raises:
            av.FFmpegError, OSError: the header can't be read, or the file not be written.
        """
        self._first_s = first.time_s
        options = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "flush_packets": "1"}
        self._output = av.open(str(path), "w", format="mp4", options=options)
        with av.open(io.BytesIO(_header(first)), format=first.track.codec) as template:
            self._stream = self._output.add_stream_from_template(template.streams.video[0])
        self.start_s = self.end_s = first.time_s
        self._last_dts = round((first.decode_s - first.time_s) / TICK) - 1
        self.nbytes = 0

    def add(self, coded: CodedPacket) -> None:
        """Append a packet; one that comes after its own time of display is left out, for no MP4 can hold it."""
        packet = av.Packet(coded.data)
        packet.stream, packet.time_base = self._stream, TICK
        packet.pts = round((coded.time_s - self._first_s) / TICK)
        packet.dts = max(round((coded.decode_s - self._first_s) / TICK), self._last_dts + 1)
        if packet.pts < packet.dts:
            return
        self._last_dts = packet.dts
        packet.duration = round(coded.duration_s / TICK)
        packet.is_keyframe = coded.is_key
        self._output.mux(packet)
        self.end_s = max(self.end_s, coded.time_s)
        self.nbytes += len(coded.data)

    def close(self) -> None:
        """End the file."""
        self._output.close()


def can_keep(packet: CodedPacket) -> bool:
    """Tell whether a clip can begin with a packet."""
    return packet.is_key and packet.track.codec in START_CODES


def settle(grown: Path, path: Path) -> float:
    """Rewrite a grown clip with its index in front, so that browsers can seek in it; gives its first picture's time."""
    with av.open(str(grown)) as source, av.open(str(path), "w", options={"movflags": "faststart"}) as output:
        video = source.streams.video[0]
        stream = output.add_stream_from_template(video)
        for packet in source.demux(video):
            if packet.dts is not None:
                packet.stream = stream
                output.mux(packet)
    grown.unlink()
    with av.open(str(path)) as source:
        video = source.streams.video[0]
        return float((video.start_time or 0) * (video.time_base or 0))


def _header(first: CodedPacket) -> bytes:
    """Give bytes that tell the codec's parameters: the key packet's own, or with what the stream said at its start."""
    with av.open(io.BytesIO(first.data), format=first.track.codec) as alone:
        if alone.streams.video and alone.streams.video[0].codec_context.extradata:
            return first.data
    return (first.track.extradata or b"") + first.data
