"""Whose face a shot shows, from looks at made-up vectors: no picture, no network, no clock."""

from collections.abc import Callable

import numpy as np
import pytest

from models.face.align import DLIB, Unseen
from models.face.cohort import Cohort
from models.face.references import FaceReferences
from monitor.stages.face_track import FaceTrack, Who, widest_split

REFERENCES = FaceReferences("b413", 0.46, np.zeros((1, 128), np.float32))
TURNED = Unseen("it is turned too far away")
Face = np.ndarray | Unseen


def face(distance: float, number: int = 0) -> np.ndarray:
    """A face so far from the person's; two numbers lie at a right angle, so faces of 0.3 and 0.4 are 0.5 apart."""
    vector = np.zeros(128, np.float32)
    vector[number] = distance
    return vector


PERSON, OTHER, BETWEEN = face(0.3), face(0.7, 1), face(0.49)


def distance(track: FaceTrack) -> float | None:
    """How far the shot's mean lies from the person's references."""
    nearest = track.nearest()
    return None if nearest is None else nearest[1]


def seen(
    track: FaceTrack, shown: Callable[[float], Face], until_s: float, *, from_s: float = 0.0, fps: int = 25
) -> list[tuple[float, Who]]:
    """Play frames from from_s on and look when a look is wanted; gives (time_s, who) of each look."""
    times = [frame / fps for frame in range(round(from_s * fps), round(until_s * fps))]
    return [(time_s, track.look(time_s, shown(time_s))) for time_s in times if track.wants(time_s)]


def said(looks: list[tuple[float, Who]]) -> list[Who]:
    """Leave the times out."""
    return [who for _, who in looks]


def test_eight_looks_say_that_it_is_the_person() -> None:
    """At 25 frames a second a look every 0.28 s: the eighth is 1.96 s into the shot."""
    looks = seen(FaceTrack({"ada": REFERENCES}), lambda time_s: PERSON, 2)
    assert said(looks) == ["unseen"] * 7 + ["person"]
    assert looks[-1][0] == pytest.approx(1.96)


def test_eight_looks_say_that_it_is_somebody_else() -> None:
    assert said(seen(FaceTrack({"ada": REFERENCES}), lambda time_s: face(0.55, 1), 2)) == ["unseen"] * 7 + [
        "somebody_else"
    ]


def test_a_clear_shot_is_looked_at_once_a_second() -> None:
    """Eight looks to be sure, then at 2.96, 3.96, ... 9.96 s: 16 in ten seconds."""
    assert len(seen(FaceTrack({"ada": REFERENCES}), lambda time_s: PERSON, 10)) == 16


def test_a_shot_between_the_limits_is_unseen_and_told_so() -> None:
    """0.49 is over 0.46 and not over 0.52. After 16 looks, 4.2 s, it is looked at no more often than others."""
    track = FaceTrack({"ada": REFERENCES})
    looks = seen(track, lambda time_s: BETWEEN, 6)
    assert set(said(looks)) == {"unseen"}
    assert track.why == "it is neither clearly the person's nor clearly another's"
    assert len(looks) == 17


@pytest.mark.parametrize(("first", "expected"), [(0.40, "person"), (0.56, "somebody_else")])
def test_between_the_limits_what_was_said_stays(first: float, expected: Who) -> None:
    """Eight looks at 0.40, then eight at 0.56, have a mean of 0.48, and so has the reverse."""
    track = FaceTrack({"ada": REFERENCES})
    second = 0.96 - first
    looks = seen(track, lambda time_s: face(first if time_s < 2 else second), 10)
    assert len(looks) == 16
    assert distance(track) == pytest.approx(0.48)
    assert track.who == expected


@pytest.mark.parametrize(("distance", "expected"), [(0.45, "person"), (0.515, "unseen"), (0.53, "somebody_else")])
def test_the_limits_are_the_references_own_and_0_06_above(distance: float, expected: Who) -> None:
    assert said(seen(FaceTrack({"ada": REFERENCES}), lambda time_s: face(distance), 2))[-1] == expected


