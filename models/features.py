"""Raw keypoints in, features out: the normalisation that every body-language model carries inside.

A feature set is a TorchScript module: (B, T, 18, 3) raw keypoints and (B, T, 1, 1) bool "this pose belongs to the
window" -> (B, T, width). It has no weights. A keypoint that is not seen is 0 wherever it would have been.
"""

import torch
from torch import Tensor, nn

# Plain numbers index keypoints here, since TorchScript sees no global names: 1 neck, 2 and 5 shoulders, and the
# paper's 12 are 0..7 and 14..17 (models/skeleton.py). tests/models/test_features.py holds them against those names.

# A head seen from the front in units of its own width, as (right of picture, down, towards the camera):
# nose, right eye, left eye, right ear, left ear. Mean human proportions; only their ratios matter.
HEAD_MODEL = (
    (0.0, 0.0, 0.70),
    (-0.22, -0.24, 0.50),
    (0.22, -0.24, 0.50),
    (-0.50, -0.10, 0.0),
    (0.50, -0.10, 0.0),
)


class PaperFeatures(nn.Module):
    """The paper's 24 coordinates, z-scored per window and column (eq. 1); not seen counts as (0, 0), NaN as 0.

    What it throws away: the amplitude of every movement, the proportions of the body, and where one keypoint is
    relative to another. A column that never moves is 0.
    """

    width = 24
    normalisation = "z-score per window and coordinate (eq. 1), not seen = 0, NaN = 0"

    def forward(self, poses: Tensor, inside: Tensor) -> Tensor:
        xy = _upper(poses)  # (B, T, 12, 2)
        count = inside.sum(dim=1, keepdim=True)  # (B, 1, 1, 1)
        mean = (xy * inside).sum(dim=1, keepdim=True) / count  # (B, 1, 12, 2)
        apart = (xy - mean) * inside  # (B, T, 12, 2)
        deviation = (apart.square().sum(dim=1, keepdim=True) / (count - 1)).sqrt()  # (B, 1, 12, 2)
        # Rounding gives a column that never moves a deviation of some 1e-7 of its mean: that is eq. 1's 0 / 0.
        still = deviation <= 1e-5 * mean.abs()
        z = torch.where(still, torch.zeros_like(apart), apart / torch.where(still, torch.ones_like(mean), deviation))
        return z.flatten(2)  # (B, T, 24)


class BodyFeatures(nn.Module):
    """The 12 keypoints around the neck in shoulder widths, seen-mask, velocities, the neck's own way, limb lengths.

    One scale and one origin per window, both medians, so that a pose misread for a few frames moves neither.
    Amplitude and proportions are kept; place and size in the picture are not.
    """

    width = 12 * 2 + 12 + 12 * 2 + 4 + 14
    normalisation = "neck-centred, in shoulder widths (window median); seen-mask; velocities per second; limb lengths"

    def forward(self, poses: Tensor, inside: Tensor) -> Tensor:
        place, seen, neck = _around_neck(poses, inside)  # (B, T, 12, 2), (B, T, 12, 1), (B, T, 1, 2)
        neck_seen = seen[:, :, 1:2]  # (B, T, 1, 1)
        parts = [
            place.flatten(2),
            seen.flatten(2),
            _velocity(place, seen).flatten(2) * 0.5,
            neck.flatten(2),
            _velocity(neck, neck_seen).flatten(2) * 0.5,
            _limbs(place, seen),
        ]
        return torch.cat(parts, dim=2) * inside.squeeze(3)  # (B, T, 78)


class MotionFeatures(nn.Module):
    """As `body`, less each keypoint's mean place in the window: movement with its amplitude, and no posture.

    A person's proportions and rest posture can't be told from it, only how far, how fast and when they move.
    """

    width = 12 * 2 + 12 + 12 * 2 + 4
    normalisation = "as body without limb lengths, less each keypoint's mean over the window"

    def forward(self, poses: Tensor, inside: Tensor) -> Tensor:
        place, seen, neck = _around_neck(poses, inside)  # (B, T, 12, 2), (B, T, 12, 1), (B, T, 1, 2)
        neck_seen = seen[:, :, 1:2]  # (B, T, 1, 1)
        moved = _less_mean(place, seen * inside)
        parts = [
            moved.flatten(2) * 2.0,
            seen.flatten(2),
            _velocity(place, seen).flatten(2) * 0.5,
            _less_mean(neck, neck_seen * inside).flatten(2) * 2.0,
            _velocity(neck, neck_seen).flatten(2) * 0.5,
        ]
        return torch.cat(parts, dim=2) * inside.squeeze(3)  # (B, T, 64)


