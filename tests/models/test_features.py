"""Normalisation: what each feature set keeps and what it throws away."""

import numpy as np
import pytest
import torch

from models.features import FEATURES, BodyFeatures, Head3DFeatures, MotionFeatures, PaperFeatures, _twelve
from models.skeleton import LEFT_EAR, LEFT_SHOULDER, LEFT_WRIST, NECK, NOSE, RATE_HZ, RIGHT_SHOULDER, UPPER_BODY

INSIDE = torch.ones(1, 150, 1, 1, dtype=torch.bool)


def body(*, wave_px: float = 20.0, zoom: float = 1.0, shift_px: float = 0.0) -> torch.Tensor:
    """A still body 100 px wide at the shoulders whose left wrist goes up and down twice in 5 s: (1, 150, 18, 3)."""
    poses = torch.zeros(1, 150, 18, 3)
    poses[..., 2] = 1.0
    poses[..., :2] = torch.tensor([320.0, 200.0]) + 10 * torch.arange(18.0).unsqueeze(1)
    poses[:, :, NECK, :2] = torch.tensor([320.0, 150.0])
    poses[:, :, RIGHT_SHOULDER, :2] = torch.tensor([270.0, 150.0])
    poses[:, :, LEFT_SHOULDER, :2] = torch.tensor([370.0, 150.0])
    poses[:, :, LEFT_WRIST, 1] += wave_px * torch.sin(torch.arange(150) / 150 * 4 * torch.pi)
    poses[..., :2] = poses[..., :2] * zoom + shift_px
    return poses


def test_the_numbers_in_the_feature_sets_are_the_skeleton() -> None:
    """TorchScript sees no global names, so features.py writes the skeleton's numbers out."""
    assert (NECK, RIGHT_SHOULDER, LEFT_SHOULDER, RATE_HZ) == (1, 2, 5, 30.0)
    assert _twelve(torch.arange(18).view(1, 1, 18, 1)).flatten().tolist() == list(UPPER_BODY)


def test_the_papers_z_score_has_mean_0_and_deviation_1_where_something_moves() -> None:
    """Equation 1 by window and column; the left wrist's y is column 7 * 2 + 1 of 24."""
    z = PaperFeatures()(body(), INSIDE)[0]
    assert z.shape == (150, 24)
    assert z[:, 15].mean() == pytest.approx(0, abs=1e-5)
    assert z[:, 15].std() == pytest.approx(1, abs=1e-4)


def test_a_keypoint_that_never_moves_or_is_never_seen_is_0_and_not_nan() -> None:
    """The paper: mean and deviation are both zero, and the NaN that gives is replaced with zero."""
    poses = body()
    poses[:, :, NOSE] = 0.0
    z = PaperFeatures()(poses, INSIDE)[0]
    assert torch.equal(z[:, 0:15], torch.zeros(150, 15))


def test_the_z_score_throws_the_amplitude_away_and_body_keeps_it() -> None:
    """Twice the movement is the same after eq. 1, and twice as much in shoulder widths."""
    small, large = body(wave_px=10), body(wave_px=20)
    assert torch.allclose(PaperFeatures()(small, INSIDE), PaperFeatures()(large, INSIDE), atol=1e-3)
    rise = [MotionFeatures()(poses, INSIDE)[0, :, 15].max() for poses in (small, large)]
    assert rise[1] / rise[0] == pytest.approx(2, rel=1e-4)


@pytest.mark.parametrize("name", list(FEATURES))
def test_moving_or_zooming_the_camera_changes_no_feature(name: str) -> None:
    """A person 1.5 times as large and 40 px aside moves alike."""
    features = FEATURES[name]()
    assert torch.allclose(features(body(), INSIDE), features(body(zoom=1.5, shift_px=40), INSIDE), atol=2e-3)


def test_a_wrist_a_shoulder_width_below_the_neck_is_at_1() -> None:
    """Shoulders are 100 px apart; the wrist stands 100 px under the neck."""
    poses = body()
    poses[:, :, LEFT_WRIST, :2] = torch.tensor([320.0, 250.0])
    place = BodyFeatures()(poses, INSIDE)[0, 0]
    assert place[14:16].tolist() == pytest.approx([0, 1], abs=1e-5)


def test_motion_holds_no_posture() -> None:
    """Another arm, held still, can't be told from `motion`; it can from `body`."""
    one, other = body(), body()
    other[:, :, 3, :2] += 30
    assert torch.allclose(MotionFeatures()(one, INSIDE), MotionFeatures()(other, INSIDE), atol=1e-4)
    assert not torch.allclose(BodyFeatures()(one, INSIDE), BodyFeatures()(other, INSIDE), atol=1e-1)


def test_a_keypoint_that_blinks_makes_no_velocity() -> None:
    """Seen, not seen, seen: the jump to (0, 0) and back is no movement."""
    poses = body(wave_px=0)
    poses[:, 70:75, LEFT_WRIST] = 0.0
    velocity = BodyFeatures()(poses, INSIDE)[0, :, 36:60]
    assert torch.equal(velocity, torch.zeros(150, 24))


@pytest.mark.parametrize("yaw_deg", [-25.0, 0.0, 25.0])
def test_a_turned_head_gives_its_yaw(yaw_deg: float) -> None:
    """The mean head itself, turned about the vertical and drawn at 80 px, reads within two degrees."""
    features = Head3DFeatures()
    turn = torch.tensor(np.deg2rad(yaw_deg))
    x, y, depth = features.head.T
    poses = body(wave_px=0)
    face = [NOSE, 14, 15, 16, LEFT_EAR]
    poses[:, :, face, 0] = 320 + 80 * (x * torch.cos(turn) + depth * torch.sin(turn))
    poses[:, :, face, 1] = 90 + 80 * y
    angles = features(poses, INSIDE)[0, 0, 39:43]
    assert torch.rad2deg(angles[:3]).tolist() == pytest.approx([yaw_deg, 0, 0], abs=2)
    assert angles[3] == 1


def test_a_head_with_three_points_seen_is_not_seen() -> None:
    """Three of five points can't tell a turn from a tilt."""
    poses = body()
    poses[:, :, [NOSE, 14]] = 0.0
    assert torch.equal(Head3DFeatures()(poses, INSIDE)[0, :, 39:43], torch.zeros(150, 4))
