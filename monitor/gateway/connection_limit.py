"""How many sockets the gateway holds: a flood of pages must not cost the operators theirs."""

import asyncio
import logging
import resource
from collections.abc import Callable

from websockets.asyncio.server import ServerConnection

log = logging.getLogger(__name__)

SPARE = 200
"""Sockets besides the websockets that may be open: with no room left for a page, /healthz and /metrics still answer,
and whoever is turned away is told why."""

OTHERS = 100
"""Files that the gateway has open besides: Redis, evidence, the audit log."""


class ConnectionLimit:
    """Counts who is connected. At most `most` websockets stay; beyond SPARE more sockets a new one is dropped at once.

    on_drop is called for each socket that was dropped without a word.
    """

    def __init__(self, most: int, on_drop: Callable[[], object] = lambda: None) -> None:
        self.most, self._on_drop = most, on_drop
        self._sockets: set[ServerConnection] = set()
        self._inside: set[ServerConnection] = set()

    def __len__(self) -> int:
        return len(self._sockets)

    def enter(self, socket: ServerConnection) -> bool:
        """Let a websocket in if there is room."""
        if len(self._inside) >= self.most:
            return False
        self._inside.add(socket)
        return True

    def leave(self, socket: ServerConnection) -> None:
        """Make room."""
        self._inside.discard(socket)

    def counted_connection(self) -> type[ServerConnection]:
        """Make the class of connections that this limit counts, from the first byte on; for websockets' serve()."""
        limit = self

        class CountedConnection(ServerConnection):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                super().connection_made(transport)
                limit.opened(self)

            def connection_lost(self, exc: Exception | None) -> None:
                limit.closed(self)
                super().connection_lost(exc)

        return CountedConnection

    def opened(self, socket: ServerConnection) -> None:
        """Count a socket, or drop it."""
        self._sockets.add(socket)
        if len(self._sockets) > self.most + SPARE:
            self._on_drop()
            socket.transport.abort()

    def closed(self, socket: ServerConnection) -> None:
        """Forget a socket."""
        self._sockets.discard(socket)


def allowed_clients(clients: int) -> int:
    """Let this process open files enough for so many websockets; gives how many the machine allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = clients + SPARE + OTHERS
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return clients
    if hard == resource.RLIM_INFINITY or hard >= needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
        return clients
    fewer = max(1, hard - SPARE - OTHERS)
    log.warning("gateway.max_clients is %d, but a process here may open %d files: %d it is", clients, hard, fewer)
    return fewer
