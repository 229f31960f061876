"""A card whose thresholds are no rule is one sentence, whichever rule it names."""

from pathlib import Path
from typing import Any

import pytest

from models.errors import ModelError, ThresholdsUnusable
from models.thresholds import checked, kind_of

LIVE: dict[str, Any] = {"enter": 0.8, "clear": 0.4, "hold_s": 2.0, "k": 3, "n": 4, "false_alerts_per_hour": None}
SEQUENTIAL: dict[str, Any] = {
    "kind": "sequential", "alarm": 7.3, "calm": 1.0, "most": 3.0, "keep_over_cuts": 0.5, "half_life_s": 60,
    "false_alerts_per_hour": 0.5, "seconds_to_alert": 30.0,
}  # fmt: skip
CARD = Path("ada.pt")


@pytest.mark.parametrize(("thresholds", "kind"), [(LIVE, "live"), (SEQUENTIAL, "sequential")])
def test_a_whole_card_gives_the_numbers_of_its_rule_alone(thresholds: dict[str, Any], kind: str) -> None:
    """What was measured of them is not part of the rule; a rate that nobody could tell is None."""
    assert kind_of(CARD, thresholds) == kind
    told = {"kind", "false_alerts_per_hour", "seconds_to_alert"}
    assert checked(CARD, thresholds) == {name: value for name, value in thresholds.items() if name not in told}


@pytest.mark.parametrize("thresholds", [LIVE, SEQUENTIAL], ids=["live", "sequential"])
@pytest.mark.parametrize("wrong", [None, "0.5", float("nan"), float("inf"), -1, True, [1], {}], ids=repr)
def test_a_number_that_is_none_is_named_in_a_sentence(thresholds: dict[str, Any], wrong: object) -> None:
    """No traceback from a comparison, and no rule that can never fire."""
    names = [name for name in thresholds if name not in ("kind", "false_alerts_per_hour", "seconds_to_alert")]
    found = [str(refusal(thresholds | {name: wrong})) for name in names]
    starts = [f"ada.pt: thresholds.{name} must be " for name in names]
    assert [words[: len(start)] for words, start in zip(found, starts, strict=True)] == starts
    assert max(map(len, found)) < 250


def refusal(thresholds: object) -> ModelError:
    with pytest.raises(ModelError) as caught:
        checked(CARD, thresholds)
    return caught.value


@pytest.mark.parametrize("name", ["enter", "clear", "hold_s", "k", "n"])
def test_a_missing_number_is_named(name: str) -> None:
    """An empty card was a KeyError at the desk."""
    words = str(refusal({key: value for key, value in LIVE.items() if key != name}))
    assert f"thresholds.{name} must be" in words
    assert "and it is missing; make the file again, or pick another model" in words


@pytest.mark.parametrize(
    ("thresholds", "words"),
    [
        ({"kind": "bayes"}, "thresholds.kind must be one of live, sequential, and it is 'bayes'"),
        ({"kind": 3}, "thresholds.kind must be one of live, sequential, and it is 3"),
        ([0.8, 0.4], "thresholds must be keys and values, and it is [0.8, 0.4]"),
        (LIVE | {"k": 5}, "thresholds.k must not be over n (4): no so many windows are looked at, and it is 5.0"),
        (LIVE | {"k": 2.5}, "thresholds.k must be a whole number from 1 on, and it is 2.5"),
        (LIVE | {"clear": 0.9}, "thresholds.clear must not be over enter (0.8), and it is 0.9"),
        (SEQUENTIAL | {"most": 7.3}, "thresholds.most must be under alarm (7.3), so that no single window fires"),
        (SEQUENTIAL | {"calm": 3.65}, "thresholds.calm must be under half of alarm (7.3), where suspicion begins"),
        (SEQUENTIAL | {"keep_over_cuts": 1.01}, "thresholds.keep_over_cuts must be from 0 to 1, and it is 1.01"),
        (SEQUENTIAL | {"seconds_to_alert": "soon"}, "thresholds.seconds_to_alert must be a number, 0 or more"),
        (LIVE | {"false_alerts_per_hour": -1}, "thresholds.false_alerts_per_hour must be 0 or more, and it is -1"),
    ],
)
def test_thresholds_that_contradict_each_other_are_told(thresholds: object, words: str) -> None:
    error = refusal(thresholds)
    assert isinstance(error, ThresholdsUnusable)
    assert words in str(error)
    assert error.exit_code == 4