class Head3DFeatures(nn.Module):
    """As `body`, with the head's yaw, pitch and roll in place of its five keypoints (the paper's section 6).

    The angles come from a scaled orthographic fit of a mean head to the nose, eyes and ears that are seen; with
    fewer than four of them the head counts as not seen. Radians; yaw > 0 looks to the right of the picture,
    pitch > 0 down, roll > 0 clockwise in the picture.
    """

    width = 7 * 2 + 7 + 7 * 2 + 4 + 7
    head: Tensor
    normalisation = "as body for neck and arms; head as yaw, pitch, roll (rad) with their velocities"

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("head", torch.tensor(HEAD_MODEL))  # (5, 3)

    def forward(self, poses: Tensor, inside: Tensor) -> Tensor:
        place, seen, neck = _around_neck(poses, inside)  # (B, T, 12, 2), (B, T, 12, 1), (B, T, 1, 2)
        neck_seen = seen[:, :, 1:2]
        face = torch.cat([place[:, :, 0:1], place[:, :, 8:12]], dim=2)  # (B, T, 5, 2)
        face_seen = torch.cat([seen[:, :, 0:1], seen[:, :, 8:12]], dim=2)  # (B, T, 5, 1)
        angles, head_seen = _head_angles(face, face_seen, self.head)  # (B, T, 1, 3), (B, T, 1, 1)
        place, seen = place[:, :, 1:8], seen[:, :, 1:8]  # (B, T, 7, 2), (B, T, 7, 1)
        parts = [
            place.flatten(2),
            seen.flatten(2),
            _velocity(place, seen).flatten(2) * 0.5,
            neck.flatten(2),
            _velocity(neck, neck_seen).flatten(2) * 0.5,
            angles.flatten(2),
            head_seen.flatten(2),
            _velocity(angles, head_seen).flatten(2) * 0.5,
        ]
        return torch.cat(parts, dim=2) * inside.squeeze(3)  # (B, T, 46)


FEATURES: dict[str, type[PaperFeatures | BodyFeatures | MotionFeatures | Head3DFeatures]] = {
    "paper": PaperFeatures,
    "body": BodyFeatures,
    "motion": MotionFeatures,
    "head3d": Head3DFeatures,
}


def _twelve(keypoints: Tensor) -> Tensor:
    """(B, T, 18, D) -> (B, T, 12, D): the paper's keypoints, in the order of its Table 1."""
    return torch.cat([keypoints[:, :, 0:8], keypoints[:, :, 14:18]], dim=2)


def _seen(poses: Tensor) -> Tensor:
    """(B, T, 18, 3) -> (B, T, 18, 1) float32: 1 where a keypoint was seen and its numbers can be used."""
    usable = (poses[..., 2:] > 0) & torch.isfinite(poses).all(dim=-1, keepdim=True)
    return usable.to(torch.float32)


def _upper(poses: Tensor) -> Tensor:
    """(B, T, 18, 3) -> (B, T, 12, 2) pixels of the paper's keypoints, (0, 0) where not seen."""
    upper = _twelve(poses)  # (B, T, 12, 3)
    return torch.where(_seen(upper) > 0, upper[..., :2], torch.zeros_like(upper[..., :2]))


