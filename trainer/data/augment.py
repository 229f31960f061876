"""Make training windows differ as recordings do: mirrored, unsteady, with lost keypoints, faster or slower, tilted.

Everything works on raw keypoints (B, T, 18, 3), before the model's own normalisation, and takes its generator.
"""

import torch
from torch import Tensor

from models.skeleton import LEFT_SHOULDER, MIRRORED, RIGHT_SHOULDER, UPPER_BODY
from trainer.recipe import Recipe


def augment(poses: Tensor, recipe: Recipe, random: torch.Generator) -> Tensor:
    """Apply what the recipe asks for, each to its share of the windows; shape stays."""
    if recipe.warp > 0:
        poses = warp(poses, recipe.warp, random)
    if recipe.mirror > 0:
        chosen = torch.rand(len(poses), generator=random) < recipe.mirror
        poses = torch.where(chosen.view(-1, 1, 1, 1), mirrored(poses), poses)
    if recipe.tilt_deg > 0:
        poses = tilt(poses, recipe.tilt_deg, random)
    if recipe.jitter_px > 0:
        poses = jitter(poses, recipe.jitter_px, random)
    if recipe.drop > 0:
        poses = drop(poses, recipe.drop, random)
    if recipe.flicker > 0:
        poses = flicker(poses, recipe.flicker, random)
    return poses


def mirrored(poses: Tensor) -> Tensor:
    """Swap left and right and turn x around; unseen keypoints stay (0, 0, 0)."""
    swapped = poses[:, :, list(MIRRORED)]
    x = torch.where(swapped[..., 2] > 0, -swapped[..., 0], swapped[..., 0])
    return torch.stack([x, swapped[..., 1], swapped[..., 2]], dim=-1)


def warp(poses: Tensor, most: float, random: torch.Generator) -> Tensor:
    """Play each window up to `most` faster or slower about its middle; what would lie outside repeats the edge."""
    count, length = poses.shape[:2]
    speed = 1 + most * (2 * torch.rand(count, 1, generator=random) - 1)  # (B, 1)
    middle = (length - 1) / 2
    at = ((torch.arange(length) - middle) * speed + middle).clamp(0, length - 1)  # (B, T)
    before = at.floor().long()
    after = (before + 1).clamp(max=length - 1)
    share = (at - before).view(count, length, 1, 1)
    row = torch.arange(count).unsqueeze(1)
    a, b = poses[row, before], poses[row, after]
    both = (a[..., 2:] > 0) & (b[..., 2:] > 0)
    return torch.where(both, a + share * (b - a), torch.where(share >= 0.5, b, a))


def tilt(poses: Tensor, most_deg: float, random: torch.Generator) -> Tensor:
    """Turn each window's picture about its origin, as a camera that is not level does."""
    angle = torch.deg2rad(most_deg * (2 * torch.rand(len(poses), 1, 1, generator=random) - 1))
    x, y, seen = poses.unbind(-1)
    turned = torch.stack([x * angle.cos() - y * angle.sin(), x * angle.sin() + y * angle.cos(), seen], dim=-1)
    return torch.where(poses[..., 2:] > 0, turned, poses)


def jitter(poses: Tensor, deviation_px: float, random: torch.Generator) -> Tensor:
    """Add noise to what is seen; deviation_px counts for shoulders 100 px apart."""
    noise = torch.randn(*poses.shape[:3], 2, generator=random) * deviation_px * size_of(poses)
    moved = torch.cat([poses[..., :2] + noise, poses[..., 2:]], dim=-1)
    return torch.where(poses[..., 2:] > 0, moved, poses)


def size_of(poses: Tensor) -> Tensor:
    """(B, 1, 1, 1) the median width of each window's shoulders, 1 where they are 100 px apart."""
    shoulders = poses[:, :, RIGHT_SHOULDER, :2] - poses[:, :, LEFT_SHOULDER, :2]  # (B, T, 2)
    width: Tensor = torch.linalg.vector_norm(shoulders, dim=2).median(dim=1).values
    return width.view(-1, 1, 1, 1) / 100


def drop(poses: Tensor, share: float, random: torch.Generator) -> Tensor:
    """Take one of the 12 keypoints out of a share of the windows, for up to the whole window."""
    count, length = poses.shape[:2]
    which = torch.tensor(UPPER_BODY)[torch.randint(len(UPPER_BODY), (count,), generator=random)]  # (B,)
    edges = (torch.rand(count, 2, generator=random) * length).sort(dim=1).values
    time = torch.arange(length).view(1, -1)
    gone = (time >= edges[:, :1]) & (time < edges[:, 1:])  # (B, T)
    gone &= torch.rand(count, 1, generator=random) < share
    hit = torch.nn.functional.one_hot(which, poses.shape[2]).bool().view(count, 1, -1, 1) & gone.view(
        count, length, 1, 1
    )
    return poses.masked_fill(hit, 0.0)


def flicker(poses: Tensor, most: float, random: torch.Generator) -> Tensor:
    """Lose keypoints for single poses, as a pose network does: of each window a share of its own, up to most."""
    share = most * torch.rand(len(poses), 1, 1, 1, generator=random)
    gone = torch.rand(*poses.shape[:3], 1, generator=random) < share  # (B, T, 18, 1)
    return poses.masked_fill(gone, 0.0)
