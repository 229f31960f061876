"""The page in a real browser: what the person on shift sees and does, with a real server and gateway behind it."""

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import redis

from monitor.bus import embedded_server, keys
from monitor.bus.publisher import Publisher
from monitor.evidence.archive import Archive
from monitor.gateway.tokens import Tokens
from tests.support.browser import NEEDS_CHROMIUM, watched
from tests.support.gateway import HEALTH, config, incident, not_judged, score, serving, wait

pytestmark = NEEDS_CHROMIUM


def test_a_channel_tells_its_score_and_why_it_has_none(page: Any, publisher: Publisher) -> None:
    """In words, and never "clear" because there was nothing to judge."""
    channel = page.locator("[data-channel=one]")
    publisher.score(score(0.25))
    page.wait_for_selector("[data-channel=one][data-verdict=clear]")
    assert channel.locator(".score").text_content() == "0.25"
    assert channel.locator(".why").text_content() == "moves like speaker"
    publisher.score(not_judged("arms_hidden"))
    page.wait_for_selector("[data-channel=one][data-verdict=not_judged]")
    assert channel.locator(".why").text_content() == "Not judged: arms are not in the picture"
    assert channel.locator(".score").text_content() == "–"
    assert channel.locator(".model").text_content() == "Judged by speaker.pt. The speaker is rendered."
    assert channel.get_attribute("aria-label") == "Channel one: Not judged, arms are not in the picture"


def test_a_picture_with_the_body_is_drawn_while_the_page_is_open(page: Any, publisher: Publisher) -> None:
    """Opening the page is what makes the worker send pictures."""
    wait(lambda: publisher.preview_wanted("one"))
    keypoints = np.zeros((18, 3), np.float32)
    keypoints[[2, 3]] = [[20, 90, 1], [140, 90, 1]]  # a right upper arm from left to right, across a blue picture
    blue = np.full((180, 320, 3), (200, 40, 10), np.uint8)
    publisher.preview("one", 3.5, cv2.imencode(".jpg", blue)[1].tobytes(), keypoints)
    page.wait_for_selector("canvas.picture[data-time-s='3.5'][data-body=yes]")
    at = """([x, y]) => {const c = document.querySelector("canvas.picture");
        const s = Math.min(c.width / 320, c.height / 180);
        const [dx, dy] = [(c.width - 320 * s) / 2, (c.height - 180 * s) / 2];
        return [...c.getContext("2d").getImageData(x * s + dx, y * s + dy, 1, 1).data].slice(0, 3)}"""
    red, _, blue_value = page.evaluate(at, [80, 90])
    assert red > 200 > blue_value  # the person's right is drawn warm
    red, _, blue_value = page.evaluate(at, [80, 20])
    assert red < 60 < 150 < blue_value  # the picture itself


def test_an_incident_is_on_the_page_within_two_seconds_of_redis(
    page: Any, publisher: Publisher, store: "redis.Redis"
) -> None:
    """Entry in the stream to row in the list; usually some ten milliseconds."""
    publisher.incident(incident(1, state="firing", fired=True))
    page.wait_for_selector("[data-incident=inc-1][data-state=firing]")
    ((number, _),) = store.xrange(keys.ALERTS)
    assert time.time() - int(number.partition("-")[0]) / 1000 < 2.0
    assert "does not move like speaker" in page.locator("#alarm").text_content()
    assert page.locator("[data-channel=one]").get_attribute("data-verdict") == "firing"
    assert page.title() == "(1) FIRING · bodywatch"


def test_acknowledging_by_keyboard_reaches_the_other_page_and_redis(
    page: Any, browser: Any, address: str, publisher: Publisher, store: "redis.Redis"
) -> None:
    """Two people on shift see the same desk."""
    publisher.incident(incident(1, state="firing", fired=True))
    page.wait_for_selector("[data-incident=inc-1][data-state=firing]")
    with watched(browser, address) as other:
        other.wait_for_selector("#alarm:not([hidden])")
        page.keyboard.press("a")
        other.wait_for_selector("#list [data-incident=inc-1][data-handled=acknowledged]")
        other.wait_for_selector("#alarm", state="hidden")
    ((_, entry),) = store.xrange(keys.COMMANDS)
    command = json.loads(entry["command"])
    assert (command["command"], command["incident"], command["who"]) == ("ack", "inc-1", "this machine")
    assert json.loads(store.hget(keys.HANDLING, "inc-1"))["acknowledged"]["by"] == "this machine"


