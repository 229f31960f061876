"""Genuine tracks become a person's file that the monitor loads, or a refusal in words."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models import artifact
from models.explain import _sets, explain
from models.skeleton import LEFT_ELBOW, LEFT_WRIST, RIGHT_ELBOW, RIGHT_WRIST
from monitor.stages.person_models import rule_of
from monitor.stages.verdict import SequentialRule
from trainer.data.tracks import Track
from trainer.enrolment.gather import Gathered
from trainer.enrolment.make import Enrolment, enrol, write
from trainer.enrolment.windows import judge
from trainer.errors import EnrolmentRefused
from trainer.faces import Event
from trainer.verify.background import Background

SHA256 = "b4" * 32


def face(name: str, at: float = 0.0) -> Event:
    """A mean face so far along a line: 0.46 is the limit of one person."""
    mean = np.zeros(128, np.float32)
    mean[0] = at
    return Event(name, mean, 8)


def seen(tracks: list[Track], *, at: float = 0.0) -> list[Gathered]:
    return [Gathered(f"{t.recording}.mp4", t, face(t.recording, at)) for t in tracks]


def make(gathered: list[Gathered], background: Background, *, anyway: bool = False) -> Enrolment:
    return enrol("ada", gathered, background, face_network_sha256=SHA256, anyway=anyway)


@pytest.fixture(scope="module")
def made(speeches: list[Track], background: Background) -> Enrolment:
    return make(seen(speeches), background)


def test_a_recording_of_twenty_seconds_has_windows_each_half_second(speeches: list[Track]) -> None:
    """From 5 s to 20 s are 15 s: 31 due times, a few less where the first frame is late."""
    event = judge(speeches[0])
    assert len(event) == pytest.approx(30, abs=2)
    assert event.seconds == pytest.approx(19.5, abs=1)
    assert (event.arms_hidden, np.diff(event.ends_s).round(2).tolist()) == (0.0, [0.5] * (len(event) - 1))


def test_nine_speeches_make_a_file_that_the_monitor_loads(
    made: Enrolment, background: Background, others: list[Track], tmp_path: Path
) -> None:
    """It calls a speech of theirs the person's, and others somebody else's: 0.5 is "can't tell"."""
    write(tmp_path / "ada.pt", made, background)
    model = artifact.load(tmp_path / "ada.pt")
    mine, theirs = made.tracks[0].keypoints[:150][None], others[10].keypoints[60:210][None]
    assert model.score(mine)[0] < 0.5 < model.score(theirs)[0]
    assert isinstance(rule_of(model), SequentialRule)
    assert (model.card.person, model.card.design["kind"], model.card.data["events"]) == ("ada", "enrolled", 9)
    assert model.card.faces["limit"] == 0.48
    assert (tmp_path / "ada.pt").stat().st_size < 5_000_000


def test_what_made_a_window_unlike_the_person_is_told_in_parts_that_add_up(
    made: Enrolment, background: Background, others: list[Track], tmp_path: Path
) -> None:
    """200 maskings of some 1.1 ms: a verifier must not hold the loop up for longer than a network does."""
    write(tmp_path / "ada.pt", made, background)
    window = others[10].keypoints[60:210]
    told = explain(artifact.load(tmp_path / "ada.pt"), window)
    assert sum(told.by_keypoint.values()) == pytest.approx(told.movement, abs=1e-4)
    assert sum(told.by_second) == pytest.approx(told.movement, abs=1e-4)
    assert told.as_record()["words"].startswith("unlike the person")
    assert _sets(artifact.load(tmp_path / "ada.pt"), torch.from_numpy(window)) == 200


def test_a_file_is_judged_by_recordings_that_it_was_not_made_of(made: Enrolment) -> None:
    """Each event's evidence is under the other eight; of single windows few are confused with drawn strangers."""
    assert set(made.enrolled.own) == {event.name for event in made.events}
    assert made.enrolled.eer < 0.2
    assert made.doubts == ()


def refusal(gathered: list[Gathered], background: Background) -> str:
    with pytest.raises(EnrolmentRefused) as refused:
        make(gathered, background)
    return str(refused.value)


def test_one_event_is_not_enough(speeches: list[Track], background: Background) -> None:
    said = refusal(seen(speeches[:1]), background)
    assert "all that can be judged is of one event" in said
    assert "0.3 minutes of movement can be judged, 2 are needed" in said


def test_two_recordings_are_not_enough(speeches: list[Track], background: Background) -> None:
    assert "2 recordings can be judged, 3 are needed" in refusal(seen(speeches[:2]), background)


