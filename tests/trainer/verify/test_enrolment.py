"""Enrolment from genuine windows alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.style.statistics import WIDTHS
from tests.support.crowd import PEOPLE, crowd_windows, poses_of
from trainer.verify.background import Background, learn
from trainer.verify.enrolment import compare, enrol, statistics_of

ADA = PEOPLE[6]


@pytest.fixture(scope="module")
def background() -> Background:
    """Learned from everybody but the one who is enrolled."""
    windows = crowd_windows()
    return learn(windows.take_rows(windows.person != ADA), tuple(WIDTHS))


@pytest.fixture(scope="module")
def events() -> dict[str, np.ndarray]:
    return {"monday": poses_of(ADA, "m0", "cor"), "friday": poses_of(ADA, "m1", "cor")}


def test_the_person_is_known_again_and_the_others_are_not(
    background: Background, events: dict[str, np.ndarray]
) -> None:
    """Another take of Ada's lies 0.3 below the others' mean; three in four windows of others lie above 0.5."""
    verifier = enrol(background, events).verifier
    others = np.concatenate([poses_of(person, "m0", "incor") for person in PEOPLE if person != ADA])
    with torch.inference_mode():
        hers = verifier(torch.from_numpy(poses_of(ADA, "m0", "incor")))
        theirs = verifier(torch.from_numpy(others))
    assert hers.mean() < min(0.5, theirs.mean() - 0.3)
    assert (theirs > 0.5).float().mean() > 0.75


def test_each_event_is_judged_by_the_others(background: Background, events: dict[str, np.ndarray]) -> None:
    """Six windows of each, and none of them among what it was compared with."""
    enrolled = enrol(background, events)
    assert {name: len(llr) for name, llr in enrolled.own.items()} == {"monday": 6, "friday": 6}
    assert enrolled.references.shape[0] == 2
    assert np.allclose(np.diag(enrolled.alike), 1, atol=1e-5)
    assert enrolled.eer < 0.3


def test_an_event_of_somebody_else_stands_out(background: Background, events: dict[str, np.ndarray]) -> None:
    """A recording of another person among hers: its llr is the lowest, so that enrolment can name it."""
    mixed = {**events, "thursday": poses_of(ADA, "m0", "incor"), "odd": poses_of(PEOPLE[0], "m0", "cor")}
    own = enrol(background, mixed).own
    assert min(own, key=lambda name: own[name].mean()) == "odd"


def test_one_event_alone_is_judged_by_its_halves(background: Background, events: dict[str, np.ndarray]) -> None:
    """--anyway allows it; the report must still have a figure for every window."""
    enrolled = enrol(background, {"monday": events["monday"]})
    assert len(enrolled.own["monday"]) == 6
    assert np.isfinite(enrolled.own["monday"]).all()
    assert np.isfinite(enrolled.cllr)


def test_one_window_alone_can_be_enrolled(background: Background, events: dict[str, np.ndarray]) -> None:
    """There is no half to judge it by, so it is judged by itself."""
    assert np.isfinite(enrol(background, {"monday": events["monday"][:1]}).own["monday"]).all()


@pytest.mark.parametrize("events", [{}, {"monday": np.zeros((0, 150, 18, 3), np.float32)}])
def test_nothing_to_enrol_is_an_error(background: Background, events: dict[str, np.ndarray]) -> None:
    """The command says what is missing; here it must not end in NaN."""
    with pytest.raises(ValueError, match="at least one event"):
        enrol(background, events)


def test_statistics_at_hand_give_the_same_llr(background: Background, events: dict[str, np.ndarray]) -> None:
    """The benchmark computes statistics once and judges them hundreds of times."""
    verifier = enrol(background, events).verifier
    with torch.inference_mode():
        direct = verifier.llr(torch.from_numpy(events["monday"])).numpy()
    assert np.allclose(compare(verifier, background, statistics_of(events["monday"])), direct, atol=1e-4)


def test_a_camera_of_another_kind_is_familiar_once_it_was_enrolled(
    background: Background, events: dict[str, np.ndarray]
) -> None:
    """A background whose limits every one of her windows exceeds: enrolled, they are judged and not "can't tell"."""
    narrow = replace(background, limits=np.array([1e-3, 2e-3], np.float32))
    assert (background.whiten(crowd_windows())[1] > 2e-3).all()
    with torch.inference_mode():
        llr = enrol(narrow, events).verifier.llr(torch.from_numpy(events["monday"]))
    assert (llr != 0).all()
