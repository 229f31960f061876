"""The mailbox: what it lets go of, and in which order."""

import threading

import numpy as np
import pytest

from monitor.records import Frame
from monitor.stream.mailbox import Mailbox

IMAGE = np.zeros((2, 2, 3), np.uint8)


def frame(time_s: float, channel: str = "one", epoch: int = 0) -> Frame:
    return Frame(channel, epoch, time_s, 0.0, IMAGE)


def take_all(mailbox: Mailbox) -> list[Frame]:
    """Empty a mailbox; its length is known, so nothing waits."""
    return [taken for _ in range(mailbox.waiting("one")) for taken in mailbox.take(0.0)]


def test_frames_come_out_in_order_at_most_one_of_each_channel_a_turn() -> None:
    mailbox = Mailbox(["one", "two"], capacity=5)
    for put in (frame(1.0), frame(2.0), frame(7.0, "two")):
        mailbox.put(put)
    turns = [[(f.channel, f.time_s) for f in mailbox.take(0.0)] for _ in range(3)]
    assert turns == [[("one", 1.0), ("two", 7.0)], [("one", 2.0)], []]


def test_a_pause_of_the_loop_thins_the_frames_evenly() -> None:
    """1 s of 30 fps in 15 places: no gap over 3 frames; dropping the oldest would lose 0.5 s at once."""
    mailbox = Mailbox(["one"], capacity=15)
    for number in range(31):
        mailbox.put(frame(number / 30))
    kept = [f.time_s for f in take_all(mailbox)]
    assert len(kept) == 15
    assert mailbox.dropped("one") == 16
    assert kept[-1] == pytest.approx(1.0)
    assert max(np.diff(kept)) <= 3 / 30 + 1e-9


def test_a_loop_at_half_the_rate_gets_every_second_frame_and_stays_near_live() -> None:
    """60 s at 30 fps, one frame taken for two put: 15 frames wait, 15 pictures a second go: 1 s behind at most."""
    mailbox = Mailbox(["one"], capacity=15)
    taken = []
    for number in range(1800):
        mailbox.put(frame(number / 30))
        taken += [(f.time_s, number / 30 - f.time_s) for f in (mailbox.take(0.0) if number % 2 else [])]
    times_s, behind_s = zip(*taken, strict=True)
    assert max(behind_s) <= 1.0 + 1e-9
    assert max(np.diff(times_s)) <= 0.2
    assert mailbox.dropped("one") == 1800 - len(taken) - mailbox.waiting("one")


def test_a_frame_two_seconds_old_is_let_go_even_when_there_is_room() -> None:
    """31 frames at 10 fps are 3 s; the newest is at 3.0 s, so what is before 1.0 s goes."""
    mailbox = Mailbox(["one"], capacity=40)
    for number in range(31):
        mailbox.put(frame(number / 10))
    assert take_all(mailbox)[0].time_s == pytest.approx(1.0)
    assert mailbox.dropped("one") == 10


def test_a_queue_that_was_asked_to_be_long_is_long() -> None:
    """300 frames at 25 fps are 12 s, and all of them wait."""
    mailbox = Mailbox(["one"], capacity=300)
    for number in range(300):
        mailbox.put(frame(number / 25))
    assert (mailbox.waiting("one"), mailbox.dropped("one")) == (300, 0)


def test_another_epoch_is_not_old_because_its_clock_is_elsewhere() -> None:
    mailbox = Mailbox(["one"], capacity=5)
    for put in (frame(0.0), frame(0.04), frame(500.0, epoch=1), frame(500.04, epoch=1)):
        mailbox.put(put)
    assert [f.time_s for f in take_all(mailbox)] == [0.0, 0.04, 500.0, 500.04]


def test_take_wakes_up_for_a_frame_that_another_thread_puts() -> None:
    """The wait allowed is far longer than any test: only being woken lets this end."""
    mailbox = Mailbox(["one"], capacity=5)
    putter = threading.Timer(0.05, mailbox.put, [frame(1.0)])
    putter.start()
    assert [f.time_s for f in mailbox.take(600.0)] == [1.0]
    putter.join()


def test_close_wakes_a_waiting_take_and_refuses_more() -> None:
    mailbox = Mailbox(["one"], capacity=5)
    closer = threading.Timer(0.05, mailbox.close)
    closer.start()
    assert mailbox.take(600.0) == []
    closer.join()
    mailbox.put(frame(1.0))
    assert mailbox.waiting("one") == 0


def test_four_channels_put_at_once_and_every_frame_is_taken_or_counted() -> None:
    channels = ["a", "b", "c", "d"]
    mailbox = Mailbox(channels, capacity=15)
    threads = [
        threading.Thread(target=lambda name=name: [mailbox.put(frame(n / 1000, name)) for n in range(1000)])
        for name in channels
    ]
    for thread in threads:
        thread.start()
    taken = 0
    while any(thread.is_alive() for thread in threads):
        taken += len(mailbox.take(0.01))
    taken += sum(mailbox.waiting(name) for name in channels)
    assert taken + sum(mailbox.dropped(name) for name in channels) == 4000


def test_a_frame_that_is_let_go_was_never_converted() -> None:
    """Converting 1280x720 costs half a millisecond and doubles what a frame keeps; only who looks at it pays."""
    converted: list[float] = []

    def coming(time_s: float) -> Frame:
        return Frame("one", 0, time_s, 0.0, lambda: (converted.append(time_s), IMAGE)[1])

    mailbox = Mailbox(["one"], capacity=1)
    mailbox.put(coming(1.0))
    mailbox.put(coming(2.0))
    (taken,) = mailbox.take(0.0)
    assert converted == []
    assert taken.image is taken.image is IMAGE
    assert converted == [2.0]
