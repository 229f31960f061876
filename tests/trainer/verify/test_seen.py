"""Motion capture as a pose network would see it."""

import numpy as np
import pytest

from models.skeleton import NOSE, RIGHT_WRIST
from tests.support.tracks import make_track
from trainer.verify.seen import Noise, as_seen, half_rate

TRACK = make_track("one", "ada", seconds=100.0)
"""3,000 poses; shoulders 100 px apart."""


def test_jitter_is_as_large_as_it_says_and_half_as_much_again_at_the_arms() -> None:
    """0.02 of 100 px are 2 px at the nose and 3 at a wrist."""
    seen = as_seen(TRACK, 0, Noise(jitter=0.02, lost=0, swapped=0))
    moved = (seen.keypoints - TRACK.keypoints)[..., :2]
    assert moved[:, NOSE].std() == pytest.approx(2.0, rel=0.1)
    assert moved[:, RIGHT_WRIST].std() == pytest.approx(3.0, rel=0.1)


def test_keypoints_are_lost_for_a_while_and_confidence_says_so() -> None:
    """0.5 times a second for 0.1 to 0.5 s, 0.3 on average: some 15 % of poses, and what is lost is zero."""
    seen = as_seen(TRACK, 0, Noise(jitter=0.0, lost=0.5, swapped=0))
    gone = seen.keypoints[:, RIGHT_WRIST, 2] == 0
    assert 0.08 < gone.mean() < 0.22
    assert not seen.keypoints[gone, RIGHT_WRIST].any()
    assert (seen.keypoints[..., 2] <= 1).all()


def test_what_was_unseen_stays_unseen() -> None:
    """Legs behind a lectern."""
    assert not as_seen(TRACK, 0).keypoints[:, 8:14].any()


def test_the_same_seed_makes_the_same_noise() -> None:
    """A background can be made again."""
    assert np.array_equal(as_seen(TRACK, 5).keypoints, as_seen(TRACK, 5).keypoints)


def test_half_the_rate_leaves_every_other_pose_and_a_line_between() -> None:
    """Pose 1 becomes the mean of 0 and 2; where one of them is unseen it is too."""
    track = make_track("one", "ada", seconds=1.0)
    track.keypoints[2, NOSE] = 0
    slow = half_rate(track).keypoints
    assert np.array_equal(slow[::2], track.keypoints[::2])
    assert np.allclose(slow[1, RIGHT_WRIST], (track.keypoints[0, RIGHT_WRIST] + track.keypoints[2, RIGHT_WRIST]) / 2)
    assert not slow[1, NOSE].any()