def _around_neck(poses: Tensor, inside: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Centre and scale a window.

    Returns the 12 keypoints relative to the same pose's neck (B, T, 12, 2), whether each is seen (B, T, 12, 1), and
    the neck relative to its own median place (B, T, 1, 2); in shoulder widths, 0 where the keypoint or the neck
    is not seen.
    """
    seen = _seen(poses) * inside  # (B, T, 18, 1)
    xy = torch.where(seen > 0, poses[..., :2], torch.zeros_like(poses[..., :2]))  # (B, T, 18, 2)
    shoulders = xy[:, :, 2] - xy[:, :, 5]  # (B, T, 2)
    both = (seen[:, :, 2] * seen[:, :, 5]).squeeze(2)  # (B, T)
    scale = _median(torch.linalg.vector_norm(shoulders, dim=2), both)  # (B, 1)
    scale = torch.where(scale > 1.0, scale, torch.ones_like(scale) * 1e6)  # no shoulders: every place is near 0
    scale = scale.unsqueeze(2).unsqueeze(3)  # (B, 1, 1, 1)
    neck = xy[:, :, 1:2]  # (B, T, 1, 2)
    neck_seen = seen[:, :, 1:2]  # (B, T, 1, 1)
    place = (_twelve(xy) - neck) / scale  # (B, T, 12, 2)
    shown = _twelve(seen) * neck_seen  # (B, T, 12, 1)
    home_x = _median(neck[:, :, 0, 0], neck_seen[:, :, 0, 0])  # (B, 1)
    home_y = _median(neck[:, :, 0, 1], neck_seen[:, :, 0, 0])  # (B, 1)
    home = torch.stack([home_x, home_y], dim=2).unsqueeze(1)  # (B, 1, 1, 2)
    return place * shown, shown, (neck - home) / scale * neck_seen


def _limbs(place: Tensor, seen: Tensor) -> Tensor:
    """Lengths (B, T, 14), as the camera sees them, between neighbours among the 12 keypoints; 0 where one is unseen.

    Bones don't stretch: how long they get in a window is the person's build, whatever the movement.
    """
    tips = [0, 2, 5, 3, 4, 6, 7, 8, 9, 9, 10, 11, 11, 5]
    roots = [1, 1, 1, 2, 3, 5, 6, 0, 0, 8, 8, 9, 10, 2]
    lengths: Tensor = torch.linalg.vector_norm(place[:, :, tips] - place[:, :, roots], dim=3)  # (B, T, 14)
    both: Tensor = seen[:, :, tips, 0] * seen[:, :, roots, 0]
    return lengths * both


def _median(values: Tensor, seen: Tensor) -> Tensor:
    """Median over time of (B, T) values where seen (B, T) is not 0 -> (B, 1); 0 when nothing is seen."""
    known = torch.where(seen > 0, values, torch.full_like(values, float("nan")))
    return torch.nan_to_num(known.nanmedian(dim=1, keepdim=True)[0])


def _velocity(place: Tensor, seen: Tensor) -> Tensor:
    """Units a second (B, T, K, D) from places (B, T, K, D); 0 at the first pose and wherever either end is unseen."""
    step = (place[:, 1:] - place[:, :-1]) * (seen[:, 1:] * seen[:, :-1]) * 30.0  # (B, T - 1, K, D)
    return torch.cat([torch.zeros_like(place[:, :1]), step], dim=1)


def _less_mean(place: Tensor, seen: Tensor) -> Tensor:
    """Take each keypoint's mean over the poses where it is seen from its places (B, T, K, D)."""
    mean = (place * seen).sum(dim=1, keepdim=True) / seen.sum(dim=1, keepdim=True).clamp(min=1.0)
    return (place - mean) * seen


def _head_angles(place: Tensor, seen: Tensor, model: Tensor) -> tuple[Tensor, Tensor]:
    """Fit the mean head to (B, T, 5, 2) places -> yaw, pitch, roll (B, T, 1, 3) in radians, seen (B, T, 1, 1).

    Weighted least squares for the 2 x 3 scaled orthographic projection; its rows, normalised, are the first two
    rows of the rotation.
    """
    weight = seen / seen.sum(dim=2, keepdim=True).clamp(min=1.0)  # (B, T, 5, 1)
    here = (place - (place * weight).sum(dim=2, keepdim=True)) * seen  # (B, T, 5, 2)
    there = (model - (model * weight).sum(dim=2, keepdim=True)) * seen  # (B, T, 5, 3)
    normal = there.transpose(2, 3) @ there + 1e-4 * torch.eye(3, device=place.device)  # (B, T, 3, 3)
    projection = torch.linalg.solve(normal, there.transpose(2, 3) @ here).transpose(2, 3)  # (B, T, 2, 3)
    across = nn.functional.normalize(projection[:, :, 0], dim=2)  # (B, T, 3)
    down = projection[:, :, 1] - across * (projection[:, :, 1] * across).sum(dim=2, keepdim=True)
    down = nn.functional.normalize(down, dim=2)  # (B, T, 3)
    yaw = torch.asin(across[:, :, 2].clamp(-0.999, 0.999))
    pitch = torch.asin(down[:, :, 2].clamp(-0.999, 0.999))
    roll = torch.atan2(down[:, :, 0], down[:, :, 1]).neg()
    enough = (seen.sum(dim=2, keepdim=True) >= 4).to(torch.float32)  # (B, T, 1, 1)
    return torch.stack([yaw, pitch, roll], dim=2).unsqueeze(2) * enough, enough
