"""One websocket client, from hello to close."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from websockets.asyncio.server import ServerConnection, broadcast
from websockets.exceptions import ConnectionClosed

from monitor.bus import connection, keys
from monitor.bus.messages import dumps
from monitor.gateway.access import AccessControl
from monitor.gateway.operator_commands import CommandHandler, Name, Refused, parse
from monitor.gateway.relay import Relay, alert_text, newer
from monitor.gateway.send_queue import SendQueue, TooSlow
from monitor.gateway.tokens import User

log = logging.getLogger(__name__)

HELLO_S = 5.0
SLOW_S = 10.0
"""A message that the client does not take, or a ping that it does not answer, for so long: it is too slow."""

MESSAGES_PER_MINUTE = 240

NO_TOKEN, NOT_ALLOWED, HELLO_LATE, SLOW, FULL, TOO_MUCH = 4401, 4403, 4408, 4413, 4429, 1008


class Hello(BaseModel):
    """The first message of a client."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    type: Literal["hello"]
    token: Annotated[str, Field(max_length=200)] | None = None
    resume: Annotated[str, Field(pattern=r"^\d{1,18}-\d{1,18}$")] | None = None
    channels: tuple[Name, ...] = ()
    look: tuple[Name, ...] = ()


class Close(Exception):
    """Ends a session with a close code. Stays in the gateway."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code, self.why = code, why


class Session:
    """What one client may see and has seen.

    After hello it is given what it missed straight from the stream, page by page as fast as it takes them; from then
    on the relay's bytes go through its own bounded queue, so that no client can hold up another.
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
        self._queue = SendQueue()
        self._ready = asyncio.Event()
        self._channels: frozenset[str] = frozenset()
        self._look: frozenset[str] = frozenset()
        self._catching_up = True
        self._cursor = "0-0"
        self._overflowed = False
        self._messages_at: list[float] = []
        self.user: User | None = None

    async def run(self) -> None:
        """Serve the client until one of us has enough."""
        try:
            hello = await self._hello()
            self.user = await self._enter(hello)
            self._channels, self._look = frozenset(hello.channels), frozenset(hello.look)
            self._relay.listeners.add(self)
            await self._live(hello)
        except Close as close:
            self._on_close(close.code)
            self._relay.listeners.discard(self)
            await self._socket.close(close.code, close.why)
        except ConnectionClosed:
            pass
        finally:
            self._relay.listeners.discard(self)

    async def _hello(self) -> Hello:
        try:
            async with asyncio.timeout(HELLO_S):
                text = await self._socket.recv()
            return Hello.model_validate_json(text)
        except TimeoutError:
            raise Close(HELLO_LATE, f"the first message must come within {HELLO_S:.0f} s") from None
        except ValidationError:
            raise Close(NO_TOKEN, 'the first message must be {"type":"hello","token":...}') from None

    async def _enter(self, hello: Hello) -> User:
        headers = self._socket.request.headers if self._socket.request else {}
        if not self._access.origin_allowed(headers.get("Origin"), headers.get("Host")):
            raise Close(NOT_ALLOWED, "this origin may not connect; name it in gateway.origins")
        address = str(self._socket.remote_address[0]) if self._socket.remote_address else ""
        if self._access.locked_out(address, time.monotonic()):
            raise Close(NO_TOKEN, "too many bad tokens; wait a minute")
        user = await self._access.authenticate(hello.token)
        if user is None:
            self._access.failed(address, time.monotonic())
            raise Close(NO_TOKEN, "no or bad token")
        return user

    async def _live(self, hello: Hello) -> None:
        """Send and receive side by side; the first to end ends all."""
        jobs = [asyncio.create_task(job) for job in (self._send(hello), self._receive(), self._keep_alive())]
        try:
            done, _ = await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
            done.pop().result()
        finally:
            await connection.end(jobs)

    async def _send(self, hello: Hello) -> None:
        await self._welcome(hello)
        await self._catch_up()
        while True:
            await self._ready.wait()
            self._ready.clear()
            if self._overflowed:
                raise Close(SLOW, "too slow: alerts pile up; connect again with resume")
            while (text := self._queue.take()) is not None:
                await self._put(text)

    async def _put(self, text: bytes) -> None:
        try:
            async with asyncio.timeout(SLOW_S):
                await self._socket.send(text, text=True)
        except TimeoutError:
            raise Close(SLOW, f"too slow: nothing was read for {SLOW_S:.0f} s") from None

    async def _keep_alive(self) -> None:
        """Close a client that answers no ping, or whose token was revoked."""
        assert self.user is not None
        while True:
            await asyncio.sleep(SLOW_S / 2)
            if not self._access.still_valid(self.user):
                raise Close(NO_TOKEN, "the token was revoked")
            try:
                async with asyncio.timeout(SLOW_S):
                    await (await self._socket.ping())
            except TimeoutError:
                raise Close(SLOW, f"too slow: no answer to a ping for {SLOW_S:.0f} s") from None

    async def _welcome(self, hello: Hello) -> None:
        """Tell what there is; while Redis is away, say so and wait."""
        assert self.user is not None
        while True:
            try:
                self._cursor = hello.resume or await self._relay.store.last(keys.ALERTS)
                gap = await self._relay.store.gap(hello.resume) if hello.resume else None
                welcome = await self._state()
                break
            except connection.AWAY:
                await self._put(b'{"type":"status","redis":"away"}')
                await asyncio.sleep(0.5)
        await self._put(dumps(welcome).encode())
        if gap is not None:
            self._cursor = "0-0" if gap["before"] is None else self._cursor
            await self._put(dumps(gap).encode())

    async def _state(self) -> dict[str, Any]:
        assert self.user is not None
        store = self._relay.store
        names = await store.channels()
        return {
            "type": "welcome",
            "who": self.user.name,
            "role": self.user.role,
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
                if self._wants_event(entry.text):
                    await self._put(alert_text(entry.id, entry.text))
            if not entries and not newer(self._relay.position, self._cursor):
                self._catching_up = False
                return

    async def _receive(self) -> None:
        async for text in self._socket:
            now_s = time.monotonic()
            self._messages_at = [at for at in self._messages_at if now_s - at < 60] + [now_s]
            if len(self._messages_at) > MESSAGES_PER_MINUTE:
                raise Close(TOO_MUCH, f"more than {MESSAGES_PER_MINUTE} messages in a minute")
            answer = await self._answer(text)
            if answer is not None:
                self.handled(dumps(answer).encode())

    async def _answer(self, text: str | bytes) -> dict[str, Any] | None:
        """Do what a message asks and give what to say to it."""
        ref: object = None
        try:
            message = json.loads(text)
            if not isinstance(message, dict):
                raise Refused("a message is a JSON object with a type")
            ref = message.get("ref")
            return await self._obey(message)
        except (ValueError, RecursionError):
            return {"type": "refused", "ref": ref, "why": "that is no JSON"}
        except Refused as refused:
            return {"type": "refused", "ref": ref, "why": str(refused)}
        except connection.AWAY:
            return {"type": "refused", "ref": ref, "why": "Redis is away; try again"}

    async def _obey(self, message: dict[str, Any]) -> dict[str, Any] | None:
        assert self.user is not None
        if message.get("type") == "look":
            names = message.get("channels")
            if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
                raise Refused("channels: a list of names")
            self._look = frozenset(names[:64])
            return None
        if message.get("type") == "history":
            return await self._history(message)
        command = parse(message)
        if not self.user.may_act:
            raise Close(NOT_ALLOWED, f"a {self.user.role} may look, not {command.type}")
        await self._commands.execute(command, self.user, time.time())
        return {"type": "done", "ref": command.ref}

    async def _history(self, message: dict[str, Any]) -> dict[str, Any]:
        channel, from_s, to_s = (message.get(key) for key in ("channel", "from_s", "to_s"))
        if not isinstance(channel, str) or not isinstance(from_s, int | float) or not isinstance(to_s, int | float):
            raise Refused("history needs channel, from_s and to_s (Unix seconds)")
        if not (0 <= from_s <= to_s < 1e11):
            raise Refused("history needs 0 <= from_s <= to_s (Unix seconds)")
        rows = await self._relay.store.history(channel, int(from_s * 1000), int(to_s * 1000))
        return {"type": "history", "ref": message.get("ref"), "channel": channel, "rows": rows}

    def _wants(self, channel: str) -> bool:
        return not self._channels or channel in self._channels

    def _wants_event(self, event: str) -> bool:
        return not self._channels or json.loads(event)["data"]["channel"] in self._channels

    def alert(self, number: str, text: bytes) -> None:
        """Take an alert from the relay, unless the stream's own pages bring it."""
        if self._catching_up or not newer(number, self._cursor):
            return
        self._cursor = number
        if not self._channels or json.loads(text)["event"]["data"]["channel"] in self._channels:
            self.handled(text)

    def handled(self, text: bytes) -> None:
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
        if self._wants(channel) and not self._sent_at_once(text):
            self._queue.score(channel, text)
            self._ready.set()

    def latest(self, kind: str, channel: str, text: bytes) -> None:
        """Take health, a status or a picture."""
        wanted = channel in self._look if kind == "pose" else not channel or self._wants(channel)
        if wanted and not self._sent_at_once(text):
            self._queue.latest(kind, channel, text)
            self._ready.set()

    def _sent_at_once(self, text: bytes) -> bool:
        """Write to a client that keeps up, without waking its task: most of what a fan-out to hundreds costs."""
        if self._catching_up or len(self._queue) or self._socket.transport.get_write_buffer_size():
            return False
        broadcast((self._socket,), text, text=True)
        return True

    def looks_at(self) -> Iterable[str]:
        """Name the channels whose pictures are wanted."""
        return self._look
