"""What the demo broadcasts: the speaker, cut-aways, and impostors who only move differently."""

from collections.abc import Iterator

import numpy as np

from trainer.puppet.renderer import Passage, Scene, Script
from trainer.puppet.style import Style, random_style

SPEECH_SEED, IMPOSTOR_SEED = 9_001, 9_501
"""Neither speeches nor styles of the demo model's training data, which begin at 1000 and 5000."""

IMPOSTOR_S = 22.0
AFTER_S = 16.0
"""What has to follow an impostor for the incident to end: a cut-away and the speaker for two windows."""

SPEECH_S = 33.0
SHORTEST_S = 70.0
"""The shortest broadcast with an impostor in it, in whole tens of seconds."""

DAY_S = 24 * 3600.0


def programme(seconds: float) -> Script:
    """Plan a broadcast of this length: the first impostor at 27 s, then one about every minute.

    An impostor appears only where there is time for the incident to end: never in less than SHORTEST_S.
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
    yield shot(3.0, "audience", who=None)
    if seconds < now_s + 7.0 + 2.0 + IMPOSTOR_S + AFTER_S:
        yield shot(seconds - now_s, "lectern", seed=SPEECH_SEED, first_s=18.0)
        return
    yield shot(7.0, "lectern", seed=SPEECH_SEED, first_s=18.0)
    while now_s < seconds:
        yield shot(2.0, "title", who=None)
        yield shot(IMPOSTOR_S, "lectern", who="impostor", style=impostor_style(turn), seed=IMPOSTOR_SEED + turn)
        yield shot(3.0, "audience", who=None)
        turn += 1
        again = now_s + SPEECH_S + 2.0 + IMPOSTOR_S + AFTER_S <= seconds
        yield shot(SPEECH_S if again else seconds - now_s, "lectern", seed=SPEECH_SEED + turn)
