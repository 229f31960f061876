"""Many websocket clients on one gateway, some of which never read: `bodywatch bench fanout`."""

import asyncio
import contextlib
import multiprocessing
import statistics
import time
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from monitor.records import Incident

SPAWN = multiprocessing.get_context("spawn")
WARM_UP_S = 2.0
DEAF_S = 28.0
"""By then a client that reads nothing has been closed: a ping every 5 s, 10 s to answer it."""

SILENT_S = 100.0
ALERT = b'{"type":"alert","id":"'
EVENT_ID = b'"id":"bench-'
INCIDENT = Incident(
    "bench", "bench", "nobody", "firing", 0, 0.0, 5.0, 0.0, 0.9, 0.9, 1, rule={"enter": 0.8}, model="none", fired=True
)


def run(*, clients: int = 500, slow: int = 50, alerts: int = 100, per_s: float = 5.0) -> dict[str, Any]:
    """Start Redis, a gateway and the clients in processes of their own, send alerts, and count.

    p50_ms and p99_ms are from Redis' own time stamp of an alert to a healthy client's having read it; all of it shares
    one machine, and all clients one process.

    Raises:
        BodywatchError: Redis or the gateway can't start.
    """
    from monitor.bus import connection, embedded_server

    stop, (told, tell) = SPAWN.Event(), SPAWN.Pipe(duplex=False)
    with embedded_server.running() as server:
        gateway = SPAWN.Process(target=_gateway, args=(server.url, clients, stop, tell), daemon=True)
        gateway.start()
        address = told.recv()
        assert gateway.pid is not None
        redis = connection.connect(server.url)
        (report, give) = SPAWN.Pipe(duplex=False)
        many = SPAWN.Process(target=_many_clients, args=(address, clients, slow, alerts, give), daemon=True)
        many.start()
        report.recv()  # all are welcomed
        time.sleep(WARM_UP_S)
        before_kb = _rss_kb(gateway.pid)
        sent = _send(server.url, alerts, per_s)
        received, delays_ms, codes = report.recv()
        grown_kb = _rss_kb(gateway.pid) - before_kb
        stop.set()
        many.join(30)
        gateway.join(30)
        redis.close()
    healthy = clients - slow
    cuts = statistics.quantiles(delays_ms, n=100)
    return {
        "clients": clients,
        "slow": slow,
        "alerts_sent": sent,
        "alerts_expected": sent * healthy,
        "alerts_lost": sent * healthy - received,
        "p50_ms": round(statistics.median(delays_ms), 1),
        "p99_ms": round(cuts[98], 1),
        "max_ms": round(max(delays_ms), 1),
        "closed_slow": codes.count(4413),
        "rss_mb_growth": round(grown_kb / 1024, 1),
    }


def _send(redis_url: str, alerts: int, per_s: float) -> int:
    """Publish alerts at an even rate through the daemon's own publisher, and health and scores beside them."""
    from monitor.bus.publisher import Publisher
    from monitor.records import NotJudged

    publisher = Publisher(redis_url, outbox=None, worker="bench")
    began_s = time.monotonic()
    for number in range(alerts):
        now_s = time.time()
        publisher.incident(replace(INCIDENT, id=f"bench-{number}", arrived_s=now_s))
        if number % max(1, round(per_s / 2)) == 0:  # twice a second, as a daemon does
            publisher.score(NotJudged("bench", 0, 0.0, 5.0, now_s, "filling"))
            publisher.health("bench", {"state": "live", "at": now_s})
        publisher.turn()
        time.sleep(max(0.0, began_s + (number + 1) / per_s - time.monotonic()))
    return publisher.sent["incidents"]


def _rss_kb(pid: int) -> int:
    """Read a process's memory in use; Linux only, 0 elsewhere."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))
    except (OSError, StopIteration):
        return 0


def _gateway(redis_url: str, clients: int, stop: Event, tell: Connection) -> None:
    import threading

    from monitor.config import parse
    from monitor.gateway.server import run_gateway

    stopped = threading.Event()

    def mirror() -> None:
        stop.wait()
        stopped.set()

    threading.Thread(target=mirror, daemon=True).start()
    values = {
        "channels": [{"name": "bench", "url": "file.mp4"}],
        "gateway": {"port": 0, "audit": None, "max_clients": clients},
        "evidence": {"folder": None},
    }
    run_gateway(parse(values, "bench"), redis_url, stop=stopped, on_ready=tell.send)


def _many_clients(url: str, clients: int, slow: int, alerts: int, give: Connection) -> None:
    asyncio.run(_clients(url, clients, slow, alerts, give))


async def _clients(url: str, clients: int, slow: int, alerts: int, give: Connection) -> None:
    """Connect, read what comes, and tell how many alerts came, how late, and how the deaf ones ended."""
    address = url.replace("http", "ws", 1) + "ws"
    ready: asyncio.Queue[None] = asyncio.Queue()
    delays_ms: list[float] = []
    deaf = [asyncio.create_task(_never_read(address, ready)) for _ in range(slow)]
    good = [asyncio.create_task(_read(address, alerts, ready, delays_ms)) for _ in range(clients - slow)]
    for _ in range(clients):
        await ready.get()
    give.send("ready")
    counts = await asyncio.gather(*good)
    codes = await asyncio.gather(*deaf)
    give.send((sum(counts), delays_ms, codes))


async def _read(address: str, alerts: int, ready: "asyncio.Queue[None]", delays_ms: list[float]) -> int:
    """Read all alerts; the ids in the bytes are looked for, not parsed, since all clients share one process."""
    seen: set[bytes] = set()
    async with connect(address, compression=None, proxy=None, open_timeout=60, ping_interval=None) as socket:
        await socket.send('{"type":"hello"}')
        with contextlib.suppress(TimeoutError, ConnectionClosed):
            async with asyncio.timeout(SILENT_S):
                while len(seen) < alerts:
                    text = await socket.recv(decode=False)
                    if text.startswith(ALERT):
                        ms, _, rest = text[len(ALERT) :].partition(b"-")
                        delays_ms.append(time.time() * 1000 - int(ms))
                        seen.add(rest[rest.index(EVENT_ID) :][:40])
                    elif text.startswith(b'{"type":"welcome"'):
                        ready.put_nowait(None)
    return len(seen)


async def _never_read(address: str, ready: "asyncio.Queue[None]") -> int | None:
    """Say hello, then let everything lie; read on only to learn the close code."""
    async with connect(
        address, compression=None, proxy=None, open_timeout=60, max_queue=1, ping_interval=None
    ) as socket:
        await socket.send('{"type":"hello"}')
        await socket.recv()
        ready.put_nowait(None)
        await asyncio.sleep(DEAF_S)
        try:
            while True:
                await asyncio.wait_for(socket.recv(), 30)
        except (ConnectionClosed, TimeoutError):
            return socket.close_code
