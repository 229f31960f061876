"""The audit flags a model that looks at posture, and passes one that looks at movement."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor, nn

from models import artifact
from models.card import Card
from models.explain import held_still
from models.features import MotionFeatures
from models.skeleton import LEFT_WRIST, RIGHT_WRIST
from monitor.records import Frame, Pose, Sighting
from monitor.stages.resample import Resampler, between
from tests.support.tracks import make_track
from trainer.data.conditions import apply_conditions
from trainer.data.tracks import Track, digest, digest_before_sessions
from trainer.errors import RunUnusable, SplitImpossible
from trainer.recipe import PAPERS
from trainer.reports.audit import CONTROLS, NTSC, another_rate, audit, noisy, rounded, shuffled

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


class EitherOne(nn.Module):
    """Counts two reasons to be another: shoulders over 110 px wide, and a wrist that goes over 6.5 px a pose.

    At 0.8 Hz over 30 px it goes 3.2 px, 5.4 where it is wide and the picture zoomed; at 2.4 Hz 9.6.
    """

    def forward(self, poses: Tensor) -> Tensor:
        wide = (poses[:, :, 2, 0] - poses[:, :, 5, 0]).abs().mean(dim=1) > 110.0  # (B,)
        fast = (poses[:, 1:, 4, 1] - poses[:, :-1, 4, 1]).abs().mean(dim=1) > 6.5  # (B,)
        return torch.sigmoid(4.0 * (wide.float() + fast.float()) - 2.0)


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


def test_a_model_that_is_two_thirds_posture_is_no_model_of_posture_and_fragile(tmp_path: Path) -> None:
    """Bob is wide in four recordings and fast in two: stillness leaves 2/3 of it, a zoom, where all are wide, 1/3."""
    data = [make_track(f"ada-{n}", "ada", hz=0.8, seconds=12, seed=n) for n in range(6)]
    data += [make_track(f"wide-{n}", "bob", hz=0.8, seconds=12, seed=10 + n, width_px=1.2) for n in range(4)]
    data += [make_track(f"fast-{n}", "bob", hz=2.4, seconds=12, seed=20 + n) for n in range(2)]
    report = audited(tmp_path, EitherOne(), data)
    kept = {finding["control"]: finding["kept"] for finding in report["controls"]}
    assert kept["mean_pose"] == pytest.approx(2 / 3, abs=0.02)
    assert kept["camera"] == pytest.approx(1 / 3, abs=0.02)
    assert not report["posture"]
    assert not any("posture" in flag for flag in report["flags"])
    assert any(flag.startswith("fragile: camera shifted and zoomed leaves 33%") for flag in report["flags"])


def test_one_person_alone_can_not_be_audited(tmp_path: Path) -> None:
    with pytest.raises(SplitImpossible, match="needs windows of ada and of others"):
        audited(tmp_path, Shortcut(), tracks()[:4])


def test_on_its_own_data_only_the_test_part_counts(tmp_path: Path) -> None:
    """A card that names these data and a split by recording: one of each person's four recordings is tested."""
    data = {"sha256": digest(tracks()), "split": "by_recording", "seed": 0, "fold": 0}
    artifact.save(tmp_path / "m.pt", Mover(), replace(CARD, data=data))
    assert audit(artifact.load(tmp_path / "m.pt"), tracks())["recordings"] == 2


def test_an_older_card_of_these_data_can_not_be_audited_on_them(tmp_path: Path) -> None:
    """Its digest did not cover sessions: today's test part may be what it was trained on, and so may all the rest."""
    data = {"sha256": digest_before_sessions(tracks()), "split": "by_recording", "seed": 0, "fold": 0}
    artifact.save(tmp_path / "m.pt", Mover(), replace(CARD, data=data))
    with pytest.raises(RunUnusable, match=r"m\.pt: is an older trainer's.*audit it on recordings that it never saw"):
        audit(artifact.load(tmp_path / "m.pt"), tracks())


def test_an_older_card_is_audited_on_all_of_other_data(tmp_path: Path) -> None:
    """It names recordings where Bob stands nearer: there is nothing to leave out, and all eight count."""
    data = {"sha256": digest_before_sessions(tracks(bob_width=1.2)), "split": "by_recording", "seed": 0, "fold": 0}
    artifact.save(tmp_path / "m.pt", Mover(), replace(CARD, data=data))
    assert audit(artifact.load(tmp_path / "m.pt"), tracks())["recordings"] == 8