def test_recordings_of_another_face_are_named(
    speeches: list[Track], others: list[Track], background: Background
) -> None:
    """Two of somebody 0.7 away among seven of the person."""
    mixed = [*seen(speeches[:7]), *seen(others[8:10], at=0.7)]
    said = refusal(mixed, background)
    told = said.partition("do not show the face of the others: ")[2].partition(";")[0]
    assert told == "impostor-008 (0.70 away, 0.48 is the limit), impostor-009 (0.70 away, 0.48 is the limit)"


def test_faces_of_which_none_is_most_frequent_are_all_named(speeches: list[Track], background: Background) -> None:
    """Who is to say which two of four are the person's."""
    said = refusal([*seen(speeches[:2]), *seen(speeches[2:4], at=0.7)], background)
    assert "several faces and none most often: speaker-000, speaker-001, speaker-002, speaker-003" in said


def test_recordings_that_move_like_somebody_else_are_named(
    speeches: list[Track], others: list[Track], background: Background
) -> None:
    """The face is the person's, as an impostor's would be, and the movement is not."""
    said = refusal([*seen(speeches[:7]), *seen(others[8:10])], background)
    told = said.partition("do not move like the others: ")[2].partition(";")[0]
    assert "impostor-008" in told
    assert "impostor-009" in told
    assert "speaker" not in told


def test_a_face_that_is_never_seen_is_missed(speeches: list[Track], background: Background) -> None:
    faceless = [Gathered(t.recording, t, Event(t.recording, None, 0, why="it is too small")) for t in speeches]
    assert "no recording shows the face well enough" in refusal(faceless, background)


def test_arms_out_of_view_are_told(speeches: list[Track], background: Background) -> None:
    """Six of nine show no elbow in their first 15 s: at most of their due times nothing can be judged."""
    hidden = []
    for track in speeches[:6]:
        keypoints = track.keypoints.copy()
        keypoints[:450, [RIGHT_ELBOW, RIGHT_WRIST, LEFT_ELBOW, LEFT_WRIST]] = 0
        hidden.append(replace(track, keypoints=keypoints))
    said = refusal(seen([*hidden, *speeches[6:]]), background)
    assert "the arms are out of view most of the time in 6 of 9 recordings" in said


def test_a_weak_enrolment_is_made_by_its_users_word_and_the_card_says_so(
    speeches: list[Track], background: Background, tmp_path: Path
) -> None:
    weak = make(seen(speeches[:2]), background, anyway=True)
    write(tmp_path / "weak.pt", weak, background)
    card = artifact.read_card(tmp_path / "weak.pt")
    assert card.data["doubts"] == ["few_recordings", "few_minutes"]
    assert "Doubtful: 2 recordings can be judged" in card.note


def test_nothing_to_enrol_from_is_refused_whatever_is_asked(background: Background) -> None:
    """With the reason for each recording."""
    with pytest.raises(EnrolmentRefused, match=r"left out: notes\.mp4: is no video"):
        make([Gathered("notes.mp4", why="is no video")], background, anyway=True)


def test_one_recording_under_three_names_is_one_event(speeches: list[Track], background: Background) -> None:
    """The tracks know their recording's digest."""
    copies = [replace(speeches[0], recording=name, recording_sha256="ab" * 32) for name in ("a", "b", "c")]
    said = refusal(seen(copies), background)
    assert "all that can be judged is of one event" in said
    assert "left out: b.mp4: is the same recording as a.mp4" in said


def test_where_another_face_is_seen_nothing_is_learned(speeches: list[Track], background: Background) -> None:
    """From 10 s on an interviewer: of 20 s some 9.5 are left, ten windows."""
    gathered = seen(speeches[:4])
    first = gathered[0].face
    assert first is not None
    gathered[0] = replace(gathered[0], face=replace(first, others=8, elsewhere_s=((10.0, np.inf),)))
    whole, part = make(seen(speeches[:4]), background, anyway=True), make(gathered, background, anyway=True)
    assert len(whole.events[0]) == pytest.approx(30, abs=2)
    assert len(part.events[0]) == pytest.approx(10, abs=2)
    assert len(part.events[1]) == len(whole.events[1])


def test_recordings_most_of_which_show_no_face_are_doubted(speeches: list[Track], background: Background) -> None:
    faceless = [Gathered(t.recording, t, Event(t.recording, None, 0, why="it is too small")) for t in speeches[:3]]
    said = refusal([*faceless, *seen(speeches[3:5])], background)
    assert "in 3 of 5 recordings nobody's face is seen well enough (speaker-000, speaker-001, speaker-002)" in said


def test_few_events_promise_no_rate_whatever_their_length(made: Enrolment) -> None:
    """Nine, where ten are needed: the tenth may be of another mood."""
    assert made.alarm.too_short
    assert made.alarm.per_hour is None
    assert made.alarm.thresholds()["false_alerts_per_hour"] is None
