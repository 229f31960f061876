"""What of the verdicts' changes is raised: silences, a stream that is down, and cool-down; no clock in here."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from monitor.records import Incident

COOLDOWN_S = 10.0
"""Suspicion that is back so soon after an incident's end is the same event."""


@dataclass(frozen=True, slots=True)
class Line:
    """One incident as the desk knows it.

    latest is its state, raised what was told of it, verdict_id the verdict's own id for it, and earlier how the part
    before the cool-down ended.
    """

    latest: Incident
    raised: Incident | None
    verdict_id: str
    earlier: Incident | None = None


class Incidents:
    """A stage between verdict and publish; it numbers every change that it lets through.

    While held(channel, person) is true (an operator's silence, a stream that is down), suspicion is kept back; should
    it still be there afterwards, tick() raises it. The end of what was raised before is told all the same. What
    begins within cooldown_s after the end of an incident that fired goes on under the first one's id: one event, one
    incident. explain is asked once for an incident, when it first fires; its answer goes with every later change.
    """

    def __init__(
        self,
        held: Callable[[str, str], bool],
        *,
        cooldown_s: float = COOLDOWN_S,
        open_incidents: Iterable[Incident] = (),
        explain: Callable[[Incident], dict[str, Any] | None] = lambda incident: None,
    ) -> None:
        self._held, self._cooldown_s, self._explain = held, cooldown_s, explain
        self._lines = {(i.channel, i.person): Line(i, i, i.id) for i in open_incidents}
        self.kept_back = 0

    def update(self, change: Incident) -> Iterator[Incident]:
        """Take a change from the verdict; give it, when it is to be raised."""
        key = (change.channel, change.person)
        line = self._line(self._lines.get(key), change)
        raised = line.raised
        if raised is None and change.state == "resolved":
            self._lines.pop(key)
        elif change.state != "resolved" and self._held(*key):
            self.kept_back += 1
            self._lines[key] = line
        else:
            yield self._raise(key, line)

    def tick(self) -> Iterator[Incident]:
        """Give what was kept back and need not be any more; called now and then."""
        for key, line in list(self._lines.items()):
            behind = line.raised is None or line.raised.state != line.latest.state
            if behind and not self._held(*key):
                yield self._raise(key, line)

    def _raise(self, key: tuple[str, str], line: Line) -> Incident:
        number = 1 if line.raised is None else line.raised.change + 1
        explanation = line.raised.explanation if line.raised is not None else None
        if explanation is None and line.latest.state == "firing":
            explanation = self._explain(line.latest)
        told = replace(line.latest, change=number, explanation=explanation)
        self._lines[key] = replace(line, latest=told, raised=told)
        return told

    def _line(self, line: Line | None, change: Incident) -> Line:
        """Join a change to the event it belongs to."""
        if line is None or not self._goes_on(line, change):
            line = Line(change, None, change.id)
        elif change.id == line.verdict_id:
            line = replace(line, latest=_joined(line.earlier, change))
        else:
            line = Line(_joined(line.latest, change), line.raised, change.id, line.latest)
        self._lines[change.channel, change.person] = line
        return line

    def _goes_on(self, line: Line, change: Incident) -> bool:
        """Tell whether a change is about the same event as what is known."""
        if change.id == line.verdict_id:
            return True
        soon = change.arrived_s - line.latest.arrived_s < self._cooldown_s
        return line.latest.state == "resolved" and line.latest.fired and soon


def _joined(first: Incident | None, change: Incident) -> Incident:
    """Tell a change of what is the same event as the first, if there was one, under the first one's id."""
    if first is None:
        return change
    return replace(
        change,
        id=first.id,
        start_s=first.start_s if first.epoch == change.epoch else change.start_s,
        peak=max(first.peak, change.peak),
        windows=first.windows + change.windows,
        fired=first.fired or change.fired,
    )