def other_shape() -> list[Track]:
    """As tracks(), but for one of Bob's recordings of another shape: condition (b) takes all of its 12 s."""
    return [replace(track, width=480) if track.recording == "bob-3" else track for track in tracks()]


@pytest.mark.parametrize(("features", "recordings"), [("paper", 7), ("motion", 8)])
def test_other_data_are_held_against_what_the_models_features_need(
    features: str, recordings: int, tmp_path: Path
) -> None:
    """Only the paper's features ask for the usual shape; asked for nothing, they get all eight recordings."""
    artifact.save(tmp_path / "m.pt", Mover(), replace(CARD, features=features))
    model = artifact.load(tmp_path / "m.pt")
    assert audit(model, other_shape())["recordings"] == recordings
    assert audit(model, other_shape(), conditions=())["recordings"] == 8


def test_a_card_that_names_no_conditions_knows_its_own_data_again(tmp_path: Path) -> None:
    """An older trainer held them against all of the paper's, whatever the features: one of each's four is tested."""
    data = {"sha256": digest(apply_conditions(other_shape(), PAPERS)), "split": "by_recording", "seed": 0, "fold": 0}
    artifact.save(tmp_path / "m.pt", Mover(), replace(CARD, features="motion", data=data))
    report = audit(artifact.load(tmp_path / "m.pt"), other_shape())
    assert (report["recordings"], report["conditions"]["held"]) == (2, list(PAPERS))


def test_a_models_own_data_are_not_audited_under_other_conditions(tmp_path: Path) -> None:
    """They would be no data of its own then, and what it was trained on would count as unseen."""
    data = {"sha256": digest(other_shape()), "split": "by_recording", "seed": 0, "fold": 0, "conditions": "none"}
    artifact.save(tmp_path / "m.pt", Mover(), replace(CARD, features="motion", data=data))
    model = artifact.load(tmp_path / "m.pt")
    with pytest.raises(RunUnusable, match=r"m\.pt: was made of these very data.*leave --conditions out"):
        audit(model, other_shape(), conditions=PAPERS)
    assert audit(model, other_shape())["conditions"]["held"] == []


def test_a_card_with_a_condition_that_there_is_not_is_told(tmp_path: Path) -> None:
    artifact.save(tmp_path / "m.pt", Mover(), replace(CARD, data={"conditions": "shape"}))
    with pytest.raises(RunUnusable, match=r'm\.pt: the card.* no condition is called "shape"'):
        audit(artifact.load(tmp_path / "m.pt"), tracks())


def test_the_controls_do_what_they_say() -> None:
    """Held still nothing moves; shuffled keeps the very poses; 30 fps changes nothing."""
    poses = torch.from_numpy(make_track("one", "ada").keypoints[None, :150].copy())
    assert held_still(poses).diff(dim=1).abs().max() == 0
    assert torch.equal(shuffled(poses).sort(dim=1).values, poses.sort(dim=1).values)
    assert torch.equal(another_rate(poses, 30), poses)


def test_every_control_takes_something_away() -> None:
    """A control that gives back what it got can never fail."""
    poses = torch.from_numpy(make_track("one", "ada").keypoints[None, :150].copy())
    assert [control.name for control in CONTROLS if torch.equal(control.change(poses), poses)] == []


@pytest.mark.parametrize(("control", "off_px"), [(noisy, 3.0), (rounded, 8 / 12**0.5)])
def test_another_network_is_off_by_as_much_as_the_control_says(
    control: Callable[[Tensor], Tensor], off_px: float
) -> None:
    """At 100 px of shoulders: noise of 3 px, and a grid of 8 px, which is off evenly by 0 to 4, so by 8 / sqrt(12)."""
    poses = torch.from_numpy(make_track("one", "ada").keypoints[None, :150].copy())
    seen = poses[..., 2] > 0
    off = (control(poses) - poses)[..., :2][seen]
    assert float(off.square().mean().sqrt()) == pytest.approx(off_px, rel=0.1)


