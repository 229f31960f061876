"""Suspicion by evidence that adds up: a sequential test of calibrated log-likelihood ratios (CUSUM)."""

import math
from dataclasses import dataclass
from typing import Literal

from models.skeleton import RATE_HZ, WINDOW_POSES
from models.thresholds import PENDING_SHARE
from monitor.records import Answer, Beginning, Evidence, Incident, NotJudged, Score

WINDOW_S = WINDOW_POSES / RATE_HZ
"""A window that shares no pose with the one before counts whole: 5 s of movement."""

CEILING = 1.5
"""So many alarms is the most that adds up: what lasted for minutes must not take minutes to be outweighed."""

CALM_S = 2.0
"""The sum must stay under calm for so long to end an incident: the first window of a shot moves it by a whole step."""

NEGLIGIBLE = 0.01
"""Of the bound on one window: what is less than that after a break is no evidence gathered before it."""


@dataclass(frozen=True, slots=True)
class SequentialRule:
    """When evidence becomes an incident; alarm, calm and most are natural logarithms of odds.

    Suspicion is half of alarm and over most, it fires at alarm and ends once the sum has been under calm for CALM_S.
    most bounds what one window says either way, and is under alarm: no single window raises anything. keep_over_cuts
    (0..1) is the share of the sum that goes on into another shot or epoch, half_life_s the stream's time in which half
    of it is forgotten.
    """

    alarm: float
    calm: float
    most: float
    keep_over_cuts: float = 0.5
    half_life_s: float = 60.0
    kind: Literal["sequential"] = "sequential"


class EvidenceSum:
    """What speaks against a person, and what speaks for them, added up window by window.

    A score of v is the ratio llr = ln((1 - v) / v) of the likelihoods of 5 s of movement: this person's, or anybody's.
    A window adds -llr for the share of its poses that no window before it held, so the sum does not depend on how
    often windows are judged (Page 1954, Continuous inspection schemes: S = max(0, S - llr), here with forgetting):

        S = max(0, S * 2^(-step_s / half_life_s) - llr * min(step_s, 5) / 5)

    The sum for the person is the same with the other sign. Into another shot or epoch keep_over_cuts of both go on, if
    the person's face is seen on both sides; without one nothing says that it is the same body. Over an epoch the clock
    tells no time: it counts as the 5 s that the first window there has lasted.
    """

    def __init__(self, rule: SequentialRule, before: Incident | None = None) -> None:
        """before is an incident that is open already: its evidence is what has added up."""
        self._rule = rule
        self._against, self._in_favour = 0.0, 0.0
        self._gathered_s = 0.0
        self._begun: Beginning | None = None  # what stands now, and has not been told of in an incident that ended
        self._shot: tuple[int, int] | None = None  # epoch and shot of the latest window
        self._end_s = 0.0
        self._face = False  # the latest window's is the person's
        self._llr = 0.0
        self._calm_s: float | None = None  # how long the sum has been under calm, None when it is not
        if before is not None:
            told = {"pending": PENDING_SHARE, "firing": 1.0}.get(before.state, 0.0) * rule.alarm
            self._against = told if before.evidence is None else before.evidence
            self._gathered_s, self._begun = before.gathered_s or 0.0, Beginning(before.start_s, before.peak, 0)
            self._face = (before.face or {}).get("who") == "person"

    def skip(self, judged: NotJudged) -> None:
        """Take a reason for no window: the sum fades by the stream's time, which the next window tells."""

    def add(self, score: Score) -> None:
        """Add the next window's word."""
        shot, face = (score.epoch, score.shot), score.claim is not None and score.claim.who == "person"
        step_s = WINDOW_S if self._shot is None or self._shot[0] != score.epoch else max(score.end_s - self._end_s, 0.0)
        kept = 2 ** (-step_s / self._rule.half_life_s)
        if shot != self._shot:
            kept *= self._rule.keep_over_cuts if face and self._face else 0.0
        before = self._against * kept
        if shot != self._shot and before < NEGLIGIBLE * self._rule.most:
            before = 0.0
        fresh = min(step_s, WINDOW_S) / WINDOW_S
        self._llr = bounded_llr(score.value, self._rule.most)
        ceiling = CEILING * self._rule.alarm
        self._against = min(max(before - self._llr * fresh, 0.0), ceiling)
        self._in_favour = min(max(self._in_favour * kept + self._llr * fresh, 0.0), ceiling)
        self._gather(score, fresh * WINDOW_S, begun=self._begun if before > 0 else None)
        self._note_calm(step_s)
        self._shot, self._end_s, self._face = shot, score.end_s, face

    def _gather(self, score: Score, fresh_s: float, *, begun: Beginning | None) -> None:
        """Keep from when on, and over how many seconds of movement, what stands against the person has added up."""
        if self._against == 0.0:
            self._begun, self._gathered_s = None, 0.0
        elif begun is not None:
            same = self._shot is not None and self._shot[0] == score.epoch
            start_s = begun.start_s if same else score.start_s
            self._begun = Beginning(start_s, max(begun.peak, score.value), begun.windows + 1)
            self._gathered_s += fresh_s
        else:
            self._begun, self._gathered_s = Beginning(score.start_s, score.value, 1), fresh_s

    def _note_calm(self, step_s: float) -> None:
        if self._against >= self._rule.calm:
            self._calm_s = None
        else:
            self._calm_s = 0.0 if self._calm_s is None else self._calm_s + step_s

    @property
    def evidence(self) -> Evidence:
        """What has added up by the latest window."""
        return Evidence(self._against, self._in_favour, self._rule.alarm, self._gathered_s, self._answer())

    def _answer(self) -> Answer:
        """Say who it is; that it is the person takes as much evidence as that it is not, and none that stands."""
        if self._against >= self._rule.alarm:
            return "not_person"
        return "person" if self._in_favour >= self._rule.alarm and self._against < self._rule.calm else "cant_tell"

    @property
    def suspicious(self) -> bool:
        """Whether half of what an alarm needs has added up, and more than one window can say."""
        return self._against >= PENDING_SHARE * self._rule.alarm and self._against > self._rule.most

    @property
    def against(self) -> bool:
        """Whether what has added up still stands against the person."""
        return self._against >= self._rule.calm

    @property
    def cleared(self) -> bool:
        """Whether the sum has been under calm for long enough to end an incident."""
        return self._calm_s is not None and self._calm_s >= CALM_S

    @property
    def genuine(self) -> bool:
        """Whether anything stands for the person: an impostor who freezes says nothing either way."""
        return self._in_favour > 0

    def beginning(self) -> Beginning:
        """Tell where the evidence that stands now began to add up."""
        assert self._begun is not None
        return self._begun

    def fires(self) -> bool:
        """Tell whether the alarm is reached, on a window that itself speaks against the person: it is explained."""
        return self._against >= self._rule.alarm and self._llr < 0

    def close(self) -> None:
        """Begin anew after an incident that ended for want of windows; what stands under calm goes on adding up."""
        self._against = 0.0 if self._against >= self._rule.calm else self._against
        self._begun, self._gathered_s = None, 0.0


def bounded_llr(value: float, most: float) -> float:
    """Give the log-likelihood ratio for the person of a score, within -most..most; 0 of a broken model's NaN."""
    if math.isnan(value):
        return 0.0
    if not 0 < value < 1:
        return most if value <= 0 else -most
    return min(max(math.log((1 - value) / value), -most), most)