def test_dismissing_asks_for_a_reason_and_a_note_is_kept(page: Any, publisher: Publisher, store: "redis.Redis") -> None:
    """All by keyboard; both stand in the details."""
    publisher.incident(incident(1, state="firing", fired=True))
    page.wait_for_selector("[data-incident=inc-1]")
    page.keyboard.press("j")
    page.keyboard.press("d")
    page.keyboard.type("he read from a <b>paper</b>")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("#list [data-incident=inc-1][data-handled=dismissed]")
    page.keyboard.press("n")
    page.keyboard.type("told the studio")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("#details .history li:nth-child(3)")
    history = page.locator("#details .history").text_content()
    assert "dismissed: he read from a <b>paper</b>" in history
    assert "told the studio" in history
    assert json.loads(store.hget(keys.HANDLING, "inc-1"))["dismissed"]["reason"] == "he read from a <b>paper</b>"


def test_the_details_show_why_as_a_body_and_as_seconds(page: Any, publisher: Publisher) -> None:
    """The keypoint that did most is the largest and warmest; a bar for each second."""
    why = {
        "keypoints": {"right_wrist": 0.6, "left_wrist": 0.1},
        "seconds": [0.1, -0.2, 1.5],
        "words": "the right wrist",
    }
    publisher.incident(incident(1, state="firing", fired=True, explanation=why))
    page.wait_for_selector("[data-incident=inc-1]")
    page.keyboard.press("j")
    radius = "name => document.querySelector(`[data-keypoint=${name}]`).getAttribute('r')"
    assert page.evaluate(radius, "right_wrist") == "9"  # 3 px and 6 for the strongest
    assert page.evaluate(radius, "left_wrist") == "4"  # a sixth of the strongest: 3 + 1
    assert page.locator(".seconds rect").count() == 3
    assert "the right wrist." in page.locator("#details .why-so").text_content()


def test_the_details_tell_how_sure_the_shares_are(page: Any, publisher: Publisher) -> None:
    """0.021 is two in a hundred; an explanation from before errors were told has no such line (see above)."""
    why = {"keypoints": {"right_wrist": 0.6, "left_wrist": 0.4}, "error": 0.021, "words": "the right wrist"}
    publisher.incident(incident(1, state="firing", fired=True, explanation=why))
    page.wait_for_selector("#details .why-so .moved")
    assert "shares are estimates: give or take 2 %" in page.locator("#details .why-so").text_content()


def test_a_limbs_speed_stands_on_the_band_of_what_is_normal(page: Any, publisher: Publisher) -> None:
    """1.9 where 0.4 to 1.2 is normal; the scale ends at 1.1 x 1.9 = 2.09, so the band's left edge is at 0.4 / 2.09."""
    why = {
        "keypoints": {"right_wrist": 0.6, "left_wrist": 0.3, "nose": 0.1, "neck": 0, "left_ear": 0, "left_elbow": 0},
        "speeds": {"right_wrist": 1.9, "left_wrist": 0.5, "left_ear": 0.02, "left_elbow": 0.48},
        "normal": {
            "right_wrist": {"low": 0.4, "mean": 0.8, "high": 1.2},
            "left_ear": {"low": 0.01, "mean": 0.02, "high": 0.03},
            "left_elbow": {"low": 0.01, "mean": 0.02, "high": 0.03},
        },
    }
    publisher.incident(incident(1, state="firing", fired=True, explanation=why))
    right = page.locator("[data-moved=right_wrist]")
    right.wait_for()
    assert right.locator(".speed.unusual").text_content() == "1.9, normally 0.4 to 1.2"
    left_edge = right.locator(".band").evaluate("band => parseFloat(band.style.left)")
    assert left_edge == pytest.approx(19.14, abs=0.01)
    assert page.locator("[data-moved=left_elbow] .speed.unusual").text_content() == "0.48, normally 0.01 to 0.03"
    assert page.locator("[data-moved=left_ear]").count() == 0  # it did little, and moved as ever
    assert page.locator("[data-moved=left_wrist] .speed").text_content() == "0.50"  # the card has no range for it


