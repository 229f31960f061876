"""How somebody moves in a window, in numbers: families of statistics of the body's signals.

Everything is masked where a keypoint is unseen, and free of NaN for any input.
"""

import torch
from torch import Tensor, nn

from models.style.signals import body_signals

WIDTHS = {
    "speed": 42,
    "acceleration": 35,
    "spread": 14,
    "correlation": 91,
    "jerk": 7,
    "spectrum": 70,
    "axes": 14,
    "rhythm": 42,
    "timing": 35,
    "angles": 24,
    "sway": 12,
    "coupling": 91,
    "shape": 210,
    "lopsided": 14,
    "bend": 7,
    "posture": 14,
    "build": 14,
}
"""How many numbers each family has."""

MOVEMENT = (
    "speed", "acceleration", "spread", "correlation", "jerk", "spectrum", "axes", "rhythm", "timing", "angles", "sway",
    "coupling", "shape", "lopsided", "bend",
)  # fmt: skip
"""Families that hardly depend on bones and mean pose: what is left when an avatar is driven by somebody else."""


class StyleStatistics(nn.Module):
    """(B, T, 18, 3) raw keypoints, T from 60 to 300 at 30 Hz -> (B, F) statistics and (B, F) bool which are known.

    Place and size in the picture don't matter: everything is relative to the neck and in shoulder widths of the
    window. A statistic is known when every keypoint that it is of could be used in half of the poses; an unknown one
    is 0 and up to the caller to replace. Of a frozen picture, whoever it shows, nothing is known: no keypoint is
    faster than 0.12 shoulder widths a second (5 cm/s) for a tenth of the time; half a pixel of jitter at
    100 px of shoulders reaches 0.09.
    """

    families: list[str]

    def __init__(self, families: tuple[str, ...] = MOVEMENT, steady: int = 5) -> None:
        super().__init__()
        if unknown := set(families) - set(WIDTHS):
            raise ValueError(f"no family of statistics {sorted(unknown)[0]}; there are {', '.join(WIDTHS)}")
        self.families = [name for name in WIDTHS if name in families]
        self.width = sum(WIDTHS[name] for name in self.families)
        self.steady = steady

    def forward(self, poses: Tensor) -> tuple[Tensor, Tensor]:
        place, usable, neck, neck_usable = body_signals(poses, self.steady)
        velocity = (place[:, 1:] - place[:, :-1]) * 30.0  # (B, T - 1, 7, 2)
        moving = usable[:, 1:] & usable[:, :-1]  # (B, T - 1, 7)
        push = (velocity[:, 1:] - velocity[:, :-1]) * 30.0  # (B, T - 2, 7, 2)
        pushed = moving[:, 1:] & moving[:, :-1]
        speed = torch.linalg.vector_norm(velocity, dim=3)  # (B, T - 1, 7)
        force = torch.linalg.vector_norm(push, dim=3)  # (B, T - 2, 7)
        enough = usable.to(place.dtype).mean(dim=1) >= 0.5  # (B, 7)
        neck_enough = neck_usable.to(place.dtype).mean(dim=1, keepdim=True) >= 0.5  # (B, 1)
        centred = less_mean(place, usable)  # (B, T, 7, 2), 0 where unusable
        values: list[Tensor] = []
        known: list[Tensor] = []
        for family in self.families:
            if family == "speed":
                levels = [0.1, 0.25, 0.5, 0.75, 0.9, 0.98]
                values.append(torch.log(1e-2 + quantiles(speed, moving, levels)))
                known.append(enough.repeat(1, 6))
            elif family == "acceleration":
                values.append(torch.log(1e-1 + quantiles(force, pushed, [0.25, 0.5, 0.75, 0.9, 0.98])))
                known.append(enough.repeat(1, 5))
            elif family == "spread":
                values.append(torch.log(1e-2 + deviation(centred, usable)).flatten(1))
                known.append(enough.repeat_interleave(2, dim=1))
            elif family == "correlation":
                both = enough.repeat_interleave(2, dim=1)  # (B, 14)
                values.append(correlations(centred.flatten(2), usable.repeat_interleave(2, dim=2)))
                known.append(upper(both.unsqueeze(2) & both.unsqueeze(1)))
            elif family == "jerk":
                values.append(torch.log(1e-2 + mean(force, pushed) / (mean(speed, moving) + 0.05)))
                known.append(enough)
            elif family == "spectrum":
                values.append(spectrum(centred.flatten(2)))
                known.append(enough.repeat_interleave(10, dim=1))
            elif family == "axes":
                steps = mean(velocity.abs().flatten(2), moving.repeat_interleave(2, dim=2))
                values.append(torch.log(1e-2 + steps))
                known.append(enough.repeat_interleave(2, dim=1))
            elif family == "rhythm":
                values.append(rhythm(velocity, moving))
                known.append(enough.repeat(1, 6))
            elif family == "timing":
                values.append(timing(speed, moving))
                parts = enough[:, [3, 6, 2, 5, 0]] & enough[:, [6, 0, 3, 6, 3]]
                known.append(parts.repeat_interleave(7, dim=1))
            elif family == "angles":
                values.append(limb_angles(place, usable))
                parts = enough[:, [2, 3, 5, 6]] & enough[:, [1, 2, 4, 5]]
                known.append(parts.repeat_interleave(6, dim=1))
            elif family == "sway":
                values.append(sway(neck, neck_usable))
                known.append(neck_enough.expand(-1, 12))
            elif family == "coupling":
                both = enough.repeat_interleave(2, dim=1)
                two = moving.repeat_interleave(2, dim=2)
                values.append(correlations(less_mean(velocity / 30.0, moving).flatten(2), two, 1e-5))
                known.append(upper(both.unsqueeze(2) & both.unsqueeze(1)))
            elif family == "shape":
                values.append(shape(centred, velocity, moving))
                both = enough[:, [0, 2, 3, 5, 6]].repeat_interleave(2, dim=1).repeat(1, 2)  # (B, 20)
                known.append(upper(both.unsqueeze(2) & both.unsqueeze(1), 0))
            elif family == "lopsided":
                size = deviation(centred, usable) + 1e-2
                third = (centred / size.unsqueeze(1)).pow(3).mean(dim=1)  # (B, 7, 2)
                values.append(third.clamp(-4.0, 4.0).flatten(1))
                known.append(enough.repeat_interleave(2, dim=1))
            elif family == "bend":
                values.append(bend(velocity, push, pushed))
                known.append(enough)
            elif family == "posture":
                values.append(mean(place.flatten(2), usable.repeat_interleave(2, dim=2)))
                known.append(enough.repeat_interleave(2, dim=1))
            else:
                values.append(build(place, usable))
                parts = enough & enough[:, [0, 1, 1, 2, 4, 4, 5]]
                known.append(parts.repeat(1, 2))
        certain = torch.cat(known, dim=1)
        numbers = torch.cat(values, dim=1)
        alive = quantiles(speed, moving, [0.9]).amax(dim=1, keepdim=True) > 0.12
        certain = certain & torch.isfinite(numbers) & alive
        return torch.where(certain, numbers, torch.zeros_like(numbers)), certain


