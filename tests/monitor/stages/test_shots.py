"""Any order of cuts, losses, gaps, reconnects and strangers: no window and no incident is of two shots or two people.

Made-up sightings go through the real grid, window and verdict. Each body tells in its x coordinate which unbroken
stretch it is of, counted here and not by the stages; windows are 30 poses (1 s), so that a story of 20 s holds many.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pytest
from hypothesis import Phase, example, find, given, settings
from hypothesis import strategies as st

from monitor.records import Frame, Incident, NotJudged, Pose, Quality, Reason, Score, Sighting, Tick, Window
from monitor.stages.resample import Resampler
from monitor.stages.verdict import Rule, Verdict
from monitor.stages.window import PoseWindow

POSES = 30
RULE = Rule(enter=0.8, clear=0.4, hold_s=2.0, k=3, n=4)
WHOLE = Quality(1.0, 1.0, 1.0)
IMAGE = np.zeros((2, 2, 3), np.uint8)
LONG_LOSS = 7  # frames without a pose: 8 / 30 s between the poses around them, over MAX_GAP_S

alike = settings(max_examples=120, derandomize=True, deadline=None, database=None)


@dataclass(frozen=True)
class Part:
    """Some frames of a story at 30 fps: how they follow the ones before, frames without a body, frames with one."""

    how: Literal["goes on", "cut", "wrong_person", "epoch", "gap"]
    away: int
    there: int


@dataclass(frozen=True)
class Told:
    """What one tick made the stages tell; stretch is the true one, 0 while there has been none."""

    tick: Tick
    stretch: int
    began: Reason
    judged: Window | NotJudged | None
    score: Score | None
    changes: tuple[Incident, ...]


parts = st.builds(
    Part,
    how=st.sampled_from(["goes on", "cut", "wrong_person", "epoch", "gap"]),
    away=st.sampled_from([0, 0, 0, 1, 4, LONG_LOSS, 40]),
    there=st.sampled_from([1, 20, 45, 75, 160]),
)
stories = st.lists(parts, min_size=1, max_size=7)
runs = st.sampled_from([[0.95], [0.95] * 6, [0.6], [0.05], [0.05] * 5])
patterns = st.lists(runs, min_size=1, max_size=5).map(lambda chosen: list(itertools.chain(*chosen)))
CUT_TO_AN_EMPTY_LECTERN = [Part("goes on", 0, 91), Part("cut", 4, 91)]
SUSPICION_THEN_GENUINE = [0.05] * 22 + [0.95] * 3 + [0.05] * 35  # windows end at 11.0, 11.5 ...: three high, two low


def sightings(story: list[Part]) -> Iterator[tuple[Frame, Sighting]]:
    """Give the story's frames; a body's x is the number of its stretch, from 1."""
    epoch, time_s, stretch = 0, 10.0, 0
    for part in story:
        if part.how == "epoch":
            epoch, time_s = epoch + 1, 10.0 + 1000 * (epoch % 2)
        time_s += 0.5 if part.how == "gap" else 0.0
        stretch += part.how != "goes on" or part.away >= LONG_LOSS or stretch == 0
        for number in range(part.away + part.there):
            frame = Frame("a", epoch, time_s, time_s, IMAGE)
            body = np.full((18, 3), (stretch, 1, 1), np.float32) if number >= part.away else None
            pose = None if body is None else Pose(time_s, body)
            yield frame, Sighting(time_s, pose, broken(part, number))
            time_s += 1 / 30


def broken(part: Part, number: int) -> Reason | None:
    """Say what the speaker stage tells of a part's frame: a cut at once, a stranger when there is one."""
    if part.how in ("cut", "epoch") and number == 0:
        return "cut"
    return "wrong_person" if part.how == "wrong_person" and number == part.away else None


def began(story: list[Part]) -> list[Reason]:
    """Give the reason that a stretch which is not long enough yet is told with, by the stretch's number."""
    reasons: list[Reason] = ["nobody"]
    for part in story:
        if part.how == "wrong_person":
            reasons.append("wrong_person")
        elif part.how in ("cut", "epoch"):
            reasons.append("filling" if part.away else "cut")
        elif part.how == "gap" or part.away >= LONG_LOSS or len(reasons) == 1:
            reasons.append("filling")
    return reasons


def tell(story: list[Part], pattern: list[float]) -> list[Told]:
    """Run grid, window and verdict; a window's score is the pattern's at its end, in half seconds."""
    numbers = itertools.count(1)
    grid, window, verdict = Resampler(), PoseWindow("a", poses=POSES), Verdict(RULE, lambda: f"i{next(numbers)}")
    reasons, told = began(story), []
    for frame, sighting in sightings(story):
        for tick in grid.advance(frame, sighting):
            judged = window.push(tick, frame.epoch)
            score = scored(judged, pattern) if isinstance(judged, Window) else None
            heard = judged if score is None else score
            changes = () if heard is None else tuple(verdict.update(heard))
            stretch = int(tick.keypoints[0, 0])
            told.append(Told(tick, stretch, reasons[stretch], judged, score, changes))
    return told


