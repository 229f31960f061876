"""A background: learned from many people, holding no one's vector, saved without pickle."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.style.statistics import MOVEMENT, WIDTHS
from tests.support.crowd import PEOPLE, crowd_windows
from trainer.errors import DataUnusable
from trainer.verify.background import AS_SEEN, Background, Settings, learn, load, means, minutes, save, unit
from trainer.verify.windows import columns


@pytest.fixture(scope="module")
def background() -> Background:
    return learn(crowd_windows(), tuple(WIDTHS), sources=["made up"])


def test_it_tells_how_many_people_and_minutes_it_is_of(background: Background) -> None:
    """12 people, 48 recordings of 20 s, of which windows of 5 s every 2 s cover 19 s: 15.2 minutes."""
    assert background.card["people"] == 12
    assert background.card["recordings"] == 48
    assert background.card["minutes"] == pytest.approx(48 * 19 / 60, abs=0.05)


def test_a_recording_seen_once_more_by_a_pose_network_counts_once() -> None:
    """Motion capture goes in twice, clean and degraded; its minutes are what people moved for."""
    windows = crowd_windows()
    fields = {name: getattr(windows, name) for name in type(windows).__slots__}
    again = type(windows)(**fields | {"recording": np.char.add(windows.recording, AS_SEEN)})
    both = {name: np.concatenate([fields[name], getattr(again, name)]) for name in fields}
    card = learn(type(windows)(**both), ("speed",)).card
    assert (card["recordings"], card["windows"]) == (48, 2 * len(windows))
    assert card["minutes"] == pytest.approx(48 * 19 / 60, abs=0.05)


def test_the_spread_within_a_person_becomes_a_sphere(background: Background) -> None:
    """Whitened, a person's recordings and their windows vary by about 1 in every direction, and not by 10 or 0.1."""
    windows = crowd_windows()
    style, _ = background.whiten(windows)
    names, mean = means(style, windows.person)
    apart = style - mean[np.searchsorted(names, windows.person)]
    assert 0.5 < apart.std() < 1.5


def test_no_centre_of_the_cohort_is_one_persons_style(background: Background) -> None:
    """Each is made of three people drawn at random; 0.9 is far from 1, which is the person."""
    _, people = means(background.whiten(crowd_windows())[0], crowd_windows().person)
    cosines = unit(background.cohort) @ unit(people).T
    assert cosines.max() < 0.9


def test_people_score_higher_against_themselves(background: Background) -> None:
    """Rehearsed on people that two thirds of the background have never seen."""
    assert background.usual.own > background.usual.others + background.usual.deviation


def test_it_is_read_back_as_it_was_written(background: Background, tmp_path: Path) -> None:
    """Numbers to the last bit, and no pickle in the file."""
    save(tmp_path / "b.npz", background)
    again = load(tmp_path / "b.npz")
    assert np.array_equal(again.project, background.project)
    assert np.array_equal(again.cohort, background.cohort)
    assert (again.families, again.usual, again.card) == (background.families, background.usual, background.card)


def test_the_same_data_give_the_same_background(background: Background) -> None:
    """What is drawn at random is drawn from a seed."""
    assert np.array_equal(learn(crowd_windows(), tuple(WIDTHS)).cohort, background.cohort)


def test_fewer_families_make_a_narrower_background() -> None:
    """Movement alone lacks the 28 numbers of posture and build."""
    assert learn(crowd_windows(), MOVEMENT).project.shape[0] == sum(WIDTHS.values()) - 28


def test_without_whitening_the_projection_leaves_everything_as_it_is() -> None:
    """The control of the ablation."""
    plain = learn(crowd_windows(), MOVEMENT, settings=Settings(whiten=False))
    assert np.array_equal(plain.project, np.eye(len(plain.project), dtype=np.float32))


def test_four_people_are_too_few() -> None:
    """The sentence says how many there are and how many are needed."""
    windows = crowd_windows()
    with pytest.raises(DataUnusable, match=r"4 people .* needs 5"):
        learn(windows.take_rows(np.isin(windows.person, PEOPLE[:4])), MOVEMENT)


def test_what_is_no_background_is_refused_by_name(tmp_path: Path) -> None:
    """A text and a pose track."""
    (tmp_path / "text.npz").write_text("no")
    np.savez(tmp_path / "track.npz", time_s=np.zeros(3))
    with pytest.raises(DataUnusable, match=r"text.npz: is no background"):
        load(tmp_path / "text.npz")
    with pytest.raises(DataUnusable, match=r"track.npz: is no background"):
        load(tmp_path / "track.npz")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"nearest": 10**6}, "out of their range"),
        ({"limits": np.array([2.0, 1.0], np.float32)}, "out of their range"),
        ({"spread": 0}, "a spread is not over 0"),
        ({"cohort": np.nan}, "cohort holds a number that is none"),
        ({"shift": np.zeros(3, np.float32)}, r"shift has the shape \(3,\)"),
    ],
)
def test_a_background_that_does_not_fit_together_is_refused_by_what(
    background: Background, tmp_path: Path, changed: dict[str, Any], why: str
) -> None:
    """It would enrol everybody as anybody."""
    [(name, value)] = changed.items()
    old = getattr(background, name)
    fresh = np.full_like(old, value) if isinstance(old, np.ndarray) and np.isscalar(value) else value
    save(tmp_path / "b.npz", replace(background, **{name: fresh}))
    with pytest.raises(DataUnusable, match=why):
        load(tmp_path / "b.npz")


def test_the_spread_within_a_person_is_a_sphere_in_every_direction_and_was_none_before(background: Background) -> None:
    """Along the directions in which windows of one person vary most and less the deviations are within 1 : 2; before
    the whitening they lie over 1 : 4 apart."""
    windows = crowd_windows()
    style, _ = background.whiten(windows)
    at = columns(background.families)
    even = np.where(windows.known[:, at], (windows.values[:, at] - background.centre) / background.spread, 0)

    def apart(vectors: Any) -> float:
        names, mean = means(vectors, windows.recording)
        own = vectors - mean[np.searchsorted(names, windows.recording)]
        spread = np.linalg.svd(own, compute_uv=False)
        return float(spread[0] / spread[len(own) // 4])

    assert apart(style) < 2 < 4 < apart(even)


def test_overlaps_are_counted_once() -> None:
    """8 windows of 5 s every 2 s cover 19 s."""
    windows = crowd_windows()
    one = windows.take_rows(windows.recording == "p00-m0-cor")
    assert len(one) == 8
    assert minutes(one) == pytest.approx(19 / 60)
