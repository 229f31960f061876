"""Suspicion by counting windows: the paper's majority rule and the live rule with two thresholds and a hold time."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from monitor.records import Beginning, Evidence, NotJudged, Reason, Score

FAKE_AT = 0.5
"""The paper rounds the predicted probability (its section 3.3)."""

SHARED_S = 5.0
"""Windows of one shot that end so near together share poses. Between two of them a face that can't be told does not
stop the time that suspicion has lasted: else one strange picture in fifteen would keep an impostor from ever firing."""

STEP_S = 2.0
"""Judged windows further apart than this do not add to the time that suspicion has lasted; where windows are due less
often than that, those further apart than 1.5 times what they should be."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When a row of scores becomes an incident.

    live: suspicion is k of the latest n judged windows at or over enter; it fires after hold_s of suspicion, on a
    window that is itself at or over enter, and ends when the latest n windows are all under clear. paper: suspicion is
    at least as many fake windows (0.5 and over) as genuine ones among the latest n, "genuine only if genuine outnumber
    fake" (section 5), whichever came last; it ends when they do.
    """

    enter: float
    clear: float
    hold_s: float = 2.0
    k: int = 3
    n: int = 4
    kind: Literal["live", "paper"] = "live"

    def suspicious(self, recent: Iterable[float]) -> bool:
        """Tell whether the latest values, at most n, raise suspicion."""
        values = list(recent)
        if self.kind == "paper":
            return len(values) == self.n and 2 * sum(value >= FAKE_AT for value in values) >= len(values)
        return sum(value >= self.enter for value in values) >= self.k

    def may_fire(self, latest: float) -> bool:
        """Tell whether suspicion may fire on this value: an alert on a window that looks genuine explains nothing."""
        return self.kind == "paper" or latest >= self.enter

    def cleared(self, recent: Iterable[float]) -> bool:
        """Tell whether the latest values, at most n, end an incident."""
        values = list(recent)
        if self.kind == "paper":
            return len(values) == self.n and not self.suspicious(values)
        return len(values) == self.n and all(value < self.clear for value in values)


class WindowCounts:
    """The latest n windows of one shot, and for how long they have been suspicious.

    Each step rests on one shot alone (PoseWindow tells which): the k of n windows that raise suspicion, the hold_s that
    it must last to fire, and the n windows that end it. Another shot or epoch starts these counts anew, since scores of
    two people say nothing together.
    """

    evidence: Evidence | None = None  # counts add nothing up

    def __init__(self, rule: Rule, *, every_s: float) -> None:
        """every_s is the time between two windows."""
        self._rule = rule
        self._step_most_s = max(STEP_S, 1.5 * every_s)
        self._recent: deque[Score] = deque(maxlen=rule.n)
        self._shot: tuple[int, int] | None = None  # epoch and shot of the latest record
        self._suspicious_s = 0.0  # in this shot
        self._between: set[Reason] = set()  # why nothing was judged since the window before
        self._suspicious_at_s: float | None = None  # end of the window before, when suspicion stood then

    def skip(self, judged: NotJudged) -> None:
        """Take a reason for no window."""
        self._forget_other_shots(judged)
        self._between.add(judged.reason)

    def add(self, score: Score) -> None:
        """Take the next window's score."""
        self._forget_other_shots(score)
        self._recent.append(score)

    @property
    def suspicious(self) -> bool:
        """Whether the latest windows raise suspicion."""
        return self._rule.suspicious(self._values())

    @property
    def against(self) -> bool:
        """Whether the latest window speaks against the person."""
        return self._recent[-1].value >= self._bar(self._rule.clear)

    @property
    def cleared(self) -> bool:
        """Whether the latest windows end an incident."""
        return self._rule.cleared(self._values())

    @property
    def genuine(self) -> bool:
        """Windows that are counted are for the person or against them."""
        return True

    def beginning(self) -> Beginning:
        """Tell where suspicion began, when it has just been raised; its time starts here."""
        self._suspicious_s, self._suspicious_at_s = 0.0, None
        bar = self._bar(self._rule.enter)
        first = next(score for score in self._recent if score.value >= bar)
        return Beginning(first.start_s, max(self._values()), len(self._recent))

    def fires(self) -> bool:
        """Tell whether suspicion has lasted; time in which it paused does not count. Asked once a window."""
        score = self._recent[-1]
        before_s, self._suspicious_at_s = self._suspicious_at_s, None
        between, self._between = self._between, set()
        if not self.suspicious:
            return False
        self._suspicious_at_s = score.end_s
        most_s = max(self._step_most_s, SHARED_S) if between == {"face_unseen"} else self._step_most_s
        if before_s is not None and score.end_s - before_s <= most_s:
            self._suspicious_s += score.end_s - before_s
        return self._suspicious_s >= self._rule.hold_s and self._rule.may_fire(score.value)

    def close(self) -> None:
        """Begin anew after an incident's end."""
        self._recent.clear()

    def _values(self) -> list[float]:
        return [score.value for score in self._recent]

    def _bar(self, threshold: float) -> float:
        return FAKE_AT if self._rule.kind == "paper" else threshold

    def _forget_other_shots(self, judged: Score | NotJudged) -> None:
        """Let what was scored in another shot neither fire nor end anything in this one."""
        shot = (judged.epoch, judged.shot)
        if shot != self._shot:
            self._recent.clear()
            self._suspicious_s, self._suspicious_at_s = 0.0, None
        self._shot = shot
