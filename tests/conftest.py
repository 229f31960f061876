"""Fixtures that several test files need."""

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from monitor.bus import connection, embedded_server
from tests.support.browser import chromium

SHARED = Path(os.environ.get("BODYWATCH_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real clips and real motion that the repository may not contain."""
    if not SHARED.is_dir():
        pytest.skip(f"no test data at {SHARED}; set BODYWATCH_TEST_DATA")
    return SHARED


@pytest.fixture(scope="module")
def server() -> Iterator[embedded_server.EmbeddedServer]:
    """A real Redis-compatible server for the tests of one file."""
    with embedded_server.running() as server:
        yield server


@pytest.fixture
def store(server: embedded_server.EmbeddedServer) -> Iterator["redis.Redis"]:
    """A client of that server, which is empty."""
    client = connection.connect(server.url)
    client.flushall()
    yield client
    client.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless browser for the tests of one file."""
    with chromium() as browser:
        yield browser


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a skipped test where everything is installed, so that no skip can hide there.

    Only a test marked by_hand may skip: it needs a file that its user has to bring.
    """
    report = yield
    if report.skipped and not item.get_closest_marker("by_hand") and os.environ.get("BODYWATCH_NO_SKIP") == "1":
        report.outcome = "failed"
        report.longrepr = f"skipped, though BODYWATCH_NO_SKIP=1: {report.longrepr}"
    return report
