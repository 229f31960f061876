"""Made-up bodies for the trainer's tests: people who differ in how fast and how far they move their wrists."""

from collections.abc import Sequence

import numpy as np

from models.skeleton import LEFT_WRIST, RIGHT_WRIST
from trainer.data.tracks import Track

REST_PX = np.array(
    [
        (320, 110), (320, 150), (270, 150), (255, 215), (275, 260), (370, 150), (385, 215), (365, 260),
        (0, 0), (0, 0), (0, 0), (0, 0), (0, 0), (0, 0), (310, 100), (330, 100), (300, 105), (340, 105),
    ],
    np.float32,
)  # fmt: skip
LOWER = slice(8, 14)


def make_track(
    recording: str,
    person: str,
    *,
    hz: float = 1.0,
    reach_px: float = 30.0,
    seconds: float = 20.0,
    session: str = "walk_monday",
    genuine: bool = True,
    seed: int = 0,
    width_px: float = 1.0,
) -> Track:
    """A body whose wrists beat at hz over reach_px with a phase of its own; width_px scales the whole."""
    random = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * 30)) / 30
    keypoints = np.zeros((len(time_s), 18, 3), np.float32)
    keypoints[..., :2] = (REST_PX - [320, 180]) * width_px + [320, 180]
    beat = np.sin(2 * np.pi * (hz * time_s + random.uniform()))
    keypoints[:, RIGHT_WRIST, 1] -= reach_px * beat
    keypoints[:, LEFT_WRIST, 1] -= reach_px * np.roll(beat, 5)
    keypoints[..., :2] += random.normal(0, 0.5, keypoints[..., :2].shape)
    keypoints[..., 2] = 1
    keypoints[:, LOWER] = 0
    shot = np.zeros(len(time_s), np.int32)
    return Track(recording, person, session, time_s, keypoints, shot, 640, 360, genuine, "made up", "CC0")


def two_people(recordings: int = 6, seconds: float = 20.0) -> list[Track]:
    """Ada beats once a second, Bob 1.6 times; same body, same reach, on two days and in three movements each."""
    tracks: Sequence[tuple[str, float]] = (("ada", 1.0), ("bob", 1.6))
    return [
        make_track(
            f"{person}-{number}",
            person,
            hz=hz * (1 + 0.05 * (number % 3)),
            seconds=seconds,
            session=f"m{number % 3}_{'monday' if number < recordings / 2 else 'tuesday'}",
            seed=100 * number + len(person) + ord(person[0]),
        )
        for person, hz in tracks
        for number in range(recordings)
    ]
