"""False alerts an hour: a rate over the time in which an alert was possible, or "too short to tell"."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from models.skeleton import RIGHT_WRIST
from monitor.records import Claim, NotJudged, Quality, Reason, Score
from monitor.stages.scorer import Scorer as LiveScorer
from monitor.stages.verdict import Rule, SequentialRule, Verdict, Verdicts
from monitor.stages.window import PoseWindow
from tests.support.tracks import make_track
from trainer.data.windows import Span
from trainer.evaluate import thresholds
from trainer.replay import EVERY_S, Played, Scorer, alerts, choose_rule, play, ticks

RULE = Rule(enter=0.9, clear=0.5, hold_s=1.0, k=3, n=4)
PATIENT = Rule(enter=0.8, clear=0.6, hold_s=2.0, k=3, n=4)
WHOLE = Quality(1.0, 1.0, 1.0)


def score(end_s: float, value: float) -> Score:
    return Score("a", "ada", 0, end_s - 5, end_s, end_s, value, WHOLE)


def not_judged(end_s: float, reason: Reason) -> NotJudged:
    return NotJudged("a", 0, end_s, end_s, end_s, reason)


def stretch(values: Sequence[float], *, fake: bool = False) -> Played:
    """A stretch that gives a verdict every 0.5 s from 0 s on; its window is full at 5 s, so ten values are not seen."""
    filling = [not_judged(at * EVERY_S, "filling") for at in range(min(10, len(values)))]
    judged = [score(at * EVERY_S, values[at]) for at in range(10, len(values))]
    return Played("a", fake, len(values) * EVERY_S, (*filling, *judged))


def always(value: float) -> Scorer:
    return lambda windows: np.full(len(windows), value, np.float32)


def clips(values: Sequence[float], seconds: int) -> list[Played]:
    return [stretch(values[at : at + 2 * seconds]) for at in range(0, len(values), 2 * seconds)]


def speech(seed: int, memory_s: float, hours: int = 4) -> list[float]:
    """Scores of a genuine speaker, even in 0..1; each remembers the ones of memory_s before it."""
    random, kept = np.random.default_rng(seed), np.exp(-EVERY_S / memory_s)
    values = np.empty(hours * 7200)
    values[0] = now = random.normal()
    for at, news in enumerate(random.normal(0, np.sqrt(1 - kept**2), len(values) - 1), start=1):
        values[at] = now = kept * now + news
    ranks: npt.NDArray[np.float64] = values.argsort().argsort() / len(values)
    return ranks.tolist()


def test_an_alert_is_possible_from_seven_seconds_on() -> None:
    """5 s of window, 1 s more for k = 3 windows, 1 s of hold: of 60 verdicts in 30 s the 46 from 7.0 to 29.5 s."""
    made = alerts([stretch([0.0] * 60)], RULE)
    assert made.exposed_hours == pytest.approx(46 * 0.5 / 3600)
    assert made.at_most_per_hour == pytest.approx(2.996 / 23 * 3600, rel=1e-3)


def test_clips_of_six_seconds_tell_nothing() -> None:
    """The paper's split gives 5 s: none in hours without a chance is no rate of 0."""
    made = alerts(clips([1.0] * 7200, 6), RULE)
    assert (made.false_alerts, made.exposed_hours) == (0, 0)
    assert (made.false_alerts_per_hour, made.at_most_per_hour) == (None, None)
    assert made.too_short == "too short to tell: none of 600 stretches was long enough for an alert"


def test_clips_of_nine_seconds_tell_nothing_either() -> None:
    """Each can alert at 7.0, 7.5, 8.0 and 8.5 s: 2 s, under the 5 s that are needed."""
    made = alerts(clips([0.0] * 7200, 9), RULE)
    assert made.exposed_hours == pytest.approx(400 * 2 / 3600)
    assert made.false_alerts_per_hour is None
    assert made.too_short == "too short to tell: stretches could alert for 2.0 s each, 5 s are needed"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("rule", "memory_s"), [(RULE, 1.0), (RULE, 2.5), (PATIENT, 1.0)])
