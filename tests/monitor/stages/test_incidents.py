"""One event, one incident: whatever the verdict says twice, an operator silenced, or a stream cut short."""

from collections.abc import Callable

from monitor.records import Incident
from monitor.stages.incidents import IncidentPolicy
from tests.support.gateway import NOW_S, incident

COOLDOWN_S = 10.0


def desk(held: Callable[[str, str], bool] = lambda channel, person: False, *known: Incident) -> IncidentPolicy:
    return IncidentPolicy(held, cooldown_s=COOLDOWN_S, open_incidents=known)


def told(incidents: IncidentPolicy, *changes: Incident) -> list[tuple[str, str, int]]:
    """Give (id, state, number of the change) of all that was raised."""
    return [(i.id, i.state, i.change) for change in changes for i in incidents.update(change)]


PENDING = incident(1)
FIRING = incident(1, state="firing", fired=True)
OVER = incident(1, state="resolved", fired=True, ended_by="cleared")
AGAIN = incident(2, state="pending", arrived_s=NOW_S + 9)
LATER = incident(2, state="pending", arrived_s=NOW_S + 11)


def test_changes_are_numbered() -> None:
    """The number is what makes an event's id stable."""
    assert told(desk(), PENDING, FIRING, OVER) == [
        ("inc-1", "pending", 1),
        ("inc-1", "firing", 2),
        ("inc-1", "resolved", 3),
    ]


def test_what_comes_back_within_the_cool_down_is_the_same_incident() -> None:
    """9 s after the end is within 10 s: the first one's id, and its start and peak."""
    incidents = desk()
    told(incidents, PENDING, FIRING, OVER)
    (again,) = incidents.update(AGAIN)
    assert (again.id, again.state, again.change, again.fired) == ("inc-1", "pending", 4, True)
    assert (again.start_s, again.windows) == (10.0, 6)
    (firing,) = incidents.update(incident(2, state="firing", fired=True, arrived_s=NOW_S + 12, windows=5))
    assert (firing.id, firing.change, firing.windows) == ("inc-1", 5, 8)  # 3 of the first part, 5 of the second


def test_what_comes_later_is_another() -> None:
    """11 s after the end is not within 10 s."""
    incidents = desk()
    told(incidents, PENDING, FIRING, OVER)
    assert told(incidents, LATER) == [("inc-2", "pending", 1)]


def test_suspicion_that_never_fired_leaves_no_cool_down() -> None:
    """Nobody was alarmed: the next is its own."""
    incidents = desk()
    told(incidents, PENDING, incident(1, state="resolved"))
    assert told(incidents, AGAIN) == [("inc-2", "pending", 1)]


def test_another_person_on_the_channel_is_another_incident() -> None:
    """Even a second after the first one's end."""
    incidents = desk()
    told(incidents, PENDING, FIRING, OVER)
    assert told(incidents, incident(3, person="guest", arrived_s=NOW_S + 1)) == [("inc-3", "pending", 1)]


def test_a_silence_keeps_back_and_what_is_still_there_after_it_is_raised() -> None:
    """It is not forgotten: an impostor who outlasts a silence fires."""
    quiet = {"one"}
    incidents = desk(lambda channel, person: channel in quiet)
    assert told(incidents, PENDING, FIRING) == []
    assert list(incidents.tick()) == []
    assert incidents.kept_back == 2
    quiet.clear()
    assert [(i.state, i.change) for i in incidents.tick()] == [("firing", 1)]
    assert list(incidents.tick()) == []


def test_what_is_over_before_the_silence_is_never_raised() -> None:
    """Nobody wants to hear that something ended which nobody heard begin."""
    incidents = desk(lambda channel, person: True)
    assert told(incidents, PENDING, FIRING, OVER) == []
    assert list(incidents.tick()) == []


def test_the_end_of_what_was_raised_is_told_during_a_silence() -> None:
    """Otherwise the page would show it firing for ever."""
    quiet: set[str] = set()
    incidents = desk(lambda channel, person: channel in quiet)
    told(incidents, PENDING, FIRING)
    quiet.add("one")
    assert told(incidents, OVER) == [("inc-1", "resolved", 3)]


def test_an_incident_goes_on_after_a_restart() -> None:
    """Redis remembers change 2; the end is change 3 under the same id."""
    incidents = desk(lambda channel, person: False, incident(1, state="firing", fired=True, change=2))
    assert told(incidents, OVER) == [("inc-1", "resolved", 3)]


def test_an_explanation_is_asked_for_once_and_kept() -> None:
    """It costs as much as some hundred scores, and the end of an incident should still tell why it began."""
    asked: list[str] = []

    def explain(fired: Incident) -> dict[str, object]:
        asked.append(fired.id)
        return {"words": "the right wrist"}

    incidents = IncidentPolicy(lambda channel, person: False, explain=explain)
    raised = [i for change in (PENDING, FIRING, OVER) for i in incidents.update(change)]
    assert [i.explanation for i in raised] == [None, {"words": "the right wrist"}, {"words": "the right wrist"}]
    assert asked == ["inc-1"]


def test_what_fired_during_a_silence_is_explained_by_the_window_that_made_it_fire() -> None:
    """Ten minutes later the newest window may be another person's: it would explain a score that it did not make."""
    quiet, newest = {"one"}, ["of the alert"]
    incidents = IncidentPolicy(lambda channel, person: channel in quiet, explain=lambda fired: {"words": newest[-1]})
    assert told(incidents, PENDING, FIRING) == []
    newest.append("of somebody else")
    quiet.clear()
    (raised,) = incidents.tick()
    assert (raised.state, raised.explanation) == ("firing", {"words": "of the alert"})
