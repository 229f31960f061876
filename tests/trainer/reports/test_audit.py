"""The audit flags a model that looks at posture, and passes one that looks at movement."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from models import artifact
from models.card import Card
from models.explain import held_still
from models.features import MotionFeatures
from tests.support.tracks import make_track
from trainer.data.tracks import Track
from trainer.errors import SplitImpossible
from trainer.reports.audit import CONTROLS, another_rate, audit, shuffled

CARD = Card("ada", "none", "", "2026-01-01T00:00:00+00:00", "0", {"name": "made up", "sha256": ""})


class Shortcut(nn.Module):
    """Planted: tells Ada by how wide she stands in the picture, from the mean pose alone."""

    def forward(self, poses: Tensor) -> Tensor:
        width = (poses[:, :, 2, 0] - poses[:, :, 5, 0]).abs().mean(dim=1)  # (B,) px between the shoulders
        return torch.sigmoid(width - 110.0)


class Mover(nn.Module):
    """Looks at how fast the wrists move from one pose to the next, and at nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.features = MotionFeatures()

    def forward(self, poses: Tensor) -> Tensor:
        inside = torch.ones(poses.size(0), poses.size(1), 1, 1, dtype=torch.bool)
        velocity = self.features(poses, inside)[:, :, 36:60]  # (B, T, 24)
        rising = velocity[:, :, 9] + velocity[:, :, 15]  # both wrists' y
        smooth = (rising[:, 1:] * rising[:, :-1]).sum(dim=1) / rising.square().sum(dim=1).clamp(
            min=1e-6
        )  # (B,) 1: slow, 0: noise
        return torch.sigmoid(60.0 * (0.975 - smooth) - 1.0)


def tracks(*, bob_width: float = 1.0) -> list[Track]:
    """Ada beats slowly, Bob fast; Bob may stand nearer to the camera."""
    return [
        make_track(f"{who}-{n}", who, hz=hz * (1 + 0.05 * n), seconds=12, seed=10 * n, width_px=width)
        for who, hz, width in (("ada", 0.8, 1.0), ("bob", 2.4, bob_width))
        for n in range(4)
    ]


def audited(tmp_path: Path, module: nn.Module, data: list[Track]) -> dict:  # type: ignore[type-arg]
    artifact.save(tmp_path / "m.pt", module, CARD)
    return audit(artifact.load(tmp_path / "m.pt"), data)


def test_a_planted_shortcut_model_is_flagged_as_posture(tmp_path: Path) -> None:
    """It scores perfectly, and keeps all of it with time shuffled or stopped."""
    report = audited(tmp_path, Shortcut(), tracks(bob_width=1.2))
    assert report["auroc"] > 0.99
    assert report["posture"]
    assert any("posture, not movement: frames shuffled in time keeps 100%" in flag for flag in report["flags"])


def test_a_model_of_movement_passes(tmp_path: Path) -> None:
    """It tells them apart, and loses it when nothing moves or the order is lost."""
    report = audited(tmp_path, Mover(), tracks())
    kept = {finding["control"]: finding["kept"] for finding in report["controls"]}
    assert report["auroc"] > 0.9
    assert not report["posture"]
    assert max(kept["mean_pose"], kept["one_frame"], kept["shuffled"]) < 0.5
    assert kept["camera"] > 0.9
    assert kept.keys() == {control.name for control in CONTROLS}


def test_a_model_that_only_knows_one_camera_is_called_fragile(tmp_path: Path) -> None:
    """Zoomed in by 1.4, Ada's 100 px between the shoulders are 140 and everybody is "not Ada"."""
    report = audited(tmp_path, Shortcut(), tracks(bob_width=1.2))
    assert any("fragile: camera shifted and zoomed leaves 0%" in flag for flag in report["flags"])


def test_one_person_alone_can_not_be_audited(tmp_path: Path) -> None:
    with pytest.raises(SplitImpossible, match="needs windows of ada and of others"):
        audited(tmp_path, Shortcut(), tracks()[:4])


def test_on_its_own_data_only_the_test_part_counts(tmp_path: Path) -> None:
    """A card that names these data and a split by recording: one of each person's four recordings is tested."""
    from trainer.data.tracks import digest

    data = {"sha256": digest(tracks()), "split": "by_recording", "seed": 0, "fold": 0}
    artifact.save(tmp_path / "m.pt", Mover(), replace(CARD, data=data))
    assert audit(artifact.load(tmp_path / "m.pt"), tracks())["recordings"] == 2


def test_the_controls_do_what_they_say() -> None:
    """Held still nothing moves; shuffled keeps the very poses; 30 fps changes nothing, 25 fps little."""
    poses = torch.from_numpy(make_track("one", "ada").keypoints[None, :150].copy())
    assert held_still(poses).diff(dim=1).abs().max() == 0
    assert torch.equal(shuffled(poses).sort(dim=1).values, poses.sort(dim=1).values)
    assert torch.equal(another_rate(poses, 30), poses)
    assert 0 < (another_rate(poses, 25) - poses).abs().mean() < 1
