"""Body language as numbers: what sets one rendered speaker apart from another."""

from dataclasses import asdict, dataclass, fields

import numpy as np


@dataclass(frozen=True, slots=True)
class Style:
    """A person's body language as numbers; RANGES tells how far each of them goes."""

    stroke_hz: float  # beats a second within a gesture
    amplitude_px: float  # half the way of a beat
    strokes: float  # beats in a gesture, mean
    right_handed: float  # probability that a one-handed gesture is the right hand's
    coupling: float  # probability that both arms take part
    alternation: float  # the other arm's delay, in beats: 0 together, 0.5 in turn
    stroke_deg: float  # direction of a beat: 0 outward, 90 downward
    roundness: float  # 0 to and fro, 1 circles
    sharpness: float  # 0 even, 1 a fast stroke and a slow way back
    hold_s: float  # the hand stays up after the last beat, mean
    rest_s: float  # hands on the lectern between gestures, mean
    head_turn_deg: float
    head_turn_s: float  # between two turns of the head, mean
    nod_deg: float  # the head goes down with each beat
    tilt_deg: float
    sway_px: float
    sway_s: float


RANGES: dict[str, tuple[float, float]] = {
    "stroke_hz": (0.7, 2.6),
    "amplitude_px": (8.0, 32.0),
    "strokes": (1.5, 6.0),
    "right_handed": (0.0, 1.0),
    "coupling": (0.0, 1.0),
    "alternation": (0.0, 0.5),
    "stroke_deg": (0.0, 90.0),
    "roundness": (0.0, 1.0),
    "sharpness": (0.0, 1.0),
    "hold_s": (0.05, 1.0),
    "rest_s": (0.15, 1.2),
    "head_turn_deg": (3.0, 24.0),
    "head_turn_s": (1.2, 4.0),
    "nod_deg": (0.0, 9.0),
    "tilt_deg": (0.0, 6.0),
    "sway_px": (1.0, 7.0),
    "sway_s": (1.8, 6.0),
}

DEMO_SPEAKER = Style(
    stroke_hz=2.2, amplitude_px=15.0, strokes=4.5, right_handed=1.0, coupling=0.0, alternation=0.05, stroke_deg=85.0,
    roundness=0.05, sharpness=0.85, hold_s=0.15, rest_s=0.3, head_turn_deg=7.0, head_turn_s=1.6, nod_deg=7.5,
    tilt_deg=0.8, sway_px=1.6, sway_s=2.4,
)  # fmt: skip
"""The person the shipped demo model knows: quick small chops of the right hand, and a nod with each."""


def distance(one: Style, other: Style) -> float:
    """Tell how different two styles are: the root mean square over their fields, each scaled to 0..1."""
    gaps = [(getattr(one, name) - getattr(other, name)) / (high - low) for name, (low, high) in RANGES.items()]
    return float(np.sqrt(np.mean(np.square(gaps))))


def random_style(rng: np.random.Generator, *, away_from: Style = DEMO_SPEAKER, at_least: float = 0.45) -> Style:
    """Draw a style uniformly from RANGES, at_least so far from another (two random ones are about 0.4 apart)."""
    while True:
        style = Style(**{field.name: float(rng.uniform(*RANGES[field.name])) for field in fields(Style)})
        if distance(style, away_from) >= at_least:
            return style


def as_numbers(style: Style) -> dict[str, float]:
    """Give a style as plain numbers, for a manifest."""
    return {name: round(float(value), 4) for name, value in asdict(style).items()}