def mean(values: Tensor, usable: Tensor) -> Tensor:
    """Mean over time of (B, T, C) where usable (B, T, C) -> (B, C); 0 where nothing is."""
    weight = usable.to(values.dtype)
    return (values * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1.0)


def less_mean(place: Tensor, usable: Tensor) -> Tensor:
    """Take each coordinate's mean from (B, T, K, D); 0 where unusable (B, T, K)."""
    weight = usable.to(place.dtype).unsqueeze(3)
    centre = (place * weight).sum(dim=1, keepdim=True) / weight.sum(dim=1, keepdim=True).clamp(min=1.0)
    return (place - centre) * weight


def deviation(centred: Tensor, usable: Tensor) -> Tensor:
    """Standard deviation over time of centred (B, T, K, D) -> (B, K, D)."""
    weight = usable.to(centred.dtype).unsqueeze(3)
    return (centred.square().sum(dim=1) / weight.sum(dim=1).clamp(min=1.0)).sqrt()


def quantiles(values: Tensor, usable: Tensor, levels: list[float]) -> Tensor:
    """Quantiles over time of (B, T, C) where usable -> (B, levels * C); 0 where nothing is."""
    shown = torch.where(usable, values, torch.full_like(values, float("nan")))
    asked = torch.tensor(levels, dtype=values.dtype, device=values.device)
    found = torch.nan_to_num(torch.nanquantile(shown, asked, dim=1))  # (levels, B, C)
    return found.transpose(0, 1).flatten(1)


def upper(square: Tensor, above: int = 1) -> Tensor:
    """(B, C, C) -> (B, C (C - 1) / 2): what lies above the diagonal, or on it too where above is 0."""
    rows, columns = torch.triu_indices(square.size(1), square.size(2), above, device=square.device).unbind(0)
    return square[:, rows, columns]


