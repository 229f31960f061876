"""Scores -> incidents: the paper's majority rule and the live rule with two thresholds and a hold time."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Literal

from monitor.records import Incident, NotJudged, Reason, Score, face_record, instead_of

FAKE_AT = 0.5
"""The paper rounds the predicted probability (its section 3.3)."""

FORGET_S = 60.0
"""An open incident ends after so long without a window that speaks against the person."""

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


class Verdict:
    """What is thought of one channel: clear, or one incident that is pending or firing.

    One event makes one incident: while it is open, nothing but its own changes comes out. A cut or an empty lectern
    does not end it; genuine windows do, or FORGET_S in which no window speaks against the person: where shots are so
    short that none holds n windows, an incident would otherwise stay open for ever, and hide the next one.

    It goes on over shots, but each step of it rests on one shot alone (PoseWindow tells which): the k of n windows that
    raise suspicion, the hold_s that it must last to fire, and the n windows that end it. Another shot or epoch starts
    these counts anew, since scores of two people say nothing together.
    """

    def __init__(
        self,
        rule: Rule,
        new_id: Callable[[], str],
        model: str = "",
        open_incident: Incident | None = None,
        *,
        every_s: float = 0.5,
    ) -> None:
        """every_s is the time between two windows."""
        self._rule, self._new_id, self._model = rule, new_id, model
        self._step_most_s = max(STEP_S, 1.5 * every_s)
        self._forget_s = max(FORGET_S, 4 * every_s)
        self._recent: deque[Score] = deque(maxlen=rule.n)
        self._open = open_incident
        self._clock: int | None = None  # epoch of the open incident's times, None for one of the process before
        self._shot: tuple[int, int] | None = None  # epoch and shot of the latest record
        self._suspicious_s = 0.0  # in this shot
        self._between: set[Reason] = set()  # why nothing was judged since the window before
        self._suspicious_at_s: float | None = None  # end of the window before, when suspicion stood then
        self._quiet_s = 0.0  # without a window that speaks against the person
        self._genuine = False  # one that speaks for them was among it
        self._last: tuple[int, float] | None = None

    @property
    def open_incident(self) -> Incident | None:
        """The incident that is pending or firing, if any."""
        return self._open

    def update(self, judged: Score | NotJudged) -> Iterator[Incident]:
        """Take the next verdict on a window; give the incident whenever its state changes."""
        step_s = self._step(judged)
        self._forget_other_shots(judged)
        if isinstance(judged, NotJudged):
            self._between.add(judged.reason)
            yield from self._wait(step_s)
            return
        self._note(judged, step_s)
        self._recent.append(judged)
        values = [score.value for score in self._recent]
        if self._open is None:
            yield from self._suspect(judged, values)
            return
        self._open = replace(
            self._open,
            epoch=judged.epoch,
            start_s=self._open.start_s if judged.epoch == self._clock else judged.start_s,
            end_s=judged.end_s,
            arrived_s=judged.arrived_s,
            score=judged.value,
            peak=max(self._open.peak, judged.value),
            windows=self._open.windows + 1,
            face=face_record(judged.claim),
        )
        self._clock = judged.epoch
        if self._rule.cleared(values):
            yield self._close("cleared")
        elif self._open.state == "pending":
            yield from self._hold(judged, values)
        if self._open is not None and self._quiet_s >= self._forget_s:
            yield self._close("cleared")

    def _forget_other_shots(self, judged: Score | NotJudged) -> None:
        """Let what was scored in another shot neither fire nor end anything in this one."""
        shot = (judged.epoch, judged.shot)
        if shot != self._shot:
            self._recent.clear()
            self._suspicious_s, self._suspicious_at_s = 0.0, None
        self._shot = shot

    def _step(self, judged: Score | NotJudged) -> float:
        """Give the stream time since the last call, 0 over a break of the stream's clock."""
        last, self._last = self._last, (judged.epoch, judged.end_s)
        if last is None or last[0] != judged.epoch:
            return 0.0
        return max(judged.end_s - last[1], 0.0)

    def _suspect(self, score: Score, values: list[float]) -> Iterator[Incident]:
        if not self._rule.suspicious(values):
            return
        bar = FAKE_AT if self._rule.kind == "paper" else self._rule.enter
        first = next(s for s in self._recent if s.value >= bar)
        self._suspicious_s, self._suspicious_at_s, self._clock = 0.0, None, score.epoch
        self._open = Incident(
            id=self._new_id(),
            channel=score.channel,
            person=score.person,
            state="pending",
            epoch=score.epoch,
            start_s=first.start_s,
            end_s=score.end_s,
            arrived_s=score.arrived_s,
            score=score.value,
            peak=max(values),
            windows=len(values),
            rule=asdict(self._rule),
            model=self._model,
            face=face_record(score.claim),
        )
        yield self._open
        yield from self._hold(score, values)

    def _hold(self, score: Score, values: list[float]) -> Iterator[Incident]:
        """Let a pending incident fire once suspicion has lasted; time in which it paused does not count."""
        assert self._open is not None
        before_s, self._suspicious_at_s = self._suspicious_at_s, None
        between, self._between = self._between, set()
        if not self._rule.suspicious(values):
            return
        self._suspicious_at_s = score.end_s
        most_s = max(self._step_most_s, SHARED_S) if between == {"face_unseen"} else self._step_most_s
        if before_s is not None and score.end_s - before_s <= most_s:
            self._suspicious_s += score.end_s - before_s
        if self._suspicious_s >= self._rule.hold_s and self._rule.may_fire(score.value):
            self._open = replace(self._open, state="firing", fired=True)
            yield self._open

    def _wait(self, step_s: float) -> Iterator[Incident]:
        """Let an open incident end when there was nothing to judge for long."""
        self._quiet_s += step_s
        if self._open is not None and self._quiet_s >= self._forget_s:
            yield self._close("cleared" if self._genuine else "not_judged")

    def _note(self, score: Score, step_s: float) -> None:
        """Count the time in which nothing speaks against the person."""
        against = score.value >= (FAKE_AT if self._rule.kind == "paper" else self._rule.clear)
        self._quiet_s = 0.0 if against else self._quiet_s + step_s
        self._genuine = not against

    def _close(self, how: str) -> Incident:
        assert self._open is not None
        closed, self._open = replace(self._open, state="resolved", ended_by=how), None
        self._recent.clear()
        return closed


