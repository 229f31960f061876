"""The table of `bodywatch tail`: a row a channel, below it the newest incidents."""

import time
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

SHOWN = 10
BAR = 20
REASONS = {
    "filling": "gathering 5 s of movement",
    "cut": "new shot: gathering 5 s again",
    "nobody": "nobody in the picture",
    "arms_hidden": "arms are not in the picture",
    "low_coverage": "too many frames are missing",
    "wrong_person": "somebody else took the place",
    "someone_else": "somebody else is on screen",
    "face_unseen": "whose face it is can't be told",
    "no_model": "no model of a person",
    "stream_down": "no picture arrives",
}
COLOURS = {"firing": "bold white on red", "pending": "yellow", "resolved": "dim", "clear": "green"}
SAYS = {"person": "clear", "not_person": "not the person", "cant_tell": "can't tell yet"}
"""The answer of evidence that adds up, as a channel's state while no incident is open."""


class Table:
    """What was told so far: health and latest window of each channel, and incidents."""

    def __init__(self) -> None:
        self._health: dict[str, dict[str, Any]] = {}
        self._latest: dict[str, dict[str, Any]] = {}
        self._incidents: dict[str, dict[str, Any]] = {}

    def take(self, message: dict[str, Any]) -> bool:
        """Take a message; tell whether the table is another now."""
        kind = message["type"]
        if kind == "welcome":
            self._health.update(message["health"])
            self._incidents.update({i["id"]: i for i in message["incidents"]})
        elif kind == "health":
            self._health[message["channel"]] = message["health"]
        elif kind == "score":
            self._latest[message["channel"]] = message["window"]
        elif kind == "alert":
            data = message["event"]["data"]
            self._incidents[data["id"]] = self._incidents.get(data["id"], {}) | data
        elif kind == "handled" and "handling" in message["command"]:
            self._incidents.get(message["command"]["incident"], {})["handling"] = message["command"]["handling"]
        else:
            return False
        return True

    def draw(self) -> RenderableType:
        """Draw it."""
        channels = RichTable(title="bodywatch", expand=True)
        for heading in ("channel", "state", "score", "why", "fps", "poses/s", "lag s", "blind s"):
            channels.add_column(heading, no_wrap=True)
        for name in sorted(self._health):
            channels.add_row(*self._row(name))
        incidents = RichTable(title="incidents", expand=True)
        for heading in ("began", "state", "channel", "person", "peak", "handled", "id"):
            incidents.add_column(heading, no_wrap=True)
        newest = sorted(self._incidents.values(), key=_began, reverse=True)[:SHOWN]
        for incident in newest:
            incidents.add_row(*_incident(incident))
        return Group(channels, incidents)

    def _row(self, name: str) -> list[RenderableType]:
        health, latest = self._health[name], self._latest.get(name, {})
        is_open = [i["state"] for i in self._incidents.values() if i["channel"] == name and i["state"] != "resolved"]
        down = health.get("state") not in ("live", "degraded")
        judged = "score" in latest and not down
        said = SAYS.get(latest.get("evidence", {}).get("says"), "clear") if judged else "not judged"
        state = str(health.get("state")) if down else is_open[0] if is_open else said
        why = str(health.get("why") or "") if down else REASONS.get(latest.get("not_judged", ""), "")
        numbers = [_number(health.get(field)) for field in ("fps", "poses_per_s", "lag_s", "blind_s")]
        score = _bar(latest["score"], health) if judged else Text("–", "dim")
        return [name, Text(state, COLOURS.get(state, "magenta" if down else "dim")), score, why, *numbers]


def _bar(score: float, health: dict[str, Any]) -> Text:
    enter, clear = health.get("enter", 2.0), health.get("clear", 0.0)
    colour = "red" if score >= enter else "green" if score < clear else "yellow"
    full = round(score * BAR)
    return Text(f"{score:.2f} ", colour) + Text("█" * full, colour) + Text("░" * (BAR - full), "dim")


def _began(incident: dict[str, Any]) -> float:
    return float(incident["arrived_s"] - (incident["end_s"] - incident["start_s"]))


def _incident(incident: dict[str, Any]) -> list[RenderableType]:
    handling = incident.get("handling") or {}
    handled = "dismissed" if handling.get("dismissed") else "acknowledged" if handling.get("acknowledged") else ""
    began = time.strftime("%H:%M:%S", time.localtime(_began(incident)))
    state = Text(incident["state"], COLOURS[incident["state"]])
    return [began, state, incident["channel"], incident["person"], f"{incident['peak']:.2f}", handled, incident["id"]]


def _number(value: object) -> str:
    return f"{value:.1f}" if isinstance(value, int | float) else "–"
