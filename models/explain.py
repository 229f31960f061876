"""Which keypoints, and which seconds, made a window look like somebody else: for the page, beside an alert.

Beside it stands how fast each keypoint moved, and how fast it does when it is the person (models/movement.py).

Integrated gradients (Sundararajan, Taly and Yan, 2017) from the same body held still to the body as it moved: what is
told adds up to the difference between the two, in log odds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.artifact import LoadedModel
from models.movement import speeds
from models.skeleton import KEYPOINTS, RATE_HZ, UPPER_BODY

STEPS = 12
"""Points on the way from still to moving; 12 add up to within a few percent. One call costs about 12 scores."""

WITHOUT_POSTURE = ("paper", "motion")
"""Feature sets that take each keypoint's mean out of the window: a body held still has nothing in them."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What moved one window's score, in log odds: > 0 towards "not the person".

    still is the log odds of the same body held at its mean pose, moving those of the window as it is; what lies between
    is the movement's part, and by_keypoint (12 names) and by_second (one for each second begun) each add up to it.
    speeds are those of the window in shoulder widths a second, normal the card's ranges for them; neither moved the
    score by itself. posture is False for a model that sees movement alone: then even still tells of it, of its lack.
    """

    score: float
    still: float
    moving: float
    by_keypoint: dict[str, float]
    by_second: tuple[float, ...]
    speeds: Mapping[str, float] = field(default_factory=dict)
    normal: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    posture: bool = True

    @property
    def movement(self) -> float:
        return self.moving - self.still

    def strongest(self, count: int = 3) -> list[str]:
        """Name the keypoints that did most, the strongest first."""
        return sorted(self.by_keypoint, key=lambda name: -abs(self.by_keypoint[name]))[:count]

    def as_record(self) -> dict[str, Any]:
        """Give what the page shows: each keypoint's share in 0..1, log odds by second, speeds, and a sentence.

        movement is False when the still body alone gives the verdict: then it is posture that looks like another,
        unless the model can't see posture.
        """
        whole = sum(abs(value) for value in self.by_keypoint.values()) or 1.0
        moved = abs(self.movement) >= 0.5 * max(abs(self.still), 0.5)
        first, second = (_plain(name) for name in self.strongest(2))
        pairs = enumerate(self.by_second, start=1)
        at = max(pairs, key=lambda pair: pair[1] if self.movement > 0 else -pair[1])[0]
        side = "unlike" if self.moving > 0 else "like"
        words = f"{side} the person, mostly in how {first} and {second} move, most in second {at}{self._beside()}"
        if not moved and not self.posture:
            words = f"{side} the person, {'whose own movements are missing' if self.moving > 0 else 'moved or not'}"
            moved, words = True, words + self._beside()
        return {
            "keypoints": {name: round(abs(value) / whole, 3) for name, value in self.by_keypoint.items()},
            "seconds": [round(value, 3) for value in self.by_second],
            "speeds": {name: round(value, 2) for name, value in self.speeds.items()},
            "normal": {name: dict(self.normal[name]) for name in self.speeds if name in self.normal},
            "movement": moved,
            "words": words if moved else f"{side} the person in posture and build rather than in movement",
        }

    def _beside(self) -> str:
        """Hold the speed that is furthest from the person's own, else the strongest keypoint's, against the card."""
        known = {name: self.normal[name] for name in self.speeds if name in self.normal}
        outside = {name: max(self.speeds[name] - r["high"], r["low"] - self.speeds[name]) for name, r in known.items()}
        name = max(outside, key=lambda name: outside[name], default="")
        if name and outside[name] <= 0:
            name = self.strongest(1)[0]
        if name not in known:
            return ""
        low, high = known[name]["low"], known[name]["high"]
        digits = 1 if high >= 1 else 2
        told = f"{_plain(name)} {self.speeds[name]:.{digits}f} shoulder widths a second"
        return f"; {told}, normally {low:.{digits}f} to {high:.{digits}f}"


def _plain(name: str) -> str:
    return name.replace("_", " ")


def explain(model: LoadedModel, window: npt.NDArray[np.float32]) -> Explanation:
    """Explain the score of one window, (T, 18, 3) raw keypoints."""
    poses = torch.from_numpy(np.ascontiguousarray(window, np.float32)).unsqueeze(0)  # (1, T, 18, 3)
    still = held_still(poses)
    way = (poses - still)[..., :2]  # (1, T, 18, 2)
    shares = (torch.arange(STEPS, dtype=torch.float32) + 0.5) / STEPS
    between = (still[..., :2] + shares.view(-1, 1, 1, 1) * way).requires_grad_()  # (STEPS, T, 18, 2)
    odds = _log_odds(model, torch.cat([between, poses[..., 2:].expand(STEPS, -1, -1, -1)], dim=-1))
    (slope,) = torch.autograd.grad(odds.sum(), between)
    part = (slope.mean(dim=0) * way[0]).sum(dim=2)[:, list(UPPER_BODY)]  # (T, 12)
    with torch.no_grad():
        ends = _log_odds(model, torch.cat([still, poses]))
    seconds = torch.split(part.sum(dim=1), round(RATE_HZ))
    return Explanation(
        score=float(torch.sigmoid(ends[1])),
        still=float(ends[0]),
        moving=float(ends[1]),
        by_keypoint={KEYPOINTS[k]: float(value) for k, value in zip(UPPER_BODY, part.sum(dim=0), strict=True)},
        by_second=tuple(float(second.sum()) for second in seconds),
        speeds=speeds(window),
        normal=model.card.normal,
        posture=model.card.features not in WITHOUT_POSTURE,
    )


def held_still(poses: Tensor) -> Tensor:
    """(B, T, 18, 3) -> the same with every seen keypoint at its mean place; what is not seen stays so."""
    seen = (poses[..., 2:] > 0).to(poses.dtype)  # (B, T, 18, 1)
    mean = (poses[..., :2] * seen).sum(dim=1, keepdim=True) / seen.sum(dim=1, keepdim=True).clamp(min=1)
    return torch.cat([torch.where(seen > 0, mean, poses[..., :2]), poses[..., 2:]], dim=-1)


def _log_odds(model: LoadedModel, poses: Tensor) -> Tensor:
    """(B, T, 18, 3) -> (B,); from the network's own where it has them, since a probability near 1 has no slope."""
    if hasattr(model.module, "logits"):
        odds: Tensor = model.module.logits(poses)
        return odds
    probability: Tensor = model.module(poses)
    return torch.logit(probability, eps=1e-6)