def test_a_mean_of_odd_looks_counts_and_not_each_of_them() -> None:
    """Every other look is 0.47 away, over the limit; the mean of all is 0.25."""
    track = FaceTrack({"ada": REFERENCES})
    sides = iter([0.47, 0.03] * 4)
    assert said(seen(track, lambda time_s: face(next(sides)), 2))[-1] == "person"


@pytest.mark.parametrize("fps", [24, 25, 30, 50])
@pytest.mark.parametrize("after_s", [3.0, 3.2, 3.4, 3.6, 3.8])
def test_a_replacement_without_a_cut_is_noticed_within_a_second_and_a_half(after_s: float, fps: int) -> None:
    """At most 1 s until the next look and three more at 0.1 s; a swap that starts in mid-shot looks like this."""
    looks = seen(FaceTrack({"ada": REFERENCES}), lambda time_s: PERSON if time_s < after_s else OTHER, 10, fps=fps)
    noticed_s = next(time_s for time_s, who in looks if who == "somebody_else")
    assert after_s < noticed_s < after_s + 1.5


def test_the_person_who_comes_back_without_a_cut_needs_eight_looks_again() -> None:
    """Four looks within 1.36 s tell that it is another face; four more, 0.28 s apart, whose."""
    looks = seen(FaceTrack({"ada": REFERENCES}), lambda time_s: OTHER if time_s < 3 else PERSON, 10)
    noticed_s = next(time_s for time_s, who in looks if who == "person")
    assert noticed_s - 3 < 1.36 + 4 * 0.28


def test_a_replacement_by_somebody_between_the_limits_is_no_longer_called_the_person() -> None:
    """Their faces are at a right angle: 0.57 apart, though the new one is only 0.49 from the references."""
    track = FaceTrack({"ada": REFERENCES})
    seen(track, lambda time_s: PERSON if time_s < 2 else face(0.49, 1), 3.5)
    assert track.who == "unseen"


def test_one_odd_look_brings_another_soon_and_changes_nothing() -> None:
    """A hand before the face. Looks at 1.96 and 2.96 s, the odd one, then 3.08: a usual one, so no hurry any more."""
    track = FaceTrack({"ada": REFERENCES})
    looks = seen(track, lambda time_s: OTHER if 2.9 < time_s < 3 else PERSON, 5)
    assert [round(time_s, 2) for time_s, _ in looks[7:]] == [1.96, 2.96, 3.08, 4.08]
    assert set(said(looks[7:])) == {"person"}


def test_a_few_looks_are_no_shot_to_have_moved_from() -> None:
    """A first look in profile, 0.9 away, counts like the seven that follow a second later: (0.9 + 7 * 0.3) / 8."""
    track = FaceTrack({"ada": REFERENCES})
    track.look(0, face(0.9))
    seen(track, lambda time_s: PERSON, 2.8, from_s=1.0)
    assert distance(track) == pytest.approx(0.375)


def test_a_new_shot_starts_from_nothing() -> None:
    """Who was on screen before a cut says nothing about who is now."""
    track = FaceTrack({"ada": REFERENCES})
    seen(track, lambda time_s: PERSON, 5)
    track.begin(5.0)
    assert track.who == "unseen"
    assert distance(track) is None
    assert said(seen(track, lambda time_s: OTHER, 7, from_s=5.0)) == ["unseen"] * 4 + ["somebody_else"] * 4


def test_a_face_that_turns_away_for_a_moment_is_still_the_persons() -> None:
    """The same body is followed; the last look is at 1.96 s, and 5 s are as long as a window."""
    track = FaceTrack({"ada": REFERENCES})
    seen(track, lambda time_s: PERSON, 2)
    track.look(6.96, TURNED)
    assert track.who == "person"
    track.look(7.0, TURNED)
    assert track.who == "unseen"
    assert track.why == TURNED.why


