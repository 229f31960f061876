"""Figures of a detector, on scores that a reader can sort in the head."""

import numpy as np
import pytest

from trainer.metrics import auroc, bootstrap, by_recording, calibration_error, eer, tpr_at

LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1], np.float32)
SCORES = np.array([0.1, 0.2, 0.3, 0.7, 0.4, 0.8, 0.9, 0.95], np.float32)


def test_auroc_is_the_share_of_pairs_in_the_right_order() -> None:
    """Of 4 x 4 pairs only (0.7 genuine, 0.4 fake) is the wrong way round: 15 / 16."""
    assert auroc(LABELS, SCORES) == pytest.approx(15 / 16)


def test_the_equal_error_rate_is_one_in_four_here() -> None:
    """At 0.7 one of four genuine is called fake and one of four fakes is missed."""
    assert eer(LABELS, SCORES) == pytest.approx(0.25)


def test_without_false_alarms_three_of_four_fakes_are_found() -> None:
    """Over 0.7 there are three fakes and nothing genuine."""
    assert tpr_at(LABELS, SCORES, 0.01) == pytest.approx(0.75)


def test_saying_90_percent_and_being_right_half_the_time_is_off_by_40_points() -> None:
    labels, scores = np.array([0, 1], np.float32), np.array([0.9, 0.9], np.float32)
    assert calibration_error(labels, scores) == pytest.approx(0.4)


def test_a_recording_is_fake_unless_genuine_windows_outnumber_fake_ones() -> None:
    """The paper's rule: a tie is fake."""
    labels = np.array([0, 0, 1, 1], np.float32)
    scores = np.array([0.1, 0.9, 0.2, 0.1], np.float32)
    found = by_recording(labels, scores, np.array(["tie", "tie", "clear", "clear"]))
    assert found[1].tolist() == [0.0, 0.5]  # in the order of names: clear, tie


def test_the_interval_is_over_recordings_not_windows() -> None:
    """Two recordings of a class, each all alike: whoever draws windows sees ten independent ones."""
    labels = np.repeat([0, 0, 1, 1], 5).astype(np.float32)
    scores = np.repeat([0.1, 0.8, 0.6, 0.9], 5).astype(np.float32)
    found = bootstrap(auroc, labels, scores, np.repeat(["a", "b", "c", "d"], 5), rounds=200)
    assert found.value == pytest.approx(0.75)
    assert (found.low, found.high) == (0.0, 1.0)


def test_one_class_alone_has_no_auroc() -> None:
    assert np.isnan(auroc(LABELS[:4], SCORES[:4]))
