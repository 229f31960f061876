"""Who is followed, from frame to frame: on rendered broadcasts through the real network, and on people told by hand."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from models.skeleton import UPPER_BODY
from monitor.records import Frame, Sighting
from monitor.stages.crops import locate, search_crop
from monitor.stages.pose import PoseNetwork
from monitor.stages.speaker import OVERVIEW_EVERY_S, SEARCH_AREAS, SpeakerTracker
from trainer.puppet.renderer import Passage, Rendered, Script, frames

WIDTH, HEIGHT = 640, 360
NOBODY = np.zeros((0, 18, 3), np.float32)
WALL = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)


@pytest.fixture(scope="module")
def network() -> PoseNetwork:
    """The shipped network, one for all tests here: opening it takes longer than using it."""
    return PoseNetwork()


def as_frames(shots: Iterable[Rendered], epoch: int = 0) -> list[Frame]:
    """Make frames of a rendered broadcast as the ingest would."""
    return [Frame("news", epoch, shot.time_s, shot.time_s, shot.image) for shot in shots]


def follow(network: PoseNetwork, shots: Iterable[Frame], speaker: SpeakerTracker) -> list[Sighting]:
    """Run look, find and pick on every frame."""
    return [speaker.pick(frame, network.find([speaker.crop(frame)])[0]) for frame in shots]


def found(sightings: list[Sighting], shots: list[Rendered]) -> float:
    """Share of the upper body's keypoints within 0.2 shoulder widths of the rendered truth; unseen is missed."""
    hits = []
    for sighting, shot in zip(sightings, shots, strict=True):
        pose = sighting.pose.keypoints if sighting.pose else np.zeros((18, 3))
        off = np.hypot(*(pose[UPPER_BODY, :2] - shot.truth[UPPER_BODY, :2]).T)
        width = np.hypot(*(shot.truth[2, :2] - shot.truth[5, :2]))
        hits.append((off < 0.2 * width) & (pose[UPPER_BODY, 2] > 0))
    return float(np.mean(hits))


def breaks(sightings: list[Sighting]) -> list[tuple[float, str]]:
    """Give the time of each break and its reason."""
    return [(round(seen.time_s, 2), seen.broken) for seen in sightings if seen.broken]


def person(x: float, y: float, shoulders: float) -> np.ndarray:
    """Give a body (18, 3) with its neck at x, y; 7 keypoints, arms hanging."""
    body = np.zeros((18, 3), np.float32)
    places = {0: (0, -0.7), 1: (0, 0), 2: (-0.5, 0), 3: (-0.6, 0.7), 4: (-0.6, 1.4), 5: (0.5, 0), 6: (0.6, 0.7)}
    for keypoint, (right, down) in places.items():
        body[keypoint] = (x + right * shoulders, y + down * shoulders, 0.8)
    return body


def told(speaker: SpeakerTracker, story: list[tuple[float, list[np.ndarray]]]) -> list[Sighting]:
    """Let a speaker stage pick among people told by hand, before a wall."""
    sightings = []
    for time_s, people in story:
        frame = Frame("news", 0, time_s, time_s, WALL)
        speaker.crop(frame)
        sightings.append(speaker.pick(frame, np.stack(people) if people else NOBODY))
    return sightings


def test_a_gesturing_speaker_is_followed_without_a_break(network: PoseNetwork) -> None:
    """25 frames in 2.5 s, with a look round at 2 s: no frame without a pose, no gesture taken for a cut."""
    shots = list(frames(Script((Passage(0, 9),)), WIDTH, HEIGHT, 10))[:25]
    assert shots[-1].time_s > OVERVIEW_EVERY_S
    sightings = follow(network, as_frames(shots), SpeakerTracker(smooth=False))
    assert breaks(sightings) == []
    assert found(sightings, shots) >= 0.97


def test_a_look_round_costs_no_accuracy(network: PoseNetwork) -> None:
    """The frame with the whole picture beside the square must be posed like its neighbours: all 12 keypoints."""
    shots = list(frames(Script((Passage(0, 9),)), WIDTH, HEIGHT, 0.4))[:3]  # 2.5 s apart: each follows or looks round
    shots = [shots[0], *(replace(shots[0], time_s=shots[0].time_s + OVERVIEW_EVERY_S * n) for n in (1, 2))]
    sightings = follow(network, as_frames(shots), SpeakerTracker(smooth=False))
    assert [seen.pose is not None for seen in sightings] == [True, True, True]
    assert found(sightings[1:], shots[1:]) == 1