def scored(window: Window, pattern: list[float]) -> Score:
    value = pattern[round(2 * window.end_s) % len(pattern)]
    return Score("a", "p", window.epoch, window.start_s, window.end_s, window.arrived_s, value, WHOLE, window.shot)


def scores_until(told: list[Told], state: str, ended_by: str = "") -> list[list[Told]]:
    """Give, for each change to this state, all scores up to the one that it came with, oldest first."""
    return [
        [before for before in told[: at + 1] if before.score is not None]
        for at, one in enumerate(told)
        if any((change.state, change.ended_by) == (state, ended_by) for change in one.changes)
    ]


def values(told: list[Told]) -> list[float]:
    return [one.score.value for one in told if one.score is not None]


def suspected_at_s(told: list[Told]) -> float:
    """Give the end of the first window of the latest stretch at which three of its latest four were over enter."""
    here = [one for one in told if one.stretch == told[-1].stretch]
    at = next(n for n in range(1, len(here) + 1) if sum(v >= RULE.enter for v in values(here[:n])[-RULE.n :]) >= RULE.k)
    return here[at - 1].tick.time_s


def reason_of(judged: Window | NotJudged | None) -> Reason | None:
    return judged.reason if isinstance(judged, NotJudged) else None


def true_reason(told: list[Told]) -> Reason | None:
    """Give the reason for no window at the last of these ticks, from the ticks alone."""
    now = told[-1]
    held = list(itertools.takewhile(lambda before: before.stretch == now.stretch, reversed(told)))[:POSES]
    if now.stretch == 0:
        return "nobody"
    if len(held) < POSES:
        return now.began
    return "low_coverage" if sum(one.tick.measured for one in held) < 0.9 * POSES else None


@given(stories, patterns)
@alike
def test_no_window_is_of_two_stretches_and_each_stretch_is_a_shot_of_its_own(
    story: list[Part], pattern: list[float]
) -> None:
    """A body's x is its stretch: one in each window, and as many pairs (shot, stretch) as there are of either."""
    windows = [one.judged for one in tell(story, pattern) if isinstance(one.judged, Window)]
    assert all(len(np.unique(window.poses[:, :, 0])) == 1 for window in windows)
    pairs = {(window.shot, window.poses[0, 0, 0]) for window in windows}
    assert len(pairs) == len({shot for shot, _ in pairs}) == len({stretch for _, stretch in pairs})


@given(stories, patterns)
@example(CUT_TO_AN_EMPTY_LECTERN, [0.95])
@alike
def test_what_raises_suspicion_is_of_one_stretch(story: list[Part], pattern: list[float]) -> None:
    """From the first suspicious window on, where an incident starts: three high ones at least, of one stretch."""
    for scores in scores_until(tell(story, pattern), "pending"):
        assert len({one.stretch for one in scores[-RULE.k :]}) == 1
        assert sum(v >= RULE.enter for v in values([one for one in scores if one.stretch == scores[-1].stretch])) >= 3


@given(stories, patterns)
@example(CUT_TO_AN_EMPTY_LECTERN, [0.95])
@alike
def test_an_incident_fires_on_a_high_window_after_two_seconds_of_suspicion_in_one_stretch(
    story: list[Part], pattern: list[float]
) -> None:
    """Whatever a shot before has shown: three of four high windows of the one on air, and 2.0 s from there on."""
    for scores in scores_until(tell(story, pattern), "firing"):
        assert values(scores)[-1] >= RULE.enter
        assert scores[-1].tick.time_s - suspected_at_s(scores) >= RULE.hold_s - 1e-6


@given(stories, patterns)
@example(CUT_TO_AN_EMPTY_LECTERN, SUSPICION_THEN_GENUINE)
@alike
def test_an_incident_is_cleared_by_four_low_windows_of_one_stretch(story: list[Part], pattern: list[float]) -> None:
    """Two genuine windows before a cut and two after it are not four of anybody."""
    for scores in scores_until(tell(story, pattern), "resolved", "cleared"):
        assert max(values(scores)[-RULE.n :]) < RULE.clear
        assert len({one.stretch for one in scores[-RULE.n :]}) == 1


@given(stories, patterns)
@alike
def test_every_reason_is_true_when_it_is_told(story: list[Part], pattern: list[float]) -> None:
    """`nobody` with nobody there; else how fewer than 30 poses began, or that too few of 30 are measured."""
    told = tell(story, pattern)
    due = [at for at, one in enumerate(told) if one.judged is not None]
    assert [reason_of(told[at].judged) for at in due] == [true_reason(told[: at + 1]) for at in due]


@pytest.mark.parametrize(
    ("state", "ended_by", "stretches"), [("pending", "", 2), ("firing", "", 2), ("resolved", "cleared", 2)]
)
def test_the_stories_come_to_every_change(state: str, ended_by: str, stretches: int) -> None:
    """Rules that hold because nothing ever happens would prove nothing: there is a story for each, after a break."""

    def happens(case: tuple[list[Part], list[float]]) -> bool:
        return any(scores[-1].stretch >= stretches for scores in scores_until(tell(*case), state, ended_by))

    find(st.tuples(stories, patterns), happens, settings=settings(alike, max_examples=500, phases=[Phase.generate]))
