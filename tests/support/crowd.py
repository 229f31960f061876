"""A dozen made-up people, each with a tempo, a reach and a size, in two movements and two takes of each."""

from functools import cache

import numpy as np

from tests.support.tracks import make_track
from trainer.data.tracks import Track
from trainer.verify.windows import StyleWindows, describe

PEOPLE = tuple(f"p{number:02d}" for number in range(12))


def crowd(seconds: float = 20.0) -> list[Track]:
    """48 recordings: p00 is slow with a small reach, p11 fast with a large one, in between all sorts."""
    random = np.random.default_rng(3)
    tempo, reach = np.linspace(0.5, 2.0, 12), random.permutation(np.linspace(12, 60, 12))
    size = random.permutation(np.linspace(0.8, 1.2, 12))
    return [
        make_track(
            f"{person}-{action}-{take}",
            person,
            hz=float(tempo[number]) * (1.0 if action == "m0" else 1.15),
            reach_px=float(reach[number] * size[number]),
            seconds=seconds,
            session=f"{action}_{take}",
            seed=1000 * number + 10 * len(take) + int(action[1]),
            width_px=float(size[number]),
        )
        for number, person in enumerate(PEOPLE)
        for action in ("m0", "m1")
        for take in ("cor", "incor")
    ]


@cache
def crowd_windows() -> StyleWindows:
    """Statistics of the crowd's windows, one every 2 s."""
    return describe(crowd())


def poses_of(person: str, action: str = "m0", take: str = "cor", *, windows: int = 6) -> np.ndarray:
    """(N, 150, 18, 3) windows of one recording, one every 2 s."""
    track = next(track for track in crowd() if track.recording == f"{person}-{action}-{take}")
    return np.stack([track.keypoints[start : start + 150] for start in range(0, 60 * windows, 60)])
