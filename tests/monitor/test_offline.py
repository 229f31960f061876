"""What is said of a whole recording."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from monitor.offline import whole_verdict
from monitor.records import Answer, Evidence, Incident, Quality, Score
from monitor.stages.verdict import AnyRule, Rule, SequentialRule

COUNTS, SUMS = Rule(0.8, 0.4), SequentialRule(6.0, 1.0, 3.0)


def score(value: float, says: Answer | None = None, person: str = "ada") -> Score:
    evidence = None if says is None else Evidence(1.0, 1.0, 6.0, 5.0, says)
    return Score("a", person, 0, 0.0, 5.0, 5.0, value, Quality(1.0, 1.0, 1.0), evidence=evidence)


FIRED = Incident("i1", "a", "ada", "resolved", 0, 0.0, 9.0, 9.0, 0.9, 0.9, 3, fired=True)


@pytest.mark.parametrize(
    ("scores", "incidents", "verdict"),
    [
        ([], [], "inconclusive"),
        ([score(0.9, "cant_tell"), score(0.9, "cant_tell")], [], "inconclusive"),
        ([score(0.2, "cant_tell"), score(0.2, "person"), score(0.4, "cant_tell")], [], "genuine"),
        ([score(0.2, "person"), score(0.9, "not_person")], [FIRED], "fake"),
        ([score(0.2, "person")], [replace(FIRED, fired=False)], "genuine"),
    ],
)
def test_a_recording_is_judged_by_what_added_up(
    scores: Sequence[Score], incidents: Sequence[Incident], verdict: str
) -> None:
    """Two windows of 0.9 are a majority by the paper's rule, and no evidence: can't tell is inconclusive."""
    assert whole_verdict(scores, incidents, {"ada": SUMS}) == verdict


@pytest.mark.parametrize(
    ("values", "verdict"), [([0.9, 0.1], "fake"), ([0.9, 0.1, 0.1], "genuine"), ([], "inconclusive")]
)
def test_where_windows_are_counted_it_is_the_papers_majority(values: list[float], verdict: str) -> None:
    """Whatever fired: section 5 asks for the majority of the whole."""
    assert whole_verdict([score(value) for value in values], [FIRED], {"ada": COUNTS}) == verdict


def test_of_two_persons_the_worst_is_told() -> None:
    """Bob's two windows are genuine by the paper's rule; Ada's evidence fired."""
    rules: dict[str, AnyRule] = {"ada": SUMS, "bob": COUNTS}
    both = [score(0.9, "not_person"), score(0.1, person="bob"), score(0.1, person="bob")]
    assert whole_verdict(both, [FIRED], rules) == "fake"
    assert whole_verdict(both, [], rules) == "genuine"
