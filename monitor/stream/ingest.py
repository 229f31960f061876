"""A broadcast in: frames of one live source, with endless reconnection."""

import contextlib
import logging
import random
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from monitor.errors import StreamEnded, StreamError, StreamSilent, StreamUnreadable, TransportRefused
from monitor.records import Frame
from monitor.stream.clock import StreamClock
from monitor.stream.connection import Connection, StreamFacts
from monitor.stream.packets import OnPacket
from monitor.stream.playback import POLL_S, Playback, raise_if_silent
from monitor.stream.probe import probe, transports_to_try
from monitor.stream.recording import read_recording
from monitor.stream.source import ANALYSE_S, Transport, is_file, redact, scheme_of

__all__ = ["Ingest", "StreamFacts", "StreamState", "probe", "read_recording", "redact"]

logger = logging.getLogger(__name__)

STEADY_S = 10.0
"""A connection that held so long was a good one: the next pause is short again."""

RETRY_MIN_S = 0.5

BEHIND_S = 4.0
"""Seconds of pictures that may wait before decoding goes on at the newest key frame; over HTTP ..."""

BEHIND_HTTP_S = 12.0
"""... so many, and three segments of HLS at least: two may come at once while a third is being played."""


@dataclass(frozen=True, slots=True)
class StreamState:
    """How a live source is; sent at every change, and every 5 s while it is live.

    why is a sentence, redacted, when the state is stream_down, else "". since_s is Unix time of the change. fps is
    measured once 50 frames have come, before that it is what the stream says (0.0: nothing). Since the start, skipped
    counts pictures left undecoded to catch up, damaged those that could not be decoded, left_out frames whose time
    stamp did not rise.
    """

    channel: str
    state: Literal["connecting", "live", "stream_down", "ended"]
    url: str
    why: str = ""
    since_s: float = 0.0
    reconnects: int = 0
    format: str = ""
    codec: str = ""
    width: int = 0
    height: int = 0
    fps: float = 0.0
    transport: str = ""
    skipped: int = 0
    damaged: int = 0
    left_out: int = 0


class Ingest:
    """One live source. run() blocks until stop is set, or a file has been played.

    deliver gets every frame, paced by PTS; it must not block (a mailbox doesn't). The thread of run() decodes and
    paces, the connection's own thread waits for the network; stop is heeded within 0.2 s whatever the server does.
    """

    def __init__(
        self,
        channel: str,
        url: str,
        *,
        transport: Transport = "auto",
        timeout_s: float = 5.0,
        retry_max_s: float = 30.0,
        deliver: Callable[[Frame], None],
        on_state: Callable[[StreamState], None] = lambda state: None,
        on_packet: OnPacket | None = None,
    ) -> None:
        self._channel, self._url, self._timeout_s, self._retry_max_s = channel, url, timeout_s, retry_max_s
        self._ways = transports_to_try(url, transport)
        self._deliver, self._on_state, self._on_packet = deliver, on_state, on_packet
        self._timeline = StreamClock()
        self._was_live = self._seen = False  # a broadcast and no recording; a picture on this connection
        self._skipped = self._damaged = 0  # on the connections before this one
        self._state = StreamState(channel, "connecting", redact(url))

    def run(self, stop: threading.Event) -> None:
        """Watch until stopped."""
        failures = refused = 0
        self._say("connecting")
        while not stop.is_set():
            started_s = time.monotonic()
            try:
                self._watch_safely(stop)
                return
            except StreamError as error:
                self._timeline.restart()
                if isinstance(error, StreamEnded) and is_file(self._url):
                    self._say("ended")
                    return
                refused = refused + 1 if isinstance(error, TransportRefused) else 0
                if refused or (isinstance(error, StreamSilent) and not self._seen):
                    self._ways.append(self._ways.pop(0))  # a firewall may let the other one through
                if 0 < refused < len(self._ways):
                    continue
                failures = 1 if time.monotonic() - started_s > STEADY_S else failures + 1
                self._say("stream_down", str(error))
                pause_s = self._pause_s(error.retry, failures)
            stop.wait(pause_s)
            self._state = replace(self._state, reconnects=self._state.reconnects + 1)

    def _pause_s(self, retry: bool, failures: int) -> float:
        """Choose how long to wait: longer each time, never all channels at once, and slowly where it can't help."""
        pause_s = RETRY_MIN_S * 2.0 ** min(failures, 16) if retry else self._retry_max_s
        return min(pause_s, self._retry_max_s) * random.uniform(0.5, 1.0)

    def _watch_safely(self, stop: threading.Event) -> None:
        """Carry one connection; an error of our own costs that connection, not the channel."""
        try:
            self._watch(stop)
        except StreamError:
            raise
        except Exception:
            shown = traceback.format_exc().replace(self._url, self._state.url)  # FFmpeg's errors name the address
            logger.error("%s: bodywatch failed; the stream is opened again\n%s", self._channel, shown)
            raise StreamUnreadable(self._state.url, "bodywatch itself failed, its log tells how") from None

    def _watch(self, stop: threading.Event) -> None:
        """Carry one connection; returns when stopped.

        Raises:
            StreamError: the connection is over.
        """
        self._seen = False
        with contextlib.closing(
            Connection(self._url, transport=self._ways[0], timeout_s=self._timeout_s)
        ) as connection:
            while not connection.opened(POLL_S):
                if stop.is_set():
                    return
                raise_if_silent(connection, self._timeout_s, ANALYSE_S)
            if connection.recorded and self._was_live:
                raise StreamEnded(connection.url)  # what is left of a broadcast that is over is no broadcast
            self._was_live = not connection.recorded
            if not connection.recorded:
                self._timeline.resume(2 * connection.segment_s)
            playback = Playback(
                self._channel,
                connection,
                self._timeline,
                timeout_s=self._timeout_s,
                behind_s=None if connection.recorded else self._behind_s(connection.segment_s),
                deliver=self._deliver,
                on_live=lambda playback: self._live(connection.facts(), playback),
                on_packet=self._on_packet,
            )
            try:
                playback.play(stop)
            finally:
                self._skipped += playback.skipped
                self._damaged += playback.damaged

    def _behind_s(self, segment_s: float) -> float:
        return max(BEHIND_HTTP_S, 3 * segment_s) if scheme_of(self._url).startswith("http") else BEHIND_S

    def _live(self, facts: StreamFacts, playback: Playback) -> None:
        self._seen = True
        self._say(
            "live",
            format=facts.format,
            codec=facts.codec,
            width=playback.size[0],
            height=playback.size[1],
            fps=playback.fps or facts.fps,
            transport=facts.transport,
            skipped=self._skipped + playback.skipped,
            damaged=self._damaged + playback.damaged,
            left_out=self._timeline.repeated + self._timeline.timeless,
        )

    def _say(self, state: Literal["connecting", "live", "stream_down", "ended"], why: str = "", **facts: Any) -> None:
        changed = state != self._state.state or not self._state.since_s
        since_s = time.time() if changed else self._state.since_s
        self._state = replace(self._state, state=state, why=why, since_s=since_s, **facts)
        if changed:
            log = logger.warning if state == "stream_down" else logger.info
            log("%s: %s%s", self._channel, state, f": {why}" if why else "")
        self._on_state(self._state)
