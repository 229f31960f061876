"""What the tests of the desk share: records with round numbers, and waiting on a condition."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from monitor.records import Incident, NotJudged, Quality, Score

T = TypeVar("T")

NOW_S = 1_700_000_000.0  # 2023-11-14T22:13:20Z

INCIDENT = Incident(
    id="inc-1",
    channel="one",
    person="speaker",
    state="pending",
    epoch=0,
    start_s=10.0,
    end_s=15.0,
    arrived_s=NOW_S,
    score=0.9,
    peak=0.95,
    windows=3,
    rule={"enter": 0.8},
    model="speaker.pt",
)


def incident(number: int, **changes: object) -> Incident:
    """Make incident inc-<number>."""
    return replace(INCIDENT, id=f"inc-{number}", **changes)  # type: ignore[arg-type]


def score(value: float, end_s: float = 15.0, channel: str = "one") -> Score:
    """Make the score of a window of 5 s."""
    return Score(channel, "speaker", 0, end_s - 5, end_s, NOW_S + end_s, value, Quality(1.0, 0.9, 0.8))


def not_judged(reason: str, end_s: float = 15.0, channel: str = "one") -> NotJudged:
    """Make the record of a window that could not be judged."""
    return NotJudged(channel, 0, end_s - 2, end_s, NOW_S + end_s, reason)  # type: ignore[arg-type]


def wait(condition: Callable[[], T], timeout_s: float = 10.0) -> T:
    """Ask until the answer is true, and give it."""
    until_s = time.monotonic() + timeout_s
    while not (answer := condition()):
        assert time.monotonic() < until_s, f"waited {timeout_s:.0f} s in vain"
        time.sleep(0.01)
    return answer
