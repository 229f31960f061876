"""The latest minute of a channel as it came: compressed packets, so that evidence needs no second encoding."""

import itertools
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import av
from av.bitstream import BitStreamFilterContext

KEPT_S = 60.0
"""So much is kept; memory is the stream's bit rate times this: 37 MB a channel at 5 Mbit/s."""


START_CODES = {"h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}
"""Filters that make a key packet readable on its own, with its parameter sets inside."""


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """What a player has to know to read packets: codec name, coded size in pixels, the codec's header bytes or None."""

    codec: str
    width: int
    height: int
    extradata: bytes | None


@dataclass(frozen=True, slots=True, eq=False)
class CodedPacket:
    """A compressed picture on the stream's own clock.

    time_s is its time of display as in Frame, decode_s of decoding, duration_s 0.0 when the stream doesn't say;
    arrived_s is Unix time in seconds when it was decoded, produced_s when it was filmed or sent by the sender's own
    clock; clock tells which: RTCP (sender reports of RTSP), PROGRAM-DATE-TIME (HLS), or "" with None where the stream
    doesn't say. epoch as in Frame. data has start codes (Annex B) for H.264 and HEVC.
    """

    channel: str
    epoch: int
    time_s: float
    decode_s: float
    duration_s: float
    arrived_s: float
    produced_s: float | None
    is_key: bool
    data: bytes
    track: VideoTrack
    clock: str = ""


class PacketCopier:
    """Copies a stream's packets out of FFmpeg. A packet is empty after it was copied: decode it before."""

    def __init__(self, stream: av.VideoStream, channel: str, program_s: float | None = None) -> None:
        """program_s is Unix time in seconds of the first packet that will be copied, or None."""
        self._channel, self._program_s = channel, program_s
        self._first: tuple[int, float] | None = None  # epoch and time_s of the first packet
        self._codec = stream.codec_context
        name = START_CODES.get(self._codec.name)
        self._filter = BitStreamFilterContext(name, stream) if name else None

    def copy(self, packet: "av.Packet[av.VideoStream]", epoch: int, now_s: float) -> Iterator[CodedPacket]:
        """Give the copy; nothing when it carries no time stamp or is damaged. now_s is Unix time."""
        if packet.pts is None:
            return
        produced_s, clock = self._produced(packet, epoch)
        extradata = self._codec.extradata
        if self._filter is not None and extradata and extradata[0] == 1:
            extradata = None  # the filter writes it into the packets
        track = VideoTrack(self._codec.name, self._codec.width, self._codec.height, extradata)
        try:
            copies = [packet] if self._filter is None else self._filter.filter(packet)
        except av.FFmpegError:
            return
        for copied in copies:
            base, pts = copied.time_base, copied.pts
            assert pts is not None
            yield CodedPacket(
                self._channel,
                epoch,
                time_s=float(pts * base),
                decode_s=float((pts if copied.dts is None else copied.dts) * base),
                duration_s=float((copied.duration or 0) * base),
                arrived_s=now_s,
                produced_s=produced_s,
                is_key=copied.is_keyframe,
                data=bytes(copied),
                track=track,
                clock=clock,
            )

    def _produced(self, packet: "av.Packet[av.VideoStream]", epoch: int) -> tuple[float | None, str]:
        """Give the sender's time of a packet and where it is from."""
        if packet.has_sidedata("prft"):  # AVProducerReferenceTime: microseconds since 1970, int64, then flags
            return struct.unpack_from("=q", bytes(packet.get_sidedata("prft")))[0] / 1e6, "RTCP"
        time_s = float((packet.pts or 0) * packet.time_base)
        if self._first is None:
            self._first = epoch, time_s
        if self._program_s is None or self._first[0] != epoch:
            return None, ""
        return self._program_s + time_s - self._first[1], "PROGRAM-DATE-TIME"


OnPacket = Callable[[CodedPacket], None]


class PacketRing:
    """The packets of one channel's last kept_s seconds, by arrival. Filled by one thread, read by another."""

    def __init__(self, kept_s: float = KEPT_S) -> None:
        self._kept_s = kept_s
        self._packets: deque[CodedPacket] = deque()
        self._lock = threading.Lock()

    def push(self, packet: CodedPacket) -> None:
        """Keep a packet and let go of what is too old."""
        with self._lock:
            self._packets.append(packet)
            while packet.arrived_s - self._packets[0].arrived_s > self._kept_s:
                self._packets.popleft()

    def since(self, epoch: int, start_s: float) -> list[CodedPacket]:
        """Give an epoch's packets from the key frame at or before start_s on, in decoding order.

        Where the ring begins later than start_s, from its first key frame; [] when there is none.
        """
        with self._lock:
            packets = [packet for packet in self._packets if packet.epoch == epoch]
        keys = [n for n, packet in enumerate(packets) if packet.is_key]
        first = next((n for n in reversed(keys) if packets[n].time_s <= start_s), keys[0] if keys else len(packets))
        return packets[first:]

    def after(self, last: CodedPacket) -> list[CodedPacket]:
        """Give all packets that came after one that was given before, in decoding order."""
        with self._lock:
            newer = list(itertools.takewhile(lambda packet: packet is not last, reversed(self._packets)))
        return newer[::-1]

    @property
    def nbytes(self) -> int:
        """Memory of the packets, in bytes."""
        with self._lock:
            return sum(len(packet.data) for packet in self._packets)