def test_after_a_long_pause_the_face_is_judged_anew() -> None:
    """Whoever turns round after 6.5 s may be somebody else: the looks before are not averaged in."""
    track = FaceTrack({"ada": REFERENCES})
    seen(track, lambda time_s: PERSON if time_s < 2.5 else TURNED, 9)
    assert said(seen(track, lambda time_s: OTHER, 11.1, from_s=9)) == ["unseen"] * 4 + ["somebody_else"] * 4


def test_a_hidden_face_is_looked_for_soon() -> None:
    """Nothing is computed for it: at 25 frames a second every third frame."""
    looks = seen(FaceTrack({"ada": REFERENCES}), lambda time_s: TURNED, 1.2)
    assert len(looks) == 10


def test_the_nearest_event_counts() -> None:
    """A person has more than one face: with a beard, twenty years ago."""
    older = FaceReferences("b413", 0.46, np.stack([face(0), face(0.7, 1)]))
    assert said(seen(FaceTrack({"ada": older}), lambda time_s: OTHER, 2))[-1] == "person"


def test_a_clear_stranger_is_told_of_in_a_second_and_a_near_one_after_eight_looks() -> None:
    """Five looks 0.28 s apart are 1.12 s; 0.46 and twice 13 % are 0.58. The person is nobody before eight."""
    clear, near = (seen(FaceTrack({"ada": REFERENCES}), lambda time_s, f=f: f, 2) for f in (face(0.59), face(0.57)))
    assert said(clear) == ["unseen"] * 4 + ["somebody_else"] * 4
    assert said(near) == ["unseen"] * 7 + ["somebody_else"]


def test_a_face_that_is_seen_again_after_a_hand_is_known_at_once() -> None:
    """Two looks like the shot's own before suffice; eight new ones would take two seconds."""
    looks = seen(FaceTrack({"ada": REFERENCES}), lambda time_s: OTHER if 6 <= time_s < 8.5 else PERSON, 12)
    assert "somebody_else" in said(looks)
    back_s = next(time_s for time_s, who in looks if time_s >= 8.5 and who == "person")
    assert back_s - 8.5 <= 1.3  # two looks, at most a second and a bit apart


def beside(apart: float) -> np.ndarray:
    """A face so far from PERSON's, at a right angle."""
    return PERSON + face(apart, 2)


@pytest.mark.parametrize(("apart", "faces"), [(0.38, 0), (0.42, 1)])
def test_a_face_is_another_when_it_lies_0_40_from_the_shots_mean(apart: float, faces: int) -> None:
    """0.87 of the limit of 0.46: nearer than that it is the same face in another light."""
    track = FaceTrack({"ada": REFERENCES})
    seen(track, lambda time_s: PERSON if time_s < 3 else beside(apart), 6)
    assert track.faces == faces


def test_a_replacement_is_noticed_at_four_frames_a_second_too() -> None:
    """Four looks 0.25 s apart are 0.75 s: all of them are recent."""
    looks = seen(FaceTrack({"ada": REFERENCES}), lambda time_s: PERSON if time_s < 3 else OTHER, 6, fps=4)
    assert next(time_s for time_s, who in looks if who == "somebody_else") < 3 + 1.5 + 0.25


def test_six_looks_of_one_and_two_of_another_are_not_one_face() -> None:
    """A mean of six lies too far from its face to tell by; the first eight fall into two groups instead."""
    track = FaceTrack({"ada": REFERENCES})
    seen(track, lambda time_s: PERSON, 1.5)
    seen(track, lambda time_s: OTHER, 5.4, from_s=5.0)
    assert (track.faces, track.who, track.why) == (1, "unseen", "it is not one face")


def enrolled(axis: int, apart: float, limit: float) -> FaceReferences:
    return FaceReferences("b413", limit, face(apart, axis)[None])


