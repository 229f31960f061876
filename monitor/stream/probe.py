"""Does a source open, and what is it? For `bodywatch check` and for choosing a way to a stream."""

import contextlib
import time
from dataclasses import replace

from monitor.errors import TransportRefused
from monitor.stream.connection import Connection, StreamFacts
from monitor.stream.decoder import Decoder
from monitor.stream.playback import FIRST_PICTURE_S, POLL_S, no_picture, raise_if_silent
from monitor.stream.source import ANALYSE_S, Transport, scheme_of


def probe(url: str, *, transport: Transport = "auto", timeout_s: float = 5.0) -> StreamFacts:
    """Open a source and see its first picture.

    Raises:
        StreamError: one sentence why that failed.
    """
    ways = transports_to_try(url, transport)
    for way in ways:
        try:
            return _look(url, way, timeout_s)
        except TransportRefused:
            if way == ways[-1]:
                raise
    raise AssertionError("there is always a way to try")


def _look(url: str, transport: Transport, timeout_s: float) -> StreamFacts:
    with contextlib.closing(Connection(url, transport=transport, timeout_s=timeout_s)) as connection:
        while not connection.opened(POLL_S):
            raise_if_silent(connection, timeout_s, ANALYSE_S)
        assert connection.stream is not None
        decoder, started_s = Decoder(connection.stream), time.monotonic()
        while time.monotonic() - started_s < FIRST_PICTURE_S:
            raise_if_silent(connection, timeout_s)
            packet = connection.take(POLL_S)
            for picture in decoder.decode(packet) if packet is not None else ():
                height, width = picture.size
                return replace(connection.facts(), width=width, height=height)
        raise no_picture(connection, 0)


def transports_to_try(url: str, transport: Transport) -> list[Transport]:
    """List the transports to try, best first; only RTSP has a choice."""
    if not scheme_of(url).startswith("rtsp"):
        return ["auto"]
    return ["tcp", "udp"] if transport == "auto" else [transport]
