"""The verifier in a model file: small, fast, and silent where it can't tell."""

import time
from pathlib import Path

import numpy as np
import pytest
import torch

from models.artifact import load, save
from models.card import Card
from models.skeleton import LEFT_ELBOW, LEFT_WRIST, MIRRORED, RIGHT_ELBOW, RIGHT_WRIST
from models.style.statistics import WIDTHS
from models.style.verifier import StyleVerifier
from tests.support.crowd import PEOPLE, crowd_windows, poses_of
from trainer.verify.background import learn
from trainer.verify.enrolment import enrol

ADA = PEOPLE[6]
CARD = Card("ada", "style", "inside", "2026-01-01T00:00:00Z", "test", {"name": "none", "sha256": ""})


@pytest.fixture(scope="module")
def verifier() -> StyleVerifier:
    windows = crowd_windows()
    background = learn(windows.take_rows(windows.person != ADA), tuple(WIDTHS))
    return enrol(background, {take: poses_of(ADA, "m0", take) for take in ("cor", "incor")}).verifier


@pytest.fixture(scope="module")
def hers() -> torch.Tensor:
    """Windows of the enrolled person's other movement."""
    return torch.from_numpy(poses_of(ADA, "m1", "cor"))


def test_the_output_is_the_probability_of_not_being_the_person(verifier: StyleVerifier, hers: torch.Tensor) -> None:
    """sigmoid(-llr): evidence for her is below 0.5."""
    assert torch.allclose(verifier(hers), torch.sigmoid(-verifier.llr(hers)))
    assert verifier.llr(hers).mean() > 0


def test_a_frozen_picture_of_the_person_is_cant_tell(verifier: StyleVerifier, hers: torch.Tensor) -> None:
    """A still photograph held before the camera must not look genuine: exactly 0.5."""
    frozen = hers[:, :1].expand(-1, 150, -1, -1)
    assert verifier(frozen).tolist() == [0.5] * len(hers)


def test_a_frozen_picture_with_the_pose_networks_jitter_is_never_genuine(
    verifier: StyleVerifier, hers: torch.Tensor
) -> None:
    """Half a pixel of noise at 100 px of shoulders: can't tell, or not her."""
    noise = torch.randn(hers.shape, generator=torch.Generator().manual_seed(0)) * 0.5
    noise[..., 2] = 0
    frozen = hers[:, :1] + noise * (hers[:, :1, :, 2:] > 0)
    assert (verifier(frozen) >= 0.5).all()


def test_nobody_and_nonsense_are_cant_tell(verifier: StyleVerifier) -> None:
    """Nothing seen; infinite; one place: no NaN and no verdict."""
    poses = torch.zeros(3, 150, 18, 3)
    poses[1] = float("inf")
    poses[2] = 1.0
    assert verifier(poses).tolist() == [0.5] * 3


def test_movement_like_nobodys_is_never_genuine(verifier: StyleVerifier, hers: torch.Tensor) -> None:
    """Keypoints that jump a shoulder width at random are no body that the background has seen."""
    wild = hers.clone()
    wild[..., :2] += 100 * torch.randn(wild[..., :2].shape, generator=torch.Generator().manual_seed(0))
    assert (verifier(wild) >= 0.5).all()


def test_what_lies_beyond_the_limits_is_cant_tell(verifier: StyleVerifier, hers: torch.Tensor) -> None:
    """Between the limits doubt grows evenly: half way the llr counts half, beyond the second not at all."""
    _, size = verifier.whiten(*verifier.statistics(hers))
    known = torch.ones(len(hers), len(verifier.centre), dtype=torch.bool)
    doubtful = size / size * verifier.limits.mean()
    assert verifier.trust(doubtful, known).tolist() == pytest.approx([0.5] * len(hers))
    assert verifier.trust(doubtful * 2, known).tolist() == [0.0] * len(hers)


def test_hidden_arms_are_cant_tell(verifier: StyleVerifier, hers: torch.Tensor) -> None:
    """Head and shoulders carry too few of the statistics."""
    poses = hers.clone()
    poses[:, :, [RIGHT_ELBOW, RIGHT_WRIST, LEFT_ELBOW, LEFT_WRIST]] = 0
    assert (verifier.llr(poses).abs() < 1e-6).all()


def test_a_mirrored_person_is_less_like_the_person(verifier: StyleVerifier, hers: torch.Tensor) -> None:
    """Left and right are part of a style; a mirrored broadcast is no evidence for the person."""
    mirrored = hers[:, :, list(MIRRORED)].clone()
    mirrored[..., 0] = 640 - mirrored[..., 0]
    assert verifier.llr(mirrored).mean() < verifier.llr(hers).mean()


def test_windows_from_2_to_10_s_are_judged(verifier: StyleVerifier) -> None:
    """60 to 300 poses at 30 Hz."""
    poses = torch.from_numpy(np.concatenate(poses_of(ADA, windows=3))[None])  # (1, 450, 18, 3)
    assert torch.isfinite(verifier.llr(poses[:, :60])).all()
    assert torch.isfinite(verifier.llr(poses[:, :300])).all()


def test_a_window_does_not_depend_on_its_neighbours_in_a_batch(verifier: StyleVerifier, hers: torch.Tensor) -> None:
    """The monitor judges several channels at once."""
    assert torch.allclose(verifier.llr(hers)[2], verifier.llr(hers[2:3])[0], atol=1e-4)


def test_a_model_file_of_it_is_small_fast_and_the_same(
    verifier: StyleVerifier, hers: torch.Tensor, tmp_path: Path
) -> None:
    """At most 5 MB and 10 ms a window on one core: 30 of them in 0.3 s."""
    save(tmp_path / "ada.pt", verifier, CARD)
    model = load(tmp_path / "ada.pt")
    assert (tmp_path / "ada.pt").stat().st_size < 5_000_000
    assert np.allclose(model.score(hers.numpy()), verifier(hers).detach().numpy(), atol=1e-4)
    assert torch.allclose(model.module.llr(hers), verifier.llr(hers), atol=1e-3)
    one = hers[:1].numpy()
    model.score(one)
    torch.set_num_threads(1)
    began_s = time.process_time()
    for _ in range(30):
        model.score(one)
    assert time.process_time() - began_s < 0.3
