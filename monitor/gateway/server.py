"""The gateway: websockets, the page, health and metrics on one port; all it knows comes from Redis."""

import asyncio
import contextlib
import errno
import logging
import threading
from collections.abc import AsyncIterator, Callable

from websockets.asyncio.server import Server, ServerConnection
from websockets.asyncio.server import serve as listen

from monitor.bus import connection
from monitor.config import Config
from monitor.errors import AddressInUse, ConfigError
from monitor.gateway.access import AccessControl
from monitor.gateway.connection_limit import ConnectionLimit, allowed_clients
from monitor.gateway.handshake import FULL
from monitor.gateway.metrics import Metrics
from monitor.gateway.operator_commands import CommandHandler
from monitor.gateway.pages import Pages
from monitor.gateway.relay import Relay
from monitor.gateway.session import Session
from monitor.gateway.webhooks import Webhooks

log = logging.getLogger(__name__)

MESSAGE_BYTES = 16_384
"""The longest message that a client may send."""

CLOSE_S = 20.0
"""Time that a client which is too slow has to read its close code."""

quiet = logging.getLogger("bodywatch.websockets")
quiet.setLevel(logging.CRITICAL)  # the library tells of every port scan; what matters is told here


class Gateway:
    """The parts of one gateway, and the address that it listens on."""

    def __init__(self, config: Config, redis_url: str) -> None:
        self.access = AccessControl(config.gateway)
        self.relay = Relay(redis_url)
        self.commands = CommandHandler(self.relay.redis, config.gateway.audit, config.evidence.folder)
        self.metrics = Metrics(self.relay)
        self.pages = Pages(self.relay, self.access, self.metrics, config.evidence.folder)
        self.webhooks = Webhooks(config.webhooks, self.relay.store, self.metrics.delivered)
        self.connections = ConnectionLimit(
            allowed_clients(config.gateway.max_clients), on_drop=self.metrics.dropped.inc
        )
        self.metrics.sockets.set_function(lambda: len(self.connections))
        self._host, self._port = config.gateway.host, config.gateway.port

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[tuple[str, "asyncio.Task[None]"]]:
        """Listen and relay while the context is open; gives the page's URL and the relay's task, which never ends well.

        Raises:
            AddressInUse: the port is taken.
            ConfigError: there is no such address on this machine.
        """
        async with await self._listen() as server:
            port = next(iter(server.sockets)).getsockname()[1]
            relaying = asyncio.create_task(self.relay.run(*self.webhooks.jobs()))
            try:
                host = f"[{self._host}]" if ":" in self._host else self._host
                yield f"http://{host}:{port}/", relaying
            finally:
                server.close(code=1001, reason="the gateway stops")
                await server.wait_closed()
                relaying.cancel()  # once: it ends its own jobs and closes its connections
                await asyncio.gather(relaying, return_exceptions=True)

    async def _listen(self) -> Server:
        try:
            return await listen(
                self._meet,
                self._host,
                self._port,
                process_request=self.pages.answer,
                compression=None,  # 64 KiB a client, and pictures don't shrink
                max_size=MESSAGE_BYTES,
                max_queue=4,
                open_timeout=30,
                ping_interval=None,  # the session pings, to close with its own code
                close_timeout=CLOSE_S,
                server_header=None,
                create_connection=self.connections.counted_connection(),
                logger=quiet,
            )
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise AddressInUse(self._host, self._port) from None
            why = f"can't be listened on ({error.strerror or error})"
            raise ConfigError("gateway.host", f"{self._host}:{self._port}", why) from None

    async def _meet(self, socket: ServerConnection) -> None:
        """Look after one client; a bug in here must not go unseen, nor end the gateway."""

        def count(code: int) -> None:
            self.metrics.closed.labels(str(code)).inc()

        if not self.connections.enter(socket):
            count(FULL)
            await socket.close(
                FULL, f"no room: {self.connections.most} websockets are open (gateway.max_clients); try later"
            )
            return
        try:
            await Session(socket, self.relay, self.commands, self.access, on_close=count).run()
        except Exception:
            log.exception("a client's session ended by a bug")
            raise
        finally:
            self.connections.leave(socket)


async def serve(config: Config, redis_url: str, *, stop: asyncio.Event, on_ready: Callable[[str], object]) -> None:
    """Serve until stop is set; on_ready is told the page's URL, with the port that was found when it was 0.

    Raises:
        AddressInUse, ConfigError: it can't begin.
    """
    async with Gateway(config, redis_url).serving() as (url, relaying):
        on_ready(url)
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((stopped, relaying), return_when=asyncio.FIRST_COMPLETED)
            if relaying.done():
                relaying.result()
        finally:
            await connection.end([stopped])


def run_gateway(
    config: Config, redis_url: str, *, stop: threading.Event, on_ready: Callable[[str], object] = lambda url: None
) -> None:
    """Do the same in a thread or process of its own.

    Raises:
        AddressInUse, ConfigError: it can't begin.
    """

    async def until_stopped() -> None:
        stopped = asyncio.Event()
        serving = asyncio.create_task(serve(config, redis_url, stop=stopped, on_ready=on_ready))
        while not stop.is_set() and not serving.done():
            await asyncio.sleep(0.1)
        stopped.set()
        await serving

    asyncio.run(until_stopped())
