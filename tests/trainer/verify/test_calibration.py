"""Scores become log-likelihood ratios."""

import numpy as np
import pytest

from trainer.verify.calibration import Calibration, adapt, calibrate, cllr


def test_halfway_between_the_two_means_is_no_evidence() -> None:
    """Own at 2, others at 0, deviation 1: at 1 the ratio is 1, its log 0; one up from there it is e^2."""
    fit = Calibration(own=2.0, others=0.0, deviation=1.0)
    assert fit.llr(np.array([1.0, 2.0, 0.0])).tolist() == pytest.approx([0.0, 2.0, -2.0])


def test_what_was_drawn_from_two_normal_distributions_is_found_again() -> None:
    """10,000 draws each: means and deviation within 3 %."""
    random = np.random.default_rng(0)
    fit = calibrate(random.normal(1.5, 0.5, 10_000), random.normal(-0.5, 0.5, 10_000))
    assert (fit.own, fit.others, fit.deviation) == pytest.approx((1.5, -0.5, 0.5), rel=0.03)


def test_scores_that_do_not_tell_apart_give_no_evidence_and_never_the_wrong_sign() -> None:
    """Others that look more like the person than the person must not turn the judge around."""
    fit = Calibration(own=0.0, others=1.0, deviation=1.0)
    assert fit.llr(np.array([-5.0, 5.0])).tolist() == [0.0, 0.0]


def test_two_hundred_seconds_of_windows_weigh_as_much_as_the_background() -> None:
    """Usual own mean 2; 400 windows, half a second apart, at 1 move it half way; no windows leave it."""
    usual = Calibration(own=2.0, others=0.0, deviation=1.0)
    assert adapt(usual, np.ones(400), np.zeros(400)).own == pytest.approx(1.5)
    assert adapt(usual, np.zeros(0), np.zeros(0)) == usual


def test_the_cost_is_0_for_certainty_and_1_bit_for_silence() -> None:
    """Brummer's measure: llr 0 for everything costs one bit."""
    silent, sure = np.zeros(5), np.full(5, 50.0)
    assert cllr(silent, silent) == pytest.approx(1.0)
    assert cllr(sure, -sure) == pytest.approx(0.0, abs=1e-9)