def correlations(centred: Tensor, usable: Tensor, still: float = 1e-4) -> Tensor:
    """Correlations of all coordinates (B, T, C) with each other -> (B, C (C - 1) / 2); near 0 for one that is still.

    still is the variance of stillness: by default that of a hundredth of a shoulder width.
    """
    weight = usable.to(centred.dtype)
    together = (weight.transpose(1, 2) @ weight).clamp(min=1.0)  # (B, C, C)
    covariance = centred.transpose(1, 2) @ centred / together
    size = (torch.diagonal(covariance, dim1=1, dim2=2) + still).sqrt()
    return upper(covariance / (size.unsqueeze(1) * size.unsqueeze(2))).clamp(-1.0, 1.0)


def shape(centred: Tensor, velocity: Tensor, moving: Tensor) -> Tensor:
    """Logarithm of the covariance of places and velocities of nose, elbows and wrists -> (B, 210).

    Covariances add up in their logarithm as numbers do (log-Euclidean: Arsigny et al., 2006). A velocity of 5 shoulder
    widths a second counts as a place a shoulder width away.
    """
    some = [0, 2, 3, 5, 6]
    weight = moving[:, :, some].to(velocity.dtype).unsqueeze(3)
    both = torch.cat([centred[:, 1:, some] * weight, velocity[:, :, some] * weight * 0.2], dim=2)  # (B, T - 1, 10, 2)
    flat = both.flatten(2).clamp(-50.0, 50.0)
    flat = flat - flat.mean(dim=1, keepdim=True)
    covariance = flat.transpose(1, 2) @ flat / flat.size(1)  # (B, 20, 20)
    size, axes = torch.linalg.eigh(covariance + 1e-3 * torch.eye(20, dtype=flat.dtype, device=flat.device))
    logarithm = axes @ torch.diag_embed(torch.log(size.clamp(min=1e-4))) @ axes.transpose(1, 2)
    return upper(logarithm, 0)


def bend(velocity: Tensor, push: Tensor, pushed: Tensor) -> Tensor:
    """How much a keypoint's way bends for how fast it goes (the two-thirds power law's constant), logs -> (B, 7)."""
    cross = (velocity[:, 1:, :, 0] * push[..., 1] - velocity[:, 1:, :, 1] * push[..., 0]).abs()  # (B, T - 2, 7)
    fast = velocity[:, 1:].square().sum(dim=3)
    return torch.log(1e-2 + mean(cross, pushed)) - 1.5 * torch.log(1e-1 + mean(fast, pushed))


def spectrum(centred: Tensor) -> Tensor:
    """Shares of each coordinate's velocity spectrum in five bands, (B, T, C) -> (B, 5 C) logs.

    Bands in Hz, whatever the window's length: below 0.5, to 1, to 2, to 4, and above.
    """
    length = centred.size(1) - 1
    steps = centred[:, 1:] - centred[:, :-1]
    hann = torch.hann_window(length, periodic=False, dtype=centred.dtype, device=centred.device)
    power = torch.fft.rfft(steps * hann.view(1, length, 1), dim=1).abs().square()  # (B, bins, C)
    hertz = torch.arange(power.size(1), device=centred.device) * (30.0 / length)
    total = power.sum(dim=1) + 1e-7
    edges = [0.0, 0.5, 1.0, 2.0, 4.0, 16.0]
    shares: list[Tensor] = []
    for band in range(5):
        inside = ((hertz >= edges[band]) & (hertz < edges[band + 1])).to(centred.dtype).view(1, -1, 1)
        shares.append(torch.log(1e-2 + (power * inside).sum(dim=1) / total))
    return torch.stack(shares, dim=2).flatten(1)


def rhythm(velocity: Tensor, moving: Tensor) -> Tensor:
    """Autocorrelation of each keypoint's velocity (B, T, K, 2) after 3, 6, 10, 15, 22 and 30 poses -> (B, 6 K)."""
    steps = less_mean(velocity, moving)
    power = steps.square().sum(dim=3).mean(dim=1) + 1e-3  # (B, K)
    found: list[Tensor] = []
    for lag in [3, 6, 10, 15, 22, 30]:
        again = (steps[:, lag:] * steps[:, :-lag]).sum(dim=3).mean(dim=1)
        found.append(again / power)
    return torch.cat(found, dim=1)


