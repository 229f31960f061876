"""Scores to incidents."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

import pytest

from monitor.records import Claim, Incident, NotJudged, Quality, Reason, Score
from monitor.stages.verdict import Rule, Verdict, Verdicts, judged_of, paper_verdict

RULE = Rule(enter=0.8, clear=0.4, hold_s=2.0, k=3, n=4)
WHOLE = Quality(1.0, 1.0, 1.0)


def score(i: int, value: float, epoch: int = 0, shot: int = 0) -> Score:
    end_s = 5.0 + i / 2
    return Score("a", "p", epoch, end_s - 5.0, end_s, 100.0 + end_s, value, WHOLE, shot)


def not_judged(i: int, reason: Reason, shot: int = 0) -> NotJudged:
    end_s = 5.0 + i / 2
    return NotJudged("a", 0, end_s, end_s, 100.0 + end_s, reason, shot)


def run(judged: Sequence[Score | NotJudged], rule: Rule = RULE) -> list[Incident]:
    numbers = itertools.count(1)
    verdict = Verdict(rule, lambda: f"i{next(numbers)}")
    return [change for j in judged for change in verdict.update(j)]


def test_a_lasting_suspicion_is_pending_then_firing_then_resolved() -> None:
    """3 of 4 at 0.5 s steps: pending at the third high score, firing 2.0 s later, resolved after 4 low ones."""
    changes = run([score(i, v) for i, v in enumerate([0.1] * 4 + [0.9] * 10 + [0.1] * 6)])
    assert [(c.id, c.state, c.end_s) for c in changes] == [
        ("i1", "pending", 8.0),
        ("i1", "firing", 10.0),
        ("i1", "resolved", 13.5),
    ]
    assert changes[0].start_s == 2.0  # where the first suspicious window began
    assert changes[-1].ended_by == "cleared"


def test_one_high_score_makes_nothing() -> None:
    """1 % of false windows are hundreds a day: one of them must not reach the desk."""
    assert run([score(i, 0.99 if i == 7 else 0.1) for i in range(20)]) == []


def test_a_short_suspicion_never_fires() -> None:
    """Four high scores last 1.5 s from the first, less than the hold time."""
    changes = run([score(i, v) for i, v in enumerate([0.1] * 4 + [0.9] * 4 + [0.1] * 8)])
    assert [c.state for c in changes] == ["pending", "resolved"]
    assert not any(c.fired for c in changes)


def test_scores_between_the_thresholds_change_nothing() -> None:
    """Without the second threshold an incident would flap around the first."""
    changes = run([score(i, v) for i, v in enumerate([0.9] * 12 + [0.6] * 40)])
    assert [c.state for c in changes] == ["pending", "firing"]


def test_a_cut_away_within_an_event_does_not_make_a_second_incident() -> None:
    """One event, one incident: the editor's cut to the audience must not close and reopen it."""
    before = [score(i, 0.9) for i in range(12)]
    away = [not_judged(i, "cut", shot=1) for i in range(12, 24)]
    after = [score(i, 0.9, shot=1) for i in range(24, 40)]
    assert [c.state for c in run([*before, *away, *after])] == ["pending", "firing"]


def test_an_incident_ends_when_there_is_nothing_to_judge_for_a_minute() -> None:
    """60 s / 0.5 s = 120 steps; the reason is told apart from a genuine end."""
    changes = run([score(i, 0.9) for i in range(12)] + [not_judged(i, "nobody") for i in range(12, 140)])
    assert [(c.state, c.ended_by) for c in changes][-1] == ("resolved", "not_judged")


def test_time_off_air_does_not_count_as_suspicion() -> None:
    """0.5 s of suspicion, 10 s in which no window is judged, 1.0 s more: it has not lasted 2 s."""
    high = [score(i, 0.9) for i in range(4)]
    away = [not_judged(i, "arms_hidden") for i in range(4, 24)]
    changes = run([*high, *away, score(24, 0.9), score(25, 0.9), score(26, 0.9)])
    assert [c.state for c in changes] == ["pending"]


