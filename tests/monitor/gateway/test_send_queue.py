"""What waits for a slow client: alerts are never left out, everything else may be."""

import pytest

from monitor.gateway.send_queue import ALERTS_WAITING, SCORES_WAITING, SendQueue, TooSlow


def taken(outgoing: SendQueue) -> list[bytes]:
    return list(iter(outgoing.take, None))


def test_alerts_come_first_and_in_order() -> None:
    """Whatever was put in before them."""
    outgoing = SendQueue()
    outgoing.latest("health", "one", b"health")
    outgoing.score("one", b"score")
    outgoing.alert(b"first")
    outgoing.alert(b"second")
    assert taken(outgoing) == [b"first", b"second", b"score", b"health"]


def test_many_scores_shrink_to_the_newest_of_each_channel() -> None:
    """64 may wait; the 65th leaves one of each of the two channels, and 63 are counted."""
    outgoing = SendQueue()
    for number in range(SCORES_WAITING + 1):
        outgoing.score("one" if number % 2 else "two", str(number).encode())
    assert sorted(taken(outgoing)) == [b"63", b"64"]
    assert outgoing.coalesced == SCORES_WAITING + 1 - 2


def test_of_health_and_pictures_only_the_latest_waits() -> None:
    """A picture of ten seconds ago is of no use."""
    outgoing = SendQueue()
    outgoing.latest("pose", "one", b"old")
    outgoing.latest("pose", "one", b"new")
    outgoing.latest("pose", "two", b"other")
    assert taken(outgoing) == [b"new", b"other"]


def test_too_many_alerts_are_told_and_never_dropped() -> None:
    """The client is closed then, and resumes from the stream."""
    outgoing = SendQueue()
    for number in range(ALERTS_WAITING):
        outgoing.alert(str(number).encode())
    with pytest.raises(TooSlow):
        outgoing.alert(b"one too many")
    assert len(taken(outgoing)) == ALERTS_WAITING
