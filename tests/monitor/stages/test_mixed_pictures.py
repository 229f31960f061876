"""Pictures that a studio mixes of two shots: inset, split screen, dissolve. Rendered, through the real network."""

import cv2
import numpy as np
import pytest

from monitor.records import Frame, Sighting
from monitor.stages.pose import PoseNetwork
from monitor.stages.speaker import SpeakerTracker
from trainer.puppet.renderer import Passage, Rendered, Script, frames

FPS = 10
WIDTH, HEIGHT = 640, 360


@pytest.fixture(scope="module")
def network() -> PoseNetwork:
    return PoseNetwork()


def shoot(seconds: float, shot: str = "lectern", seed: int = 1, **more: object) -> list[Rendered]:
    """Film one passage."""
    script = Script((Passage(0, seconds, shot, seed=seed, **more),))  # type: ignore[arg-type]
    return list(frames(script, WIDTH, HEIGHT, FPS))[: round(seconds * FPS)]


def watch(network: PoseNetwork, pictures: list[np.ndarray]) -> list[Sighting]:
    speaker, seen = SpeakerTracker(smooth=False), []
    for number, picture in enumerate(pictures):
        frame = Frame("news", 0, number / FPS, number / FPS, picture)
        seen.append(speaker.pick(frame, network.find([speaker.crop(frame)])[0]))
    return seen


def necks(sightings: list[Sighting]) -> np.ndarray:
    """(N, 2) px of every neck; NaN where nobody is followed."""
    return np.array([s.pose.keypoints[1, :2] if s.pose else (np.nan, np.nan) for s in sightings])


def reasons(sightings: list[Sighting]) -> list[str]:
    return [s.broken for s in sightings if s.broken]


def inset(large: np.ndarray, small: np.ndarray) -> np.ndarray:
    """Put a quarter-size picture into the upper right corner."""
    picture = large.copy()
    picture[16 : 16 + HEIGHT // 4, -16 - WIDTH // 4 : -16] = cv2.resize(small, (WIDTH // 4, HEIGHT // 4))
    return picture


def side_by_side(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Show the middle half of each of two pictures."""
    half = slice(WIDTH // 4, WIDTH // 4 * 3)
    return np.concatenate((left[:, half], right[:, half]), 1)


def off_truth(sightings: list[Sighting], shots: list[Rendered]) -> float:
    """How far the followed neck is from the rendered one at most, in shoulder widths."""
    truth = np.array([shot.truth[1, :2] for shot in shots])
    width = np.hypot(*(shots[0].truth[2, :2] - shots[0].truth[5, :2]))
    return float(np.hypot(*(necks(sightings) - truth).T).max() / width)


def test_somebody_in_an_inset_is_not_followed(network: PoseNetwork) -> None:
    """An inset with another speaker comes up after 1 s and stays: the one in the large picture is followed on."""
    shots, others = shoot(3), shoot(3, seed=8)
    pictures = [
        s.image if n < FPS else inset(s.image, o.image) for n, (s, o) in enumerate(zip(shots, others, strict=True))
    ]
    seen = watch(network, pictures)
    assert reasons(seen) == []
    assert off_truth(seen, shots) < 0.2


def test_a_speaker_who_goes_into_the_inset_is_not_mixed_with_the_other(network: PoseNetwork) -> None:
    """From one frame to the next the two pictures change places: the window must begin again, with a reason."""
    shots, others = shoot(2), shoot(2, "close", seed=8)
    pictures = [
        inset(s.image, o.image) if n < FPS else inset(o.image, s.image)
        for n, (s, o) in enumerate(zip(shots, others, strict=True))
    ]
    seen = watch(network, pictures)
    assert seen[FPS].broken in ("cut", "wrong_person")


def test_a_split_screen_begins_a_new_window_and_keeps_to_one_side(network: PoseNetwork) -> None:
    shots, others = shoot(3), shoot(3, seed=8)
    pictures = [
        s.image if n < FPS else side_by_side(s.image, o.image)
        for n, (s, o) in enumerate(zip(shots, others, strict=True))
    ]
    seen = watch(network, pictures)
    assert seen[FPS].broken in ("cut", "wrong_person")
    x = necks(seen[FPS + 1 :])[:, 0]
    assert (x < WIDTH / 2).all() or (x > WIDTH / 2).all()


@pytest.mark.parametrize("shot", ["close", "audience"])
def test_a_dissolve_to_another_shot_begins_a_new_window(network: PoseNetwork, shot: str) -> None:
    """Half a second of one picture fading into the other: no pose after it may be taken for the same speaker's."""
    shots, others = shoot(3), shoot(3, shot, seed=8)
    share = np.clip((np.arange(3 * FPS) - FPS) / (0.5 * FPS), 0, 1)
    pictures = [cv2.addWeighted(s.image, 1 - a, o.image, a, 0) for s, o, a in zip(shots, others, share, strict=True)]
    seen = watch(network, pictures)
    assert reasons(seen)