@pytest.mark.parametrize("told", [["cut"], ["nobody", "filling"], ["filling"], []])
def test_suspicion_does_not_cross_into_another_shot_whatever_is_told_between(told: list[Reason]) -> None:
    """Two high windows before a cut and two after it are three of four in neither shot; a reason may be left out."""
    before = [score(0, 0.9), score(1, 0.9)]
    between = [not_judged(2 + i, reason, shot=1) for i, reason in enumerate(told)]
    after = [score(13, 0.9, shot=1), score(14, 0.9, shot=1), score(15, 0.1, shot=1)]
    assert run([*before, *between, *after]) == []


def test_the_time_of_suspicion_starts_anew_in_another_shot() -> None:
    """Pending with 1.5 s of suspicion; in the next shot it takes three windows and 2.0 s again: 11.5 + 1.0 + 2.0 s."""
    before = [score(i, 0.9) for i in range(6)]
    after = [score(i, 0.9, shot=1) for i in range(13, 30)]
    changes = run([*before, *after])
    assert [(c.id, c.state, c.end_s) for c in changes] == [("i1", "pending", 6.0), ("i1", "firing", 14.5)]


def test_windows_of_two_shots_together_do_not_end_an_incident() -> None:
    """Two genuine windows before a cut and two after it are not four of one person: the fourth after it ends it."""
    high = [score(i, 0.9) for i in range(8)]
    low = [score(8, 0.1), score(9, 0.1), *(score(i, 0.1, shot=1) for i in range(10, 20))]
    assert [(c.state, c.end_s) for c in run([*high, *low])][-1] == ("resolved", 11.5)


def test_scores_of_another_epoch_are_of_another_shot() -> None:
    """Two high windows before a reconnect and one after it are no three of one shot, even under one shot number."""
    assert run([score(0, 0.9), score(1, 0.9), score(0, 0.9, epoch=1)]) == []


def test_an_incident_fires_on_a_window_that_is_itself_over_the_threshold() -> None:
    """2.0 s of suspicion are up at 8.0 s on a low window, with three of four still high: it fires on the next high."""
    values = [0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.05, 0.9, 0.9]
    changes = run([score(i, v) for i, v in enumerate(values)])
    assert [(c.state, c.end_s, c.score) for c in changes] == [("pending", 6.0, 0.9), ("firing", 8.5, 0.9)]


def test_windows_that_are_due_every_five_seconds_can_fire_too() -> None:
    """score_every_s may be up to 60: at 5 s the third high window is suspicion, and the fourth has it last 5 s."""
    verdict = Verdict(RULE, lambda: "i1", every_s=5.0)
    changes = [c for i in range(0, 50, 10) for c in verdict.update(score(i, 0.9))]
    assert [(c.state, c.end_s) for c in changes] == [("pending", 15.0), ("firing", 20.0)]


@pytest.mark.parametrize(("apart", "states"), [(4, ["pending", "firing"]), (5, ["pending"])])
def test_windows_up_to_two_seconds_apart_add_to_the_time_of_suspicion(apart: int, states: list[str]) -> None:
    """Pending at 6.0 s; the next window at 8.0 s makes it 2.0 s, one at 8.5 s leaves too much unseen between."""
    assert [c.state for c in run([*(score(i, 0.9) for i in range(3)), score(2 + apart, 0.9)])] == states


@pytest.mark.parametrize(("apart", "states"), [(15, ["pending", "firing"]), (16, ["pending"])])
def test_rare_windows_may_be_half_as_far_again_apart_as_they_are_due(apart: int, states: list[str]) -> None:
    """Due every 5 s: 7.5 s apart still counts, as when one was a little late; 8 s does not."""
    verdict = Verdict(RULE, lambda: "i1", every_s=5.0)
    rare = [score(i, 0.9) for i in (0, 10, 20, 20 + apart)]
    assert [c.state for judged in rare for c in verdict.update(judged)] == states


def test_suspicion_does_not_last_from_one_shot_into_another_on_a_single_window() -> None:
    """Where one window is suspicion enough, the step over the cut is not the new shot's: 0.5 s of it end at 6.0 s."""
    rule = Rule(enter=0.8, clear=0.4, hold_s=0.5, k=1, n=1)
    changes = run([score(0, 0.9), score(1, 0.9, shot=1), score(2, 0.9, shot=1)], rule)
    assert [(c.state, c.end_s) for c in changes] == [("pending", 5.0), ("firing", 6.0)]


def test_a_reconnect_does_not_turn_a_jump_in_time_into_suspicion() -> None:
    """PTS may jump by hours at a new epoch."""
    changes = run([score(i, 0.9) for i in range(3)] + [score(9000, 0.9, epoch=1), score(9001, 0.9, epoch=1)])
    assert [c.state for c in changes] == ["pending"]


def test_an_incident_that_was_open_at_a_restart_goes_on_under_its_id() -> None:
    """The states survive a restart of any process."""
    changes = run([score(i, 0.9) for i in range(12)])
    verdict = Verdict(RULE, lambda: "other", open_incident=changes[-1])
    later = [c for i in range(8) for c in verdict.update(score(i, 0.1, epoch=1))]
    assert [(c.id, c.state) for c in later] == [("i1", "resolved")]


def test_an_incident_that_outlives_a_reconnect_tells_its_times_on_one_clock() -> None:
    """Began at 5000 s, PTS at 0 again: whoever reads end_s - start_s would else see it begin 83 minutes from now."""
    before = [score(i, 0.9) for i in range(9990, 9999)]
    changes = run([*before, *(score(i, 0.1, epoch=1) for i in range(4))])
    assert [(c.state, c.epoch, c.start_s, c.end_s) for c in changes] == [
        ("pending", 0, 4995.0, 5001.0),
        ("firing", 0, 4995.0, 5003.0),
        ("resolved", 1, 0.0, 6.5),  # from the first window of the new clock on
    ]


def test_an_incident_that_was_open_at_a_restart_goes_on_with_the_new_clock() -> None:
    """Epochs are counted anew in each process: 0 before and 0 after it may be clocks that are hours apart."""
    pending, *_ = run([score(i, 0.9) for i in range(9990, 9993)])
    verdict = Verdict(RULE, lambda: "other", open_incident=pending)
    changes = [c for i in range(7) for c in verdict.update(score(i, 0.9))]
    assert [(c.id, c.state, c.start_s, c.end_s) for c in changes] == [("i1", "firing", 0.0, 8.0)]


def test_the_paper_rule_calls_a_draw_fake() -> None:
    """Section 5: authentic only if the number of actual movements is greater than that of fake ones."""
    assert paper_verdict([score(0, 0.1), score(1, 0.9)]) == "fake"
    assert paper_verdict([score(0, 0.1), score(1, 0.2), score(2, 0.9)]) == "genuine"
    assert paper_verdict([]) == "inconclusive"


@pytest.mark.parametrize(("high", "states"), [(4, ["pending", "firing"]), (2, [])])
def test_the_paper_rule_live_needs_half_of_its_horizon(high: int, states: list[str]) -> None:
    """n = 8 windows: four fake ones are a draw, which is not genuine."""
    rule = Rule(enter=0.5, clear=0.5, hold_s=0.0, n=8, kind="paper")
    assert [c.state for c in run([score(i, 0.9 if i < high else 0.1) for i in range(8)], rule)] == states


def test_genuine_windows_in_shots_too_short_for_four_end_an_incident_after_a_minute() -> None:
    """One window a shot, every 6 s: four in one shot never come, and an open incident would hide the next impostor."""
    first = [score(n, 0.95) for n in range(8)]
    short_shots = [score(7 + 12 * n, 0.05, shot=n) for n in range(1, 20)]
    second = [score(260 + n, 0.95, shot=30) for n in range(8)]
    changes = run([*first, *short_shots, *second])
    assert [(c.id, c.state) for c in changes] == [
        ("i1", "pending"), ("i1", "firing"), ("i1", "resolved"), ("i2", "pending"), ("i2", "firing"),
    ]  # fmt: skip
    assert (changes[2].ended_by, changes[2].end_s) == ("cleared", 8.5 + 60)


def test_a_window_against_the_person_keeps_an_incident_open_through_short_shots() -> None:
    """Every other shot's window is suspicious: that is no minute without one."""
    first = [score(n, 0.95) for n in range(8)]
    mixed = [score(7 + 12 * n, 0.95 if n % 2 else 0.05, shot=n) for n in range(1, 30)]
    assert [c.state for c in run([*first, *mixed])] == ["pending", "firing"]


def test_a_window_between_the_thresholds_keeps_an_incident_open_through_short_shots() -> None:
    """0.6 does not clear, and so it is no minute without a window against the person."""
    first = [score(n, 0.95) for n in range(8)]
    between = [score(7 + 12 * n, 0.6, shot=n) for n in range(1, 30)]
    assert [c.state for c in run([*first, *between])] == ["pending", "firing"]


