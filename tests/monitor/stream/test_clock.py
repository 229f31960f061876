"""The stream's clock: epochs, pacing, rate."""

import pytest

from monitor.stream.clock import CATCH_UP, FrameRate, Pacer, StreamClock

SIZE = (180, 320, 3)


def placed(*times_s: float | None) -> list[tuple[int, float]]:
    """Put frames of one size on a stream's clock; gives (epoch, time_s) of those that are kept."""
    timeline = StreamClock()
    return [(timeline.epoch, time_s) for time_s in times_s if timeline.place(time_s, SIZE)]  # type: ignore[misc]


def test_rising_time_stamps_are_one_epoch() -> None:
    assert placed(0.0, 0.04, 0.08) == [(0, 0.0), (0, 0.04), (0, 0.08)]


def test_a_repeated_or_swapped_frame_is_left_out_and_counted() -> None:
    """0.04 s back is a swap of neighbours: the frames after it still rise."""
    timeline = StreamClock()
    assert [timeline.place(t, SIZE) for t in (5.0, 5.04, 5.04, 5.0, 5.08)] == [True, True, False, False, True]
    assert (timeline.epoch, timeline.repeated) == (0, 2)


def test_a_jump_back_by_a_second_starts_a_new_epoch() -> None:
    assert placed(5.0, 5.04, 4.04, 4.08) == [(0, 5.0), (0, 5.04), (1, 4.04), (1, 4.08)]


def test_a_gap_of_nine_seconds_is_a_gap_and_one_of_eleven_another_clock() -> None:
    """JUMP_S is 10 s; a grid of 30 Hz must never be asked to fill hours."""
    assert placed(0.0, 9.0, 20.0) == [(0, 0.0), (0, 9.0), (1, 20.0)]


def test_a_frame_without_a_time_stamp_starts_a_new_epoch() -> None:
    assert placed(1.0, None, 1.04) == [(0, 1.0), (1, 1.04)]


def test_the_first_frames_of_rtsp_without_a_time_stamp_cost_no_epoch() -> None:
    assert placed(None, None, 0.0) == [(0, 0.0)]


def test_another_picture_size_starts_a_new_epoch() -> None:
    timeline = StreamClock()
    assert timeline.place(1.0, SIZE)
    assert timeline.place(1.04, (360, 640, 3))
    assert timeline.epoch == 1


def test_two_restarts_without_a_frame_between_are_one() -> None:
    timeline = StreamClock()
    assert timeline.place(1.0, SIZE)
    timeline.restart()
    timeline.restart()
    assert timeline.epoch == 1


def resumed(*times_s: float) -> tuple[list[tuple[int, float]], int]:
    """Play to 9.96 s, connect anew with up to 4 s there again; gives (epoch, time_s) of what is kept, and repeated."""
    timeline = StreamClock()
    assert timeline.place(9.96, SIZE)
    timeline.restart()
    timeline.resume(4.0)
    return [(timeline.epoch, time_s) for time_s in times_s if timeline.place(time_s, SIZE)], timeline.repeated


def test_what_a_playlist_still_holds_is_not_played_again() -> None:
    assert resumed(8.0, 9.96, 10.0, 10.04) == ([(1, 10.0), (1, 10.04)], 2)


def test_an_encoder_that_starts_again_is_played_from_its_first_picture() -> None:
    """5.9 s is more than 4 s back: another clock, and nobody has seen its pictures, those at 8 s neither."""
    assert resumed(5.9, 5.94, 8.0) == ([(1, 5.9), (1, 5.94), (1, 8.0)], 0)


def test_packets_in_decoding_order_break_only_at_another_clock() -> None:
    timeline = StreamClock()
    assert [timeline.breaks(s) for s in (7.0, 7.04, None, 7.02, 0.0, 0.04, 11.0)] == [
        False, False, False, False, True, False, True,
    ]  # fmt: skip


def test_a_burst_is_played_five_per_cent_faster_than_it_was_filmed() -> None:
    """A segment of 21 frames, 0.05 s apart, arrives at once: 1.0 s of pictures takes 1.0 / 1.05 s."""
    pacer = Pacer()
    due_s = [pacer.due_s(0, n * 0.05, 100.0 if n == 0 else 100.001) for n in range(21)]
    assert due_s[0] == 100.0
    assert due_s[-1] == pytest.approx(100.0 + 1.0 / CATCH_UP)


def test_a_late_frame_is_due_at_once_and_starts_the_count_again() -> None:
    pacer = Pacer(rate=1.0)
    assert [pacer.due_s(0, t, now) for t, now in ((0.0, 100.0), (0.04, 105.0), (0.08, 105.0))] == [
        100.0, 105.0, pytest.approx(105.04),
    ]  # fmt: skip


def test_a_jump_of_the_clock_holds_no_frame_back() -> None:
    """8 s of missing segments: waiting them out would keep the channel 8 s behind."""
    pacer = Pacer()
    assert [pacer.due_s(0, t, 100.0) for t in (0.0, 8.0)] == [100.0, 100.0]


def test_the_delay_of_a_burst_melts_away_within_twenty_times_its_length() -> None:
    """1 s of pictures comes at once, then real time follows: 1 s / 5 % = 20 s later every frame is handed over as it
    comes."""
    pacer = Pacer()
    delays_s = []
    for number in range(30 * 25):
        time_s = number / 25
        now_s = max(0.0, time_s - 1.0)
        delays_s.append(pacer.due_s(0, time_s, now_s) - now_s)
    assert max(delays_s) == pytest.approx(1.0 / CATCH_UP, abs=0.05)
    assert delays_s[-1] == 0.0


def test_the_rate_is_told_after_fifty_frames() -> None:
    rate = FrameRate()
    told = []
    for number in range(51):
        rate.add(0, number / 29.97)
        told.append(rate.fps)
    assert told[48] is None
    assert told[50] == pytest.approx(29.97)