def test_why_it_fires_is_shown_by_itself_unless_somebody_looks_at_another(page: Any, publisher: Publisher) -> None:
    """Seconds count, and so does not losing what one is reading."""
    publisher.incident(incident(1, state="firing", fired=True))
    page.wait_for_selector("#details[data-incident=inc-1]:not([hidden])")
    page.keyboard.press("Escape")
    page.wait_for_selector("#details", state="hidden")
    publisher.incident(incident(2, state="resolved", fired=True))
    page.wait_for_selector("#list [data-incident=inc-2]")
    page.locator("#list [data-incident=inc-2] button").click()
    publisher.incident(incident(3, state="firing", fired=True))
    page.wait_for_selector("#list [data-incident=inc-3]")
    assert page.locator("#details").get_attribute("data-incident") == "inc-2"


def press_with_reason(page: Any, key: str, reason: str) -> None:
    """Give an order that asks for a reason, by keyboard."""
    page.keyboard.press(key)
    page.wait_for_selector("#words[open]")
    page.keyboard.type(reason)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")


def test_evidence_is_held_and_released_by_keyboard(
    browser: Any, publisher: Publisher, server: embedded_server.EmbeddedServer, tmp_path: Path
) -> None:
    """With a reason each time; the page says what the archive says."""
    archive = Archive(tmp_path / "evidence")
    (archive.folder / ".inc-1.part").mkdir(parents=True)
    (archive.folder / ".inc-1.part" / "incident.json").write_text("{}")
    archive.seal(archive.folder / ".inc-1.part", "inc-1", 0.0)
    publisher.incident(incident(1, state="firing", fired=True))
    with serving(config(archive.folder), server.url) as address, watched(browser, address) as page:
        page.wait_for_selector("#details .hold:has-text('Deleted when its time is over')")
        press_with_reason(page, "h", "legal, case 7")
        page.wait_for_selector("#details .hold.held:has-text('legal, case 7 (this machine)')")
        assert archive.held("inc-1") == "legal, case 7 (this machine)"
        press_with_reason(page, "h", "case closed")
        page.wait_for_selector("#details .hold:not(.held)")
        assert archive.held("inc-1") is None
        history = page.locator("#details .history").text_content()
        assert "evidence held: legal, case 7" in history
        assert "evidence released: case closed" in history


def test_a_page_that_has_no_room_says_so_and_comes_in_when_another_goes(
    browser: Any, publisher: Publisher, server: embedded_server.EmbeddedServer
) -> None:
    """gateway.max_clients is 1 here."""
    with serving(config(max_clients=1), server.url) as address:
        with watched(browser, address):
            second = browser.new_page(reduced_motion="reduce")
            second.goto(f"http://{address}/")
            second.wait_for_selector(".notice.lost:has-text('no room for another page')")
        second.wait_for_selector("#link[data-link=live]")
        second.wait_for_selector(".notice.lost", state="detached")
        second.close()


def test_silencing_a_channel_by_keyboard(page: Any, publisher: Publisher, store: "redis.Redis") -> None:
    """For 15 minutes unless something else is chosen; the page says until when."""
    page.wait_for_selector("[data-channel=one]")
    page.keyboard.press("s")
    page.wait_for_selector("#words[open]")
    page.keyboard.press("Tab")  # from what to silence to how long, and on to the button
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("#silences:not([hidden])")
    until_s = float(store.hget(keys.SILENCES, "channel:one"))
    assert until_s == pytest.approx(time.time() + 900, abs=5)
    wait(lambda: publisher.silenced("one", "speaker"))


def test_the_gateway_restarts_and_the_page_misses_no_alert(
    browser: Any, publisher: Publisher, server: embedded_server.EmbeddedServer, store: "redis.Redis"
) -> None:
    """Alerts that came while it was down are on the page afterwards: its ids are those of the stream."""
    with serving(config(), server.url) as address:
        port = int(address.rpartition(":")[2])
        page = browser.new_page(reduced_motion="reduce")
        page.goto(f"http://{address}/")
        page.wait_for_selector("#link[data-link=live]")
        publisher.incident(incident(1))
        page.wait_for_selector("[data-incident=inc-1]")
    page.wait_for_selector("#link[data-link=lost]")
    publisher.incident(incident(1, state="firing", fired=True))
    publisher.incident(incident(2, state="firing", fired=True))
    wait(lambda: store.xlen(keys.ALERTS) == 3)
    with serving(config(port=port), server.url):
        page.wait_for_selector("#link[data-link=live]")
        page.wait_for_selector("#list [data-incident=inc-1][data-events*='inc-1.2']")
        page.wait_for_selector("#list [data-incident=inc-2][data-events*='inc-2.2']")
        shown = page.evaluate("[...document.querySelectorAll('#list li')].flatMap(li => li.dataset.events.split(' '))")
        assert sorted(shown) == sorted(json.loads(e["event"])["id"] for _, e in store.xrange(keys.ALERTS))
        page.wait_for_selector(".notice.missed:has-text('2 alerts came meanwhile')")
        page.close()


