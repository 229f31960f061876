"""What happens on one connection: packets are decoded, put on the stream's clock, paced and handed over."""

import threading
import time
from collections.abc import Callable

from monitor.errors import StreamError, StreamSilent, StreamUnreadable
from monitor.records import Frame
from monitor.stream.clock import CATCH_UP, FrameRate, Pacer, StreamClock
from monitor.stream.connection import Connection, Packet
from monitor.stream.decoder import Decoder, Picture
from monitor.stream.packets import OnPacket, PacketCopier

FIRST_PICTURE_S = 15.0
"""Packets may arrive so long before one can be decoded: the next key frame may be ten seconds away."""

TELL_EVERY_S = 5.0
"""Counters are told again after so much of the stream."""

POLL_S = 0.1
"""Longest wait before stop is looked at."""


class Playback:
    """Plays one connection. play() returns when stopped and raises when the connection is over.

    A decoder that can't keep up lets go of packets up to the newest key frame once behind_s of them wait; None waits
    forever, as a file should. skipped counts them.
    """

    def __init__(
        self,
        channel: str,
        connection: Connection,
        timeline: StreamClock,
        *,
        timeout_s: float,
        behind_s: float | None,
        deliver: Callable[[Frame], None],
        on_live: Callable[["Playback"], None],
        on_packet: OnPacket | None,
    ) -> None:
        assert connection.stream is not None
        self._channel, self._connection, self._timeline = channel, connection, timeline
        self._timeout_s, self._behind_s = timeout_s, behind_s
        self._deliver, self._on_live, self._on_packet = deliver, on_live, on_packet
        self._decoder = Decoder(connection.stream)
        self._copier = PacketCopier(connection.stream, channel, connection.program_s)
        self._pacer = Pacer(CATCH_UP if behind_s else 1.0)
        self._rate = FrameRate()
        self._told: tuple[object, ...] = ()
        self._delivered_s = time.monotonic()
        self._timeless_before = timeline.timeless  # it counts since the start, over all connections
        self.size = (0, 0)
        self.skipped = 0

    @property
    def fps(self) -> float | None:
        """Frames per second as measured, or None."""
        return self._rate.fps

    @property
    def damaged(self) -> int:
        """Packets and pictures that could not be decoded."""
        return self._decoder.damaged

    def play(self, stop: threading.Event) -> None:
        """Hand over frames until stopped.

        Raises:
            StreamError: the connection is over, or nothing comes over it.
        """
        try:
            while not stop.is_set():
                packet = self._connection.take(POLL_S)
                self._heed()
                if packet is not None:
                    self._feed(packet, stop)
        except StreamError:
            self._hand_over_all(None, stop)
            raise

    def _heed(self) -> None:
        """Complain when nothing was heard for too long, or much was heard and nothing seen."""
        raise_if_silent(self._connection, self._timeout_s)
        if self._connection.heard_s - self._delivered_s > FIRST_PICTURE_S + self._connection.segment_s:
            raise no_picture(self._connection, self._timeline.timeless - self._timeless_before)

    def _feed(self, packet: Packet, stop: threading.Event) -> None:
        if self._behind_s is not None and self._connection.waiting_s() > self._behind_s:
            self.skipped += self._connection.skip()
        stamp = packet.dts if packet.dts is not None else packet.pts
        if self._timeline.breaks(None if stamp is None else float(stamp * packet.time_base)):
            self._hand_over_all(None, stop)
            self._timeline.restart()
        size = self._decoder.size
        self._hand_over_all(packet, stop)
        if self._on_packet is not None:
            self._keep(packet, self._on_packet, resized=self._decoder.size != size)

    def _keep(self, packet: Packet, on_packet: OnPacket, *, resized: bool) -> None:
        """Pass the packet on as it came; one that brings another size is the first of the coming epoch."""
        epoch = self._timeline.epoch
        if resized and self._decoder.shown_size != self.size and self._told:
            epoch += 1
        for kept in self._copier.copy(packet, epoch, time.time()):
            on_packet(kept)

    def _hand_over_all(self, packet: Packet | None, stop: threading.Event) -> None:
        for picture in self._decoder.decode(packet):
            if not stop.is_set():
                self._hand_over(picture, stop)

    def _hand_over(self, picture: Picture, stop: threading.Event) -> None:
        if not self._timeline.place(picture.time_s, picture.size):
            return
        assert picture.time_s is not None
        epoch, now_s = self._timeline.epoch, time.monotonic()
        wait_s = self._pacer.due_s(epoch, picture.time_s, now_s) - now_s
        if wait_s > 0 and stop.wait(wait_s):
            return
        self._rate.add(epoch, picture.time_s)
        self.size = (picture.size[1], picture.size[0])
        told = (epoch, self.size, self.fps and round(self.fps), picture.time_s // TELL_EVERY_S)
        if told != self._told:
            self._told = told
            self._on_live(self)
        self._delivered_s = time.monotonic()
        self._deliver(Frame(self._channel, epoch, picture.time_s, time.time(), picture.image))


def raise_if_silent(connection: Connection, timeout_s: float, more_s: float = 0.0) -> None:
    """Complain when the server has said nothing for timeout_s; more_s is for FFmpeg, which analyses what it hears.

    HLS gets the longest segment's time on top: a segment may come half its length after the one before it should have
    ended, and FFmpeg looks for it every half length only.

    Raises:
        StreamSilent: it has not.
    """
    limit_s = timeout_s + connection.segment_s
    if time.monotonic() - connection.heard_s > limit_s + more_s:
        raise StreamSilent(connection.url, limit_s)


def no_picture(connection: Connection, timeless: int) -> StreamUnreadable:
    """Say that packets come but no picture out of them; timeless counts pictures without a time stamp."""
    if timeless:
        return StreamUnreadable(connection.url, "its pictures carry no time stamps")
    return StreamUnreadable(connection.url, f"in {FIRST_PICTURE_S:g} s no picture could be decoded")
