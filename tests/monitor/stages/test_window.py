"""The ring of 150 poses, and each reason for having none."""

import numpy as np
import numpy.typing as npt
import pytest

from models.skeleton import LEFT_WRIST, RIGHT_WRIST
from monitor.records import Claim, NotJudged, Reason, Tick, Window
from monitor.stages.window import PoseWindow

BODY = np.ones((18, 3), np.float32)
NOBODY = np.zeros((18, 3), np.float32)


def push(
    window: PoseWindow,
    numbers: range,
    keypoints: npt.NDArray[np.float32] = BODY,
    *,
    broken: Reason | None = None,
    measured: bool = True,
    epoch: int = 0,
    claim: Claim | None = None,
) -> list[Window | NotJudged]:
    """Push ticks, the first with the break; give what came due."""
    ticks = [Tick(n, n / 30, n / 30, keypoints, measured, broken if n == numbers[0] else None) for n in numbers]
    return [due for t in ticks if (due := window.push(t, epoch, claim)) is not None]


def test_a_window_is_full_after_exactly_150_poses() -> None:
    """150 poses / 30 Hz = 5.0 s; between the first and the last lie 149 steps."""
    due = push(PoseWindow("a", every_s=1 / 30), range(150))
    assert [type(d) for d in due[-2:]] == [NotJudged, Window]
    assert due[-1].end_s - due[-1].start_s == pytest.approx(149 / 30)


def test_verdicts_come_every_half_second_whatever_the_answer() -> None:
    """Ticks 0, 15, 30 ... of 10 s: 20 of them, windows from tick 150 on."""
    due = push(PoseWindow("a", every_s=0.5), range(300))
    assert [d.end_s for d in due] == pytest.approx([i / 2 for i in range(20)])
    assert [isinstance(d, Window) for d in due] == [i >= 10 for i in range(20)]


def test_the_poses_of_a_window_are_in_order_after_the_ring_has_turned() -> None:
    """After 400 ticks the window holds ticks 241..390 at tick 390 = 26 x 15."""
    window = PoseWindow("a", every_s=0.5)
    due = [w for n in range(400) for w in push(window, range(n, n + 1), np.full((18, 3), n + 1, np.float32))]
    last = due[-1]
    assert isinstance(last, Window)
    assert last.poses[:, 0, 0].tolist() == list(range(242, 392))


def test_a_window_does_not_change_when_the_ring_goes_on() -> None:
    """A window waits for the batch of other channels: it must own its poses."""
    window = PoseWindow("a", every_s=5.0)
    push(window, range(150))
    (kept,) = push(window, range(150, 151))
    assert isinstance(kept, Window)
    before = kept.poses.copy()
    push(window, range(151, 250), np.full((18, 3), 9, np.float32))
    assert (kept.poses == before).all()


@pytest.mark.parametrize("why", ["cut", "wrong_person"])
def test_a_break_empties_the_ring_and_is_the_reason_until_it_is_full(why: Reason) -> None:
    """A window is of one person in one unbroken shot."""
    window = PoseWindow("a", every_s=0.5)
    push(window, range(200))
    due = push(window, range(200, 360), broken=why)
    assert [d.reason for d in due if isinstance(d, NotJudged)] == [why] * 10  # ticks 210 .. 345
    assert due[-1].end_s == 345 / 30


def shots(due: list[Window | NotJudged]) -> list[int]:
    """Give the shot of each full window."""
    return [window.shot for window in due if isinstance(window, Window)]


@pytest.mark.parametrize("why", ["cut", "wrong_person", None])
def test_a_window_after_a_break_is_of_another_shot_though_nobody_stood_there_first(why: Reason | None) -> None:
    """The first frames after a cut show an empty lectern: `nobody` and `filling` are told, and the shot is another."""
    window = PoseWindow("a", every_s=0.5)
    before = push(window, range(200))
    away = push(window, range(200, 215), NOBODY, broken=why)
    after = push(window, range(215, 400))
    assert [d.reason for d in [*away, *after] if isinstance(d, NotJudged)] == ["nobody", *["filling"] * 10]
    assert (shots(before), shots(after)) == ([0] * 4, [1] * 2)  # ticks 150 .. 195, 375 and 390


