"""Scores -> incidents: pending, firing, resolved; by counted windows or by evidence that adds up."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any, Literal, Protocol

from monitor.records import Beginning, Evidence, Incident, NotJudged, Score, face_record, instead_of
from monitor.stages.rules.evidence_sum import EvidenceSum, SequentialRule
from monitor.stages.rules.window_counts import FAKE_AT, Rule, WindowCounts

__all__ = [
    "FAKE_AT",
    "FORGET_S",
    "AnyRule",
    "Rule",
    "SequentialRule",
    "Verdict",
    "Verdicts",
    "judged_of",
    "paper_verdict",
]

FORGET_S = 60.0
"""An open incident ends after so long without a window that speaks against the person."""

AnyRule = Rule | SequentialRule
"""What a model's card says how it is to be judged by."""


class Suspicion(Protocol):
    """What a rule makes of the windows so far (rules/window_counts.py, rules/evidence_sum.py)."""

    @property
    def evidence(self) -> Evidence | None:
        """What has added up, None where nothing does."""

    @property
    def suspicious(self) -> bool:
        """Whether an incident is to be opened."""

    @property
    def against(self) -> bool:
        """Whether the latest window leaves something standing against the person."""

    @property
    def cleared(self) -> bool:
        """Whether an open incident is over."""

    @property
    def genuine(self) -> bool:
        """Whether what was seen of late speaks for the person, and not merely nothing against them."""

    def skip(self, judged: NotJudged) -> None:
        """Take a reason for no window."""

    def add(self, score: Score) -> None:
        """Take the next window's score."""

    def beginning(self) -> Beginning:
        """Tell where suspicion began, when it has just been raised."""

    def fires(self) -> bool:
        """Tell whether a pending incident fires; asked once a window."""

    def close(self) -> None:
        """Begin anew after an incident's end."""


def suspicion_of(rule: AnyRule, *, every_s: float, open_incident: Incident | None = None) -> Suspicion:
    """Make what keeps a rule's account; every_s is the time between two windows."""
    if isinstance(rule, SequentialRule):
        return EvidenceSum(rule, open_incident)
    return WindowCounts(rule, every_s=every_s)


class Verdict:
    """What is thought of one channel: clear, or one incident that is pending or firing.

    One event makes one incident: while it is open, nothing but its own changes comes out. A cut or an empty lectern
    does not end it; genuine windows do, or FORGET_S in which no window speaks against the person: where shots are so
    short that none holds n windows, an incident would otherwise stay open for ever, and hide the next one.

    It goes on over shots; what each of its steps rests on is the rule's own.
    """

    def __init__(
        self,
        rule: AnyRule,
        new_id: Callable[[], str],
        model: str = "",
        open_incident: Incident | None = None,
        *,
        every_s: float = 0.5,
    ) -> None:
        """every_s is the time between two windows."""
        self._rule, self._new_id, self._model = rule, new_id, model
        self._suspicion = suspicion_of(rule, every_s=every_s, open_incident=open_incident)
        self._forget_s = max(FORGET_S, 4 * every_s)
        self._open = open_incident
        self._clock: int | None = None  # epoch of the open incident's times, None for one of the process before
        self._quiet_s = 0.0  # without a window that speaks against the person
        self._genuine = False  # one that speaks for them was among it
        self._last: tuple[int, float] | None = None

    @property
    def open_incident(self) -> Incident | None:
        """The incident that is pending or firing, if any."""
        return self._open

    @property
    def evidence(self) -> Evidence | None:
        """What has added up by the latest window, None where the rule counts."""
        return self._suspicion.evidence

    def update(self, judged: Score | NotJudged) -> Iterator[Incident]:
        """Take the next verdict on a window; give the incident whenever its state changes."""
        step_s = self._step(judged)
        if isinstance(judged, NotJudged):
            self._suspicion.skip(judged)
            yield from self._wait(step_s)
            return
        self._suspicion.add(judged)
        self._note(step_s)
        if self._open is None:
            if self._suspicion.suspicious:
                yield from self._suspect(judged)
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
            **self._gathered(),
        )
        self._clock = judged.epoch
        if self._suspicion.cleared:
            yield self._close("cleared" if self._suspicion.genuine else "not_judged")
        elif self._open.state == "pending":
            yield from self._hold()
        if self._open is not None and self._quiet_s >= self._forget_s:
            yield self._close("cleared" if self._suspicion.genuine else "not_judged")

    def _step(self, judged: Score | NotJudged) -> float:
        """Give the stream time since the last call, 0 over a break of the stream's clock."""
        last, self._last = self._last, (judged.epoch, judged.end_s)
        if last is None or last[0] != judged.epoch:
            return 0.0
        return max(judged.end_s - last[1], 0.0)

    def _suspect(self, score: Score) -> Iterator[Incident]:
        """Open an incident."""
        first, self._clock = self._suspicion.beginning(), score.epoch
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
            peak=first.peak,
            windows=first.windows,
            rule=asdict(self._rule),
            model=self._model,
            face=face_record(score.claim),
            **self._gathered(),
        )
        yield self._open
        yield from self._hold()

    def _gathered(self) -> dict[str, Any]:
        """Give what an incident says of evidence that adds up."""
        found = self._suspicion.evidence
        if found is None:
            return {}
        return {"evidence": found.against, "alarm": found.alarm, "gathered_s": found.gathered_s}

    def _hold(self) -> Iterator[Incident]:
        """Let a pending incident fire when the rule says so."""
        assert self._open is not None
        if self._suspicion.fires():
            self._open = replace(self._open, state="firing", fired=True)
            yield self._open

    def _wait(self, step_s: float) -> Iterator[Incident]:
        """Let an open incident end when there was nothing to judge for long."""
        self._quiet_s += step_s
        if self._open is not None and self._quiet_s >= self._forget_s:
            yield self._close("cleared" if self._genuine and self._suspicion.genuine else "not_judged")

    def _note(self, step_s: float) -> None:
        """Count the time in which nothing speaks against the person."""
        against = self._suspicion.against
        self._quiet_s = 0.0 if against else self._quiet_s + step_s
        self._genuine = not against

    def _close(self, how: str) -> Incident:
        assert self._open is not None
        closed, self._open = replace(self._open, state="resolved", ended_by=how), None
        self._suspicion.close()
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

    def weighed(self, judged: Score | NotJudged) -> Score | NotJudged:
        """Give the word that update() took last, with what has added up by it where its person's rule adds up."""
        verdict = self._verdicts.get(judged.person) if isinstance(judged, Score) else None
        if verdict is None or verdict.evidence is None or isinstance(judged, NotJudged):
            return judged
        return replace(judged, evidence=verdict.evidence)


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
