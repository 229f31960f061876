"""The latest minute of a channel as it came: compressed packets, so that evidence needs no second encoding."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import av

KEPT_S = 60.0
"""So much is kept; memory is the stream's bit rate times this: 37 MB a channel at 5 Mbit/s."""


@dataclass(frozen=True, slots=True)
class Track:
    """What a player has to know to read packets: codec name, coded size in pixels, the codec's header bytes or None."""

    codec: str
    width: int
    height: int
    extradata: bytes | None


@dataclass(frozen=True, slots=True, eq=False)
class CodedPacket:
    """A compressed picture on the stream's own clock.

    time_s is its time of display as in Frame, decode_s of decoding, duration_s 0.0 when the stream doesn't say;
    arrived_s is Unix time in seconds when it was decoded. epoch as in Frame.
    """

    channel: str
    epoch: int
    time_s: float
    decode_s: float
    duration_s: float
    arrived_s: float
    is_key: bool
    data: bytes
    track: Track


def coded(
    packet: "av.Packet[av.VideoStream]", channel: str, epoch: int, track: Track, now_s: float
) -> CodedPacket | None:
    """Copy a packet out of FFmpeg; None when it carries no time stamp. now_s is Unix time."""
    if packet.pts is None:
        return None
    base = packet.time_base
    return CodedPacket(
        channel,
        epoch,
        time_s=float(packet.pts * base),
        decode_s=float((packet.dts if packet.dts is not None else packet.pts) * base),
        duration_s=float((packet.duration or 0) * base),
        arrived_s=now_s,
        is_key=packet.is_keyframe,
        data=bytes(packet),
        track=track,
    )


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

    def between(self, epoch: int, start_s: float, end_s: float) -> list[CodedPacket]:
        """Give an epoch's packets from the key frame at or before start_s to end_s, in decoding order.

        Where the ring begins later than start_s, from its first key frame; [] when there is none.
        """
        with self._lock:
            packets = [packet for packet in self._packets if packet.epoch == epoch and packet.decode_s <= end_s]
        keys = [n for n, packet in enumerate(packets) if packet.is_key]
        first = next((n for n in reversed(keys) if packets[n].time_s <= start_s), keys[0] if keys else len(packets))
        return packets[first:]

    @property
    def nbytes(self) -> int:
        """Memory of the packets, in bytes."""
        with self._lock:
            return sum(len(packet.data) for packet in self._packets)
