"""The network: many poses in, one probability out."""

import pytest
import torch

from models.features import FEATURES
from models.pose_lstm import Design, PoseLSTM


def poses(count: int, length: int = 150) -> torch.Tensor:
    """Random bodies of a plausible size, all seen."""
    noise = torch.randn(count, length, 18, 2, generator=torch.Generator().manual_seed(7))
    return torch.cat([300 + 60 * noise, torch.ones(count, length, 18, 1)], dim=3)


def test_table_3_has_3_2_million_weights() -> None:
    """LSTM 24 -> 512, two layers, one output: 4*512*(24+512+2) + 4*512*(512+512+2) + 513 = 3,203,585."""
    assert sum(weight.numel() for weight in PoseLSTM(Design()).parameters()) == 3_203_585


@pytest.mark.parametrize("pool", ["last", "mean", "attention"])
@pytest.mark.parametrize("features", list(FEATURES))
def test_a_short_window_padded_to_150_scores_as_it_does_alone(features: str, pool: str) -> None:
    """What stands behind a window's end is not looked at, even when it is not a number."""
    model = PoseLSTM(Design(features, 16, 2, pool=pool)).eval()  # type: ignore[arg-type]
    batch = poses(2)
    alone = model(batch[:1, :60])
    batch[0, 60:] = float("nan")
    together = model(batch, torch.tensor([60, 150]))
    assert together[0].item() == pytest.approx(alone.item(), abs=1e-6)
    assert together[1].item() == pytest.approx(model(batch[1:]).item(), abs=1e-6)


def test_strides_and_extremes_look_at_the_window_alone_too() -> None:
    """Time steps of three poses, 61 of them in the short window: the last step holds one pose, and no padding."""
    model = PoseLSTM(Design("body", 16, 2, pool="last", people=4, stride=3, extremes=True)).eval()
    scripted = torch.jit.script(model)
    batch = poses(2)
    alone = model(batch[:1, :61])
    batch[0, 61:] = 7.0
    together = scripted(batch, torch.tensor([61, 150]))
    assert together[0].item() == pytest.approx(alone.item(), abs=1e-6)
    assert together[1].item() == pytest.approx(model(batch[1:]).item(), abs=1e-6)


def test_the_order_of_poses_matters() -> None:
    """A many-to-one LSTM that gave the same for time reversed would have lost the movement."""
    model = PoseLSTM(Design("body", 16, 1)).eval()
    batch = poses(1)
    assert model(batch).item() != pytest.approx(model(batch.flip(1)).item(), abs=1e-6)


def test_an_empty_picture_still_gives_a_number() -> None:
    """Nobody in 150 poses: every feature is 0, the probability is finite."""
    batch = torch.zeros(1, 150, 18, 3)
    scores = torch.stack([PoseLSTM(Design(features, 8, 1)).eval()(batch) for features in FEATURES])  # type: ignore[arg-type]
    assert torch.isfinite(scores).all()