def test_whoever_of_the_enrolled_becomes_the_nearest_is_another_face() -> None:
    """Bob is 0.3 from Ada, too near to be noticed at once; when most looks are his, the shot is: nothing is of both."""
    track = FaceTrack({"ada": enrolled(0, 0, 0.46), "bob": enrolled(1, 0.3, 0.46)})
    seen(track, lambda time_s: face(0) if time_s < 2 else face(0.3, 1), 20)
    nearest = track.nearest()
    assert nearest is not None
    assert (nearest[0], track.who, track.faces) == ("bob", "person", 1)


def test_the_nearest_is_told_by_each_ones_own_limit() -> None:
    """0.3 of Ada's 0.46 is nearer than 0.25 of Bob's 0.3."""
    track = FaceTrack({"ada": enrolled(0, 0, 0.46), "bob": enrolled(0, 0.55, 0.3)})
    track.look(0, face(0.3))
    nearest = track.nearest()
    assert nearest is not None
    assert nearest == ("ada", pytest.approx(0.3), 0.46)


@pytest.mark.parametrize("bobs", [0.3, 0.6])
def test_a_face_has_moved_by_the_limit_of_whose_it_was(bobs: float) -> None:
    """0.35 is no change to Ada, whose limit is 0.46, and 0.41 is one, 0.87 of 0.46 being 0.40: whatever Bob's is."""
    two = {"ada": enrolled(0, 0, 0.46), "bob": enrolled(1, 0.9, bobs)}
    near, far = FaceTrack(two), FaceTrack(two)
    seen(near, lambda time_s: face(0) if time_s < 3 else face(0.35, 2), 6)
    seen(far, lambda time_s: face(0) if time_s < 3 else face(0.41, 2), 6)
    assert (near.who, near.faces, far.faces) == ("person", 0, 1)


def test_between_the_limits_it_stays_the_one_whom_it_was() -> None:
    """0.49 from Ada is no longer within her limit of 0.46; that it lies 0.47 from Bob makes it nobody of his."""
    track = FaceTrack({"ada": enrolled(0, 0, 0.46), "bob": enrolled(0, 0.96, 0.46)})
    seen(track, lambda time_s: face(0.45), 3)
    seen(track, lambda time_s: face(0.49), 60, from_s=3)
    assert track.nearest() == ("ada", pytest.approx(0.49, abs=0.002), 0.46)
    assert (track.who, track.faces) == ("person", 0)


@pytest.mark.parametrize(("lasts_s", "every_s"), [(0.1, 1.0), (0.2, 1.0), (0.1, 2.0), (0.2, 2.0), (0.1, 4.0)])
def test_another_face_that_is_only_glimpsed_is_never_trusted_for_longer_than_a_hidden_one(
    lasts_s: float, every_s: float
) -> None:
    """Turned away between the glimpses, 0.55 away: whoever stands there is not the person 5 s after the change."""
    track = FaceTrack({"ada": REFERENCES})
    seen(track, lambda time_s: PERSON, 12)
    later = seen(track, lambda time_s: face(0.55, 1) if time_s % every_s < lasts_s else TURNED, 60, from_s=12)
    assert [time_s for time_s, who in later if who == "person" and time_s > 17.1] == []


def test_odd_looks_of_the_same_face_are_taken_into_its_mean_after_all() -> None:
    """Four looks 0.42 away on four sides have a mean 0.21 away: a head that turns about, not another face."""
    track = FaceTrack({"ada": REFERENCES})
    seen(track, lambda time_s: face(0.0), 3)
    for number in range(4):
        track.look(3.0 + number / 10, face(0.42, number + 1))
    assert (track.who, track.odd, track.faces) == ("person", False, 0)
    assert distance(track) == pytest.approx(0.42 * 2 / 13, abs=0.001)  # nine looks at 0, four at 0.42


def test_an_odd_look_is_forgotten_with_its_shot() -> None:
    """Else the next shot's first look would withhold a window for what was seen before the cut."""
    track = FaceTrack({"ada": REFERENCES})
    seen(track, lambda time_s: PERSON, 3)
    track.look(3.5, OTHER)
    assert track.odd
    track.begin(4.0)
    assert not track.odd


