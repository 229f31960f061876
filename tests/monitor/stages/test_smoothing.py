"""The causal filter: still keypoints become stiller, fast hands don't become late."""

import numpy as np
import pytest

from monitor.stages.smoothing import OneEuroFilter

SHOULDERS_PX = 100.0


def body(x: float, y: float) -> np.ndarray:
    """All 18 keypoints at one place."""
    return np.tile(np.array([x, y, 0.9], np.float32), (18, 1))


def test_noise_on_a_still_body_is_halved_at_least() -> None:
    """Noise of 0.5 px at shoulders of 100 px, 10 s at 30 Hz; the first second is the filter's own start."""
    noise = np.random.default_rng(1).normal(0, 0.5, 300)
    smooth = OneEuroFilter()
    out = [smooth.push(n / 30, body(50 + noise[n], 80), SHOULDERS_PX)[4, 0] for n in range(300)]
    assert np.std(out[30:]) < 0.5 * np.std(noise[30:])


def test_a_fast_hand_is_late_by_less_than_half_a_frame() -> None:
    """3 shoulder widths a second are 10 px a frame at 100 px; after 10 frames it may lag by 5 px at most."""
    smooth = OneEuroFilter()
    out = [smooth.push(n / 30, body(10 * n, 0), SHOULDERS_PX)[4, 0] for n in range(11)]
    assert out[10] == pytest.approx(100, abs=5)


def test_frame_rate_does_not_change_how_still_a_body_becomes() -> None:
    """A step of 1 px is answered alike at 25 and at 50 fps after 0.2 s: the filter runs on the stream's clock."""

    def after_a_step(fps: int) -> float:
        smooth = OneEuroFilter()
        smooth.push(0.0, body(0, 0), SHOULDERS_PX)
        return [smooth.push(n / fps, body(1, 0), SHOULDERS_PX)[4, 0] for n in range(1, fps // 5 + 1)][-1]

    assert after_a_step(25) == pytest.approx(after_a_step(50), abs=0.1)


def test_an_unseen_keypoint_stays_unseen_and_starts_anew() -> None:
    """A wrist that comes back must not be dragged from where it was lost."""
    smooth = OneEuroFilter()
    hidden = body(10, 10)
    hidden[4] = 0
    smooth.push(0.0, body(10, 10), SHOULDERS_PX)
    assert smooth.push(1 / 30, hidden, SHOULDERS_PX)[4].tolist() == [0, 0, 0]
    assert smooth.push(2 / 30, body(200, 10), SHOULDERS_PX)[4, :2] == pytest.approx([200, 10])


def test_after_a_pause_that_no_window_spans_the_filter_starts_anew() -> None:
    """0.3 s without a pose empty the window: the first pose after them may be of somebody else, 0.2 s are bridged."""
    bridged, anew = OneEuroFilter(), OneEuroFilter()
    bridged.push(0.0, body(0, 0), SHOULDERS_PX)
    anew.push(0.0, body(0, 0), SHOULDERS_PX)
    assert bridged.push(0.2, body(100, 0), SHOULDERS_PX)[4, 0] < 99
    assert anew.push(0.3, body(100, 0), SHOULDERS_PX)[4, 0] == 100
