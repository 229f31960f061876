"""What a pose network does to true keypoints: jitter, keypoints lost for a while, arms swapped, confidence."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from trainer.data.tracks import Track

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Noise:
    """jitter: deviation of a keypoint in shoulder widths, as slow as memory (0 white, towards 1 slower) makes it; an
    arm's end jitters half as much again. lost, swapped: how often a second a keypoint is lost, and the wrists are
    swapped; each for 0.1 to 0.5 s."""

    jitter: float = 0.015
    memory: float = 0.5
    lost: float = 0.1
    swapped: float = 0.02


def as_seen(track: Track, seed: int, noise: Noise | None = None) -> Track:
    """Give a track of true keypoints what OpenPose makes of it; what was unseen stays so."""
    noise, random = noise or Noise(), np.random.default_rng(seed)
    keypoints = track.keypoints.copy()
    seen = keypoints[..., 2] > 0
    both = seen[:, 2] & seen[:, 5]
    if not both.any():
        return track
    width_px = float(np.median(np.linalg.norm(keypoints[both, 2, :2] - keypoints[both, 5, :2], axis=1)))
    shaken = _slow(random, keypoints[..., :2].shape, noise.memory) * noise.jitter * width_px
    shaken[:, [3, 4, 6, 7]] *= 1.5
    keypoints[..., :2] += np.where(seen[..., None], shaken, 0)
    for first, last in _spells(random, len(keypoints), noise.swapped):
        keypoints[first:last, [4, 7]] = keypoints[first:last, [7, 4]]
    for keypoint in range(18):
        for first, last in _spells(random, len(keypoints), noise.lost):
            keypoints[first:last, keypoint] = 0
    confidence = random.beta(8, 2, keypoints.shape[:2]).astype(np.float32)
    keypoints[..., 2] = np.where(keypoints[..., 2] > 0, confidence, 0)
    return replace(track, keypoints=keypoints)


def half_rate(track: Track) -> Track:
    """Drop every other pose and draw a line over it, as the monitor does with a stream of 15 frames a second."""
    keypoints = track.keypoints.copy()
    last = (len(keypoints) - 1) // 2 * 2
    keypoints[1:last:2] = (keypoints[0:last:2] + keypoints[2 : last + 1 : 2]) / 2
    both = (track.keypoints[0:last:2, :, 2:] > 0) & (track.keypoints[2 : last + 1 : 2, :, 2:] > 0)
    keypoints[1:last:2] = np.where(both, keypoints[1:last:2], 0)
    return replace(track, keypoints=keypoints)


def _slow(random: np.random.Generator, shape: tuple[int, ...], memory: float) -> Floats:
    """Noise of deviation 1 in which each pose remembers the one before."""
    fresh = random.standard_normal(shape).astype(np.float32)
    for row in range(1, len(fresh)):
        fresh[row] = memory * fresh[row - 1] + np.sqrt(1 - memory**2) * fresh[row]
    return fresh


def _spells(random: np.random.Generator, poses: int, a_second: float) -> list[tuple[int, int]]:
    """Stretches of 3 to 15 poses that begin so often a second."""
    starts = np.flatnonzero(random.random(poses) < a_second / 30)
    return [(int(start), min(int(start) + int(random.integers(3, 16)), poses)) for start in starts]
