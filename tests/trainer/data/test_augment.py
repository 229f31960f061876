"""Augmentation changes what recordings differ in, and nothing else."""

import pytest
import torch

from models.skeleton import LEFT_WRIST, RIGHT_WRIST
from tests.support.tracks import make_track
from trainer.data.augment import augment, drop, flicker, jitter, mirrored, tilt, warp
from trainer.recipe import Recipe


def poses() -> torch.Tensor:
    return torch.from_numpy(make_track("one", "ada").keypoints[None, :150].copy())


def random() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def test_mirroring_swaps_the_hands_and_twice_is_the_original() -> None:
    """Left is the person's own: in a mirrored picture the right wrist moves as the left one did."""
    once = mirrored(poses())
    assert torch.equal(once[:, :, RIGHT_WRIST, 1], poses()[:, :, LEFT_WRIST, 1])
    assert torch.equal(once[:, :, RIGHT_WRIST, 0], -poses()[:, :, LEFT_WRIST, 0])
    assert torch.equal(mirrored(once), poses())


def test_what_is_not_seen_stays_not_seen() -> None:
    """Rows 8 to 13, the legs, are (0, 0, 0) before and after everything."""
    recipe = Recipe(mirror=1, jitter_px=2, drop=1, warp=0.2, tilt_deg=10)
    assert not augment(poses(), recipe, random())[:, :, 8:14].any()


def test_jitter_is_as_large_as_it_says() -> None:
    """2 px at shoulders 100 px apart, which these are."""
    moved = (jitter(poses(), 2.0, random()) - poses())[:, :, :8, :2]
    assert moved.std().item() == pytest.approx(2.0, rel=0.05)


def test_warping_by_nothing_is_nothing_and_by_20_percent_is_another_tempo() -> None:
    assert torch.allclose(warp(poses(), 0.0, random()), poses(), atol=1e-3)
    assert not torch.allclose(warp(poses(), 0.2, random()), poses(), atol=5)


def test_a_tilt_keeps_every_distance() -> None:
    tilted = tilt(poses(), 20, random())
    before = torch.linalg.vector_norm(poses()[:, :, 2, :2] - poses()[:, :, 5, :2], dim=2)
    after = torch.linalg.vector_norm(tilted[:, :, 2, :2] - tilted[:, :, 5, :2], dim=2)
    assert torch.allclose(before, after, atol=1e-2)


def test_dropping_takes_one_keypoint_for_one_stretch() -> None:
    gone = (poses()[..., 2] > 0) & (drop(poses(), 1.0, random())[..., 2] == 0)  # (1, 150, 18)
    assert gone.any(dim=1).sum() == 1
    assert gone.any(dim=2).int().diff(dim=1).abs().sum() <= 2


def test_flicker_loses_up_to_its_share_of_each_keypoint_and_no_window_alike() -> None:
    """Of 0.4 at most: 0.2 on average over many windows, and single poses, not stretches."""
    many = poses()[:1].expand(200, -1, -1, -1)
    gone = (flicker(many, 0.4, random())[..., 2] == 0) & (many[..., 2] > 0)
    each = gone.float().sum((1, 2)) / (many[..., 2] > 0).float().sum((1, 2))
    assert each.max() < 0.45
    assert each.mean().item() == pytest.approx(0.2, abs=0.03)
    assert (gone[:, 1:] & gone[:, :-1]).float().mean() < gone.float().mean() / 2


def test_the_same_seed_gives_the_same_windows() -> None:
    recipe = Recipe(mirror=0.5, jitter_px=2, drop=0.5, flicker=0.2, warp=0.2, tilt_deg=10)
    assert torch.equal(augment(poses(), recipe, random()), augment(poses(), recipe, random()))