@pytest.mark.parametrize("control", [noisy, rounded])
def test_another_networks_error_grows_with_the_picture(control: Callable[[Tensor], Tensor]) -> None:
    """The same speech in 1080p, three times as large: 3 px there would be 1 px here, and no model would mind."""
    poses = torch.from_numpy(make_track("one", "ada").keypoints[None, :150].copy())
    large = poses * torch.tensor([3.0, 3.0, 1.0])
    off, off_large = (float((control(x) - x)[..., :2].square().mean().sqrt()) for x in (poses, large))
    assert off_large == pytest.approx(3 * off, rel=0.05)


def beat(time_s: float, hz: float = 1.6) -> npt.NDArray[np.float32]:
    """A body whose wrists go 40 px up and down; of each 0.9 s the left one is unseen for 0.2 s."""
    body = make_track("one", "ada", seconds=0.1).keypoints[0].copy()
    body[RIGHT_WRIST] = (275, 260 - 40 * np.sin(2 * np.pi * hz * time_s), 0.5 + 0.4 * np.sin(9 * time_s))
    body[LEFT_WRIST] = (365, 260 - 40 * np.cos(2 * np.pi * hz * time_s), 0.8) if time_s % 0.9 > 0.2 else (0, 0, 0)
    return body


def by_the_monitor(fps: float, ticks: int, pose_at: Callable[[float], npt.NDArray[np.float32]]) -> Tensor:
    """The monitor's own grid on a stream of fps frames a second: (ticks, 18, 3)."""
    grid, given = Resampler(), []
    for number in range(round((ticks + 3) / 30 * fps)):
        frame = Frame("a", 0, number / fps, 0.0, np.zeros((2, 2, 3), np.uint8))
        pose = Pose(frame.time_s, pose_at(frame.time_s))
        if grid.wants(frame):
            given += [tick.keypoints for tick in grid.advance(frame, Sighting(frame.time_s, pose))]
    return torch.from_numpy(np.stack(given[:ticks]))


RATES = [
    (15, 0),
    (24 / 1.001, 7),
    (25, 0),
    (50, 0),
    (NTSC, 120),
    (100, 2),
    (120 / 1.001, 7),
    (120 / 1.001, 120),
    (144, 5),
]
RATES += [(30.01, 0)]  # a camera whose clock is fast by 1/3000: frames up to 1 ms before their ticks are theirs


@pytest.mark.parametrize(("fps", "first_tick"), RATES)
def test_another_frame_rate_is_put_on_the_grid_as_the_monitor_does(fps: float, first_tick: int) -> None:
    """The same frames through Resampler, keypoints lost and found among them: equal to 1/1000 px, but for the edges."""
    whole = torch.from_numpy(np.stack([beat(tick / 30) for tick in range(300)]))

    def pose_at(time_s: float) -> npt.NDArray[np.float32]:
        before = Pose(np.floor(time_s * 30 + 1e-6) / 30, whole[int(time_s * 30 + 1e-6)].numpy())
        after = Pose(before.time_s + 1 / 30, whole[int(time_s * 30 + 1e-6) + 1].numpy())
        return between(before, after, time_s)

    theirs = by_the_monitor(fps, 280, pose_at)[first_tick : first_tick + 150]
    ours = another_rate(whole[None, first_tick : first_tick + 150], fps, first_tick)[0]
    assert torch.equal(ours[2:-2, :, 2] > 0, theirs[2:-2, :, 2] > 0)
    assert (ours - theirs)[2:-2].abs().max() < 1e-3


@pytest.mark.parametrize(("fps", "first_tick"), [(25, 0), (50, 0), (NTSC, 120)])
def test_another_frame_rate_moves_a_wrist_no_further_than_a_real_stream_would(fps: float, first_tick: int) -> None:
    """A wrist at 1.6 Hz over 40 px goes 402 px/s: frames of the true motion, through Resampler, to 0.7 px and 20 px/s.

    A straight line over 1/30 s is off by 40 (2 pi 1.6)^2 / 8 / 30^2 = 0.56 px at most; the nearest tick's pose in place
    of a frame's would be up to 1/60 s off, 6.7 px.
    """
    poses = torch.from_numpy(np.stack([beat((first_tick + tick) / 30) for tick in range(150)]))
    ours = another_rate(poses[None], fps, first_tick)[0, 2:-2, RIGHT_WRIST, 1]
    true = by_the_monitor(fps, 280, beat)[first_tick : first_tick + 150][2:-2, RIGHT_WRIST, 1]
    assert (ours - true).abs().max() < 0.7
    assert (ours.diff() - true.diff()).abs().max() * 30 < 20
