"""The benchmark: who is enrolled from what, what is pooled, and that no probe was learned from."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from models.style.statistics import MOVEMENT
from tests.support.crowd import PEOPLE, crowd, crowd_windows
from trainer.cli import app
from trainer.data.tracks import write_track
from trainer.errors import DataUnusable
from trainer.recipe import read_recipe
from trainer.verify.benchmark import Data, benchmark, folds_of, pooled, splits

FEW = ("speed", "spread", "axes")


def made_up() -> Data:
    """The crowd is both threats at once here: reading and one_body_tracks() are tested elsewhere."""
    return Data({"impersonator": crowd_windows()}, {"impersonator": crowd()}, by_take=True)


def test_people_who_differ_are_told_apart_whatever_they_do() -> None:
    """Tempo and reach differ: far over 0.5 by window, and a half minute says more than 5 s."""
    report = benchmark(made_up(), MOVEMENT)
    unseen = report["impersonator"]["unseen_actions"]
    assert unseen["auroc_5s"] > 0.75
    assert unseen["auroc_30s"] >= unseen["auroc_5s"] - 0.02
    assert unseen["ci"][0] <= unseen["auroc_30s"] <= unseen["ci"][1]
    assert report["people"] == 12
    assert report["minutes_enrolled"] == pytest.approx(2 * 19 / 60, abs=0.01)


def test_a_half_of_the_people_names_swapped_at_random_is_told_apart_by_chance() -> None:
    """If anything leaked, shuffled names would still come out above a half."""
    windows = crowd_windows()
    names = np.unique(windows.recording)
    shuffled = dict(zip(names, np.random.default_rng(1).permutation(np.repeat(PEOPLE, 4)), strict=True))
    person = np.array([shuffled[name] for name in windows.recording])
    fields = {name: getattr(windows, name) for name in type(windows).__slots__} | {"person": person}
    data = Data({"impersonator": type(windows)(**fields)}, {}, by_take=True)
    assert benchmark(data, FEW)["impersonator"]["unseen_actions"]["auroc_5s"] == pytest.approx(0.5, abs=0.12)


def test_everybody_is_probed_once_and_never_learned_from() -> None:
    """Three folds of four people each."""
    folds = folds_of(crowd_windows())
    assert [len(fold) for fold in folds] == [4, 4, 4]
    assert sorted(person for fold in folds for person in fold) == list(PEOPLE)


def test_actions_are_halved_both_ways_and_takes_once() -> None:
    """m0 enrolled and m1 probed, m1 enrolled and m0 probed; then the first take of both against the second."""
    windows = crowd_windows()
    found = [
        (name, sorted({*windows.action[known]}), sorted({*windows.take[known]}), sorted({*windows.take[probed]}))
        for name, known, probed in splits(windows, "p00", by_take=True)
    ]
    assert found == [
        ("unseen_actions", ["m0"], ["cor", "incor"], ["cor", "incor"]),
        ("unseen_actions", ["m1"], ["cor", "incor"], ["cor", "incor"]),
        ("enrolled_actions", ["m0", "m1"], ["cor"], ["incor"]),
    ]


def test_by_repetition_no_pose_is_on_both_sides() -> None:
    """The last enrolled window of a recording ends before the first probed one begins."""
    windows = crowd_windows()
    *_, (name, known, probed) = splits(windows, "p00", by_take=False)
    mine = windows.recording == "p00-m0-cor"
    assert name == "enrolled_actions"
    assert windows.first[known & mine].max() + 150 <= windows.first[probed & mine].min()


def test_short_recordings_are_pooled_to_half_a_minute() -> None:
    """19 s of windows each: one recording and half of the next make 30 s, and nobody shares a half minute."""
    windows = crowd_windows()
    group = pooled(windows)
    owners = {number: len({*windows.person[group == number]}) for number in np.unique(group)}
    assert set(owners.values()) == {1}
    assert np.bincount(group).max() <= 12
    assert len(owners) < 48


def test_two_few_people_are_refused() -> None:
    """Two thirds of six are four; a background needs five."""
    windows = crowd_windows()
    six = windows.take_rows(np.isin(windows.person, PEOPLE[:6]))
    with pytest.raises(DataUnusable, match="too few people"):
        benchmark(Data({"impersonator": six}, {}, by_take=True), FEW)


def test_the_lstm_stands_beside_the_verifier_when_asked_for() -> None:
    """One person a fold, both on the very same probes."""
    brief = read_recipe("body", {"epochs": 1, "hidden": 8})
    windows = crowd_windows()
    few = windows.take_rows(windows.first % 180 == 0)
    report = benchmark(Data({"impersonator": few}, {"impersonator": crowd()}, True), FEW, two_class=brief, folds=1)
    beside = report["impersonator"]["enrolled_actions"]["two_class"]
    assert 0 <= beside["auroc_5s"] <= 1
    assert beside["people"] == 1


def test_the_commands_make_a_background_and_measure_with_it(tmp_path: Path) -> None:
    """From pose tracks to a file of statistics, and from it to figures of both threats; JSON on one line."""
    for track in crowd(seconds=10.0):
        write_track(tmp_path / f"{track.recording}.npz", track)
    made = CliRunner().invoke(app, ["background", str(tmp_path), "-o", str(tmp_path / "out" / "b.npz"), "--json"])
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout)["people"] == 12
    asked = ["verify-benchmark", str(tmp_path), "--background", str(tmp_path / "out" / "b.npz"), "--json"]
    told = CliRunner().invoke(app, asked)
    assert told.exit_code == 0, told.output
    report = json.loads(told.stdout)
    assert set(report) == {"impersonator", "puppeteer", "people", "minutes_enrolled", "seconds"}
    assert set(report["puppeteer"]["unseen_actions"]) == {"auroc_5s", "auroc_30s", "eer_30s", "ci", "two_class"}