def test_the_same_speech_gives_one_rate_whole_and_in_clips(seed: int, rule: Rule, memory_s: float) -> None:
    """4 h in one piece and in clips of 30 s: within the statistical spread of two counts, 3 sigma, and 15 % of edge."""
    values = speech(seed, memory_s)
    whole, cut = alerts([stretch(values)], rule), alerts(clips(values, 30), rule)
    assert whole.false_alerts_per_hour is not None
    assert cut.false_alerts_per_hour is not None
    spread = 3 * np.sqrt(1 / whole.false_alerts + 1 / cut.false_alerts) + 0.15
    assert cut.false_alerts_per_hour == pytest.approx(whole.false_alerts_per_hour, rel=spread)
    assert alerts(clips(values, 9), rule).false_alerts_per_hour is None


@pytest.mark.parametrize("seconds", [15, 20, 30])
@pytest.mark.parametrize("memory_s", [10.0, 30.0])
def test_clips_of_suspicion_that_outlasts_them_tell_nothing(memory_s: float, seconds: int) -> None:
    """One suspicion over three clips fires in each: clips of 15 s made 69 alerts an hour of 37, and up to 4 times."""
    made = alerts(clips(speech(0, memory_s), seconds), PATIENT)
    assert made.false_alerts_per_hour is None


@pytest.mark.parametrize(("memory_s", "seconds"), [(10.0, 60), (30.0, 120)])
def test_clips_that_outlast_suspicion_tell_at_most_a_third_too_much(memory_s: float, seconds: int) -> None:
    """What is left of it is on the cautious side: more alerts an hour than the whole has, never far fewer."""
    values = speech(0, memory_s)
    whole, cut = alerts([stretch(values)], PATIENT), alerts(clips(values, seconds), PATIENT)
    assert whole.false_alerts_per_hour is not None
    assert cut.false_alerts_per_hour is not None
    assert 0.9 < cut.false_alerts_per_hour / whole.false_alerts_per_hour < 4 / 3


def test_alerts_at_the_first_moment_are_suspicion_from_before() -> None:
    """Of 100 clips of 20 s, 20 fire at 7.0 s and 4 at 17.0 s; without first moments 4 in 2,180 s can't be 24 in 2,200.

    Four of 24 in the first half second would still be chance.
    """
    early, late, quiet = [1.0] * 15 + [0.0] * 25, [0.0] * 30 + [1.0] * 10, [0.0] * 40
    lasting = alerts([stretch(values) for values in [early] * 20 + [late] * 4 + [quiet] * 76], RULE)
    chance = alerts([stretch(values) for values in [early] * 4 + [late] * 20 + [quiet] * 76], RULE)
    assert lasting.too_short == (
        "too short to tell: 20 of 24 alerts came at a recording's first chance, so suspicion outlasts recordings"
        " (an incident was open for 50 s)"
    )
    assert (chance.too_short, chance.false_alerts) == ("", 24)


def test_one_recording_suspicious_from_the_first_proves_nothing_lasting() -> None:
    """Up to three such alerts may be chance: none since then excludes no more than three, at 95 %."""
    three, four = ([stretch([1.0] * 15 + [0.0] * 45)] * number + [stretch([0.0] * 60)] * 30 for number in (3, 4))
    assert alerts(three, RULE).too_short == ""
    assert "4 of 4 alerts" in alerts(four, RULE).too_short


def test_time_under_an_open_incident_is_not_exposed() -> None:
    """It fires at 7 s and stays open for the hour: one alert in half a second, not one an hour."""
    made = alerts([stretch([1.0] * 7200)], RULE)
    assert made.false_alerts == 1
    assert made.exposed_hours == pytest.approx(0.5 / 3600)
    assert made.open_hours == pytest.approx((7200 - 15) * 0.5 / 3600)


def test_an_incident_that_never_ends_gives_no_rate() -> None:
    """Half a second exposed and one alert would be 7200 an hour; the incident was open from 7.5 to 3599.5 s."""
    made = alerts([stretch([1.0] * 7200)], RULE)
    assert (made.false_alerts_per_hour, made.at_most_per_hour) == (None, None)
    assert made.too_short == (
        "too short to tell: stretches could alert for 0.5 s each, 5 s are needed (an incident was open for 3592 s)"
    )


