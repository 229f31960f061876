"""The many-to-one LSTM of the paper's section 3.2: raw keypoints in, "this is not the person" out.

Normalisation is inside (models/features.py), so a model file needs nothing but keypoints.
"""

from dataclasses import asdict, dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from models.features import FEATURES

FeatureSet = Literal["paper", "body", "motion", "head3d"]


@dataclass(frozen=True, slots=True)
class Design:
    """What a PoseLSTM is built from; the defaults are the paper's Table 3.

    cell and pool go beyond the paper: a GRU, and a learned or plain mean over time in place of the last time step.
    people is 1 for the paper's single output; with more, each of the others has an output of its own as well (the
    person is the first), which teaches the network far more about bodies than "somebody else" does. stride averages
    so many poses' features into one time step. extremes gives the head each feature's least and most in the window as
    well: how long a limb gets is build, whatever the movement.
    """

    features: FeatureSet = "paper"
    hidden: int = 512
    layers: int = 2
    dropout: float = 0.5
    cell: Literal["lstm", "gru"] = "lstm"
    pool: Literal["last", "mean", "attention"] = "last"
    people: int = 1
    stride: int = 1
    extremes: bool = False

    def as_dict(self) -> dict[str, str | int | float | bool]:
        return asdict(self)


class Judge(nn.Module):
    """A network that the trainer can train: PoseLSTM, or one of the baselines that the paper compares it with."""

    def outputs(self, poses: Tensor, lengths: Tensor | None = None) -> Tensor:
        """(B, T, 18, 3) -> (B, people): log odds alone, or of several people a score each, the person first."""
        raise NotImplementedError

    def log_odds(self, outputs: Tensor) -> Tensor:
        """(B, 1) -> (B,) log odds that it is somebody else."""
        return outputs.squeeze(1)


class PoseLSTM(Judge):
    """Judge windows of poses.

    forward() takes (B, T, 18, 3) float32: x_px, y_px, confidence, where confidence 0 means not seen. lengths (B,)
    int64 tells how many of the T poses belong to each window, when they differ; what lies behind is not looked at.
    centre and spread bring every feature to a like size over the training data (0 and 1 leave it, as in the paper).
    """

    centre: Tensor
    spread: Tensor
    odds: Tensor

    def __init__(self, design: Design) -> None:
        super().__init__()
        if design.features not in FEATURES:
            raise ValueError(f"no feature set {design.features}; there are {', '.join(FEATURES)}")
        self.features = FEATURES[design.features]()
        cell = nn.LSTM if design.cell == "lstm" else nn.GRU
        between = design.dropout if design.layers > 1 else 0.0  # a single layer has nothing between layers
        width = FEATURES[design.features].width
        self.register_buffer("centre", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))
        self.register_buffer("odds", torch.zeros(()))  # what log_odds() gives where nothing is known
        self.cell = cell(width, design.hidden, design.layers, dropout=between, batch_first=True)
        self.pool = design.pool
        self.attention = nn.Linear(design.hidden, 1) if design.pool == "attention" else nn.Identity()
        self.dropout = nn.Dropout(design.dropout if design.pool != "last" else 0.0)
        self.stride, self.extremes = design.stride, design.extremes
        self.head = nn.Linear(design.hidden + (2 * width if design.extremes else 0), design.people)

    def forward(self, poses: Tensor, lengths: Tensor | None = None) -> Tensor:
        """(B, T, 18, 3) -> (B,) probability that the window is not the person."""
        return torch.sigmoid(self.logits(poses, lengths))

    def logits(self, poses: Tensor, lengths: Tensor | None = None) -> Tensor:
        """(B, T, 18, 3) -> (B,) log odds, what binary cross-entropy is taken of."""
        return self.log_odds(self.outputs(poses, lengths))

    def outputs(self, poses: Tensor, lengths: Tensor | None = None) -> Tensor:
        """(B, T, 18, 3) -> (B, people): log odds alone, or of several people a score each, the person first."""
        return self.judge(self.describe(poses, lengths), lengths)

    def log_odds(self, outputs: Tensor) -> Tensor:
        """(B, people) -> (B,) log odds that it is somebody else."""
        if outputs.size(1) == 1:
            return outputs.squeeze(1)
        return torch.logsumexp(outputs[:, 1:], dim=1) - outputs[:, 0] - self.odds

    def describe(self, poses: Tensor, lengths: Tensor | None = None) -> Tensor:
        """(B, T, 18, 3) -> (B, T, width) features; no weight takes part."""
        inside = self.inside(poses, lengths).unsqueeze(2).unsqueeze(3)  # (B, T, 1, 1)
        features: Tensor = self.features(poses, inside)  # (B, T, width)
        return features

    def judge(self, features: Tensor, lengths: Tensor | None = None) -> Tensor:
        """(B, T, width) -> (B, people)."""
        inside = self.inside(features, lengths).unsqueeze(2).to(features.dtype)  # (B, T, 1)
        even = ((features - self.centre) / self.spread).clamp(-8.0, 8.0)  # (B, T, width)
        if self.stride > 1:
            even, inside = self.average(even, inside)  # (B, T / stride, width), (B, T / stride, 1)
        states, _ = self.cell(even)  # (B, T, hidden)
        if self.pool == "last":
            last = (inside.sum(dim=1, keepdim=True) - 1).long().expand(-1, 1, states.size(2))  # (B, 1, hidden)
            summary = states.gather(1, last).squeeze(1)  # (B, hidden): many-to-one, the last time step
        else:
            weight = inside
            if self.pool == "attention":
                weight = weight * torch.exp(torch.tanh(self.attention(states)) * 4.0)  # (B, T, 1)
            summary = (states * weight).sum(dim=1) / weight.sum(dim=1)  # (B, hidden)
        if self.extremes:
            most = even.masked_fill(inside == 0, -8.0).amax(dim=1)  # (B, width)
            least = even.masked_fill(inside == 0, 8.0).amin(dim=1)  # (B, width)
            summary = torch.cat([summary, most, least], dim=1)  # (B, hidden + 2 width)
        outputs: Tensor = self.head(self.dropout(summary))  # (B, people)
        return outputs

    def average(self, features: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
        """Average every stride time steps that belong to the window: (B, T, width), (B, T, 1) -> the same, shorter."""
        count, spare = features.size(0), (self.stride - features.size(1) % self.stride) % self.stride
        summed = nn.functional.pad(features * inside, [0, 0, 0, spare])  # (B, T + spare, width)
        summed = summed.reshape(count, -1, self.stride, features.size(2)).sum(dim=2)  # (B, T / stride, width)
        weight = nn.functional.pad(inside, [0, 0, 0, spare]).reshape(count, -1, self.stride, 1).sum(dim=2)
        return summed / weight.clamp(min=1.0), (weight > 0).to(features.dtype)

    def inside(self, poses: Tensor, lengths: Tensor | None) -> Tensor:
        """(B, T, ...) -> (B, T) bool: which poses belong to the window."""
        if lengths is None:
            return torch.ones(poses.size(0), poses.size(1), dtype=torch.bool, device=poses.device)
        return torch.arange(poses.size(1), device=poses.device).unsqueeze(0) < lengths.unsqueeze(1)
