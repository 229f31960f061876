"""Statistics of a window: what they depend on, what they don't, and what they say where nothing is known."""

import io

import pytest
import torch

from models.skeleton import LEFT_ELBOW, LEFT_WRIST, NECK, NOSE, RIGHT_WRIST
from models.style.signals import close_gaps
from models.style.statistics import MOVEMENT, WIDTHS, StyleStatistics
from tests.support.tracks import make_track

EVERY = StyleStatistics(tuple(WIDTHS))


def window(*, poses: int = 150, reach_px: float = 30.0, seed: int = 0) -> torch.Tensor:
    """(1, T, 18, 3) of a body whose wrists beat once a second."""
    track = make_track("one", "ada", reach_px=reach_px, seconds=poses / 30, seed=seed)
    return torch.from_numpy(track.keypoints).unsqueeze(0)


def columns(family: str) -> slice:
    """Where a family stands among all."""
    names = list(WIDTHS)
    first = sum(WIDTHS[name] for name in names[: names.index(family)])
    return slice(first, first + WIDTHS[family])


@pytest.mark.parametrize("poses", [60, 150, 300])
def test_every_family_is_as_wide_as_the_table_says_and_finite(poses: int) -> None:
    """2 to 10 s at 30 Hz; a body seen whole leaves nothing unknown."""
    values, known = EVERY(window(poses=poses))
    assert values.shape == (1, sum(WIDTHS.values()))
    assert torch.isfinite(values).all()
    assert known.all()


@pytest.mark.parametrize("family", WIDTHS)
def test_a_family_alone_is_what_it_is_among_all(family: str) -> None:
    """Families can be chosen, so a background may do with few."""
    alone, _ = StyleStatistics((family,))(window())
    assert torch.allclose(alone, EVERY(window())[0][:, columns(family)])


def test_an_unknown_family_is_named() -> None:
    """A typing error must not silently leave a family out."""
    with pytest.raises(ValueError, match="gait"):
        StyleStatistics(("gait",))


def test_place_and_size_in_the_picture_do_not_matter() -> None:
    """Twice as near and 100 px to the right is the same speaker."""
    poses = window()
    nearer = poses.clone()
    nearer[..., :2] = poses[..., :2] * 2 + 100
    nearer[..., :2] *= poses[..., 2:] > 0
    assert torch.allclose(EVERY(nearer)[0], EVERY(poses)[0], atol=2e-3)


def test_twice_the_reach_moves_the_wrists_twice_as_fast() -> None:
    """The median speed of the right wrist (fourth of seven, third of six levels) is log-doubled: 0.69."""
    small, large = (EVERY(window(reach_px=reach))[0][0, columns("speed")].view(6, 7)[2, 3] for reach in (30, 60))
    assert large - small == pytest.approx(0.69, abs=0.05)


def test_posture_and_build_are_left_out_of_movement() -> None:
    """A puppeteer has the person's own bones and rest posture."""
    assert set(WIDTHS) - set(MOVEMENT) == {"posture", "build"}


def test_a_frozen_picture_tells_nothing() -> None:
    """The same pose 150 times is nobody's movement, so nothing of it is known."""
    poses = window()[:, :1].expand(-1, 150, -1, -1)
    values, known = EVERY(poses)
    assert not known.any()
    assert torch.isfinite(values).all()


def test_nobody_and_nonsense_give_no_nan() -> None:
    """Nothing seen, everything at one place, infinite and NaN coordinates: all finite, nothing known."""
    poses = torch.zeros(4, 150, 18, 3)
    poses[1] = 1.0
    poses[2] = float("inf")
    poses[3] = float("nan")
    values, known = EVERY(poses)
    assert torch.isfinite(values).all()
    assert not known.any()


def test_an_unseen_arm_is_unknown_and_the_other_is_not() -> None:
    """Of the seven keypoints' jerk only the left elbow's and wrist's are unknown; the rest is as before."""
    poses = window()
    poses[:, :, [LEFT_ELBOW, LEFT_WRIST]] = 0
    values, known = EVERY(poses)
    assert known[0, columns("jerk")].tolist() == [True, True, True, True, True, False, False]
    assert torch.allclose(values[0, columns("jerk")][:5], EVERY(window())[0][0, columns("jerk")][:5])


def test_a_wrist_lost_for_a_sixth_of_a_second_moves_as_before() -> None:
    """5 poses of 150: a gap up to 0.2 s is closed by a straight line."""
    poses = window()
    poses[:, 60:65, RIGHT_WRIST] = 0
    whole, gap = EVERY(window())[0][0, columns("speed")], EVERY(poses)[0][0, columns("speed")]
    assert torch.allclose(whole, gap, atol=0.1)


def test_a_gap_is_closed_by_a_straight_line_and_used_only_when_short() -> None:
    """0, ?, ?, 3 becomes 0, 1, 2, 3; of a gap of two poses nothing is used where one is the most."""
    xy = torch.tensor([0.0, 9.0, 9.0, 3.0]).view(1, 4, 1, 1)
    seen = torch.tensor([True, False, False, True]).view(1, 4, 1)
    closed, usable = close_gaps(xy, seen, 2)
    assert closed.flatten().tolist() == [0, 1, 2, 3]
    assert usable.all()
    assert close_gaps(xy, seen, 1)[1].flatten().tolist() == [True, False, False, True]


def test_what_was_not_yet_or_is_no_longer_seen_is_not_used() -> None:
    """There is no second end to draw a line to, however short it is."""
    xy = torch.tensor([9.0, 1.0, 2.0, 9.0]).view(1, 4, 1, 1)
    seen = torch.tensor([False, True, True, False]).view(1, 4, 1)
    closed, usable = close_gaps(xy, seen, 6)
    assert closed.flatten().tolist() == [1, 1, 2, 2]
    assert torch.equal(usable, seen)


def test_a_neck_never_seen_leaves_nothing_but_itself_to_know() -> None:
    """Everything is relative to the neck."""
    poses = window()
    poses[:, :, NECK] = 0
    assert not EVERY(poses)[1].any()


def test_a_nose_never_seen_leaves_the_arms_known() -> None:
    """A speaker with the face out of the picture is judged by the arms."""
    poses = window()
    poses[:, :, NOSE] = 0
    assert EVERY(poses)[1][0, columns("jerk")].tolist() == [False, True, True, True, True, True, True]


def test_it_is_the_same_in_torchscript() -> None:
    """The model file holds TorchScript."""
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(EVERY), buffer)
    buffer.seek(0)
    loaded = torch.jit.load(buffer)
    assert torch.allclose(loaded(window())[0], EVERY(window())[0])
