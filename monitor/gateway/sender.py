"""Sends to one client: at once while it keeps up, else through a queue that knows what may be left out."""

import asyncio
from collections.abc import Callable

from websockets.asyncio.server import ServerConnection, broadcast

from monitor.gateway.handshake import NO_TOKEN, SLOW, Close
from monitor.gateway.send_queue import SendQueue, TooSlow

SLOW_S = 10.0
"""A message that the client does not take, or a ping that it does not answer, for so long: it is too slow."""


class Sender:
    """The way out to one client, so that none can hold up another.

    put() sends now and waits; the others never wait. Until run() has begun, everything they take waits in the queue.
    """

    def __init__(self, socket: ServerConnection) -> None:
        self._socket = socket
        self._queue = SendQueue()
        self._ready = asyncio.Event()
        self._running = self._overflowed = False

    async def run(self) -> None:
        """Send what waits, until the client is too slow.

        Raises:
            Close: it is.
        """
        self._running = True
        while True:
            await self._ready.wait()
            self._ready.clear()
            if self._overflowed:
                raise Close(SLOW, "too slow: alerts pile up; connect again with resume")
            while (text := self._queue.take()) is not None:
                await self.put(text)

    async def put(self, text: bytes) -> None:
        """Send a message past the queue.

        Raises:
            Close: the client does not take it.
        """
        try:
            async with asyncio.timeout(SLOW_S):
                await self._socket.send(text, text=True)
        except TimeoutError:
            raise Close(SLOW, f"too slow: nothing was read for {SLOW_S:.0f} s") from None

    async def keep_alive(self, still_valid: Callable[[], bool]) -> None:
        """Ask now and then whether the client is there and may stay.

        Raises:
            Close: it does not answer, or its token was revoked.
        """
        while True:
            await asyncio.sleep(SLOW_S / 2)
            if not still_valid():
                raise Close(NO_TOKEN, "the token was revoked")
            try:
                async with asyncio.timeout(SLOW_S):
                    await (await self._socket.ping())
            except TimeoutError:
                raise Close(SLOW, f"too slow: no answer to a ping for {SLOW_S:.0f} s") from None

    def alert(self, text: bytes) -> None:
        """Take what must arrive."""
        if self._sent_at_once(text):
            return
        try:
            self._queue.alert(text)
        except TooSlow:
            self._overflowed = True
        self._ready.set()

    def score(self, channel: str, text: bytes) -> None:
        """Take a score."""
        if not self._sent_at_once(text):
            self._queue.score(channel, text)
            self._ready.set()

    def latest(self, kind: str, channel: str, text: bytes) -> None:
        """Take what replaces its forerunner: health, a status, a picture."""
        if not self._sent_at_once(text):
            self._queue.latest(kind, channel, text)
            self._ready.set()

    def _sent_at_once(self, text: bytes) -> bool:
        """Write to a client that keeps up, without waking its task: most of what a fan-out to hundreds costs."""
        if not self._running or len(self._queue) or self._socket.transport.get_write_buffer_size():
            return False
        broadcast((self._socket,), text, text=True)
        return True