def test_a_known_face_that_turns_away_gives_no_reason_to_be_unseen() -> None:
    """why is empty while what was said holds."""
    track = FaceTrack({"ada": REFERENCES})
    seen(track, lambda time_s: PERSON, 2)
    track.look(2.5, TURNED)
    assert (track.who, track.why) == ("person", "")


@pytest.mark.parametrize(("apart", "faces"), [(0.44, 0), (0.46, 1)])
def test_the_first_looks_are_of_two_faces_from_0_45_on(apart: float, faces: int) -> None:
    """0.98 of the limit of 0.46."""
    track = FaceTrack({"ada": REFERENCES})
    seen(track, lambda time_s: face(0.0) if time_s < 1 else face(apart), 2)
    assert track.faces == faces


def test_who_comes_back_is_another_window_and_nobody_at_first() -> None:
    """A stranger for two seconds, then the person: two looks make it the face from before, and each change counts."""
    track = FaceTrack({"ada": REFERENCES})
    seen(track, lambda time_s: PERSON, 4)
    seen(track, lambda time_s: OTHER, 6, from_s=4)
    assert (track.who, track.faces) == ("somebody_else", 1)
    assert track.look(6.0, PERSON) == "somebody_else"
    assert (track.look(6.1, PERSON), track.faces) == ("person", 2)
    assert distance(track) == pytest.approx(0.3)


def test_the_widest_split_is_found_whatever_the_order() -> None:
    """Two groups 0.6 apart, of two and of six looks; a single odd look is no group."""
    mixed = [face(0.6, 3) if number in (2, 5) else face(0.0) for number in range(8)]
    alone = [face(0.6, 3) if number == 2 else face(0.0) for number in range(8)]
    assert widest_split(mixed) == pytest.approx(0.6)
    assert widest_split(alone) == pytest.approx(0.3)  # the odd one and one other against the rest


def test_an_hour_of_looks_weighs_no_more_than_sixteen() -> None:
    """Somebody 0.38 from the person's looks is not odd, under 0.40; of their own they have a mean of 0.55."""
    track = FaceTrack({"ada": REFERENCES})
    seen(track, lambda time_s: face(0.4), 120)
    looks = seen(track, lambda time_s: face(0.4) + face(0.38, 4), 170, from_s=120)
    assert next(time_s for time_s, who in looks if who == "somebody_else") < 165
    assert track.faces == 0


def test_a_face_in_a_crowd_has_to_come_nearer_to_be_the_persons() -> None:
    """Ten of the cohort lie 0.40 from the person and, at a right angle, 0.50 from a shot that is 0.30 off: the limit is
    0.45 - 0.08, 0.37. A shot 0.47 off has ten at 0.617: 0.509 - 0.08 is 0.429, and 0.47 is no 13 % over that."""
    crowd = Cohort("c0de", np.eye(10, 128, 64, dtype=np.float32) * 0.4)
    known = FaceReferences("b413", 0.48, np.zeros((1, 128), np.float32), DLIB, crowd)
    near, far = FaceTrack({"ada": known}), FaceTrack({"ada": known})
    assert said(seen(near, lambda time_s: face(0.3), 2))[-1] == "person"
    assert near.nearest() == ("ada", pytest.approx(0.3), pytest.approx(0.37))
    assert said(seen(far, lambda time_s: face(0.47), 2))[-1] == "unseen"


def test_a_crowd_does_not_make_looks_of_one_face_odd() -> None:
    """0.38 from the shot's mean is odd for nobody, 0.87 of 0.48 being 0.42; 0.87 of the crowd's 0.37 would be 0.32."""
    crowd = Cohort("c0de", np.eye(10, 128, 64, dtype=np.float32) * 0.4)
    track = FaceTrack({"ada": FaceReferences("b413", 0.48, np.zeros((1, 128), np.float32), DLIB, crowd)})
    seen(track, lambda time_s: face(0.1), 2)
    track.glance(2.0, face(0.35, 1))
    assert not track.odd
