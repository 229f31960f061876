"""A card's thresholds, held against the rule that they are of before anything is judged by them."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from models.errors import ThresholdsUnusable

Check = tuple[str, Callable[[float], bool]]
"""What a number must be, in words and as a test."""

SHARE: Check = ("over 0 and under 1", lambda value: 0 < value < 1)
KEPT: Check = ("from 0 to 1", lambda value: 0 <= value <= 1)
NOT_NEGATIVE: Check = ("0 or more", lambda value: value >= 0)
POSITIVE: Check = ("over 0", lambda value: value > 0)
BITS: Check = ("from 0.1 to 1000", lambda value: 0.1 <= value <= 1000)
SECONDS: Check = ("from 1 to 86400", lambda value: 1 <= value <= 86400)
COUNT: Check = ("a whole number from 1 on", lambda value: value >= 1 and value == int(value))

CHECKS: dict[str, dict[str, Check]] = {
    "live": {"enter": SHARE, "clear": SHARE, "hold_s": NOT_NEGATIVE, "k": COUNT, "n": COUNT},
    "sequential": {
        "alarm": BITS,
        "calm": POSITIVE,
        "most": BITS,
        "keep_over_cuts": KEPT,
        "half_life_s": SECONDS,
    },
}
"""Keys of each kind of rule; "live" is that of a card which names no kind."""

TOLD: dict[str, Check] = {"false_alerts_per_hour": NOT_NEGATIVE, "seconds_to_alert": NOT_NEGATIVE}
"""Keys that tell what was measured; they may be missing, and None where it was too short to tell."""

PENDING_SHARE = 0.5
"""Suspicion is told when half of what an alarm needs has added up (monitor/stages/rules/evidence_sum.py)."""


def kind_of(path: Path, thresholds: object) -> str:
    """Name the rule that a card's thresholds are of: "live" or "sequential".

    Raises:
        ThresholdsUnusable: they are of neither.
    """
    if not isinstance(thresholds, Mapping):
        raise ThresholdsUnusable(path, "thresholds", "must be keys and values", thresholds)
    kind = thresholds.get("kind", "live")
    if not isinstance(kind, str) or kind not in CHECKS:
        raise ThresholdsUnusable(path, "thresholds.kind", f"must be one of {', '.join(CHECKS)}", kind)
    return kind


def checked(path: Path, thresholds: object) -> dict[str, float]:
    """Give the numbers of a card's rule, by name, without what is told of them.

    Raises:
        ThresholdsUnusable: one is missing, is no number, or is out of its range; or they contradict each other.
    """
    kind = kind_of(path, thresholds)
    assert isinstance(thresholds, Mapping)
    values = {name: _number(path, name, thresholds, check) for name, check in CHECKS[kind].items()}
    for name, check in TOLD.items():
        if thresholds.get(name) is not None:
            _number(path, name, thresholds, check)
    if why := contradiction(values):
        name, rule = why
        raise ThresholdsUnusable(path, f"thresholds.{name}", rule, values[name])
    return values


def contradiction(values: Mapping[str, float]) -> tuple[str, str] | None:
    """Name the number that another one forbids, and the rule that it breaks; None where they go together."""
    if "alarm" in values:
        if values["most"] >= values["alarm"]:
            return "most", f"must be under alarm ({values['alarm']:g}), so that no single window fires"
        if values["calm"] >= PENDING_SHARE * values["alarm"]:
            return "calm", f"must be under half of alarm ({values['alarm']:g}), where suspicion begins"
    elif values["k"] > values["n"]:
        return "k", f"must not be over n ({values['n']:g}): no so many windows are looked at"
    elif values["clear"] > values["enter"]:
        return "clear", f"must not be over enter ({values['enter']:g})"
    return None


def _number(path: Path, name: str, thresholds: Mapping[str, Any], check: Check) -> float:
    key, (rule, fits) = f"thresholds.{name}", check
    if name not in thresholds:
        raise ThresholdsUnusable(path, key, f"must be {rule}", None)
    value = thresholds[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ThresholdsUnusable(path, key, f"must be a number, {rule}", value)
    if isinstance(value, int) and abs(value) > 10**9:
        raise ThresholdsUnusable(path, key, f"must be {rule}", "a number of many digits")
    if not math.isfinite(value) or not fits(value):
        raise ThresholdsUnusable(path, key, f"must be {rule}", value)
    return float(value)