def test_the_same_frames_give_the_same_poses(network: PoseNetwork) -> None:
    """Replay is exact: an incident can be looked at again."""
    shots = as_frames(list(frames(Script((Passage(0, 9),)), WIDTH, HEIGHT, 10))[:6])
    first, again = (follow(network, shots, SpeakerTracker()) for _ in range(2))
    assert [seen.pose.keypoints.tobytes() for seen in first] == [seen.pose.keypoints.tobytes() for seen in again]


def test_every_hard_cut_is_a_break_and_nothing_else(network: PoseNetwork) -> None:
    """Lectern, audience, lectern, close-up: cuts at 1, 2 and 3 s."""
    script = Script(
        (
            Passage(0, 1),
            Passage(1, 2, "audience", who=None),
            Passage(2, 3, first_s=1),
            Passage(3, 4, "close", first_s=2),
        )
    )
    sightings = follow(network, as_frames(frames(script, WIDTH, HEIGHT, 5)), SpeakerTracker())
    assert breaks(sightings) == [(1.0, "cut"), (2.0, "cut"), (3.0, "cut")]
    assert sightings[-1].pose is not None


def test_a_new_epoch_is_a_break_but_the_first_frame_is_none() -> None:
    """After a reconnect the window must start again, whatever the picture shows."""
    speaker = SpeakerTracker()
    sightings = []
    for epoch, time_s in ((3, 0.0), (3, 0.1), (4, 0.0), (4, 0.1)):
        frame = Frame("news", epoch, time_s, time_s, WALL)
        speaker.crop(frame)
        sightings.append(speaker.pick(frame, person(320, 200, 110)[None]))
    assert [seen.broken for seen in sightings] == [None, None, "cut", None]


def test_a_photographers_flash_is_no_cut() -> None:
    """One frame brighter by 110 of 255, and back: the pattern of light and dark stays."""
    dark = next(iter(frames(Script((Passage(0, 1),)), WIDTH, HEIGHT, 10))).image
    flash = np.minimum(dark.astype(int) + 110, 255).astype(np.uint8)
    speaker = SpeakerTracker()
    sightings = []
    for number, image in enumerate((dark, dark, flash, dark, dark)):
        frame = Frame("news", 0, number / 30, number / 30, image)
        speaker.crop(frame)
        sightings.append(speaker.pick(frame, person(320, 200, 110)[None]))
    assert breaks(sightings) == []


def test_the_speaker_is_followed_and_not_the_guest_beside(network: PoseNetwork) -> None:
    """Two people side by side from the start: the one in the middle is the speaker."""
    shots = list(frames(Script((Passage(0, 9, "beside"),)), WIDTH, HEIGHT, 5))[:8]
    sightings = follow(network, as_frames(shots), SpeakerTracker(smooth=False))
    assert breaks(sightings) == []
    assert found(sightings, shots) >= 0.9


def test_a_region_decides_who_the_speaker_is() -> None:
    """The smaller person on the left is chosen when the region says so, and nobody outside it ever."""
    large, small = person(400, 200, 120), person(100, 200, 60)
    left_third = SpeakerTracker(region=(0, 0, 0.33, 1), smooth=False)
    assert told(left_third, [(0.0, [large, small])])[0].pose.keypoints[1, 0] == 100
    assert told(SpeakerTracker(region=(0, 0, 0.33, 1)), [(0.0, [large])])[0].pose is None


def test_without_a_region_the_larger_person_is_the_speaker() -> None:
    """The order in which the network gives them must not matter."""
    large, small = person(400, 200, 120), person(100, 200, 60)
    assert told(SpeakerTracker(smooth=False), [(0.0, [small, large])])[0].pose.keypoints[1, 0] == 400


def test_someone_else_at_another_place_after_a_loss_is_a_wrong_person() -> None:
    """The speaker is gone for 0.1 s; then somebody stands 220 px (2 shoulder widths) away."""
    story = [(0.0, [person(320, 200, 110)]), (0.1, []), (0.2, [person(100, 200, 110)])]
    assert [seen.broken for seen in told(SpeakerTracker(), story)] == [None, None, "wrong_person"]