def test_incidents_that_never_end_give_no_rate_however_many_there_are() -> None:
    """A hundred recordings of 20 s that alert at once expose 50 s, half a second each."""
    made = alerts([stretch([1.0] * 40)] * 100, RULE)
    assert made.exposed_hours == pytest.approx(50 / 3600)
    assert "could alert for 0.5 s each" in made.too_short


def test_twelve_seconds_are_the_least_that_tells() -> None:
    """From 7.0 to 18.0 s are 23 verdicts. One more, and no alert speaks against one in 4 s, all that a channel can."""
    short, enough = alerts([stretch([0.0] * 37)], RULE), alerts([stretch([0.0] * 38)], RULE)
    assert short.too_short == "too short to tell: an alert was possible for 11.5 s in all, 12 s are needed"
    assert enough.at_most_per_hour == pytest.approx(3600 / 4, rel=0.01)


def test_after_an_incident_the_next_takes_its_three_windows_and_hold() -> None:
    """Fires at 7 s, clears with the fourth low score at 9 s; three windows to 10.5 s, 1 s more: 17 from 11.5 s on."""
    made = alerts([stretch([1.0] * 15 + [0.0] * 25)], RULE)
    assert made.exposed_hours == pytest.approx((1 + 17) * 0.5 / 3600)


def test_after_an_incident_that_ran_out_the_next_takes_its_three_windows_and_hold() -> None:
    """Fires at 7 s; a minute of nobody ends it, and of ten low scores the first four (3 windows, 1 s) can't alert."""
    first = [score(5 + at / 2, 1.0) for at in range(5)]
    away = [not_judged(7.5 + at / 2, "nobody") for at in range(130)]
    after = [score(72.5 + at / 2, 0.0) for at in range(10)]
    made = alerts([Played("a", False, 78, (*first, *away, *after))], RULE)
    assert made.exposed_hours == pytest.approx((1 + 6) * 0.5 / 3600)


def test_a_cut_takes_its_windows_again_and_hidden_arms_only_their_time() -> None:
    """10 s judged, 5 s cut, 10 s judged: 20 verdicts each less 4; then 4 s without arms and all 4 verdicts of 2 s."""
    first = [score(5 + at / 2, 0.0) for at in range(20)]
    away = [replace(not_judged(15 + at / 2, "nobody"), shot=at) for at in range(1, 10)]  # a cut to an empty lectern
    second = [replace(score(20 + at / 2, 0.0), shot=10) for at in range(20)]
    hidden = [replace(not_judged(30 + at / 2, "arms_hidden"), shot=10) for at in range(8)]
    last = [replace(score(34 + at / 2, 0.0), shot=10) for at in range(4)]
    made = alerts([Played("a", False, 36, (*first, *away, *second, *hidden, *last))], RULE)
    assert made.exposed_hours == pytest.approx((16 + 16 + 4) * 0.5 / 3600)


def test_a_fake_too_short_for_any_alert_is_not_missed() -> None:
    short, seen_through = stretch([1.0] * 12, fake=True), stretch([0.0] * 60, fake=True)
    made = alerts([short, replace(seen_through, recording="b")], RULE)
    assert (made.found, made.missed, made.untold) == (0, 1, 1)