def test_a_token_is_asked_for_and_kept(
    browser: Any, publisher: Publisher, server: embedded_server.EmbeddedServer, tmp_path: Any
) -> None:
    """A viewer comes in with it, and has no buttons to act."""

    secret = Tokens(tmp_path / "tokens.json").new("wall", "viewer", 0.0)
    publisher.incident(incident(1, state="firing", fired=True))
    with serving(config(tokens=str(tmp_path / "tokens.json")), server.url) as address:
        page = browser.new_page(reduced_motion="reduce")
        page.goto(f"http://{address}/")
        page.wait_for_selector("#token[open]")
        page.keyboard.type(secret)
        page.keyboard.press("Enter")
        page.wait_for_selector("[data-incident=inc-1]")
        page.reload()
        page.wait_for_selector("#alarm:not([hidden])")
        page.keyboard.press("j")
        page.wait_for_selector("#details:not([hidden])")
        assert page.locator("#details .actions").count() == 0
        page.keyboard.press("a")
        page.wait_for_selector(".notice:has-text('may look, not act')")
        page.close()


def test_the_timeline_goes_back_an_hour(page: Any, store: "redis.Redis", publisher: Publisher) -> None:
    """A score of 50 minutes ago is fetched from the stream when somebody scrolls there."""
    fifty_minutes_ago_ms = int((time.time() - 3000) * 1000)
    store.xadd(keys.scores("one"), {"score": '{"channel":"one","score":0.95}'}, id=f"{fifty_minutes_ago_ms}-0")
    page.wait_for_selector("[data-channel=one].large")
    before = page.locator(".chart").get_attribute("aria-label")
    page.keyboard.press("Home")
    red = """() => {const c = document.querySelector(".chart");
        const d = c.getContext("2d").getImageData(0, 0, c.width, 30).data;
        for (let i = 0; i < d.length; i += 4)
            if (d[i] > 240 && d[i + 1] < 110 && d[i + 2] < 110 && d[i + 3] > 240) return true;
        return false}"""
    wait(lambda: page.evaluate(red))
    assert page.locator(".chart").get_attribute("aria-label") != before
    page.keyboard.press("End")
    wait(lambda: not page.evaluate(red))


def test_the_alarm_rings_when_sound_is_on(page: Any, publisher: Publisher) -> None:
    """And wants to when it is off: browsers allow no sound before a key."""
    publisher.incident(incident(1, state="firing", fired=True))
    page.wait_for_selector("#sound.wanted")
    page.keyboard.press("m")
    page.wait_for_selector("#sound[aria-pressed=true]:not(.wanted)")


def test_a_stream_that_is_down_is_a_state_of_its_own(page: Any, publisher: Publisher) -> None:
    """With the reason, whatever the last score was."""
    publisher.score(score(0.25))
    publisher.health("one", HEALTH | {"state": "stream_down", "why": "does not answer"})
    page.wait_for_selector("[data-channel=one][data-verdict=stream_down]")
    assert page.locator("[data-channel=one] .why").text_content() == "does not answer"


@pytest.mark.parametrize(
    ("name", "width", "height"), [("phone", 390, 844), ("4k", 3840, 2160), ("desktop", 1920, 1080)]
)
def test_nothing_is_cut_off_at_any_size(
    browser: Any, address: str, publisher: Publisher, tmp_path: Path, name: str, width: int, height: int
) -> None:
    """No size scrolls sideways. BODYWATCH_ARTEFACTS names a folder for the pictures, to be looked at."""
    folder = Path(os.environ.get("BODYWATCH_ARTEFACTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    publisher.health("two", HEALTH)
    publisher.incident(replace(incident(1, state="firing", fired=True)))
    with watched(browser, address, viewport={"width": width, "height": height}) as page:
        page.wait_for_selector("[data-channel=two]")
        page.wait_for_selector("#alarm:not([hidden])")
        page.screenshot(path=folder / f"page-{name}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        right = """Math.max(...[...document.querySelectorAll("button")].map(b => b.getBoundingClientRect().right))"""
        assert page.evaluate(right) <= width