def test_the_same_speaker_found_again_is_no_break() -> None:
    """The network missed one frame; the speaker has moved by a tenth of the shoulders' width since."""
    story = [(0.0, [person(320, 200, 110)]), (0.1, []), (0.2, [person(331, 200, 112)])]
    assert [seen.broken for seen in told(SpeakerTracker(), story)] == [None, None, None]


def test_a_passer_by_is_not_followed() -> None:
    """Somebody of the same size crosses the square; the speaker stays where they were."""
    story = [(n / 30, [person(320, 200, 110), person(150 + 60 * n, 205, 110)]) for n in range(6)]
    assert {seen.pose.keypoints[1, 0] for seen in told(SpeakerTracker(smooth=False), story)} == {320.0}


def test_a_person_without_shoulders_cannot_be_followed() -> None:
    """Neck and both shoulders tell place and size; a face alone tells neither."""
    face = person(320, 200, 110)
    face[[2, 5], 2] = 0
    assert locate(face) is None
    assert told(SpeakerTracker(), [(0.0, [face])])[0].pose is None


def test_a_lost_speaker_is_searched_for_at_a_quarter_second_and_not_in_every_frame() -> None:
    """A picture without anybody must not cost a whole-frame search 30 times a second: 4 at once, then 4 a second."""
    speaker = SpeakerTracker()
    searched = 0
    for number in range(34):
        frame = Frame("news", 0, number / 30, number / 30, WALL)
        searched += bool(speaker.crop(frame).image.size)
        speaker.pick(frame, NOBODY)
    assert searched == 7  # frames 0, 1, 2, 3, then 11, 19 and 27


@pytest.mark.parametrize("fps", [12, 24, 25, 30, 50])
def test_a_search_takes_the_picture_sizes_in_turn_at_any_rate(fps: int) -> None:
    """4 searches at once, then 4 a second: 12 in 3 s, 4 of each size; only what was searched counts."""
    speaker, sizes = SpeakerTracker(), []
    for number in range(3 * fps):
        frame = Frame("news", 0, number / fps, number / fps, WALL)
        crop = speaker.crop(frame)
        sizes += [crop.image.shape] if crop.image.size else []
        speaker.pick(frame, NOBODY)
    middle, near, far = (search_crop(WALL, area).image.shape for area in SEARCH_AREAS)
    assert sizes[:12] == 4 * [middle, near, far]


def test_a_loss_is_searched_for_at_the_middle_size_first() -> None:
    """Who was found at the size for near ones at 24 fps and is lost again: the search starts anew with the first."""
    speaker, sizes = SpeakerTracker(), []
    for number, people in enumerate(([], [person(320, 200, 110)], [], [])):
        frame = Frame("news", 0, number / 24, number / 24, WALL)
        sizes.append(speaker.crop(frame).image.shape)
        speaker.pick(frame, np.stack(people) if people else NOBODY)
    middle, near, _ = (search_crop(WALL, area).image.shape for area in SEARCH_AREAS)
    assert (sizes[0], sizes[1], sizes[3]) == (middle, near, middle)


def test_a_search_after_a_cut_begins_with_the_middle_size() -> None:
    """Two searches showed nobody; the shot after the reconnect is another, and says nothing about who was too far."""
    speaker, sizes = SpeakerTracker(), []
    for number, epoch in enumerate((0, 0, 1, 1)):
        frame = Frame("news", epoch, number / 24, number / 24, WALL)
        sizes.append(speaker.crop(frame).image.shape)
        speaker.pick(frame, NOBODY)
    middle, near, _ = (search_crop(WALL, area).image.shape for area in SEARCH_AREAS)
    assert sizes == [middle, near, middle, near]


def test_whom_only_searches_find_costs_no_search_in_every_other_frame() -> None:
    """Somebody too small or too blurred for the followed square is found, lost, found: that must not take the time."""
    speaker, searched = SpeakerTracker(), []
    for number in range(34):
        frame = Frame("news", 0, number / 30, number / 30, WALL)
        crop = speaker.crop(frame)
        if crop.image.size and crop.complete:
            searched.append(number)
        found = bool(crop.image.size) and crop.complete
        speaker.pick(frame, np.stack([person(320, 150, 60)]) if found else NOBODY)
    assert searched == [0, 2, 4, 6, 14, 22, 30]