def timing(speed: Tensor, moving: Tensor) -> Tensor:
    """Correlation of two keypoints' speeds when one is late by -9, -6, ... 9 poses -> (B, 5 * 7).

    Right wrist with left wrist, left wrist with head, each elbow with its wrist, head with right wrist.
    """
    steps = less_mean(speed.unsqueeze(3), moving).squeeze(3)  # (B, T, 7)
    power = (steps.square().mean(dim=1) + 1e-3).sqrt()  # (B, 7)
    one, two = [3, 6, 2, 5, 0], [6, 0, 3, 6, 3]
    a, b = steps[:, :, one], steps[:, :, two]
    size = power[:, one] * power[:, two]
    length = steps.size(1)
    found: list[Tensor] = []
    for lag in [-9, -6, -3, 0, 3, 6, 9]:
        early, late = max(lag, 0), max(-lag, 0)
        span = length - abs(lag)
        found.append((a[:, early : early + span] * b[:, late : late + span]).mean(dim=1) / size)
    return torch.stack(found, dim=2).flatten(1)


def limb_angles(place: Tensor, usable: Tensor) -> Tensor:
    """How upper arms and forearms turn in the picture -> (B, 4 * 6): log quantiles of turning speed, spread, reach."""
    tips, roots = [2, 3, 5, 6], [1, 2, 4, 5]
    limb = place[:, :, tips] - place[:, :, roots]  # (B, T, 4, 2)
    both = usable[:, :, tips] & usable[:, :, roots]  # (B, T, 4)
    length = torch.linalg.vector_norm(limb, dim=3).clamp(min=0.05)  # (B, T, 4)
    cross = limb[:, :-1, :, 0] * limb[:, 1:, :, 1] - limb[:, :-1, :, 1] * limb[:, 1:, :, 0]
    turn = cross / (length[:, 1:] * length[:, :-1]) * 30.0  # (B, T - 1, 4) rad/s
    turned = both[:, 1:] & both[:, :-1]
    fast = torch.log(0.05 + quantiles(turn.abs(), turned, [0.25, 0.5, 0.9])).reshape(-1, 3, 4)
    weight = both.to(place.dtype).unsqueeze(3)
    aim = limb / length.unsqueeze(3) * weight
    straight = torch.linalg.vector_norm(aim.sum(dim=1) / weight.sum(dim=1).clamp(min=1.0), dim=2)  # (B, 4) 1: still
    spread = torch.log(0.02 + (1.0 - straight).clamp(min=0.0))
    bias = mean(turn, turned) / (mean(turn.abs(), turned) + 0.05)
    reach = deviation(less_mean(torch.log(length).unsqueeze(3), both), both).squeeze(2)
    rest = torch.stack([spread, bias, torch.log(0.02 + reach)], dim=1)  # (B, 3, 4)
    return torch.cat([fast, rest], dim=1).transpose(1, 2).flatten(1)


def sway(neck: Tensor, usable: Tensor) -> Tensor:
    """How the neck (B, T, 2) wanders in the picture -> (B, 12): by axis log deviation, mean step, jerk; bands."""
    both = usable.unsqueeze(2).expand(-1, -1, 2)
    steps = (neck[:, 1:] - neck[:, :-1]) * 30.0
    moving = both[:, 1:] & both[:, :-1]
    wide = deviation(less_mean(neck.unsqueeze(3), both), both).squeeze(2)  # (B, 2)
    pace = mean(steps.abs(), moving)
    force = mean((steps[:, 1:] - steps[:, :-1]).abs() * 30.0, moving[:, 1:] & moving[:, :-1])
    bands = spectrum(neck).reshape(-1, 2, 5)[:, :, [0, 2, 4]].flatten(1)  # (B, 6)
    return torch.cat([torch.log(1e-2 + wide), torch.log(1e-2 + pace), torch.log(1e-1 + force), bands], dim=1)


def build(place: Tensor, usable: Tensor) -> Tensor:
    """How long the bones are seen to be, median and nearly the longest -> (B, 14) logs."""
    whole = torch.cat([place, torch.zeros_like(place[:, :, :1])], dim=2)  # (B, T, 8, 2): the neck last
    roots = [7, 7, 1, 2, 7, 4, 5]
    bone = torch.linalg.vector_norm(place - whole[:, :, roots], dim=3)  # (B, T, 7)
    both = usable & usable[:, :, [0, 1, 1, 2, 4, 4, 5]]
    return torch.log(0.05 + quantiles(bone, both, [0.5, 0.95]))
