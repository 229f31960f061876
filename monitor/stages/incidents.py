"""What of the verdicts' changes is raised: silences, a stream that is down, and cool-down; no clock in here."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from monitor.records import Incident

COOLDOWN_S = 10.0
"""Suspicion that is back so soon after an incident's end is the same event."""


@dataclass(frozen=True, slots=True)
class KnownIncident:
    """One incident as operators know it.

    latest is its state, raised what was told of it, verdict_id the verdict's own id for it, earlier how the part
    before the cool-down ended, and explanation what was found out when it first fired.
    """

    latest: Incident
    raised: Incident | None
    verdict_id: str
    earlier: Incident | None = None
    explanation: dict[str, Any] | None = None


class IncidentPolicy:
    """A stage between verdict and publish; it numbers every change that it lets through.

    While held(channel, person) is true (an operator's silence, a stream that is down), suspicion is kept back; should
    it still be there afterwards, tick() raises it. The end of what was raised before is told all the same. What
    begins within cooldown_s after the end of an incident that fired goes on under the first one's id: one event, one
    incident. explain is asked once for an incident, when it first fires, held or not: the newest window is another one
    later. Its answer goes with every later change.
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
        self._known = {(i.channel, i.person): KnownIncident(i, i, i.id, None, i.explanation) for i in open_incidents}
        self.kept_back = 0

    def update(self, change: Incident) -> Iterator[Incident]:
        """Take a change from the verdict; give it, when it is to be raised."""
        key = (change.channel, change.person)
        known = self._explained(self._known_as(self._known.get(key), change))
        raised = known.raised
        if raised is None and change.state == "resolved":
            self._known.pop(key)
        elif change.state != "resolved" and self._held(*key):
            self.kept_back += 1
            self._known[key] = known
        else:
            yield self._raise(key, known)

    def tick(self) -> Iterator[Incident]:
        """Give what was kept back and need not be any more; called now and then."""
        for key, known in list(self._known.items()):
            behind = known.raised is None or known.raised.state != known.latest.state
            if behind and not self._held(*key):
                yield self._raise(key, known)

    def _raise(self, key: tuple[str, str], known: KnownIncident) -> Incident:
        number = 1 if known.raised is None else known.raised.change + 1
        told = replace(known.latest, change=number, explanation=known.explanation)
        self._known[key] = replace(known, latest=told, raised=told)
        return told

    def _explained(self, known: KnownIncident) -> KnownIncident:
        """Ask what made it fire while that window is the newest."""
        if known.explanation is not None or known.latest.state != "firing":
            return known
        return replace(known, explanation=self._explain(known.latest))

    def _known_as(self, known: KnownIncident | None, change: Incident) -> KnownIncident:
        """Join a change to the event it belongs to."""
        if known is None or not self._goes_on(known, change):
            known = KnownIncident(change, None, change.id)
        elif change.id == known.verdict_id:
            known = replace(known, latest=_joined(known.earlier, change))
        else:
            known = KnownIncident(
                _joined(known.latest, change), known.raised, change.id, known.latest, known.explanation
            )
        self._known[change.channel, change.person] = known
        return known

    def _goes_on(self, known: KnownIncident, change: Incident) -> bool:
        """Tell whether a change is about the same event as what is known."""
        if change.id == known.verdict_id:
            return True
        soon = change.arrived_s - known.latest.arrived_s < self._cooldown_s
        return known.latest.state == "resolved" and known.latest.fired and soon


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
