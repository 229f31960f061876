"""Evidence that adds up, as the page tells it, in a real browser; the worker's words are fed in by hand."""

from dataclasses import replace
from typing import Any

import pytest

from monitor.bus.publisher import Publisher
from monitor.records import Answer, Evidence, Score
from tests.support.browser import NEEDS_CHROMIUM, watched
from tests.support.gateway import HEALTH, incident, not_judged, score

pytestmark = NEEDS_CHROMIUM

CHANNEL = "[data-channel=one]"
SUM = {key: value for key, value in HEALTH.items() if key not in ("enter", "clear")} | {"alarm": 6.0, "calm": 1.2}


def summed(against: float, says: Answer, *, value: float = 0.7, gathered_s: float = 25.0, end_s: float = 15.0) -> Score:
    return replace(score(value, end_s), evidence=Evidence(against, 0.0, 6.0, gathered_s, says))


@pytest.mark.parametrize(
    ("against", "says", "verdict", "level", "words"),
    [
        (0.0, "person", "clear", "clear", "the person · evidence 0.0 of 6.0"),
        (1.5, "cant_tell", "cant_tell", "clear", "can't tell yet · evidence 1.5 of 6.0, over 25 s"),
        (4.5, "cant_tell", "cant_tell", "between", "can't tell yet · evidence 4.5 of 6.0, over 25 s"),
        (6.0, "not_person", "pending", "enter", "not the person · evidence 6.0 of 6.0, over 25 s"),
    ],
)
def test_the_answer_and_the_sum_stand_under_the_score(
    page: Any, publisher: Publisher, against: float, says: Answer, verdict: str, level: str, words: str
) -> None:
    """Three answers in words; the bar ends at 1.5 alarms, 9: 4.5 is its half, and the mark is at two thirds."""
    publisher.health("one", SUM)
    publisher.score(summed(against, says))
    page.wait_for_selector(f"{CHANNEL}[data-verdict={verdict}]")
    bar = page.locator(f"{CHANNEL} .evidence-sum")
    assert bar.get_attribute("data-level") == level
    assert bar.locator(".answer").text_content() == words
    width, mark = (bar.locator(part).evaluate(GEOMETRY) for part in (".bar", ".tick"))
    assert width["width"] == pytest.approx(100 * against / 9, abs=0.01)
    assert mark["left"] == pytest.approx(66.667, abs=0.01)


def test_what_had_added_up_stays_in_sight_while_nothing_is_judged(page: Any, publisher: Publisher) -> None:
    """It goes on from there after a cut-away; but it is not the answer of now."""
    publisher.score(summed(4.5, "cant_tell"))
    publisher.score(not_judged("nobody", end_s=15.5))
    page.wait_for_selector(f"{CHANNEL}[data-verdict=not_judged] .evidence-sum.old")
    words = page.locator(f"{CHANNEL} .answer").text_content()
    assert words == "before: can't tell yet · evidence 4.5 of 6.0, over 25 s"


def test_a_model_that_counts_windows_has_no_second_bar(page: Any, publisher: Publisher) -> None:
    """Also after one whose evidence added up was exchanged for it."""
    publisher.score(summed(4.5, "cant_tell"))
    page.wait_for_selector(f"{CHANNEL}[data-verdict=cant_tell]")
    publisher.score(score(0.25))
    page.wait_for_selector(f"{CHANNEL}[data-verdict=clear]")
    assert page.locator(f"{CHANNEL} .evidence-sum").is_hidden()


def test_an_alert_says_over_how_many_seconds_its_evidence_was_gathered(page: Any, publisher: Publisher) -> None:
    """In the alarm, the list and the details."""
    rule = {"kind": "sequential", "alarm": 6.0, "calm": 1.2, "most": 3.0, "keep_over_cuts": 0.5, "half_life_s": 60.0}
    told = {"evidence": 6.25, "alarm": 6.0, "gathered_s": 25.0, "rule": rule}
    publisher.incident(incident(1, state="firing", fired=True, **told))
    page.wait_for_selector("#details:not([hidden])")
    assert "does not move like speaker, by 25 s of movement" in page.locator("#alarm").text_content()
    assert page.locator("#list .peak").text_content() == "evidence over 25 s"
    table = page.locator("#details .table").text_content()
    assert "6.3 of 6.0 that are an alarm, gathered over 25 s" in table
    assert "evidence adds up to 6.0; over when less than 1.2 is left" in table


def test_the_line_of_the_evidence_is_drawn_and_is_there_again_after_a_reload(
    browser: Any, address: str, publisher: Publisher
) -> None:
    """History has the sum as a fourth part of a row; 6 and over is red: the line at 9 runs along the chart's top."""
    publisher.health("one", SUM)
    for at in range(8):
        publisher.score(summed(9.0, "not_person", value=0.5, end_s=15 + at / 2))
    with watched(browser, address) as page:
        page.wait_for_selector(CHANNEL)
        page.wait_for_function(f"() => ({RED})(document.querySelector('{CHANNEL} canvas.chart'))")


GEOMETRY = "part => ({ width: parseFloat(part.style.width), left: parseFloat(part.style.left) })"
RED = """canvas => {
  if (!canvas.width) return false;
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, Math.ceil(canvas.height / 6));
  for (let i = 0; i < data.length; i += 4) if (data[i] > 200 && data[i + 1] < 120 && data[i + 3] > 200) return true;
  return false;
}"""
