"""A model's card: what it is, for whom, and how well it was measured."""

import json
import math
import re
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from pydantic import TypeAdapter, ValidationError

from models.skeleton import KEYPOINTS, RATE_HZ, WINDOW_POSES

SCHEMA = "bodywatch-model/1"

DEEPEST = 16
"""No card nests further; what does is made to exhaust a reader."""


@dataclass(frozen=True, slots=True)
class Card:
    """What a model is, for whom and how well it was measured; stands inside the file as card.json.

    window is in poses, shortest and longest tell what lengths it was trained for. thresholds has the keys enter,
    clear, hold_s, k, n and false_alerts_per_hour, the rate they were chosen for; where kind is "sequential" those of
    models/thresholds.py instead, and seconds_to_alert. metrics maps a name to its value
    or to {value, low, high} with a 95 % confidence interval; a rate an hour is None, here and in thresholds, where the
    recordings were too short to tell. normal maps a keypoint to how fast it moves in the
    person's own training windows, {low, mean, high} as models/movement.py gives them; empty in older files. filter
    names what steadied the poses (monitor/stages/smoothing.py), "" where nobody knows. faces is what
    models.face.references.FaceReferences.to_json() gives, empty where nobody looked at the person's face: these numbers
    are biometrics, so page() and facts() tell of them in words. created is ISO 8601, UTC.
    """

    person: str
    features: str
    normalisation: str
    created: str
    trainer: str
    pose_backend: dict[str, str]
    schema: str = SCHEMA
    window: int = WINDOW_POSES
    shortest: int = WINDOW_POSES
    longest: int = WINDOW_POSES
    rate_hz: float = RATE_HZ
    keypoints: tuple[str, ...] = KEYPOINTS
    design: dict[str, Any] = field(default_factory=dict)
    thresholds: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    normal: dict[str, dict[str, float]] = field(default_factory=dict)
    filter: str = ""
    faces: dict[str, Any] = field(default_factory=dict)
    note: str = ""

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1, sort_keys=True, ensure_ascii=False)

    def facts(self) -> dict[str, Any]:
        """Give what the card tells, ready for JSON, with the number of events in place of each event's face.

        faces is empty where the card has none, None where it holds something else than references.
        """
        return {**asdict(self), "faces": _face_facts(self.faces)}

    def page(self) -> str:
        """Tell the card on one page of plain text; every line stands in the file itself."""
        backend = self.pose_backend
        lengths = f"{self.shortest}..{self.longest}" if self.shortest < self.longest else str(self.window)
        lines = [
            f"Body-language model of {self.person}",
            "",
            self.note or "No note.",
            "",
            f"  made             {self.created} by trainer {self.trainer}",
            f"  judges           {lengths} poses at {self.rate_hz:g} Hz ({self.window / self.rate_hz:g} s)",
            f"  features         {self.features}: {self.normalisation}",
            f"  network          {_listed(self.design)}",
            f"  pose network     {backend.get('name', '?')} (sha256 {backend.get('sha256', '?')[:12]})",
            f"  filter           {self.filter or 'not recorded'}",
            f"  face             {_face_in_words(self.faces)}",
            f"  thresholds       {_listed(self.thresholds)}",
            f"  data             {_listed(self.data)}",
            "",
            "Measured (95 % interval over recordings, where one is given)",
            *(f"  {name:<40} {_figure(figure)}" for name, figure in sorted(self.metrics.items())),
            *_usual(self.normal),
            "",
            "It knows one person, as seen by the cameras it was measured on. A face swap or lip-sync on the person's",
            "own body moves like the person and is not found. Arms out of view, or a shot under 5 s: not judged.",
        ]
        return "\n".join(lines)


_CARD = TypeAdapter(Card)


def card_of(values: dict[str, Any]) -> Card:
    """Make a card of what a file says; what a newer version added is left out.

    Raises:
        ValueError: a field is missing or of another type, or a text holds what a terminal would obey.
    """
    if _deeper(values, DEEPEST):
        raise ValueError(f"nests deeper than {DEEPEST}")
    known = {entry.name for entry in fields(Card)}
    try:
        card = _CARD.validate_python({key: value for key, value in values.items() if key in known})
    except ValidationError as error:
        [first, *_] = error.errors(include_url=False)
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg'].lower()}") from None
    for name in ("person", "features", "normalisation", "created", "trainer", "filter", "note"):
        text: str = getattr(card, name)
        if not text.replace("\n", "" if name == "note" else "\n").isprintable():
            raise ValueError(f"{name}: holds a control character")
    if not card.person.strip():
        raise ValueError("person: is empty")
    return card


def _deeper(values: Any, than: int) -> bool:
    """Tell whether lists and objects nest deeper than so many, without a call for each level."""
    level = [values]
    for _ in range(than):
        level = [inner for one in level for inner in _inner(one) if isinstance(inner, dict | list)]
        if not level:
            return False
    return True


def _inner(one: Any) -> list[Any]:
    return list(one.values()) if isinstance(one, dict) else list(one)


def _face_facts(faces: dict[str, Any]) -> dict[str, Any] | None:
    """Count the events of a face's references; None when they are not whole."""
    if not faces:
        return {}
    try:
        events, limit, sha256 = len(faces["means"]), float(faces["limit"]), faces["network_sha256"]
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    whole = math.isfinite(limit) and isinstance(sha256, str) and re.fullmatch("[0-9a-f]{64}", sha256) is not None
    return {"events": events, "limit": limit, "network_sha256": sha256} if whole else None


def _face_in_words(faces: dict[str, Any]) -> str:
    facts = _face_facts(faces)
    if facts is None:
        return "not readable: not network_sha256, limit and means"
    if not facts:
        return "none; whoever is on screen is judged"
    events = "1 event" if facts["events"] == 1 else f"{facts['events']} events"
    return f"{events}, limit {facts['limit']:g}, network sha256 {facts['network_sha256'][:12]}"


def _listed(values: dict[str, Any]) -> str:
    return ", ".join(
        f"{key} {value:g}" if isinstance(value, float) else f"{key} {_figure(value)}" for key, value in values.items()
    )


def _usual(normal: dict[str, dict[str, float]]) -> list[str]:
    if not normal:
        return []
    heading = "Moves, in shoulder widths a second (mean; 5 % to 95 % of the person's own windows)"
    whole = {name: r for name, r in normal.items() if r.keys() >= {"mean", "low", "high"}}
    told = (f"  {name:<40} {r['mean']:.2f}; {r['low']:.2f} to {r['high']:.2f}" for name, r in whole.items())
    return ["", heading, *told]


def _figure(figure: Any) -> str:
    if figure is None:
        return "too short to tell"
    if isinstance(figure, dict):
        parts = [part for name in ("value", "low", "high") if isinstance(part := figure.get(name), int | float)]
        return "{:.4g} ({:.4g} to {:.4g})".format(*parts) if len(parts) == 3 else str(figure)
    return f"{figure:.4g}" if isinstance(figure, float) else str(figure)
