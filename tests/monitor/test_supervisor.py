"""Processes that die are started again, later each time; one that is done is left alone."""

import multiprocessing
import os
import time
from typing import Any

import pytest

from monitor.errors import AddressInUse
from monitor.supervisor import RESTART_S, ManagedProcess


def _dies(stop: Any, ready: Any) -> None:
    ready.send("ready")
    os._exit(3)


def _ends(stop: Any, ready: Any) -> None:
    ready.send("ready")


def _refuses(stop: Any, ready: Any) -> None:
    ready.send(AddressInUse("127.0.0.1", 8600))


def _started(target: Any) -> ManagedProcess:
    child = ManagedProcess("child", target, ())
    child.start(0.0)
    return child


def _ended(child: ManagedProcess) -> ManagedProcess:
    assert isinstance(child.process, multiprocessing.process.BaseProcess)
    child.process.join(20)
    return child


def test_a_process_that_died_is_started_again_after_a_pause_that_grows() -> None:
    """Times are the caller's: the first death pauses 2 s (RESTART_S[1]), the second 5 s."""
    child = _started(_dies)
    assert child.wait_ready() == "ready"
    first = _ended(child).process
    child.keep_alive(10.0)
    child.keep_alive(10.0 + RESTART_S[1] - 0.1)
    assert child.process is first
    child.keep_alive(10.0 + RESTART_S[1])
    assert child.process is not first
    second = _ended(child).process
    child.keep_alive(20.0)
    child.keep_alive(20.0 + RESTART_S[2] - 0.1)
    assert child.process is second


def test_a_process_that_is_done_is_left_alone() -> None:
    """A file that has been played to its end needs no worker."""
    child = _ended(_started(_ends))
    before = child.process
    child.keep_alive(100.0)
    child.keep_alive(200.0)
    assert child.process is before
    assert child.ended_well()


def test_a_users_mistake_in_a_child_is_raised_in_the_parent() -> None:
    """The command line must end with the sentence and its exit code, not with a dead child."""
    child = _started(_refuses)
    with pytest.raises(AddressInUse):
        child.wait_ready()
    _ended(child)


def test_a_child_that_dies_before_it_is_ready_is_told_at_once() -> None:
    """Waiting a minute for a process that is gone would look like a hang."""
    child = _started(_exit_at_once)
    started_s = time.monotonic()
    with pytest.raises(RuntimeError, match="exit code 7"):
        child.wait_ready()
    assert time.monotonic() - started_s < 20


def _exit_at_once(stop: Any, ready: Any) -> None:
    os._exit(7)