def test_an_incident_goes_on_over_cuts_as_it_does_live() -> None:
    """10 min of ones with a cut every 20 s: one alert at 7 s, whether the shots come as spans or all in one."""
    track = make_track("a", "ada", seconds=600)
    track = replace(track, shot=(np.arange(18000) // 600).astype(np.int32))
    shots = [Span(0, first, last) for first, last in track.stretches()]
    made = alerts(play([track], shots, "ada", always(1)), RULE)
    assert (len(shots), made.false_alerts, made.exposed_hours) == (30, 1, pytest.approx(0.5 / 3600))
    assert made.open_hours == pytest.approx((25 + 29 * 30) * 0.5 / 3600)
    assert made.genuine_hours == pytest.approx(30 * 599 / 30 / 3600)
    assert alerts(play([track], [Span(0, 0, 18000)], "ada", always(1)), RULE).false_alerts == 1


@pytest.mark.parametrize("spans", [[Span(0, 0, 600), Span(0, 600, 1200)], [Span(0, 0, 1200)]])
def test_a_cut_costs_its_seven_seconds(spans: list[Span]) -> None:
    """Two shots of 20 s: 26 verdicts of each, from 7.0 to 19.5 s; in one unbroken piece they would be 66."""
    track = make_track("a", "ada", seconds=40)
    track.shot[600:] = 1
    [played] = play([track], spans, "ada", always(0))
    assert alerts([played], RULE).exposed_hours == pytest.approx(2 * 26 * 0.5 / 3600)
    assert {judged.shot for judged in played.verdicts} == {0, 1}


@pytest.mark.parametrize(("hole_s", "false_alerts"), [(40, 1), (70, 2)])
def test_an_incident_ends_in_a_hole_of_a_minute(hole_s: int, false_alerts: int) -> None:
    """What was cut out of a recording has lasted all the same: after FORGET_S = 60 s suspicion is a new event."""
    track = make_track("a", "ada", seconds=110)
    spans = [Span(0, 0, 600), Span(0, 600 + 30 * hole_s, 1200 + 30 * hole_s)]
    assert alerts(play([track], spans, "ada", always(1)), RULE).false_alerts == false_alerts


def test_spans_are_played_in_the_order_of_the_recordings_clock() -> None:
    """A random split gives them in its own order, and a table of movements as tracks of one recording."""
    whole = make_track("a", "ada", seconds=40)
    parts = [
        replace(whole, time_s=whole.time_s[at], keypoints=whole.keypoints[at], shot=whole.shot[at])
        for at in (slice(600, 1200), slice(0, 600))
    ]
    [played] = play(parts, [Span(0, 0, 600), Span(1, 0, 600)], "ada", always(1))
    assert [judged.end_s for judged in played.verdicts] == pytest.approx(np.arange(80) * 0.5)
    assert alerts([played], RULE).false_alerts == 1


def test_the_clock_of_what_is_played_begins_with_its_first_pose() -> None:
    """Tick 0 is judged and every 15th after it, wherever in the track a part of a split begins."""
    [played] = play([make_track("a", "ada")], [Span(0, 100, 400)], "ada", always(1))
    assert [judged.end_s for judged in played.verdicts] == pytest.approx(np.arange(20) * 0.5)


def test_a_fake_is_no_part_of_the_recording_whose_name_it_has() -> None:
    tracks = [make_track("a", "ada"), make_track("a", "ada", genuine=False)]
    played = play(tracks, [Span(0, 0, 600), Span(1, 0, 600)], "ada", always(1))
    assert [one.fake for one in played] == [False, True]


def test_two_people_of_one_recording_are_played_apart() -> None:
    """An interview makes two tracks of one name and the same times: one channel's clock would jump back and forth."""
    played = play(
        [make_track("a", "bob"), make_track("a", "eve")], [Span(0, 0, 600), Span(1, 0, 600)], "ada", always(1)
    )
    assert alerts(played, RULE).waits_s == (7.0, 7.0)


def test_the_wait_for_an_alert_is_what_was_played_of_a_fake() -> None:
    """10 s of zeros, 10 s that another part has, then ones: found after 10 + 7 s of it, not after 27."""
    track = make_track("f", "bob", seconds=30)
    track.keypoints[:, 0, 0] = np.arange(900) >= 600
    [played] = play([track], [Span(0, 0, 300), Span(0, 600, 900)], "ada", lambda windows: windows[:, 0, 0, 0])
    made = alerts([played], RULE)
    assert (made.found, made.missed, made.untold) == (1, 0, 0)
    assert made.waits_s == (pytest.approx(17.0),)


def test_shots_of_eleven_seconds_tell_nothing_however_many_a_recording_has() -> None:
    """Each of 20 could alert from 7.0 to 10.5 s, so for 4 s: what tells is how long it goes on, not how often."""
    track = make_track("a", "ada", seconds=220)
    track = replace(track, shot=(np.arange(6600) // 330).astype(np.int32))
    made = alerts(play([track], [Span(0, 0, 6600)], "ada", always(0)), RULE)
    assert made.exposed_hours == pytest.approx(20 * 4 / 3600)
    assert made.too_short == "too short to tell: stretches could alert for 4.0 s each, 5 s are needed"


def test_no_rule_is_called_quiet_on_clips_that_can_not_alert() -> None:
    """Every score of these genuine clips is 1: at 6 s none can fire, so the rule is the middling one and says so."""
    rule, made = choose_rule(clips([1.0] * 720, 6), 0.5)
    assert rule.enter == 0.8
    assert made.false_alerts_per_hour is None
    assert "none of 60 stretches" in made.too_short


def test_a_rule_that_can_not_alert_is_not_chosen_for_its_silence() -> None:
    """Clips of 12 s, suspicious from 9.5 s on: with 1 s of hold each fires at 11.5 s, with 2 or 3 none can be told."""
    rule, made = choose_rule(clips(([0.0] * 19 + [1.0] * 5) * 100, 12), 0.5)
    assert rule.hold_s == 1.0
    assert made.false_alerts == 100


def test_seconds_that_tell_nothing_choose_nothing() -> None:
    """4.5 s exposed: every rule is silent on them, and enter 0.5 finds most; asked for one an hour it made dozens."""
    fakes = [replace(stretch([0.6] * 60, fake=True), recording="f")]
    rule, made = choose_rule([stretch([0.0] * 23), *fakes], 0.5)
    assert (rule.enter, rule.hold_s) == (0.8, 1.0)
    assert made.too_short == "too short to tell: stretches could alert for 4.5 s each, 5 s are needed"


def test_a_rule_that_keeps_exactly_to_what_was_asked_is_quiet() -> None:
    """None was asked for and none is made: of all rules that find the fake, the one that asks for most in 1.5 s."""
    rule, _ = choose_rule([stretch([0.0] * 60), replace(stretch([1.0] * 60, fake=True), recording="f")], 0)
    assert (rule.enter, rule.hold_s) == (0.995, 2.0)


def test_when_no_rule_is_quiet_the_fewest_an_hour_count_not_the_fewest() -> None:
    """A minute of 0, then 0.6 with eight bursts of 10 s: enter 0.5 fires once in a minute and never ends: 64 an hour.

    From enter 0.8 on, 0.6 is under clear: eight in 16 minutes.
    """
    rule, made = choose_rule([stretch([0.0] * 120 + ([1.0] * 20 + [0.6] * 230) * 8)], 0)
    assert rule.enter >= 0.8
    assert made.false_alerts == 8


def test_when_no_rule_is_quiet_the_most_found_fakes_decide_between_equals() -> None:
    """Ten bursts alert under each enter; a fake of 0.9 is found up to enter 0.9 only."""
    fakes = [replace(stretch([value] * 60, fake=True), recording=f"{value}") for value in (0.9, 1.0)]
    _, made = choose_rule([stretch(([0.0] * 40 + [1.0] * 20) * 10), *fakes], 0)
    assert (made.false_alerts, made.found) == (10, 2)


def test_an_incident_ends_where_nearly_all_genuine_windows_are() -> None:
    """Values 0, 0.005 .. 0.5, evenly: 19 of 20 are under 0.475, and half of them under 0.25."""
    rule, _ = choose_rule([stretch([0.0] * 10 + (np.arange(101) / 200).tolist())], 0)
    assert rule.clear == pytest.approx(0.475)


def test_thresholds_do_not_claim_a_rate_that_was_not_kept() -> None:
    """Four alerts in 60 s: the card says the rate that was measured, not the 0.5 that was asked for."""
    made = alerts([stretch(([1.0] * 15 + [0.0] * 15) * 4)], RULE)
    assert made.false_alerts == 4
    assert thresholds(RULE, made, 0.5)["false_alerts_per_hour"] == pytest.approx(4 / made.exposed_hours)
    assert thresholds(RULE, alerts([stretch([0.0] * 60)], RULE), 0.5)["false_alerts_per_hour"] == 0.5


def test_the_monitors_own_stages_give_six_second_clips_no_exposure() -> None:
    """180 and 270 poses through window and verdict, the scores all 1: no alert, and one at 7 s."""
    track = make_track("a", "ada", seconds=20)
    short = alerts(play([track], [Span(0, 0, 180)], "ada", always(1)), RULE)
    longer = alerts(play([track], [Span(0, 0, 270)], "ada", always(1)), RULE)
    assert (short.false_alerts, short.exposed_hours) == (0, 0)
    assert (longer.false_alerts, longer.exposed_hours) == (1, pytest.approx(0.5 / 3600))


SUM = SequentialRule(alarm=3.9, calm=1.0, most=2.0, keep_over_cuts=0.5, half_life_s=1e12)
"""10 s of windows at the bound are 4."""


def test_evidence_can_fire_once_the_worst_of_it_adds_up() -> None:
    """5 s of window say 2, 5 s more make 4: of 60 verdicts in 30 s the 40 from 10.0 to 29.5 s."""
    assert alerts([stretch([0.0] * 60)], SUM).exposed_hours == pytest.approx(40 * 0.5 / 3600)


@pytest.mark.parametrize(("keeps", "exposed"), [(1.0, 38), (0.0, 0)])
def test_where_evidence_goes_on_over_cuts_so_does_the_chance_of_an_alert(keeps: float, exposed: int) -> None:
    """Twenty shots have two windows each, 2.2. Kept, the third window makes 4.2; lost, none ever gets to 3.9."""
    shots = [faced(5 + 6 * shot + half / 2, 0.0, shot) for shot in range(20) for half in (0, 1)]
    made = alerts([Played("a", False, 120.0, tuple(shots))], replace(SUM, keep_over_cuts=keeps))
    assert made.exposed_hours == pytest.approx(exposed * 0.5 / 3600)


def faced(end_s: float, value: float, shot: int) -> Score:
    return replace(score(end_s, value), shot=shot, claim=Claim("person", "ada"))


def test_an_alert_of_evidence_opens_an_incident_that_is_no_more_exposed() -> None:
    """Fires at 10 s, is at 5.85 by 15 s and goes on: 1.5 windows at the bound either way, one false alert."""
    made = alerts([stretch([1.0] * 60)], SUM)
    assert (made.false_alerts, made.exposed_hours, made.open_hours) == (1, 0.5 / 3600, 39 * 0.5 / 3600)


def test_a_recording_is_replayed_as_it_would_be_judged_live() -> None:
    """Two shots of 8 s under one face: the monitor's own loop and the replay agree on each window's sum to the bit."""
    track = replace(make_track("a", "ada", seconds=16), shot=np.repeat([0, 1], 240).astype(np.int32))
    span = Span(0, 0, len(track.time_s))
    window, live = PoseWindow("a"), Verdicts({"ada": Verdict(SUM, str)})
    scorer, heard = LiveScorer({"a": {"ada": Wrists()}}), []
    for tick in ticks([track], [span]):
        due = window.push(tick, 0, Claim("person", "ada"))
        for judged in scorer.judge([] if due is None else [due]):
            list(live.update(judged))
            heard.append(live.weighed(judged))
    [recording] = play([track], [span], "ada", Wrists().score)
    replayed, told = Verdicts({"ada": Verdict(SUM, str)}), []
    for judged in recording.verdicts:
        list(replayed.update(judged))
        told.append(replayed.weighed(judged))
    sums = [one.evidence for one in told if isinstance(one, Score)]
    assert sums == [one.evidence for one in heard if isinstance(one, Score)]
    assert len(sums) == 12
    assert max(one.against for one in sums if one is not None) > 1


class Wrists:
    """Says a height that changes from window to window."""

    person = "ada"

    def score(self, windows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return (0.7 + 0.25 * np.sin(windows[:, -1, RIGHT_WRIST, 1])).astype(np.float32)
