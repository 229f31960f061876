"""What each part of the verifier carries: the benchmark again without it, and with it alone."""

from collections.abc import Callable, Iterator
from typing import Any

from models.style.statistics import MOVEMENT, WIDTHS
from trainer.verify.background import Settings
from trainer.verify.benchmark import Data, benchmark

EVERY = tuple(WIDTHS)
NUMBERS = (5, 8, 12, 16, 20)


def variants(people: int) -> Iterator[tuple[str, tuple[str, ...], Settings, int | None]]:
    """Give (name, families, settings, most people in the background); people is how many there are to learn from."""
    usual = Settings()
    yield "everything", EVERY, usual, None
    yield "movement (no posture, no build)", MOVEMENT, usual, None
    yield "not whitened", EVERY, Settings(whiten=False), None
    yield "not held against a cohort", EVERY, Settings(normalise=False), None
    yield "held against all of the cohort, not the nearest", EVERY, Settings(nearest=200), None
    yield "whitened by windows within a recording, none between", EVERY, Settings(within_recording=1e6), None
    for number in NUMBERS:
        if number < people:
            yield f"{number} people in the background", EVERY, usual, number
    for family in EVERY:
        yield f"without {family}", tuple(name for name in EVERY if name != family), usual, None
    for family in EVERY:
        yield f"{family} alone", (family,), usual, None


def ablation(data: Data, *, told: Callable[[str], None] = lambda name: None) -> dict[str, dict[str, Any]]:
    """Measure every variant on the first third of the people: name -> threat_actions -> AUROC at 5 s and at 30 s."""
    some = next(iter(data.windows.values()))
    learned_from = len(set(some.person.tolist())) * 2 // 3
    table = {}
    for name, families, settings, most in variants(learned_from):
        report = benchmark(data, families, settings=settings, folds=1, most_people=most)
        table[name] = {
            f"{threat}_{actions}": [report[threat][actions][figure] for figure in ("auroc_5s", "auroc_30s")]
            for threat in data.windows
            for actions in ("enrolled_actions", "unseen_actions")
        }
        told(name)
    return table
