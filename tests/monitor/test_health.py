"""What a channel's health says; time is an argument."""

from dataclasses import replace

import numpy as np
import pytest

from monitor.health import Health
from monitor.records import Claim, Evidence, Frame, NotJudged, Pose, PosedFrame, Quality, Score, Sighting, Who

IMAGE = np.zeros((360, 640, 3), np.uint8)
WHOLE = Quality(0.96, 1.0, 1.0)


def seen(time_s: float, arrived_s: float) -> PosedFrame:
    return PosedFrame(Frame("a", 2, time_s, arrived_s, IMAGE), Sighting(time_s, None))


def test_poses_per_second_are_of_the_latest_ten_seconds() -> None:
    """600 poses in 20 s are 30 a second; five seconds later without any, the latest 10 s hold half as many."""
    health = Health(started_s=1000.0)
    for i in range(600):
        health.saw(seen(i / 30, 1000.0 + i / 30), 1000.0 + i / 30)
    assert health.poses_per_s(1020.0) == pytest.approx(30.0, abs=0.2)
    assert health.poses_per_s(1025.0) == pytest.approx(15.0, abs=0.2)


def test_a_live_channel_with_few_poses_is_degraded_once_it_has_settled() -> None:
    """15 poses a second of a 25 fps stream: something is too slow. Of a 15 fps stream they are all there is."""
    health = Health(started_s=1000.0)
    for i in range(300):
        health.saw(seen(i / 15, 1000.0 + i / 15), 1000.0 + i / 15)
    assert health.state("live", 25.0, 1020.0) == "degraded"
    assert health.state("live", 15.0, 1020.0) == "live"
    assert health.state("stream_down", 25.0, 1020.0) == "stream_down"


def test_time_without_a_judged_window_is_blind() -> None:
    """Two seconds after a judged window the channel still counts as watched, later no longer."""
    health = Health(started_s=0.0)
    health.tick(1.0, 1.0)
    health.verdict(Score("a", "p", 0, 0.0, 5.0, 5.0, 0.1, WHOLE), 5.0)
    health.tick(6.0, 1.0)
    health.tick(8.0, 1.0)
    assert health.blind_s == 2.0


def test_a_channel_that_is_judged_every_five_seconds_is_not_blind_in_between() -> None:
    """Windows at 5 s and due at 10 s: at 9 s nothing is late, at 13 s one is by over half its time."""
    health = Health(started_s=0.0, every_s=5.0)
    health.verdict(Score("a", "p", 0, 0.0, 5.0, 5.0, 0.1, WHOLE), 5.0)
    health.tick(9.0, 1.0)
    assert health.blind_s == 0.0
    health.tick(13.0, 1.0)
    assert health.blind_s == 1.0


def test_verdicts_are_counted_with_their_reasons() -> None:
    """The demo and the page add these up."""
    health = Health(started_s=0.0)
    health.verdict(NotJudged("a", 0, 0.0, 0.5, 0.5, "cut"), 0.5)
    health.verdict(NotJudged("a", 0, 0.0, 1.0, 1.0, "cut"), 1.0)
    assert (health.verdict_state(1.0), health.fields(1.0)["reason"], health.fields(1.0)["coverage"]) == (
        "not_judged",
        "cut",
        -1.0,
    )
    health.verdict(Score("a", "p", 0, 0.0, 5.0, 5.0, 0.1, WHOLE), 5.0)
    fields = health.fields(5.0)
    assert (fields["windows_judged"], fields["windows_not_judged"], fields["not_judged_cut"]) == (1, 2, 2)
    assert (health.verdict_state(5.0), fields["reason"], fields["coverage"]) == ("clear", "", 0.96)


def test_a_channel_is_clear_only_while_windows_are_judged() -> None:
    """A recording that is over, or pictures that stop: 3 s after the last judged window nobody has looked of late."""
    health = Health(started_s=0.0)
    health.verdict(Score("a", "p", 0, 0.0, 5.0, 5.0, 0.1, WHOLE), 5.0)
    assert (health.verdict_state(7.0), health.verdict_state(8.0)) == ("clear", "not_judged")


def test_what_has_added_up_stands_where_the_latest_windows_word_is() -> None:
    """Of three answers one alone is "clear"; without a judged window there is none, and a rule that counts has none."""
    health = Health(started_s=0.0)
    plain = Score("a", "p", 0, 0.0, 5.0, 5.0, 0.1, WHOLE)
    health.verdict(plain, 5.0)
    assert "evidence_against" not in health.fields(5.0)
    health.verdict(replace(plain, evidence=Evidence(3.5, 0.25, 6.0, 12.5, "cant_tell")), 5.0)
    names = ("evidence_against", "evidence_in_favour", "gathered_s", "answer")
    assert [health.fields(5.0)[name] for name in names] == [3.5, 0.25, 12.5, "cant_tell"]
    assert health.verdict_state(5.0) == "cant_tell"
    health.verdict(replace(plain, evidence=Evidence(0.0, 6.0, 6.0, 0.0, "person")), 5.0)
    assert health.verdict_state(5.0) == "clear"
    health.verdict(NotJudged("a", 0, 0.0, 5.5, 5.5, "cut"), 5.5)
    assert [health.fields(5.5)[name] for name in names] == [-1.0, -1.0, -1.0, ""]


def test_a_stream_that_is_down_is_a_verdict_of_its_own() -> None:
    """Nothing ever shows as genuine because there was nothing to judge."""
    health = Health(started_s=0.0)
    health.saw(seen(7.0, 100.0), 100.2)
    down = health.down("a", 103.0)
    assert (down.reason, down.epoch, down.end_s) == ("stream_down", 2, 7.0)
    assert health.lag_s == pytest.approx(0.2)


def under(who: Who, now_s: float, *, followed: bool = True) -> PosedFrame:
    pose = Pose(now_s, np.ones((18, 3), np.float32)) if followed else None
    return PosedFrame(Frame("a", 0, now_s, now_s, IMAGE), Sighting(now_s, pose), Claim(who, "ada", 0.3, 0.46))


def test_the_time_on_screen_is_the_persons_own() -> None:
    """Of five seconds: one of the person, one of somebody else, one of nobody, two without pictures."""
    health = Health(started_s=0.0)
    for now_s, frame in enumerate(
        (under("person", 1), under("somebody_else", 2), under("person", 3, followed=False)), 1
    ):
        health.saw(frame, float(now_s))
        health.tick(float(now_s), 1.0)
    for now_s in (4.5, 5.5):
        health.tick(now_s, 1.0)
    assert health.fields(5.5)["face_share"] == 0.2
    assert health.fields(5.5)["face_limit"] == 0.46


def test_a_channel_that_knows_no_face_says_that_nobody_asks() -> None:
    health = Health(started_s=0.0)
    health.saw(seen(1.0, 1.0), 1.0)
    health.tick(1.0, 1.0)
    told = health.fields(1.0)
    assert (told["face"], told["face_distance"], told["face_share"]) == ("not_asked", -1.0, -1.0)
