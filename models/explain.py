"""Which keypoints, and which seconds, made a window look like somebody else: for the page, beside an alert.

Beside it stands how fast each keypoint moved, and how fast it does when it is the person (models/movement.py).

The difference in log odds between the body as it moved and the same body held still is shared out by masking: hold
some keypoints (or some seconds) still, score, and take what each one brings on average over the sets of others that
may move with it (models/shapley.py; models/masking.py tells what held still means). The parts add up for any network
and any features, also where gradients tell nothing: the paper's z-scores are the same however far a keypoint moves.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.artifact import LoadedModel
from models.masking import SECOND, keypoints_moving, seconds_moving
from models.movement import speeds
from models.shapley import orders, share
from models.skeleton import KEYPOINTS, UPPER_BODY

WORK, WORK_OF_ANY, WORK_OF_STYLE = 15e9, 15e6, 75e6
"""Multiplications that an explanation may cost, and what any score costs beside those of its weights: features, and
copying; a style verifier, without weights to speak of, sorts and correlates. About 0.3 s on one core, so that the
paper's network (3.2 million weights) is masked in 30 ways, the drawn speaker's LSTM in 750 and a verifier in 200."""

AT_ONCE = 64
"""Windows scored in one call; more are no faster."""

WITHOUT_POSTURE = ("paper", "motion")
"""Feature sets that take each keypoint's mean out of the window: of a body held still they have nothing but when each
keypoint is seen (`motion`), or its jumps to 0 and back when it is not (`paper`)."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What moved one window's score, in log odds: > 0 towards "not the person".

    still is the log odds of the same body held at its mean pose, moving those of the window as it is; what lies between
    is the movement's part, and by_keypoint (12 names) and by_second (one for each second begun) each add up to it. The
    other six keypoints stay as they are in the window. Parts are sampled: error is the largest standard error of any,
    as a share of the sum of the parts' sizes. What several did only together is theirs in equal parts, so a part is
    neither what the score loses when that keypoint alone is held still nor what it gains when that alone moves: both
    are among what it averages, and for the shipped model they differ widely.

    speeds are those of the window in shoulder widths a second, normal the card's ranges for them; neither moved the
    score by itself. posture is False for a model that sees movement alone: then even still tells of it, of its lack.
    unseen is what of still comes from keypoints that are seen on and off: still less the log odds of the same still
    body with each of these seen throughout.
    """

    score: float
    still: float
    moving: float
    by_keypoint: dict[str, float]
    by_second: tuple[float, ...]
    speeds: Mapping[str, float] = field(default_factory=dict)
    normal: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    posture: bool = True
    error: float = 0.0
    unseen: float = 0.0

    @property
    def movement(self) -> float:
        return self.moving - self.still

    def strongest(self, count: int = 3) -> list[str]:
        """Name the keypoints that did most, the strongest first."""
        return sorted(self.by_keypoint, key=lambda name: -abs(self.by_keypoint[name]))[:count]

    def named(self) -> list[str]:
        """Name the two keypoints that did most, or the first alone, or none.

        Whoever is named has a share larger by the error at least than that of everybody who isn't: nearer than that,
        another sample would have named another. Two that are as near to each other are named together.
        """
        parts = [abs(value) for value in self.by_keypoint.values()]
        counts = [count for count in (2, 1) if _gap(parts, count) >= self.error]
        return self.strongest(counts[0]) if counts else []

    def as_record(self) -> dict[str, Any]:
        """Give what the page shows: each keypoint's share in 0..1, their error, log odds by second, speeds, a sentence.

        movement is False when the still body alone gives the verdict: then it is posture that looks like another,
        unless the model can't see posture, or what is seen of the body and when.
        """
        whole = sum(abs(value) for value in self.by_keypoint.values()) or 1.0
        moved = abs(self.movement) >= 0.5 * max(abs(self.still), 0.5)
        side = "unlike" if self.moving > 0 else "like"
        words = f"{side} the person{self._how()}{self._beside()}"
        blinks = abs(self.unseen) >= 0.5 * abs(self.still) > 0
        instead = "when keypoints are seen" if blinks else "posture and build"
        if not moved and not self.posture and not blinks:
            words = f"{side} the person, {'whose own movements are missing' if self.moving > 0 else 'moved or not'}"
            moved, words = True, words + self._beside()
        return {
            "keypoints": {name: round(abs(value) / whole, 3) for name, value in self.by_keypoint.items()},
            "error": round(self.error, 3),
            "seconds": [round(value, 3) for value in self.by_second],
            "speeds": {name: round(value, 2) for name, value in self.speeds.items()},
            "normal": {name: dict(self.normal[name]) for name in self.speeds if name in self.normal},
            "movement": moved,
            "words": words if moved else f"{side} the person in {instead} rather than in movement",
        }

    def _how(self) -> str:
        """Tell which keypoints did most, and in which second, as far as the error lets it be told."""
        seconds = [value if self.movement > 0 else -value for value in self.by_second]
        at = f", most in second {seconds.index(max(seconds)) + 1}" if _gap(seconds, 1) >= self.error else ""
        names = [_plain(name) for name in self.named()]
        if not names:
            return f" in movement{at}; the shares are too uncertain to name keypoints"
        return f", mostly in how {' and '.join(names)} {'move' if len(names) > 1 else 'moves'}{at}"

    def _beside(self) -> str:
        """Hold the speed that is furthest from the person's own, else the first named keypoint's, against the card."""
        known = {name: self.normal[name] for name in self.speeds if name in self.normal}
        outside = {name: max(self.speeds[name] - r["high"], r["low"] - self.speeds[name]) for name, r in known.items()}
        name = max(outside, key=lambda name: outside[name], default="")
        if name and outside[name] <= 0:
            name = next(iter(self.named()), "")
        if name not in known:
            return ""
        low, high = known[name]["low"], known[name]["high"]
        digits = 1 if high >= 1 else 2
        told = f"{_plain(name)} {self.speeds[name]:.{digits}f} shoulder widths a second"
        return f"; {told}, normally {low:.{digits}f} to {high:.{digits}f}"


def _gap(values: Sequence[float], count: int) -> float:
    """Tell what separates the greatest so many from the others, as a share of the sum of all sizes."""
    ordered = [*sorted(values, reverse=True), 0.0, 0.0]
    return (ordered[count - 1] - ordered[count]) / (sum(abs(value) for value in values) or 1.0)


def _plain(name: str) -> str:
    return name.replace("_", " ")


def explain(model: LoadedModel, window: npt.NDArray[np.float32]) -> Explanation:
    """Explain the score of one window, (T, 18, 3) raw keypoints; the same window always gets the same answer.

    Costs as WORK says: for the shipped model some 700 scores, 0.15 s on one core.
    """
    poses = torch.from_numpy(np.ascontiguousarray(window, np.float32))  # (T, 18, 3)
    still = poses.clone()
    still[:, UPPER_BODY] = held_still(poses.unsqueeze(0))[0, :, UPPER_BODY]
    steady = still.clone()
    steady[:, UPPER_BODY] = still[(poses[:, UPPER_BODY, 2] > 0).int().argmax(dim=0), UPPER_BODY]
    ends = _log_odds(model, torch.stack([still, poses, steady]))
    nobody, everybody, throughout = (float(odds) for odds in ends)
    sets, seconds = _sets(model, poses), -(-len(poses) // SECOND)
    few = min(2**seconds, sets // 3)  # what the seconds get; the keypoints get the rest
    shared = []
    for masked, order in (
        (keypoints_moving, orders(len(UPPER_BODY), sets - few)),
        (seconds_moving, orders(seconds, few)),
    ):
        of_window = partial(masked, poses, still)
        worth = partial(_worth, model, of_window)
        shared.append(share(worth, order, idle=_idle(of_window, order.shape[2]), nobody=nobody, everybody=everybody))
    (by_keypoint, _), (by_second, _) = shared
    return Explanation(
        score=float(torch.sigmoid(ends[1])),
        still=nobody,
        moving=everybody,
        by_keypoint={KEYPOINTS[k]: float(part) for k, part in zip(UPPER_BODY, by_keypoint, strict=True)},
        by_second=tuple(by_second.tolist()),
        speeds=speeds(window),
        normal=model.card.normal,
        posture=model.card.features not in WITHOUT_POSTURE,
        error=max(float(error.max() / parts.abs().sum().clamp(min=1e-9)) for parts, error in shared),
        unseen=nobody - throughout,
    )


def held_still(poses: Tensor) -> Tensor:
    """(B, T, 18, 3) -> the same with every seen keypoint at its mean place; what is not seen stays so."""
    seen = (poses[..., 2:] > 0).to(poses.dtype)  # (B, T, 18, 1)
    mean = (poses[..., :2] * seen).sum(dim=1, keepdim=True) / seen.sum(dim=1, keepdim=True).clamp(min=1)
    return torch.cat([torch.where(seen > 0, mean, poses[..., :2]), poses[..., 2:]], dim=-1)


def _sets(model: LoadedModel, poses: Tensor) -> int:
    """Tell in how many ways a model may be masked within WORK; by its size: a clock would not answer twice alike."""
    weights = sum(weight.numel() for weight in model.module.parameters())
    features = WORK_OF_STYLE if model.card.features == "style" else WORK_OF_ANY
    return int(WORK / (features + weights * len(poses)))


def _idle(masked: Callable[[Tensor], Tensor], players: int) -> Tensor:
    """Tell which players' moving makes no other window than nobody's: a keypoint that was never seen."""
    alone, nobody = masked(torch.eye(players, dtype=torch.bool)), masked(torch.zeros(1, players, dtype=torch.bool))
    return (alone == nobody).flatten(1).all(dim=1)  # (players,)


def _worth(model: LoadedModel, masked: Callable[[Tensor], Tensor], moves: Tensor) -> Tensor:
    """(N, players) bool -> (N,) log odds of the window in which only these move."""
    return torch.cat([_log_odds(model, masked(some)) for some in torch.split(moves, AT_ONCE)])


@torch.inference_mode()
def _log_odds(model: LoadedModel, poses: Tensor) -> Tensor:
    """(B, T, 18, 3) -> (B,); from the network's own where it has them, since a probability near 1 is rounded."""
    if hasattr(model.module, "logits"):
        odds: Tensor = model.module.logits(poses)
        return odds
    probability: Tensor = model.module(poses)
    return torch.logit(probability, eps=1e-6)
