"""Splits: no window on both sides, no recording on both sides, and a sentence when the data has too little."""

from dataclasses import replace

import numpy as np
import pytest

from models.skeleton import LEFT_WRIST, RIGHT_WRIST
from tests.support.tracks import make_track, two_people
from trainer.data.splits import PARTS, PROTOCOLS, Split, make_split, shared_recordings
from trainer.data.windows import PoseDataset, Windows
from trainer.errors import RecordingLeaked, SplitImpossible

TRACKS = two_people(recordings=6)


def poses_of(windows: Windows) -> set[int]:
    """Every pose that some window touches, by its place among all poses."""
    return set((windows.start[:, None] + np.arange(windows.length)).ravel().tolist())


@pytest.mark.parametrize("protocol", [name for name in PROTOCOLS if name != "given"])
def test_no_pose_is_in_two_parts(protocol: str) -> None:
    """Windows overlap within a part, never across a border."""
    split = make_split(protocol, TRACKS, "ada")
    library = PoseDataset(TRACKS, "ada")
    train, validate, test = (poses_of(library.cut(split.part(name), step=10)) for name in PARTS)
    assert train
    assert test
    assert not train & validate
    assert not train & test
    assert not validate & test


@pytest.mark.parametrize("protocol", ["by_recording", "by_session", "unseen_movement"])
def test_honest_splits_share_no_recording(protocol: str) -> None:
    assert shared_recordings(make_split(protocol, TRACKS, "ada"), TRACKS) == []


def test_the_papers_random_split_shares_recordings_and_says_so() -> None:
    """Two windows of one speech on both sides are what makes a random split flattering."""
    assert shared_recordings(make_split("paper", TRACKS, "ada"), TRACKS)


def test_the_papers_split_gives_8_1_1() -> None:
    """2 people x 6 recordings x 20 s hold 2 x 24 segments of 5 s: 10 % of 24 is 2, class by class."""
    split = make_split("paper", TRACKS, "ada")
    assert [len(split.part(name)) for name in PARTS] == [40, 4, 4]


def test_by_session_tests_on_the_later_day() -> None:
    split = make_split("by_session", TRACKS, "ada")
    assert {TRACKS[span.track].take for span in split.test} == {"tuesday"}
    assert {TRACKS[span.track].take for span in (*split.train, *split.validate)} == {"monday"}


def test_unseen_movement_tests_on_movements_that_nobody_trained() -> None:
    """Fold 1 of the movements m0, m1, m2 tests m1."""
    split = make_split("unseen_movement", TRACKS, "ada", fold=1)
    assert {TRACKS[span.track].movement for span in split.test} == {"m1"}
    assert {TRACKS[span.track].movement for span in split.train} == {"m0", "m2"}


def test_the_same_poses_under_two_names_in_two_parts_are_a_leak() -> None:
    """A recording that was downloaded twice is still one recording."""
    copies = [replace(track, recording=f"copy-{track.recording}", session="m9_tuesday") for track in TRACKS[:3]]
    with pytest.raises(RecordingLeaked, match="3 recording\\(s\\) in two parts"):
        make_split("by_session", [*TRACKS, *copies], "ada")


def test_a_split_given_with_a_recording_in_two_parts_is_refused() -> None:
    """segments.csv may say which part each movement belongs to; one recording belongs to one."""
    parts = ["train", "validate", "test"] * 2
    whole = [replace(track, part=part) for track, part in zip(TRACKS, parts * 2, strict=True)]
    assert len(make_split("given", whole, "ada").test) == 4
    torn = [*whole, replace(whole[0], part="test")]
    with pytest.raises(RecordingLeaked, match=r"given has 1 recording\(s\) in two parts \(ada-0\)"):
        make_split("given", torn, "ada")


def test_a_split_given_with_an_unknown_part_is_told() -> None:
    with pytest.raises(SplitImpossible, match='ada-0 is given "dev"; segments'):
        make_split("given", [replace(track, part="dev") for track in TRACKS], "ada")


def test_a_window_never_spans_a_cut() -> None:
    """A cut at 10 s leaves two stretches of 300 poses: windows from 0..150 and from 300..450."""
    track = make_track("one", "ada", seconds=20)
    track.shot[300:] = 1
    assert track.stretches() == [(0, 300), (300, 600)]


def test_a_stretch_with_nobody_in_it_is_no_stretch() -> None:
    track = make_track("one", "ada", seconds=20)
    track.keypoints[200:220] = 0
    assert track.stretches() == [(0, 200), (220, 600)]


@pytest.mark.parametrize(
    ("tracks", "person", "protocol", "sentence"),
    [
        (TRACKS, "eve", "paper", "no genuine recording of eve; there are ada, bob"),
        (TRACKS[:6], "ada", "paper", "every recording is ada's own; others or fakes are needed"),
        (TRACKS[:3] + TRACKS[6:9], "ada", "by_session", "all recordings are of one session"),
        ([TRACKS[0], TRACKS[6]], "ada", "by_recording", "the part train has no window of ada"),
        (TRACKS, "ada", "by_luck", "there are paper, by_recording"),
    ],
)
def test_data_that_can_not_be_split_is_told(tracks: list, person: str, protocol: str, sentence: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(SplitImpossible, match=sentence):
        make_split(protocol, tracks, person)


def test_one_judged_window_of_a_stretch_is_enough() -> None:
    """Ada hides her arms in the first 5 s of each recording of 20 s: three windows of four would be judged."""
    tracks = [replace(track, keypoints=track.keypoints.copy()) for track in TRACKS]
    for track in tracks[:6]:
        track.keypoints[:150, [RIGHT_WRIST, LEFT_WRIST]] = 0
    assert {span.track for span in make_split("by_recording", tracks, "ada").train} & set(range(6))


def test_a_split_names_its_parts() -> None:
    split = Split("paper", (), (), ())
    assert [split.part(name) for name in PARTS] == [(), (), ()]
