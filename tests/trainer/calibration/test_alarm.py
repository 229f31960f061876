"""The alarm for a stated number of false alerts an hour, and what is told where minutes say nothing of hours."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from models.thresholds import checked
from monitor.stages.rules.evidence_sum import SequentialRule
from trainer.calibration.alarm import Excursion, Row, Tail, choose_alarm, excursions, judged_s, played, seconds_to_alert
from trainer.replay import alerts

FOREVER = 1e12
LORDEN = math.log(720 / 0.5)
"""An hour holds 720 windows of 5 s; half a false alert an hour is one in 1440 of them."""


def recording(ratios: Sequence[float], shot: int = 0) -> list[Row]:
    return [(5 + at / 2, llr, shot) for at, llr in enumerate(ratios)]


def speech(seed: int, minutes: int, mean: float = 1.0) -> list[Row]:
    """Ratios that vary by 1.5 around their mean and remember each other for 5 s, as windows of 5 s do."""
    random, kept = np.random.default_rng(seed), math.exp(-0.5 / 5)
    news, now, ratios = random.normal(0, math.sqrt(1 - kept**2), 120 * minutes), random.normal(), []
    for step in news:
        now = kept * now + step
        ratios.append(mean + 1.5 * now)
    return recording(ratios)


def test_seconds_judged_are_those_of_movement_and_not_of_windows() -> None:
    """Three windows at 5.0, 5.5 and 6.0 s saw 6 s; one at 60 s adds its 5."""
    assert judged_s([(5.0, 0, 0), (5.5, 0, 0), (6.0, 0, 0)]) == pytest.approx(6.0)
    assert judged_s([(5.0, 0, 0), (60.0, 0, 0)]) == pytest.approx(10.0)
    assert judged_s([]) == 0.0


def test_a_sum_that_falls_back_for_less_than_a_window_has_risen_once() -> None:
    """1 up at once, 1 down in 5 s and up again: poses are shared. After 5 s and more at 0 it is another rise."""
    rule = SequentialRule(math.inf, 0.0, 3.0, 0.5, FOREVER)
    rises = recording([-1.0, *[1.0] * 12, -2.0, *[1.0] * 25, *[-1.0] * 20])
    assert excursions(rises, rule) == [
        Excursion(pytest.approx(1.0), unfinished=False),
        Excursion(pytest.approx(2.0), unfinished=True),
    ]


def test_the_tail_of_heights_says_how_much_rarer_twice_the_height_is() -> None:
    """40 rises in 2 h, half of them to 3 and half to 1: the 20 over 1 are 10 an hour, by 2; a tenth at 1 + 2 ln 10."""
    tail = Tail.of([3.0] * 20 + [1.0] * 20, hours=2.0)
    assert tail == Tail(1.0, 10.0, pytest.approx(2.0))
    assert tail.per_hour(3.0) == pytest.approx(10 / math.e)
    assert tail.height(1.0) == pytest.approx(1 + 2 * math.log(10))
    assert tail.height(20.0) == 1.0
    assert Tail.of([3.0] * 19, hours=2.0) is None


@pytest.mark.parametrize("seed", range(2))
def test_an_alarm_from_hours_of_speech_keeps_to_what_was_asked_for(seed: int) -> None:
    """4 h choose it for half a false alert an hour; 20 other hours have 10 of them, give or take a factor of two."""
    chosen = choose_alarm(
        [speech(seed, 120), speech(seed + 10, 120)], [speech(1, 3, mean=-1.0)], false_alerts_per_hour=0.5, most=3.0
    )
    assert chosen.too_short == ""
    assert chosen.per_hour is not None
    assert chosen.per_hour <= 0.5 + 1e-9
    made = alerts([played(speech(99, 20 * 60), fake=False)], chosen.rule)
    assert 3 <= made.false_alerts <= 20


def test_minutes_of_speech_tell_no_rate_and_get_the_alarm_that_theory_knows() -> None:
    """Two minutes rise a few times: by Lorden's bound ln(1440) = 7.27, and the card claims no rate."""
    chosen = choose_alarm([speech(0, 2)], [speech(1, 2, mean=-1.0)], false_alerts_per_hour=0.5, most=3.0)
    assert chosen.rule.alarm == pytest.approx(LORDEN)
    assert chosen.too_short.startswith("too short to tell: the sum rose ")
    assert "times in 2 min, 20 are needed for 0.5 an hour" in chosen.too_short
    assert (chosen.per_hour, chosen.thresholds()["false_alerts_per_hour"]) == (None, None)


