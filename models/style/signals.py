"""From raw keypoints to the signals that style is read from: gaps closed, centred, in shoulder widths, steadied."""

import torch
from torch import Tensor, nn

# Plain numbers index keypoints here as in models/features.py: 0 nose, 1 neck, 2..4 right and 5..7 left shoulder,
# elbow, wrist. The face and the legs are left out: motion capture has no eyes, broadcasts have no legs.


def close_gaps(xy: Tensor, seen: Tensor, longest: int) -> tuple[Tensor, Tensor]:
    """Interpolate xy (B, T, K, D) where seen (B, T, K) bool is false; tell which places can be used.

    A gap of at most so many poses counts as seen once it is closed; a longer one is closed too, so that nothing
    jumps, but not used. Before the first and after the last pose that shows a keypoint it stays where it was.
    """
    length = xy.size(1)
    at = torch.arange(length, device=xy.device).view(1, length, 1).expand(seen.shape)  # (B, T, K)
    before = torch.where(seen, at, torch.full_like(at, -1)).cummax(dim=1)[0]  # (B, T, K), -1: never yet
    after = torch.where(seen, at, torch.full_like(at, length)).flip(1).cummin(dim=1)[0].flip(1)  # length: never again
    inside = (before >= 0) & (after < length)
    first = torch.where(before >= 0, before, after).clamp(max=length - 1)
    last = torch.where(after < length, after, before).clamp(min=0)
    size = xy.size(3)
    start = xy.gather(1, first.unsqueeze(3).expand(-1, -1, -1, size))  # (B, T, K, D)
    end = xy.gather(1, last.unsqueeze(3).expand(-1, -1, -1, size))
    share = (at - first).to(xy.dtype) / (last - first).clamp(min=1).to(xy.dtype)
    return start + (end - start) * share.unsqueeze(3), seen | (inside & (after - before - 1 <= longest))


def steady(signal: Tensor, width: int) -> Tensor:
    """Average each pose of (B, T, C) with its neighbours, width poses in all (odd); the ends repeat."""
    padded = nn.functional.pad(signal.transpose(1, 2), [width // 2, width // 2], mode="replicate")  # (B, C, T + w - 1)
    return nn.functional.avg_pool1d(padded, width, 1).transpose(1, 2)


def body_signals(poses: Tensor, width: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(B, T, 18, 3) raw keypoints -> what the statistics are taken of, in shoulder widths (median of the window).

    Returns the nose, shoulders, elbows and wrists relative to the neck of the same pose (B, T, 7, 2), which of them
    can be used (B, T, 7) bool, the neck relative to its own mean (B, T, 2), and whether that can be used (B, T) bool.
    Nothing can be used where the shoulders are never seen, since they give the scale.
    """
    seen = (poses[:, :, :8, 2] > 0) & torch.isfinite(poses[:, :, :8]).all(dim=3)  # (B, T, 8)
    xy = torch.where(seen.unsqueeze(3), poses[:, :, :8, :2], torch.zeros_like(poses[:, :, :8, :2]))
    xy, usable = close_gaps(xy, seen, 6)  # MAX_GAP_S of the monitor: 0.2 s
    across = torch.linalg.vector_norm(xy[:, :, 2] - xy[:, :, 5], dim=2)  # (B, T)
    known = torch.where(usable[:, :, 2] & usable[:, :, 5], across, torch.full_like(across, float("nan")))
    scale = torch.nan_to_num(known.nanmedian(dim=1)[0])  # (B,)
    scaled = scale > 1.0
    scale = torch.where(scaled, scale, torch.ones_like(scale) * 1e6)
    usable = usable & scaled.unsqueeze(1).unsqueeze(2)
    xy = xy / scale.unsqueeze(1).unsqueeze(2).unsqueeze(3)  # (B, T, 8, 2)
    xy = steady(xy.flatten(2), width).reshape(xy.shape)
    neck, neck_usable = xy[:, :, 1], usable[:, :, 1]
    weight = neck_usable.to(xy.dtype).unsqueeze(2)
    home = (neck * weight).sum(dim=1, keepdim=True) / weight.sum(dim=1, keepdim=True).clamp(min=1.0)
    others = [0, 2, 3, 4, 5, 6, 7]
    place = xy[:, :, others] - neck.unsqueeze(2)  # (B, T, 7, 2)
    return place, usable[:, :, others] & neck_usable.unsqueeze(2), neck - home, neck_usable