def test_a_new_epoch_empties_the_ring_by_itself() -> None:
    """A window across a reconnect would span a jump in time, whether or not a tick tells of a break."""
    window = PoseWindow("a", every_s=0.5)
    push(window, range(200))
    due = push(window, range(160), epoch=1)
    assert [d.reason for d in due if isinstance(d, NotJudged)] == ["cut"] * 10  # ticks 0 .. 135
    assert (shots(due), due[-1].start_s) == ([1], pytest.approx(1 / 30))


def test_what_is_told_before_the_window_is_full_is_of_its_shot() -> None:
    """The verdict hears of another shot at the first word after a break and not 5 s later."""
    window = PoseWindow("a", every_s=0.5)
    push(window, range(200))
    (told,) = push(window, range(200, 215), broken="cut")
    assert (told.shot, type(told)) == (1, NotJudged)


def test_nobody_in_view_is_told_and_then_filling() -> None:
    """An empty lectern is not a genuine speaker."""
    window = PoseWindow("a", every_s=0.5)
    push(window, range(160))
    (gone,) = push(window, range(160, 175), NOBODY)
    (back,) = push(window, range(175, 190))
    assert isinstance(gone, NotJudged)
    assert isinstance(back, NotJudged)
    assert (gone.reason, back.reason) == ("nobody", "filling")


def test_hidden_arms_are_told_before_the_window_is_full() -> None:
    """A head-and-shoulders shot of 4.9 s never fills a window; one second is enough to say why."""
    body = BODY.copy()
    body[[RIGHT_WRIST, LEFT_WRIST]] = 0
    due = push(PoseWindow("a", every_s=0.5), range(60), body)
    assert [d.reason for d in due if isinstance(d, NotJudged)] == ["filling", "filling", "arms_hidden", "arms_hidden"]


def test_one_second_of_hidden_arms_is_enough_to_say_so() -> None:
    """The 30th pose, tick 29, makes it a second; the 29th does not."""
    body = BODY.copy()
    body[[RIGHT_WRIST, LEFT_WRIST]] = 0
    due = push(PoseWindow("a", every_s=1 / 30), range(31), body)
    told = [d.reason for d in due if isinstance(d, NotJudged)]
    assert told == ["filling"] * 29 + ["arms_hidden"] * 2


def test_a_window_of_guesses_is_not_judged() -> None:
    """16 of 150 interpolated poses are over the 10 % that may be."""
    window = PoseWindow("a", every_s=5.0)
    push(window, range(16), measured=False)
    (due,) = push(window, range(16, 151))[-1:]
    assert isinstance(due, Window)  # tick 0 has left the ring: 15 of 150 is just allowed
    window = PoseWindow("a", every_s=5.0)
    push(window, range(17), measured=False)
    (due,) = push(window, range(17, 151))[-1:]
    assert isinstance(due, NotJudged)
    assert due.reason == "low_coverage"


@pytest.mark.parametrize(("poses", "may"), [(142, False), (143, True)])
def test_a_window_may_be_due_as_soon_as_one_frame_could_fill_it(poses: int, may: bool) -> None:
    """After a gap of 0.2 s a frame brings seven ticks: 143 + 7 = 150."""
    window = PoseWindow("a", every_s=1 / 30)
    push(window, range(poses))
    assert window.expects(149 / 30) is may


def test_a_full_window_is_expected_at_its_next_due_tick_and_not_before() -> None:
    """Due every 15 ticks: after tick 155 at tick 165."""
    window = PoseWindow("a", every_s=0.5)
    push(window, range(156))
    assert [window.expects(tick / 30) for tick in (156, 164, 165)] == [False, False, True]


def test_after_somebody_else_the_window_fills() -> None:
    """Who is back in the place is not told to be somebody else any more."""
    window = PoseWindow("a", every_s=0.5)
    other, person = Claim("somebody_else", "ada", 0.7, 0.46), Claim("person", "ada", 0.3, 0.46)
    due = [*push(window, range(16), claim=other), *push(window, range(16, 46), claim=person)]
    assert [d.reason for d in due if isinstance(d, NotJudged)] == ["someone_else", "someone_else", "filling", "filling"]
