"""What the demo broadcasts: the speaker, cut-aways, impostors who only move differently, and an anchor."""

from collections.abc import Iterator

import numpy as np

from trainer.puppet.renderer import Passage, Scene, Script
from trainer.puppet.style import Style, random_style

SPEECH_SEED, IMPOSTOR_SEED, ANCHOR_SEED = 9_001, 9_501, 9_801
"""Neither speeches nor styles of the demo model's training data, which begin at 1000 and 5000."""

ANCHOR_STYLE = Style(
    stroke_hz=0.8, amplitude_px=8.0, strokes=1.5, right_handed=0.5, coupling=1.0, alternation=0.0, stroke_deg=25.0,
    roundness=0.6, sharpness=0.1, hold_s=0.4, rest_s=2.5, head_turn_deg=6.0, head_turn_s=2.6, nod_deg=1.5,
    tilt_deg=1.5, sway_px=2.0, sway_s=4.5,
)  # fmt: skip
"""Calm: both hands low on the lectern, longer than any impostor's (RANGES), then up together for a slow beat or two."""

IMPOSTOR_S, ANCHOR_S = 22.0, 10.0
CUT_AWAY_S, TITLE_S = 3.0, 2.0
SPEECH_S = 23.0  # with the rest, an impostor a minute
AFTER_S = 16.0
"""What has to follow an impostor and an anchor for an incident to end: the speaker for two windows."""

ROUND_S = IMPOSTOR_S + CUT_AWAY_S + ANCHOR_S + AFTER_S
BEFORE_S = 27.0
"""When the first impostor appears."""

SHORTEST_S = 80.0
"""The shortest broadcast with an impostor in it: BEFORE_S + ROUND_S in whole tens of seconds."""

DAY_S = 24 * 3600.0


def programme(seconds: float) -> Script:
    """Plan a broadcast of this length: the first impostor at BEFORE_S, then one every minute, an anchor after each.

    Impostor and anchor appear only where there is time for an incident to end: never in less than SHORTEST_S.
    """
    return Script(tuple(_passages(seconds)))


def impostor_style(number: int) -> Style:
    """Draw the number-th impostor's body language."""
    return random_style(np.random.default_rng([IMPOSTOR_SEED, number]))


def _passages(seconds: float) -> Iterator[Passage]:
    now_s, turn = 0.0, 0

    def shot(length_s: float, scene: Scene, **facts: object) -> Passage:
        nonlocal now_s
        start_s, now_s = now_s, min(now_s + length_s, seconds)
        return Passage(start_s, now_s, scene, **facts)  # type: ignore[arg-type]

    yield shot(15.0, "lectern", seed=SPEECH_SEED)
    yield shot(CUT_AWAY_S, "audience", who=None)
    if seconds < SHORTEST_S:
        yield shot(seconds - now_s, "lectern", seed=SPEECH_SEED, first_s=18.0)
        return
    yield shot(7.0, "lectern", seed=SPEECH_SEED, first_s=18.0)
    while now_s < seconds:
        yield shot(TITLE_S, "title", who=None)
        yield shot(IMPOSTOR_S, "lectern", who="impostor", style=impostor_style(turn), seed=IMPOSTOR_SEED + turn)
        yield shot(CUT_AWAY_S, "audience", who=None)
        yield shot(ANCHOR_S, "studio", who="anchor", style=ANCHOR_STYLE, seed=ANCHOR_SEED + turn)
        turn += 1
        again = now_s + SPEECH_S + TITLE_S + ROUND_S <= seconds
        yield shot(SPEECH_S if again else seconds - now_s, "lectern", seed=SPEECH_SEED + turn)
