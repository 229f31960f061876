"""Speeds in shoulder widths a second: whatever the size in the picture, the frame rate or the way the body goes."""

import numpy as np
import numpy.typing as npt
import pytest

from models.movement import normal_speeds, speeds
from models.skeleton import KEYPOINTS, LEFT_SHOULDER, LEFT_WRIST, NECK, RIGHT_SHOULDER, RIGHT_WRIST


def body(*, wrist_px_per_s: float = 0.0, sway_px_per_s: float = 0.0, zoom: float = 1.0) -> npt.NDArray[np.float32]:
    """A body 100 px wide at the shoulders for 5 s; its right wrist goes right, or all of it goes down."""
    poses = np.zeros((150, 18, 3), np.float32)
    poses[..., 2] = 1.0
    poses[:, RIGHT_SHOULDER, 0], poses[:, LEFT_SHOULDER, 0], poses[:, NECK, 0] = 250, 350, 300
    time_s = np.arange(150) / 30
    poses[:, RIGHT_WRIST, 0] += (wrist_px_per_s * time_s).astype(np.float32)
    poses[..., 1] += (200 + sway_px_per_s * time_s)[:, None].astype(np.float32)
    poses[..., :2] *= zoom
    return poses


@pytest.mark.parametrize("zoom", [1.0, 0.3])
def test_a_wrist_that_crosses_two_shoulder_widths_a_second_is_said_to(zoom: float) -> None:
    """200 px a second where shoulders are 100 px apart, and as much from further away."""
    told = speeds(body(wrist_px_per_s=200, zoom=zoom))
    assert told["right_wrist"] == pytest.approx(2.0, rel=1e-4)
    assert told["left_wrist"] == pytest.approx(0.0, abs=1e-4)


def test_a_body_that_sways_moves_its_neck_and_nothing_about_it() -> None:
    """50 px a second: the gestures of somebody who walks are those of somebody who stands."""
    told = speeds(body(sway_px_per_s=50))
    assert told["neck"] == pytest.approx(0.5, rel=1e-4)
    assert {round(speed, 4) for name, speed in told.items() if name != "neck"} == {0.0}


def test_a_stream_of_half_the_frame_rate_gives_the_same_speed() -> None:
    """A 2 Hz beat of 40 px and jitter of 1 px; every other pose is a straight line between its neighbours."""
    poses = body()
    poses[:, RIGHT_WRIST, 1] += 40 * np.sin(2 * np.pi * 2 * np.arange(150) / 30)
    poses[..., :2] += np.random.default_rng(1).normal(0, 1, poses[..., :2].shape)
    half = poses.copy()
    half[1:-1:2, :, :2] = (poses[:-2:2, :, :2] + poses[2::2, :, :2]) / 2
    assert speeds(half)["right_wrist"] == pytest.approx(speeds(poses)["right_wrist"], rel=0.05)


def test_what_is_seldom_seen_has_no_speed() -> None:
    """The left wrist in 60 of 150 poses; and without a shoulder there is no measure at all."""
    poses = body()
    poses[60:, LEFT_WRIST] = 0
    assert KEYPOINTS[LEFT_WRIST] not in speeds(poses)
    poses[:, LEFT_SHOULDER] = 0
    assert speeds(poses) == {}


def test_a_persons_range_leaves_out_the_slowest_and_the_fastest_twentieth() -> None:
    """Windows at 0, 1, ... 100 hundredths of a shoulder width a second: 5 % is 0.05, 95 % is 0.95."""
    normal = normal_speeds(body(wrist_px_per_s=speed) for speed in range(101))
    assert normal["right_wrist"] == {"low": 0.05, "mean": 0.5, "high": 0.95}
    assert normal["left_wrist"] == {"low": 0.0, "mean": 0.0, "high": 0.0}


def test_of_few_windows_no_range_is_told() -> None:
    assert normal_speeds(body(wrist_px_per_s=speed) for speed in range(19)) == {}
