"""Processes of the daemon on one machine: Redis if none is given, the workers, the gateway; restarts, signals."""

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

from monitor.bus import embedded_server
from monitor.config import Config
from monitor.errors import BodywatchError

logger = logging.getLogger(__name__)

SPAWN = multiprocessing.get_context("spawn")
RESTART_S = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Pauses before a process that died is started again; a minute of life resets them."""

READY_S = 600.0
"""A process that lives may take so long to get ready: TensorRT compiles each of the pose network's picture sizes."""


@dataclass(slots=True)
class ManagedProcess:
    """One process that is kept alive.

    target gets (args..., a connection that ends when it shall stop, a connection to say on that it is ready). Pipes,
    since an event of multiprocessing hangs its setter when a process died waiting for it; and a supervisor that is
    killed ends its pipes.
    """

    name: str
    target: Callable[..., None]
    args: tuple[Any, ...]
    stop: tuple[Connection, Connection] | None = None
    stopped: bool = False
    pipe: tuple[Connection, Connection] = field(default_factory=lambda: SPAWN.Pipe(duplex=False))
    process: SpawnProcess | None = None
    deaths: int = 0
    started_s: float = 0.0
    again_s: float = 0.0

    def start(self, now_s: float) -> None:
        """Start the process; now_s is a monotonic clock."""
        self.stop = SPAWN.Pipe(duplex=False)
        args = (*self.args, self.stop[0], self.pipe[1])
        self.process = SPAWN.Process(target=self.target, args=args, name=self.name, daemon=True)
        self.started_s = now_s
        self.process.start()

    def wait_ready(self) -> Any:
        """Wait for the word that the process works, and raise its error if it can't."""
        assert self.process is not None
        until_s = time.monotonic() + READY_S
        while time.monotonic() < until_s:
            alive = self.process.is_alive()
            if self.pipe[0].poll(0.2):
                word = self.pipe[0].recv()
                if isinstance(word, BodywatchError):
                    raise word
                return word
            if not alive:
                raise RuntimeError(f"{self.name} ended with exit code {self.process.exitcode} before it was ready")
        raise RuntimeError(f"{self.name} was not ready after {READY_S:.0f} s")

    def ask_to_stop(self) -> None:
        """End the connection that the process listens on."""
        self.stopped = True
        if self.stop is not None:
            self.stop[1].close()

    def ended_well(self) -> bool:
        """Tell whether the process has done all it had to do."""
        return self.process is not None and self.process.exitcode == 0

    def keep_alive(self, now_s: float) -> None:
        """Start a dead process again, later each time it dies young."""
        if self.process is None or self.process.is_alive() or self.ended_well() or self.stopped:
            return
        if self.again_s == 0.0:
            self.deaths = 0 if now_s - self.started_s > 60 else self.deaths + 1
            pause_s = RESTART_S[min(self.deaths, len(RESTART_S) - 1)]
            logger.error(
                "%s died with exit code %s; starting it again in %.0f s", self.name, self.process.exitcode, pause_s
            )
            self.again_s = now_s + pause_s
        elif now_s >= self.again_s:
            self.again_s = 0.0
            self.start(now_s)


@dataclass(slots=True)
class Service:
    """A running daemon."""

    redis_url: str
    redis_note: str
    page_url: str | None
    workers: list[ManagedProcess]
    processes: list[ManagedProcess]

    def ended(self) -> bool:
        """Tell whether every stream has come to its end, as files do."""
        return bool(self.workers) and all(managed.ended_well() for managed in self.workers)

    def wait(self, stop: threading.Event) -> None:
        """Keep the processes alive until stop is set or every stream has ended."""
        while not stop.wait(0.3) and not self.ended():
            now_s = time.monotonic()
            for managed in self.processes:
                managed.keep_alive(now_s)


@contextlib.contextmanager
def running(config: Config, *, watch: bool = True, serve: bool = True) -> Iterator[Service]:
    """Run the daemon, all of it or a part, and end its processes on leaving.

    Raises:
        BodywatchError: a model, the port, Redis or a library is not what it should be; nothing is left running.
    """
    with contextlib.ExitStack() as stack:
        redis_url, note = _redis(config, stack)
        workers = _workers(config, redis_url) if watch else []
        gateway = ManagedProcess("gateway", _gateway_process, (config, redis_url)) if serve else None
        processes = [*workers, *([gateway] if gateway else [])]
        stack.callback(_stop, processes)
        for managed in processes:
            managed.start(time.monotonic())
        words = {managed.name: managed.wait_ready() for managed in processes}
        yield Service(redis_url, note, words.get("gateway"), workers, processes)


def _redis(config: Config, stack: contextlib.ExitStack) -> tuple[str, str]:
    """Give the URL of Redis and a sentence about it; start the embedded server when none is configured."""
    if config.redis.url is not None:
        return config.redis.url.get_secret_value(), "Redis as configured"
    server = stack.enter_context(embedded_server.running(config.redis.outbox.parent))
    return server.url, server.note


def _workers(config: Config, redis_url: str) -> list[ManagedProcess]:
    """Divide the channels among as few processes as channels_per_worker allows."""
    names = [channel.name for channel in config.channels]
    size = config.channels_per_worker
    groups = [names[i : i + size] for i in range(0, len(names), size)]
    threads = config.pose.threads or max(1, (os.cpu_count() or 1) // len(groups))
    return [
        ManagedProcess(f"worker-{i}", _worker_process, (config, group, redis_url, threads, f"worker-{i}"))
        for i, group in enumerate(groups)
    ]


def _stop(processes: Sequence[ManagedProcess]) -> None:
    for managed in processes:
        managed.ask_to_stop()
    for managed in processes:
        if managed.process is not None:
            managed.process.join(timeout=8)
            if managed.process.is_alive():
                logger.error("%s did not stop; it is killed", managed.name)
                managed.process.kill()
                managed.process.join()


def set_up_process() -> None:
    """Let the supervisor decide when a process ends, and log to standard error as it does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    log_to_stderr()


def log_to_stderr() -> None:
    """Write warnings and what changes, one line each; BODYWATCH_LOG=WARNING says less, DEBUG more."""
    level = os.environ.get("BODYWATCH_LOG", "INFO")
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")


def _thread_event(stop: Connection) -> threading.Event:
    """Give an event that is set when the supervisor asks to stop, or has gone."""
    asked = threading.Event()

    def listen() -> None:
        with contextlib.suppress(EOFError, OSError):
            stop.recv()
        asked.set()

    threading.Thread(target=listen, name="stop", daemon=True).start()
    return asked


def _worker_process(
    config: Config, names: Sequence[str], redis_url: str, threads: int, label: str, stop: Connection, ready: Connection
) -> None:
    set_up_process()
    from monitor.worker import Worker  # torch and the pose network: only in the process that needs them

    try:
        worker = Worker(config, names, redis_url, threads=threads, label=label)
    except BodywatchError as error:
        ready.send(error)
        return
    ready.send("ready")
    worker.run(_thread_event(stop))


def _gateway_process(config: Config, redis_url: str, stop: Connection, ready: Connection) -> None:
    set_up_process()
    from monitor.gateway.server import run_gateway

    try:
        run_gateway(config, redis_url, stop=_thread_event(stop), on_ready=ready.send)
    except BodywatchError as error:
        ready.send(error)


def stop_on_signals() -> threading.Event:
    """Give an event that Ctrl-C and SIGTERM set."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop
