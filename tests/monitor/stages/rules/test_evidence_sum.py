"""Evidence that adds up: sums that a reader can check, and what holds whatever the windows say."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.records import Claim, Incident, NotJudged, Quality, Reason, Score, State
from monitor.stages.rules.evidence_sum import EvidenceSum, SequentialRule, bounded_llr
from monitor.stages.verdict import Verdict, Verdicts

RULE = SequentialRule(alarm=3.9, calm=1.0, most=2.0, keep_over_cuts=0.5, half_life_s=1e12)
"""Nothing is forgotten but over cuts: 10 s of windows at the bound are 4, over the alarm; after 5 s they are 2."""

FADING = replace(RULE, half_life_s=20.0)
ADA = Claim("person", "ada")
UNSEEN = Claim("unseen", "ada", required=False)
WHOLE = Quality(1.0, 1.0, 1.0)
RATIOS = st.floats(-6, 6)


def score(end_s: float, llr: float, *, shot: int = 0, epoch: int = 0, claim: Claim | None = ADA) -> Score:
    value = 1 / (1 + math.exp(llr))
    return Score("a", "ada", epoch, end_s - 5, end_s, 100 + end_s, value, WHOLE, shot, claim)


def not_judged(end_s: float, reason: Reason, *, shot: int = 0) -> NotJudged:
    return NotJudged("a", 0, end_s, end_s, 100 + end_s, reason, shot)


def row(llr: float, from_s: float, to_s: float, *, every_s: float = 0.5, shot: int = 0) -> list[Score]:
    steps = round((to_s - from_s) / every_s) + 1
    return [score(from_s + every_s * n, llr, shot=shot) for n in range(steps)]


def added(scores: Sequence[Score], rule: SequentialRule = RULE) -> EvidenceSum:
    total = EvidenceSum(rule)
    for one in scores:
        total.add(one)
    return total


def run(judged: Sequence[Score | NotJudged], rule: SequentialRule = RULE) -> list[Incident]:
    numbers = itertools.count(1)
    verdict = Verdict(rule, lambda: f"i{next(numbers)}")
    return [change for one in judged for change in verdict.update(one)]


def test_a_window_adds_what_it_says_for_the_poses_that_no_window_before_it_held() -> None:
    """-1 from 5 s to 10 s: the first window says 1, ten half seconds a tenth each, another 1; over 10 s of movement."""
    evidence = added(row(-1.0, 5, 10)).evidence
    assert (evidence.against, evidence.in_favour) == (pytest.approx(2.0), 0.0)
    assert evidence.gathered_s == pytest.approx(10.0)


def test_one_window_says_at_most_what_the_card_lets_it() -> None:
    """A score of exactly 1 is minus infinity; the bound is 2, and NaN of a broken model says nothing."""
    assert [bounded_llr(value, 2.0) for value in (1.0, 0.0, float("nan"), 0.5)] == [-2.0, 2.0, 0.0, 0.0]
    assert bounded_llr(0.25, 2.0) == pytest.approx(math.log(3))


def test_what_was_not_judged_fades_by_half_in_a_half_life() -> None:
    """2 at 5 s and can't tell 20 s later: 1 is left, and a second after that a thirtieth of the way to a half less."""
    assert added([score(5, -2.0), score(25, 0.0)], FADING).evidence.against == pytest.approx(1.0)
    assert added([score(5, -2.0), score(26, 0.0)], FADING).evidence.against == pytest.approx(2 * 2 ** (-21 / 20))


def test_a_cut_keeps_the_share_that_the_card_names() -> None:
    """2 before the cut, half of it is 1; the new shot's first window shares no pose with it and adds all of its 2."""
    assert added([score(5, -2.0), score(12, -2.0, shot=1)]).evidence.against == pytest.approx(1.0 + 2.0)


def test_a_reconnect_keeps_as_much_as_a_cut_and_counts_as_five_seconds() -> None:
    """The clock begins again at 0: 2 fades over the new window's 5 s, is halved by the break, and 2 are added."""
    again = [score(5000, -2.0), score(5, -2.0, epoch=1)]
    assert added(again, FADING).evidence.against == pytest.approx(2 * 2 ** (-5 / 20) * 0.5 + 2.0)


@pytest.mark.parametrize(("before", "after"), [(None, None), (ADA, UNSEEN), (UNSEEN, ADA), (UNSEEN, UNSEEN)])
def test_nothing_goes_over_a_cut_where_no_face_says_that_it_is_the_same_person(
    before: Claim | None, after: Claim | None
) -> None:
    """Scores of two people say nothing together; gathered over the second shot's 5 s alone."""
    evidence = added([score(5, -2.0, claim=before), score(12, -1.0, shot=1, claim=after)]).evidence
    assert (evidence.against, evidence.gathered_s) == (pytest.approx(1.0), pytest.approx(5.0))


def test_windows_that_cannot_tell_add_nothing_for_hours() -> None:
    """7,200 windows at 0 are an hour: no sum, and the answer is can't tell."""
    evidence = added(row(0.0, 5, 3605)).evidence
    assert (evidence.against, evidence.in_favour, evidence.says) == (0.0, 0.0, "cant_tell")


def test_there_are_three_answers() -> None:
    """4 either way is an answer: 10 s of movement at 2 a window, whichever way; before that nobody can tell."""
    assert added(row(2.0, 5, 9)).evidence.says == "cant_tell"
    assert added(row(2.0, 5, 10)).evidence.says == "person"
    assert added(row(-2.0, 5, 9)).evidence.says == "cant_tell"
    assert added(row(-2.0, 5, 10)).evidence.says == "not_person"


def test_it_is_the_person_no_more_once_something_stands_against_them() -> None:
    """Much for the person, then 3 s of -2 are 1.2 against: over calm, so what was known is not known any more."""
    assert added([*row(2.0, 5, 30), *row(-2.0, 30.5, 33)]).evidence.says == "cant_tell"


def test_an_incident_is_pending_at_half_and_fires_at_the_alarm() -> None:
    """2 at once are over half of 3.9, but one window's word; 2.2 half a second later; 4 by 10 s of movement."""
    pending, firing = run(row(-9.0, 5, 12))
    assert (pending.state, pending.end_s, pending.gathered_s) == ("pending", 5.5, 5.5)
    assert pending.evidence == pytest.approx(2.2)
    assert (firing.id, firing.state, firing.start_s, firing.end_s) == ("i1", "firing", 0.0, 10.0)
    assert (firing.evidence, firing.alarm, firing.gathered_s) == (pytest.approx(4.0), 3.9, pytest.approx(10.0))
    assert (firing.windows, firing.rule["kind"]) == (11, "sequential")


def test_one_window_makes_no_suspicion_however_low_the_alarm() -> None:
    """Each cut shows one strange window of 2, over half an alarm of 2.1: what is kept of it is not added to another."""
    rule = replace(RULE, alarm=2.1, keep_over_cuts=0.0)
    assert run([score(5 + 6 * shot, -9.0, shot=shot) for shot in range(10)], rule) == []


def test_an_incident_ends_two_seconds_after_its_evidence_sank_under_calm() -> None:
    """5.85 is the most (1.5 alarms); 0.2 a step takes it under 1 in 25 steps, at 32.5 s, and 2 s later it is over."""
    changes = run([*row(-2.0, 5, 20), *row(2.0, 20.5, 40)])
    assert [(c.state, c.end_s, c.ended_by) for c in changes][-1] == ("resolved", 34.5, "cleared")


def test_an_incident_after_which_nothing_speaks_for_the_person_is_not_said_to_be_cleared() -> None:
    """An impostor who freezes says nothing either way: the sum fades, and what is told is that nothing was judged."""
    changes = run([*row(-2.0, 5, 20), *row(0.0, 20.5, 400)], replace(RULE, half_life_s=20.0))
    assert (changes[-1].state, changes[-1].ended_by) == ("resolved", "not_judged")


def test_an_incident_goes_on_over_a_cut_and_a_second_one_needs_its_own_evidence() -> None:
    """One event, one incident; after its end less than calm is left of it."""
    first, cut = row(-2.0, 5, 12), row(-2.0, 20, 22, shot=1)
    quiet, again = row(2.0, 22.5, 60, shot=1), row(-2.0, 60.5, 66, shot=1)
    states = [(c.id, c.state) for c in run([*first, *cut, *quiet, *again])]
    assert states == [("i1", "pending"), ("i1", "firing"), ("i1", "resolved"), ("i2", "pending")]


def test_evidence_that_nobody_could_add_to_for_a_minute_makes_no_second_incident() -> None:
    """Over for want of windows at 4.8 of evidence; one more window that says 0.5 is 0.5."""
    away = [not_judged(12.5 + n, "arms_hidden") for n in range(70)]
    changes = run([*row(-2.0, 5, 12), *away, score(85, -0.5)])
    assert [change.state for change in changes] == ["pending", "firing", "resolved"]


def test_an_incident_with_nothing_to_judge_for_a_minute_ends() -> None:
    """FORGET_S is 60 s for every rule."""
    changes = run([*row(-2.0, 5, 12), *(not_judged(12.5 + n, "nobody", shot=1) for n in range(70))])
    assert (changes[-1].state, changes[-1].ended_by, changes[-1].end_s) == ("resolved", "not_judged", 12.0)


def test_what_had_added_up_outlives_a_restart() -> None:
    """Pending with 3.2 under the person's face: 1.6 are kept, the first window there adds 2, the next two 0.2 each."""
    pending = run(row(-2.0, 5, 5.5))[0]
    verdict = Verdict(RULE, lambda: "other", open_incident=replace(pending, evidence=3.2, gathered_s=7.5))
    states = [(c.id, c.state, c.gathered_s) for n in range(3) for c in verdict.update(score(9 + n / 2, -2.0))]
    assert states == [("i1", "firing", pytest.approx(7.5 + 5 + 2 * 0.5))]


@pytest.mark.parametrize(("state", "against"), [("firing", 3.9), ("pending", 3.9 / 2)])
def test_an_incident_that_counted_windows_goes_on_where_its_models_evidence_adds_up(
    state: State, against: float
) -> None:
    """Its file was exchanged over a restart; an alert that stands is not over because nobody knows its sum."""
    before = Incident("i1", "a", "ada", state, 0, 0.0, 9.0, 9.0, 0.9, 0.9, 3, face={"who": "person"})
    verdict = Verdict(RULE, lambda: "other", open_incident=before)
    assert list(verdict.update(score(9, 0.0))) == []
    assert verdict.evidence is not None
    assert verdict.evidence.against == pytest.approx(against / 2)  # half goes over the break
    assert verdict.open_incident is not None


def test_the_score_of_a_window_tells_what_has_added_up_by_it() -> None:
    """The page shows the evidence growing; a word about nobody carries none."""
    verdicts = Verdicts({"ada": Verdict(RULE, lambda: "i1")})
    told = []
    for judged in (score(5, -1.0), not_judged(5.5, "nobody"), score(6, -1.0)):
        list(verdicts.update(judged))
        told.append(verdicts.weighed(judged))
    assert [getattr(one, "evidence", None) and one.evidence.against for one in told] == [  # type: ignore[union-attr]
        pytest.approx(1.0), None, pytest.approx(1.2),
    ]  # fmt: skip


@given(st.lists(st.floats(0, 6), min_size=1, max_size=60))
def test_windows_that_never_speak_against_the_person_never_raise_suspicion(ratios: list[float]) -> None:
    assert run([score(5 + n / 2, llr) for n, llr in enumerate(ratios)]) == []


@given(st.lists(RATIOS, min_size=1, max_size=20), st.sampled_from([2, 5, 10, 20, 50]))
def test_how_often_windows_are_judged_changes_neither_the_sum_nor_when_it_fires(ratios: list[float], n: int) -> None:
    """Each 5 s says one thing, judged once or n times: the sums agree at its end, and firing within those 5 s."""
    rare = [score(5 + 5 * at, llr) for at, llr in enumerate(ratios)]
    parts = [score(5 + 5 * at + 5 * (part + 1) / n, llr) for at, llr in enumerate(ratios[1:]) for part in range(n)]
    often = [rare[0], *parts]
    assert added(often).evidence.against == pytest.approx(added(rare).evidence.against, abs=1e-6)
    assert [math.ceil(end_s / 5 - 1e-9) * 5 for end_s in fired_s(often)[:1]] == fired_s(rare)[:1]


def fired_s(scores: Sequence[Score]) -> list[float]:
    return [change.end_s for change in run(scores) if change.state == "firing"]


@given(st.lists(RATIOS, min_size=1, max_size=40), st.floats(0, 1), st.floats(1, 1000))
def test_a_sum_stays_between_nothing_and_one_and_a_half_alarms(ratios: list[float], kept: float, half: float) -> None:
    """Every other window lies in another shot."""
    rule = replace(RULE, keep_over_cuts=kept, half_life_s=half)
    evidence = added([score(5 + 5 * n, llr, shot=n // 2) for n, llr in enumerate(ratios)], rule).evidence
    assert 0 <= evidence.against <= 1.5 * 3.9
    assert 0 <= evidence.in_favour <= 1.5 * 3.9


@given(st.lists(RATIOS, min_size=1, max_size=40), st.floats(0, 1), st.floats(1, 1000))
def test_a_cut_never_adds_evidence(ratios: list[float], kept: float, half: float) -> None:
    """Whatever came before it, what goes into another shot is keep_over_cuts of it, faded, and no more."""
    rule = replace(RULE, keep_over_cuts=kept, half_life_s=half)
    total = added([score(5 + n / 2, llr) for n, llr in enumerate(ratios)], rule)
    before, end_s = total.evidence.against, 5 + (len(ratios) - 1) / 2
    total.add(score(end_s + 5, 0.0, shot=1))
    expected = before * 2 ** (-5 / half) * kept
    assert total.evidence.against == pytest.approx(expected if expected >= 0.02 else 0.0)