def test_under_the_papers_rule_half_is_against_the_person_whatever_the_thresholds() -> None:
    """0.6 rounds to fake (section 3.3), under a clear threshold of 0.9 too."""
    rule = Rule(enter=0.9, clear=0.9, hold_s=0.0, n=2, kind="paper")
    first = [score(n, 0.95) for n in range(3)]
    alone = [score(2 + 12 * n, 0.6, shot=n) for n in range(1, 30)]
    assert [c.state for c in run([*first, *alone], rule)] == ["pending", "firing"]


@pytest.mark.parametrize(("last", "ended_by"), [(0.05, "cleared"), (0.95, "not_judged")])
def test_a_minute_of_nothing_ends_an_incident_as_the_last_window_spoke(last: float, ended_by: str) -> None:
    """One genuine window in a shot of its own, and then an empty lectern for 60 s: it was not for want of windows."""
    first = [score(n, 0.95) for n in range(8)]
    away = [not_judged(n, "nobody", shot=2) for n in range(10, 140)]
    assert [c.ended_by for c in run([*first, score(9, last, shot=1), *away])][-1] == ended_by


def test_where_windows_are_rare_four_of_them_are_waited_for() -> None:
    """Due once a minute: one genuine window in a shot of its own is a minute, and ends nothing; the fourth does."""
    verdict = Verdict(RULE, lambda: "i1", every_s=60.0)
    high, low = [score(120 * n, 0.9) for n in range(4)], [score(120 * n, 0.1, shot=n) for n in range(4, 12)]
    changes = [c for judged in (*high, *low) for c in verdict.update(judged)]
    assert [(c.state, c.end_s) for c in changes] == [("pending", 125.0), ("firing", 185.0), ("resolved", 425.0)]


def test_an_incident_of_a_channel_that_asks_for_no_face_tells_of_none() -> None:
    claimed = [replace(score(n, 0.9), claim=Claim("not_asked")) for n in range(3)]
    assert [c.face for c in run(claimed)] == [None]


def of(person: str, judged: Score) -> Score:
    return replace(judged, person=person)


def test_another_persons_window_does_not_end_the_shot() -> None:
    """Two high windows, one of Bob's, a third high one: three of Ada's latest four, all of shot 1."""
    verdicts = Verdicts({name: Verdict(RULE, lambda: "i1") for name in ("p", "bob")})
    story = [score(0, 0.9, shot=1), score(1, 0.9, shot=1), of("bob", score(2, 0.1, shot=1)), score(3, 0.9, shot=1)]
    assert [(c.person, c.state) for judged in story for c in verdicts.update(judged)] == [("p", "pending")]


def test_of_two_open_incidents_the_firing_one_is_told() -> None:
    """Whoever asks a channel for its incident must not be shown a suspicion in place of an alert."""
    verdicts = Verdicts({name: Verdict(RULE, lambda name=name: name) for name in ("p", "bob")})
    story = [*(score(n, 0.9) for n in range(3)), *(of("bob", score(n, 0.9)) for n in range(3, 12))]
    states = [(c.id, c.state) for judged in story for c in verdicts.update(judged)]
    assert states == [("p", "pending"), ("bob", "pending"), ("bob", "firing")]
    assert verdicts.open_incident is not None
    assert verdicts.open_incident.id == "bob"


def test_no_window_at_all_concerns_everybody() -> None:
    """A score is its person's; a reason for none is not."""
    assert [judged_of(judged, "ada") for judged in (not_judged(0, "cut"), score(0, 0.5), of("ada", score(0, 0.5)))] == [
        True, False, True,
    ]  # fmt: skip


@pytest.mark.parametrize(("reason", "states"), [("face_unseen", ["pending", "firing"]), ("arms_hidden", ["pending"])])
def test_a_face_hidden_now_and_then_does_not_keep_an_impostor_from_firing(reason: Reason, states: list[str]) -> None:
    """One window in five is judged, 2.5 s apart: they share poses. Arms that are out of view hide the body itself."""
    rows = [score(n, 0.99) if n % 5 == 0 else not_judged(n, reason) for n in range(60)]
    assert [change.state for change in run(rows)] == states
