"""Whom a recording moves like, of a folder of persons."""

from pathlib import Path

import numpy as np
import pytest

from models import artifact
from monitor.commands.likeness import Collector, likeness, persons_in, told
from monitor.config import parse
from monitor.errors import ConfigError
from monitor.records import NotJudged, Quality, Window
from monitor.stages.pose import PoseNetwork


class Says:
    """A model that gives every window the same probability of being somebody else's."""

    def __init__(self, value: float) -> None:
        self.value, self.asked = value, 0
        self.card = artifact.read_card(artifact.find("demo-speaker"))

    def score(self, windows: np.ndarray) -> np.ndarray:
        self.asked += 1
        return np.full(len(windows), self.value, np.float32)


def window(end_s: float) -> Window:
    poses = np.zeros((150, 18, 3), np.float32)
    return Window("recording", 0, end_s - 5, end_s, end_s, poses, Quality(1.0, 1.0, 1.0))


def collected(*values: float, windows: int = 70) -> tuple[Collector, dict[str, Says]]:
    models = {f"person-{number}": Says(value) for number, value in enumerate(values)}
    collector = Collector(models)  # type: ignore[arg-type]
    for number in range(windows):
        collector.judge([window(5 + number / 2)])
    return collector, models


def test_the_person_for_whom_most_speaks_comes_first() -> None:
    """A probability of 0.2 that it is somebody else is e^1.39 times likelier if it is the person: log(0.8 / 0.2)."""
    collector, models = collected(0.9, 0.2, 0.4)
    found = likeness("a.mp4", collector.evidence(), collector.not_judged, models)  # type: ignore[arg-type]
    assert list(found.evidence) == ["person-1", "person-2", "person-0"]
    assert found.evidence["person-1"] == pytest.approx(1.386, abs=0.001)
    assert (found.like, found.windows) == ("person-1", 70)


def test_seventy_windows_are_scored_in_two_batches() -> None:
    collector, models = collected(0.2)
    collector.evidence()
    assert models["person-0"].asked == 2


def test_nobody_is_named_where_nothing_speaks_for_anybody() -> None:
    collector, models = collected(0.9, 0.6)
    found = likeness("a.mp4", collector.evidence(), collector.not_judged, models)  # type: ignore[arg-type]
    assert found.like == ""
    assert "moves like none of them, or it can't be told" in told(found)
    assert "not comparable, made with fakes: person-1, person-0" in told(found)


def test_a_recording_without_a_window_says_why() -> None:
    collector, models = collected(0.9, windows=0)
    collector.judge([NotJudged("recording", 0, 0.0, 1.0, 1.0, "arms_hidden")])
    found = likeness("a.mp4", collector.evidence(), collector.not_judged, models)  # type: ignore[arg-type]
    assert told(found) == "a.mp4: no window can be judged (arms_hidden)"


def test_a_folder_without_persons_is_named(tmp_path: Path) -> None:
    config = parse({"channels": [{"name": "live", "url": "x"}]}, "a test")
    with pytest.raises(ConfigError, match=r"--persons: .* holds no person's file"):
        persons_in(tmp_path, config.channels[0], PoseNetwork(threads=1), smooth=True)
