"""People at several events, each left out in turn."""

from dataclasses import replace

import pytest

from models.style.statistics import WIDTHS
from tests.support.crowd import crowd
from trainer.data.tracks import Track
from trainer.verify.background import learn
from trainer.verify.events import verify_events
from trainer.verify.windows import describe


def part(*people: str) -> list[Track]:
    """Recordings of some of the crowd, each an event of its own."""
    return [replace(track, session=track.recording) for track in crowd() if track.person in people]


@pytest.fixture(scope="module")
def report() -> dict[str, object]:
    """Two people of four events each, against five others, with a background of five more."""
    background = learn(describe(part("p02", "p03", "p07", "p08", "p09")), tuple(WIDTHS))
    others = part("p00", "p04", "p05", "p06", "p10")
    return verify_events(part("p01", "p11"), others, background, step=60)


def test_everybody_is_judged_at_each_event_by_the_others(report: dict[str, object]) -> None:
    """The quickest and the second slowest, against 20 recordings of five people whose tempo is another."""
    assert isinstance(report["people"], dict)
    assert {name: row["events"] for name, row in report["people"].items()} == {"p01": 4, "p11": 4}
    assert report["others"] == 20


def test_the_means_count_each_person_alike(report: dict[str, object]) -> None:
    assert isinstance(report["people"], dict)
    rows = list(report["people"].values())
    assert report["windows"] == pytest.approx(sum(row["windows"] for row in rows) / 2, abs=0.001)
    assert report["people"]["p11"]["windows"] > 0.8


def test_who_was_at_one_event_only_can_not_be_left_out() -> None:
    """Then there is nothing to enrol from."""
    background = learn(describe(part("p02", "p03", "p07", "p08", "p09")), tuple(WIDTHS))
    alone = [track for track in part("p01") if track.recording.endswith("m0-cor")]
    assert verify_events(alone, part("p00"), background, step=60)["people"] == {}
