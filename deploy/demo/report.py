"""What a demo run showed, held against what was broadcast."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from deploy.demo.alert_listener import ReceivedEvent
from trainer.puppet.renderer import Passage, Script

WHO = {
    "speaker": "the speaker, genuine",
    "impostor": "an IMPOSTOR: same face, same suit, other movements",
    "anchor": "the anchor, somebody else",
}
REASONS = {
    "no_model": "no model of a person judges here",
    "filling": "the first five seconds are being watched",
    "cut": "another shot: five seconds of it are needed first",
    "nobody": "nobody to judge in the picture",
    "arms_hidden": "the arms can't be seen",
    "low_coverage": "too many pictures were lost",
    "wrong_person": "somebody else took the place",
    "someone_else": "this is somebody else's face",
    "face_unseen": "the face can't be seen well enough to tell whose it is",
    "stream_down": "nothing arrives",
}
JUDGED = "judged"


@dataclass(slots=True)
class Report:
    """Counts and times of one run; script time in seconds, latencies in ms.

    told counts for each passage what was said of windows that ended while it was on the air: JUDGED, or a reason.
    """

    script: Script
    started_s: float
    exact_clock: bool = True
    judged: int = 0
    not_judged: Counter[str] = field(default_factory=Counter)
    told: dict[Passage, Counter[str]] = field(default_factory=dict)
    incidents: dict[str, dict[str, Any]] = field(default_factory=dict)
    alert_ms: dict[str, list[float]] = field(default_factory=lambda: {"websocket": [], "redis": []})
    window_ms: dict[str, list[float]] = field(default_factory=lambda: {"websocket": [], "redis": []})
    health: dict[str, str] = field(default_factory=dict)
    latest_s: float = 0.0
    _ahead_s: float = np.inf

    def take(self, heard: ReceivedEvent) -> None:
        """Count one message."""
        if heard.kind == "incident":
            self.alert_ms[heard.via].append(heard.latency_ms)
            if heard.via == "redis":
                self.incidents[heard.data["id"]] = heard.data
            return
        if heard.data.get("not_judged") != "stream_down":
            self.window_ms[heard.via].append(heard.latency_ms)
            self._ahead_s = min(self._ahead_s, heard.data["arrived_s"] - self.started_s - heard.data["end_s"])
            self.latest_s = self.on_script(heard.data["end_s"])
        if heard.via == "redis":
            reason = heard.data.get("not_judged")
            self.judged += reason is None
            self.not_judged.update([reason] if reason else [])
            self.told.setdefault(self.script.passage_at(self.latest_s), Counter()).update([reason or JUDGED])

    def on_script(self, stream_s: float) -> float:
        """Turn the stream's clock into the script's.

        They are one for HLS. An RTSP server starts its clock when it likes: there the window that arrived soonest
        tells how far they are apart, to about the delay of the network.
        """
        return stream_s if self.exact_clock or not np.isfinite(self._ahead_s) else stream_s + self._ahead_s

    def shown(self, incident: dict[str, Any]) -> Passage:
        """Tell what was on air when an incident's first suspicious window began."""
        return self.script.passage_at(self.on_script(incident["start_s"]) + 0.5)

    def as_json(self) -> dict[str, Any]:
        """Give the whole report."""
        return {
            "frames": int(self.health.get("frames", 0)),
            "poses": int(self.health.get("poses", 0)),
            "dropped": int(self.health.get("dropped", 0)),
            "windows_judged": self.judged,
            "windows_not_judged": dict(self.not_judged),
            "incidents": [self._incident(data) for data in self.incidents.values()],
            "passages": [self._passage(passage) for passage in self.watched()],
            "alert_latency_ms": _latencies(self.alert_ms),
            "window_latency_ms": _latencies(self.window_ms),
        }

    def watched(self) -> list[Passage]:
        """Give the passages that had begun when the run ended."""
        return [passage for passage in self.script.passages if passage.start_s < self.latest_s]

    def summary(self) -> str:
        """Say the result in a few lines."""
        told = [f"{len(self.incidents)} incident(s); {self.judged} windows judged, {self.not_judged.total()} not."]
        for data in map(self._incident, self.incidents.values()):
            told.append(
                f"  {data['state']} {data['start_s']:.1f} s to {data['end_s']:.1f} s: it was the {data['truth']}"
            )
        if late := self.alert_ms["websocket"]:
            told.append(f"An alert was at the websocket {np.median(late):.0f} ms after the frame behind it (median).")
        return "\n".join(told)

    def _incident(self, data: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": data["id"],
            "channel": data["channel"],
            "person": data["person"],
            "state": data["state"],
            "fired": data["fired"],
            "start_s": round(self.on_script(data["start_s"]), 3),
            "end_s": round(self.on_script(data["end_s"]), 3),
            "peak": round(data["peak"], 4),
            "truth": self.shown(data).who or "nobody",
        }

    def _passage(self, passage: Passage) -> dict[str, Any]:
        mine = [data for data in self.incidents.values() if self.shown(data) is passage]
        told = self.told.get(passage, Counter())
        return {
            "start_s": passage.start_s,
            "end_s": passage.end_s,
            "scene": passage.scene,
            "who": passage.who,
            "incidents": len(mine),
            "windows_judged": told[JUDGED],
            "windows_not_judged": {reason: count for reason, count in told.items() if reason != JUDGED},
        }


def _latencies(by_way: dict[str, list[float]]) -> dict[str, Any]:
    """Give p50 and p95 for each way, and for both together."""
    ways = {way: {**_percentiles(values), "messages": len(values)} for way, values in by_way.items()}
    return {**_percentiles([value for values in by_way.values() for value in values]), **ways}


def _percentiles(values: list[float]) -> dict[str, float | None]:
    if not values:
        return {"p50": None, "p95": None}
    return {f"p{share}": round(float(np.percentile(values, share)), 1) for share in (50, 95)}


class Narrator:
    """Says what changes, once."""

    def __init__(self, report: Report, say: Callable[[str], None]) -> None:
        self._report, self._say = report, say
        self._passage: Passage | None = None
        self._state = ""

    def tell(self, heard: ReceivedEvent) -> None:
        """Say what a message means if it is news; what comes twice, by websocket too, is said once."""
        if heard.via != "redis":
            return
        if heard.kind == "incident":
            self._say(self._incident(heard.data))
            return
        self._tell_passage()
        reason = heard.data.get("not_judged")
        state = reason or JUDGED
        if state != self._state:
            self._state = state
            self._say(
                f"    not judged: {REASONS[reason]}" if reason else f"    judged: score {heard.data['score']:.2f}"
            )

    def _tell_passage(self) -> None:
        passage = self._report.script.passage_at(self._report.latest_s)
        if passage is self._passage:
            return
        self._passage = passage
        self._say(f"  On air: {WHO[passage.who] if passage.who else 'a cut-away (' + passage.scene + ')'}.")

    def _incident(self, data: dict[str, Any]) -> str:
        said = {
            "pending": "suspicion: this does not move like the speaker",
            "firing": "INCIDENT FIRING: this is not how the speaker moves",
            "resolved": "incident resolved",
        }[data["state"]]
        return f"!!  {said} (score {data['score']:.2f}, highest {data['peak']:.2f}, {data['windows']} windows)"