class Verdicts:
    """The verdicts of one channel, one for each person that it knows.

    A window of one person is none of another's: their suspicion neither grows nor ends by it.
    """

    def __init__(self, verdicts: Mapping[str, Verdict]) -> None:
        self._verdicts = verdicts

    @property
    def open_incident(self) -> Incident | None:
        """The incident that is firing, else one that is pending, if any."""
        found = [verdict.open_incident for verdict in self._verdicts.values() if verdict.open_incident is not None]
        return min(found, key=lambda incident: incident.state != "firing", default=None)

    def update(self, judged: Score | NotJudged) -> Iterator[Incident]:
        """Take the next word on a window; give every incident whose state changes."""
        for person, verdict in self._verdicts.items():
            if isinstance(judged, NotJudged) or judged_of(judged, person):
                yield from verdict.update(judged)
            else:
                yield from verdict.update(instead_of(judged, "someone_else"))


def judged_of(judged: Score | NotJudged, person: str) -> bool:
    """Tell whether a word on a window concerns this person."""
    return isinstance(judged, NotJudged) or judged.person == person


def paper_verdict(scores: Iterable[Score]) -> Literal["genuine", "fake", "inconclusive"]:
    """Judge a whole recording by the paper's rule: genuine only if genuine windows outnumber fake ones (section 5)."""
    values = [score.value for score in scores]
    if not values:
        return "inconclusive"
    fake = sum(value >= FAKE_AT for value in values)
    return "genuine" if len(values) - fake > fake else "fake"
