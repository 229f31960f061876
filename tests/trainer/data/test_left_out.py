"""What conditions leave out, in figures and sentences; 20 s are four segments of 5 s."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from tests.support.tracks import make_track
from trainer.data.conditions import apply_conditions
from trainer.data.left_out import left_out, under
from trainer.data.splits import Split, make_split
from trainer.data.tracks import Track
from trainer.errors import SplitImpossible
from trainer.recipe import PAPERS


def filmed(recording: str, person: str, *, company: int = 0, moving: int = 0, width: int = 640) -> Track:
    """A track of four segments, the first of them with company, and the first with a moving camera."""
    alone, still = np.arange(600) >= 150 * company, np.arange(600) >= 150 * moving
    people, camera = np.where(alone, 1, 2).astype(np.int16), np.where(still, 0, 0.05).astype(np.float32)
    day = "tuesday" if recording.endswith("2") else "monday"
    track = make_track(recording, person, session=f"m0_{day}", seed=int.from_bytes(recording.encode()))
    return replace(track, people=people, camera=camera, width=width)


def test_a_segment_that_breaks_two_conditions_is_left_out_once_and_counts_for_both() -> None:
    """Three with company, the first of them shaken as well: 3 of 4, and keeping the camera's alone gives none."""
    found = left_out([filmed("a-1", "ada", company=3, moving=1)], PAPERS)
    assert (found.segments, found.of, found.gone) == (3, 4, ())
    assert [(loss.condition, loss.segments, loss.only) for loss in found.losses] == [("alone", 3, 2), ("camera", 1, 0)]
    assert found.sentences() == [
        "the condition alone, (d) nobody else in the picture, leaves out 3 of 4 segments (0.2 of 0.3 min): "
        "3 of 4 of ada; `--conditions rate,size,middle,camera` keeps 2 of them (the others break another one as well)",
        "the condition camera, (e) steady camera, leaves out 1 of 4 segments (0.1 of 0.3 min): "
        "1 of 4 of ada; `--conditions rate,size,middle,alone` keeps 0 of them (the others break another one as well)",
    ]


def test_who_loses_most_is_named_first_fakes_apart_and_the_last_of_many_are_counted() -> None:
    """Seven people lose 1 of 4, fakes of ada 2 of 4: five are named and three are not."""
    tracks = [filmed(f"{name}-1", name, company=1) for name in "bcdefgh"]
    tracks.append(replace(filmed("fake-1", "ada", company=2), genuine=False))
    [loss] = left_out(tracks, PAPERS).losses
    assert loss.what().endswith(
        "2 of 4 of fakes of ada, 1 of 4 of b, 1 of 4 of c, 1 of 4 of d, 1 of 4 of e, 3 more people"
    )
    assert loss.people["h"] == (1, 4)


def test_whoever_keeps_nothing_is_named_whatever_took_it() -> None:
    """Bob's first half has company and the picture of all of his is another; Cy keeps one segment."""
    tracks = [filmed("a-1", "ada"), filmed("a-2", "ada"), filmed("b-1", "bob", company=2, width=480)]
    found = left_out([*tracks, filmed("c-1", "cy", moving=3)], PAPERS)
    assert found.gone == ("bob",)
    assert found.sentences()[-1] == "nothing is left of bob"


def test_only_the_conditions_that_hold_leave_anything_out() -> None:
    tracks = [filmed("a-1", "ada", company=1, moving=2)]
    assert apply_conditions(tracks, ["camera"])[0].stretches() == [(300, 600)]
    assert left_out(tracks, ["alone"]).segments == 1
    assert left_out(tracks, []).sentences() == []


def test_other_conditions_bring_back_what_the_first_ones_took() -> None:
    """A run is opened on tracks that have been held against something before."""
    taken = apply_conditions([filmed("a-1", "ada", company=1)], PAPERS)
    assert taken[0].stretches() == [(150, 600)]
    assert apply_conditions(taken, [])[0].stretches() == [(0, 600)]


def by_session(tracks: Sequence[Track]) -> Split:
    return make_split("by_session", tracks, "ada")


def two_days(**bobs: int) -> list[Track]:
    ada = [filmed(f"a{n}-{day}", "ada") for n in range(2) for day in (1, 2)]
    return ada + [filmed(f"b{n}-{day}", "bob", **bobs) for n in range(2) for day in (1, 2)]


def test_a_split_that_conditions_prevent_names_the_option_that_makes_it() -> None:
    """All of Bob is with company, 16 of 32 segments; one of his is shaken too, which prevents nothing."""
    with pytest.raises(SplitImpossible) as told:
        under(PAPERS, two_days(company=4, moving=1), by_session)
    assert str(told.value).endswith(
        "It can with `--conditions rate,size,middle,camera`: the condition alone, (d) nobody else in the picture, "
        "leaves out 16 of 32 segments (1.3 of 2.7 min): all 16 of bob"
    )
    assert under(["rate", "size", "middle", "camera"], two_days(company=4, moving=1), by_session)


def test_a_split_that_two_conditions_prevent_names_an_option_without_both() -> None:
    """Lifting either alone gives nothing back."""
    with pytest.raises(SplitImpossible, match=r"It can with `--conditions rate,size,middle`: .*alone.*; .*camera"):
        under(PAPERS, two_days(company=4, moving=4), by_session)


def test_a_split_that_the_conditions_do_not_prevent_is_told_as_before() -> None:
    """One day only: no option makes two of it."""
    with pytest.raises(SplitImpossible, match=r"all recordings are of one session \(monday\)$"):
        under(PAPERS, [filmed("a-1", "ada"), filmed("b-1", "bob", company=2)], by_session)