def test_hours_in_which_nothing_rises_prove_a_low_alarm() -> None:
    """7 h without a rise are over 3 times the 2 h that hold one alert: 1.5 windows at the bound of 3 are enough."""
    chosen = choose_alarm([recording([2.0] * 50_400)], [recording([-9.0] * 60)], false_alerts_per_hour=0.5, most=3.0)
    assert (chosen.rule.alarm, chosen.rule.calm, chosen.too_short) == (4.5, pytest.approx(0.9), "")
    assert chosen.thresholds()["false_alerts_per_hour"] == 0.5
    assert chosen.measured.found == 1


def test_no_recording_of_the_person_tells_nothing() -> None:
    chosen = choose_alarm([], [recording([-9.0] * 60)], false_alerts_per_hour=0.5, most=3.0)
    assert chosen.too_short == "too short to tell: no recording of the person's own"
    assert chosen.rule.alarm == pytest.approx(LORDEN)


def test_a_sum_still_high_when_a_recording_ends_is_told() -> None:
    """An hour that falls back from 1.1 every 20 s, and 2.7 up at its end: nobody knows how high it gets."""
    rises = recording([*([-1.0] * 11 + [2.0] * 29) * 180, *[-3.0] * 9])
    chosen = choose_alarm([rises], [], false_alerts_per_hour=5.0, most=3.0)
    assert chosen.too_short == "too short to tell: the sum was at its highest when a recording ended"
    assert chosen.rule.alarm == pytest.approx(math.log(720 / 5))


def test_the_alarm_is_over_what_was_seen_where_less_than_one_alert_is_due() -> None:
    """One bad stretch of a genuine hour must not fire again where 0.5 an hour was asked for."""
    bad = recording([*([-1.0] * 11 + [2.0] * 29) * 90, *[-3.0] * 40, *[2.0] * 3700])
    chosen = choose_alarm([bad], [], false_alerts_per_hour=0.5, most=3.0)
    assert chosen.measured.false_alerts == 0


def test_the_time_to_an_alert_is_shared_among_the_alarms() -> None:
    """-3 a window reaches 6 in 10 s of movement: 11 windows. 198 windows hold 18 alarms."""
    rule = SequentialRule(5.95, 1.0, 3.0, 0.5, FOREVER)
    assert seconds_to_alert([recording([-3.0] * 198)], rule) == pytest.approx(10.0)


def test_clips_too_short_for_an_alarm_still_tell_how_long_it_would_take() -> None:
    """One window of -1: 6 takes 30 s of movement. What speaks for the person, or fades as fast, is never found."""
    rule = SequentialRule(6.0, 1.0, 3.0, 0.5, FOREVER)
    assert seconds_to_alert([recording([-1.0])] * 3, rule) == pytest.approx(30.0, rel=1e-3)
    assert seconds_to_alert([recording([1.0])] * 3, rule) is None
    assert seconds_to_alert([recording([-1.0])], SequentialRule(6.0, 1.0, 3.0, 0.5, 20.0)) is None


def test_what_is_chosen_is_a_rule_that_a_card_may_have() -> None:
    chosen = choose_alarm([speech(0, 2)], [], false_alerts_per_hour=0.5, most=3.0)
    assert checked(Path("ada.pt"), chosen.thresholds())["alarm"] == chosen.rule.alarm


def test_a_lower_alarm_is_never_said_to_come_later() -> None:
    """Three clips of ten are long enough for the lower alarm, none for the higher: seconds of the seven say nothing."""
    long = [(5.0 + number, -3.0, 0) for number in range(5)]
    clips = [long] * 3 + [long[:2]] * 7
    low, high = (SequentialRule(alarm, 1.0, 3.0, 0.5, 60.0) for alarm in (4.7, 5.9))
    sooner, later = seconds_to_alert(clips, low), seconds_to_alert(clips, high)
    assert sooner is not None
    assert later is not None
    assert sooner < later
