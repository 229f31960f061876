"""A window with part of its movement taken out, to see what a model makes of the rest.

*A keypoint held still* stays at its mean place in the picture, wherever it was seen. *A second held still*: no
keypoint moves in it; each stays where it was as the second began, goes on from there after it, and the whole is
shifted so that its mean place is the window's. So every step between two poses is one that the body made, or none;
holding a second at the mean place would add a jump at each of its borders, which nobody made and networks look at.
After a held second the body may stand apart from where it was, by as far as it came in that second.
"""

import torch
from torch import Tensor

from models.skeleton import RATE_HZ, UPPER_BODY

SECOND = round(RATE_HZ)
"""Poses in a second."""


def keypoints_moving(poses: Tensor, still: Tensor, moves: Tensor) -> Tensor:
    """(T, 18, 3) as it was and held still, (N, 12) bool which upper keypoints move -> (N, T, 18, 3)."""
    as_it_was = torch.ones(len(moves), 1, poses.shape[1], 1, dtype=torch.bool)
    as_it_was[:, 0, UPPER_BODY, 0] = moves
    return torch.where(as_it_was, poses, still)


def seconds_moving(poses: Tensor, still: Tensor, moves: Tensor) -> Tensor:
    """(T, 18, 3) as it was and held still, (N, seconds) bool in which it moves -> (N, T, 18, 3).

    A step belongs to the second of the pose that it leads to; one over a gap, to that of the first pose after it.
    """
    upper = poses[:, UPPER_BODY].double()  # (T, 12, 3)
    seen = upper[..., 2] > 0  # (T, 12)
    at = torch.arange(len(poses)).unsqueeze(1)  # (T, 1)
    latest = torch.where(seen, at, seen.int().argmax(dim=0)).cummax(dim=0)[0]  # (T, 12): the pose that last showed it
    place = upper[..., :2].gather(0, latest.unsqueeze(2).expand(-1, -1, 2))  # (T, 12, 2)
    step = place.diff(dim=0, prepend=place[:1])  # (T, 12, 2)
    way = (step * moves[:, at // SECOND].unsqueeze(3)).cumsum(dim=1)  # (N, T, 12, 2)
    shown = seen.unsqueeze(2)  # (T, 12, 1)
    mean = (way * shown).sum(dim=1, keepdim=True) / shown.sum(dim=0).clamp(min=1)  # (N, 1, 12, 2)
    moved = poses.repeat(len(moves), 1, 1, 1)
    there = still[:, UPPER_BODY, :2] + way - mean
    moved[:, :, UPPER_BODY, :2] = torch.where(shown, there, upper[..., :2]).to(poses.dtype)
    return moved
