"""Tells once a second how each channel of a worker is; time is an argument."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from models.artifact import LoadedModel
from monitor.bus.publisher import Publisher
from monitor.config import ChannelConfig
from monitor.health import Health
from monitor.records import Claim
from monitor.stages.verdict import AnyRule, SequentialRule
from monitor.stream.ingest import StreamState, redact
from monitor.stream.mailbox import Mailbox
from monitor.watch import Channel


@dataclass(frozen=True, slots=True)
class Judging:
    """What judges a channel: its configuration, models and rules by person, and stages."""

    config: ChannelConfig
    models: Mapping[str, LoadedModel]
    rules: Mapping[str, AnyRule]
    stages: Channel

    @property
    def at_first(self) -> Claim:
        """What is known of the face before the first picture."""
        asked = any(model.card.faces for model in self.models.values())
        return Claim("unseen", why="it was not looked at yet") if asked else Claim("not_asked")

    def whom(self, claim: Claim | None) -> str:
        """Name the person whose model judges: whom the face claims to be, or the only one there is."""
        if claim is not None and claim.who == "person" and claim.person in self.models:
            return claim.person
        return next(iter(self.models)) if len(self.models) == 1 else ""


class HealthReport:
    """The health of a worker's channels. note_state may be called by the ingest's threads, all else by the loop."""

    def __init__(
        self,
        channels: Mapping[str, Judging],
        mailbox: Mailbox,
        publisher: Publisher,
        *,
        started_s: float,
        every_s: float,
        evidence: Callable[[], str],
    ) -> None:
        self._channels, self._mailbox, self._publisher, self._evidence = channels, mailbox, publisher, evidence
        self._streams: dict[str, StreamState] = {}
        self._told_s = 0.0
        self._every_s = every_s
        self.health = {name: Health(started_s, every_s, claim=judging.at_first) for name, judging in channels.items()}

    def note_state(self, state: StreamState) -> None:
        """Take what the ingest tells of a stream."""
        self._streams[state.channel] = state

    def is_down(self, channel: str) -> bool:
        """Tell whether nothing arrives."""
        stream = self._streams.get(channel)
        return stream is not None and stream.state == "stream_down"

    def age_s(self, now_s: float) -> float:
        """Tell how long ago the channels' health was told; now_s is Unix time."""
        return now_s - self._told_s

    def tell(self, now_s: float) -> None:
        """Publish every channel's health, and for a stream that is down why nothing is judged."""
        step_s, self._told_s = now_s - self._told_s if self._told_s else 0.0, now_s
        for name, health in self.health.items():
            health.tick(now_s, step_s)
            if self.is_down(name):
                down = health.down(name, now_s)
                health.verdict(down, now_s)
                self._publisher.score(down)
            self._publisher.health(name, self._fields(name, health, now_s))

    def _fields(self, name: str, health: Health, now_s: float) -> dict[str, str | int | float]:
        """Give what stands in the channel's health hash."""
        judging, stream = self._channels[name], self._streams.get(name)
        incident, person = judging.stages.verdict.open_incident, judging.whom(health.claim_at(now_s))
        model, rule = judging.models.get(person), judging.rules.get(person)
        return {
            "url": redact(judging.config.url.get_secret_value()),
            "person": ", ".join(judging.models) if model is None else person,
            "persons": "\n".join(judging.models),
            "model": ", ".join(m.path.name for m in judging.models.values()) if model is None else model.path.name,
            "model_note": "" if model is None else model.card.note,
            "every_s": self._every_s,
            **_marks(rule),
            "face_required": int(judging.stages.identity.required),
            "state": health.state(
                "connecting" if stream is None else stream.state, stream.fps if stream else 0.0, now_s
            ),
            "why": "" if stream is None else stream.why,
            "transport": "" if stream is None else stream.transport,
            "fps": 0.0 if stream is None else round(stream.fps, 3),
            "reconnects": 0 if stream is None else stream.reconnects,
            "verdict": health.verdict_state(now_s) if incident is None else incident.state,
            "dropped": self._mailbox.dropped(name) + (stream.skipped if stream else 0),
            "waiting": self._mailbox.waiting(name),
            "evidence": self._evidence(),
            "pid": os.getpid(),
            **health.fields(now_s),
        }


def _marks(rule: AnyRule | None) -> dict[str, float]:
    """Give the marks of the rule that a page draws: on the score, or on what adds up."""
    if rule is None:
        return {}
    if isinstance(rule, SequentialRule):
        return {"alarm": rule.alarm, "calm": rule.calm}
    return {"enter": rule.enter, "clear": rule.clear}
