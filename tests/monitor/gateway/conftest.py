"""A live channel, its gateway and the page in a real browser, for the tests of the page."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from monitor.bus import embedded_server, keys
from monitor.bus.publisher import Publisher
from tests.support.browser import watched
from tests.support.gateway import HEALTH, config, serving, wait


@pytest.fixture
def publisher(server: embedded_server.EmbeddedServer, store: "redis.Redis") -> Iterator[Publisher]:
    """A publisher with its sender running, and one channel that is live."""
    publisher = Publisher(server.url, outbox=None, worker="worker-0")
    stop = threading.Event()
    sender = threading.Thread(target=publisher.run, args=(stop,))
    sender.start()
    publisher.health("one", HEALTH)
    wait(lambda: store.exists(keys.health("one")))
    yield publisher
    stop.set()
    sender.join(10)


@pytest.fixture
def address(publisher: Publisher, server: embedded_server.EmbeddedServer) -> Iterator[str]:
    with serving(config(), server.url) as address:
        yield address


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """The page, opened; it must have complained of nothing and asked nobody else at the end."""
    with watched(browser, address) as page:
        yield page
