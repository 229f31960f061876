"""One websocket client, from hello to close."""

import asyncio
import json
import time
from collections.abc import Callable, Iterable
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from monitor.bus import connection, keys
from monitor.bus.messages import dumps
from monitor.gateway.access import AccessControl
from monitor.gateway.client_requests import ClientRequests
from monitor.gateway.handshake import Close, Hello, admit, receive_hello
from monitor.gateway.operator_commands import CommandHandler
from monitor.gateway.relay import Relay, alert_text, newer
from monitor.gateway.sender import Sender
from monitor.gateway.tokens import User


class Session:
    """What one client may see and has seen.

    After hello it is given what it missed straight from the stream, page by page as fast as it takes them; from then
    on it hears the relay. An alert is sent once: cursor is the newest one's stream id.
    """

    def __init__(
        self,
        socket: ServerConnection,
        relay: Relay,
        commands: CommandHandler,
        access: AccessControl,
        *,
        on_close: Callable[[int], object],
    ) -> None:
        self._socket, self._relay, self._commands, self._access = socket, relay, commands, access
        self._on_close = on_close
        self._sender = Sender(socket)
        self._requests: ClientRequests | None = None
        self._channels: frozenset[str] = frozenset()
        self._catching_up = True
        self._cursor = "0-0"

    async def run(self) -> None:
        """Serve the client until one of us has enough."""
        try:
            hello = await receive_hello(self._socket)
            user = await admit(self._socket, hello, self._access)
            self._channels = frozenset(hello.channels)
            self._requests = ClientRequests(user, self._relay, self._commands, frozenset(hello.look))
            self._relay.listeners.add(self)
            await self._live(hello, user, self._requests)
        except Close as close:
            self._on_close(close.code)
            self._relay.listeners.discard(self)
            await self._socket.close(close.code, close.why)
        except ConnectionClosed:
            pass
        finally:
            self._relay.listeners.discard(self)

    async def _live(self, hello: Hello, user: User, requests: ClientRequests) -> None:
        """Send and receive side by side; the first to end ends all."""
        keep_alive = self._sender.keep_alive(lambda: self._access.still_valid(user))
        work = (self._send(hello, user), self._receive(requests), keep_alive)
        jobs = [asyncio.create_task(job) for job in work]
        try:
            done, _ = await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
            done.pop().result()
        finally:
            await connection.end(jobs)

    async def _send(self, hello: Hello, user: User) -> None:
        await self._welcome(hello, user)
        await self._catch_up()
        await self._sender.run()

    async def _receive(self, requests: ClientRequests) -> None:
        async for text in self._socket:
            answer = await requests.answer(text)
            if answer is not None:
                self.handled(dumps(answer).encode())

    async def _welcome(self, hello: Hello, user: User) -> None:
        """Tell what there is; while Redis is away, say so and wait."""
        while True:
            try:
                self._cursor = hello.resume or await self._relay.store.last(keys.ALERTS)
                gap = await self._relay.store.gap(hello.resume) if hello.resume else None
                welcome = await self._state(user)
                break
            except connection.AWAY:
                await self._sender.put(b'{"type":"status","redis":"away"}')
                await asyncio.sleep(0.5)
        await self._sender.put(dumps(welcome).encode())
        if gap is not None:
            self._cursor = "0-0" if gap["before"] is None else self._cursor
            await self._sender.put(dumps(gap).encode())

    async def _state(self, user: User) -> dict[str, Any]:
        store = self._relay.store
        names = await store.channels()
        return {
            "type": "welcome",
            "who": user.name,
            "role": user.role,
            "now_s": time.time(),
            "last": self._cursor,
            "channels": [name for name in names if self._wants(name)],
            "health": {k: v for k, v in (await store.healths(names)).items() if self._wants(k)},
            "incidents": [i for i in await store.incidents() if self._wants(str(i["channel"]))],
            "silences": await store.silences(time.time()),
        }

    async def _catch_up(self) -> None:
        """Send the alerts after the cursor from the stream until there are none, then let the relay take over."""
        while True:
            try:
                entries = await self._relay.store.alerts_after(self._cursor)
            except connection.AWAY:
                await asyncio.sleep(0.5)
                continue
            for entry in entries:
                self._cursor = entry.id
                if not self._channels or self._wants(json.loads(entry.text)["data"]["channel"]):
                    await self._sender.put(alert_text(entry.id, entry.text))
            if not entries and not newer(self._relay.position, self._cursor):
                self._catching_up = False
                return

    def _wants(self, channel: str) -> bool:
        return not self._channels or channel in self._channels

    def alert(self, number: str, text: bytes) -> None:
        """Take an alert from the relay, unless the stream's own pages bring it."""
        if self._catching_up or not newer(number, self._cursor):
            return
        self._cursor = number
        if not self._channels or self._wants(json.loads(text)["event"]["data"]["channel"]):
            self._sender.alert(text)

    def handled(self, text: bytes) -> None:
        """Take what must arrive."""
        self._sender.alert(text)

    def score(self, channel: str, text: bytes) -> None:
        """Take a score."""
        if self._wants(channel):
            self._sender.score(channel, text)

    def latest(self, kind: str, channel: str, text: bytes) -> None:
        """Take health, a status or a picture."""
        if channel in self.looks_at() if kind == "pose" else not channel or self._wants(channel):
            self._sender.latest(kind, channel, text)

    def looks_at(self) -> Iterable[str]:
        """Name the channels whose pictures are wanted."""
        return () if self._requests is None else self._requests.look
