"""Whose face is on screen, as the page tells it, in a real browser; the worker's words are fed in by hand."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis

from monitor.bus import keys
from monitor.bus.messages import event
from monitor.bus.publisher import Publisher
from monitor.records import Claim
from tests.support.browser import NEEDS_CHROMIUM, watched
from tests.support.gateway import HEALTH, incident, not_judged, score, wait

pytestmark = NEEDS_CHROMIUM

SEEN = HEALTH | {
    "face": "person",
    "face_person": "speaker",
    "face_distance": 0.31,
    "face_limit": 0.46,
    "face_why": "",
    "face_required": 1,
    "face_share": 0.734,
}
UNSEEN = SEEN | {"face": "unseen", "face_person": "", "face_distance": -1.0, "face_why": "it was seen too little"}
PLATE = "[data-channel=one] .face"
LONG = "W" * 200


def lines(page: Any, who: str) -> list[str]:
    """Wait until the plate is about this, and give its lines that say something."""
    page.wait_for_selector(f"{PLATE}[data-who={who}]")
    said: list[str] = page.locator(f"{PLATE} [data-line]").evaluate_all("all => all.map(one => one.textContent)")
    return [line for line in said if line]


@pytest.mark.parametrize(
    ("who", "health", "said"),
    [
        pytest.param("person", SEEN, ["speaker", "face 0.31, limit 0.46"], id="the person"),
        pytest.param(
            "person",
            SEEN | {"face_distance": 0.48},
            ["speaker", "face 0.48, limit 0.46", "over the limit, not yet clearly another's face"],
            id="the person, but no longer surely",
        ),
        pytest.param("person", SEEN | {"face_limit": -1.0}, ["speaker", "face 0.31"], id="a limit that is not known"),
        pytest.param(
            "person", SEEN | {"face_person": "7"}, ["7", "face 0.31, limit 0.46"], id="a name that reads like a number"
        ),
        pytest.param("person", HEALTH | {"face": "person"}, ["speaker"], id="nothing but that it is the person"),
        pytest.param(
            "somebody_else",
            SEEN | {"face": "somebody_else", "face_person": "", "face_distance": 0.712},
            ["somebody else", "face 0.71, limit 0.46"],
            id="somebody else",
        ),
        pytest.param("unseen", UNSEEN, ["face not seen: it was seen too little"], id="unseen"),
        pytest.param("unseen", HEALTH | {"face": "unseen"}, ["face not seen"], id="unseen for no known reason"),
        pytest.param(
            "unseen",
            UNSEEN | {"face_required": 0, "reason": "filling"},
            ["face not seen: it was seen too little"],
            id="unseen and not judged yet, where that is accepted",
        ),
        pytest.param(
            "unseen",
            UNSEEN | {"face_required": 0},
            ["judged without a face, as configured", "face not seen: it was seen too little"],
            id="judged without a face",
        ),
        pytest.param(
            "not_asked",
            SEEN | {"face": "not_asked", "face_distance": -1.0, "face_limit": -1.0},
            ["no face references: whoever is on screen is judged"],
            id="a file without references",
        ),
        pytest.param(
            "no_model",
            SEEN | {"face": "not_asked", "model": "", "person": "", "face_distance": -1.0, "face_limit": -1.0},
            ["no model: nobody is judged", "make one: bodywatch enrol --help"],
            id="no model",
        ),
        pytest.param(
            "no_model",
            HEALTH | {"reason": "no_model"},
            ["no model: nobody is judged", "make one: bodywatch enrol --help"],
            id="no model, by the reason",
        ),
    ],
)
def test_the_plate_tells_whose_face_is_on_screen(
    page: Any, publisher: Publisher, who: str, health: dict[str, str | float], said: list[str]
) -> None:
    """In words: whose it is, how far it lies from the references (two decimals) and where their limit is."""
    publisher.health("one", health)
    assert lines(page, who) == said
    assert page.locator("[data-channel=one]").get_attribute("aria-label").endswith("; face: " + ", ".join(said))


def test_the_plate_has_a_scale_with_the_limit_on_it(page: Any, publisher: Publisher) -> None:
    """The scale ends at 1: the mark stands at 31 %, the person's band ends at the limit, 46 %."""
    publisher.health("one", SEEN)
    lines(page, "person")
    assert page.locator(f"{PLATE} .mark").evaluate("mark => mark.style.left") == "31%"
    assert page.locator(f"{PLATE} .band").evaluate("band => band.style.width") == "46%"
    publisher.health("one", UNSEEN)
    lines(page, "unseen")
    assert page.locator(f"{PLATE} .range").is_hidden()  # no look, no mark


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        ("someone_else", "Not judged: somebody else is on screen"),
        ("face_unseen", "Not judged: whose face it is can't be told"),
        ("no_model", "Not judged: no model of a person"),
    ],
)
def test_why_a_face_is_not_judged_stands_in_words(page: Any, publisher: Publisher, reason: str, why: str) -> None:
    """As the other reasons do."""
    publisher.score(not_judged(reason))
    page.wait_for_selector(f"[data-channel=one] .why:has-text({json.dumps(why)})")


def test_an_older_worker_says_nothing_of_faces(page: Any, publisher: Publisher) -> None:
    """Then the page claims nothing."""
    publisher.score(score(0.25))
    page.wait_for_selector("[data-channel=one][data-verdict=clear]")
    assert page.locator(PLATE).is_hidden()
    assert page.locator("[data-channel=one]").get_attribute("aria-label") == (
        "Channel one: No suspicion, moves like speaker"
    )


def test_a_window_tells_the_face_sooner_than_the_health(page: Any, publisher: Publisher) -> None:
    """Health comes once a second, windows twice; a window of an older worker leaves it to the health."""
    publisher.health("one", SEEN)
    lines(page, "person")
    claim = Claim("somebody_else", "speaker", 0.712, 0.46)
    publisher.score(replace(not_judged("someone_else"), claim=claim))
    assert lines(page, "somebody_else") == ["somebody else", "face 0.71, limit 0.46"]
    publisher.score(score(0.25))
    assert lines(page, "person") == ["speaker", "face 0.31, limit 0.46"]


@pytest.mark.parametrize("health", [{"state": "stream_down", "why": "no answer"}, {"reason": "nobody"}])
def test_nobody_is_named_while_nobody_is_seen(page: Any, publisher: Publisher, health: dict[str, str | float]) -> None:
    """What was said of the last picture says nothing of now."""
    publisher.health("one", SEEN)
    lines(page, "person")
    publisher.health("one", SEEN | health)
    page.wait_for_selector(PLATE, state="hidden")


def test_nobody_is_named_when_the_worker_has_fallen_silent(page: Any, publisher: Publisher) -> None:
    """Its last word stays in Redis for 10 s with the same `at`; after 4 s the page believes it no more."""
    publisher.health("one", SEEN | {"at": 1_700_000_000.0})
    lines(page, "person")
    page.wait_for_selector(PLATE, state="hidden", timeout=8_000)


def test_a_name_is_never_read_as_markup(page: Any, publisher: Publisher) -> None:
    """Nor may one that is written from right to left turn the words around it."""
    name = "<img src=x onerror=alert(1)>\u202e"
    publisher.health("one", SEEN | {"face_person": name})
    assert lines(page, "person") == [name, "face 0.31, limit 0.46"]
    publisher.health("one", UNSEEN | {"face_why": "<b>dark</b>"})
    assert lines(page, "unseen") == ["face not seen: <b>dark</b>"]
    assert page.locator(f"{PLATE} :is(img, b)").count() == 0
    assert page.locator(f"{PLATE} bdi").count() == 1


def test_the_large_view_tells_how_long_the_person_was_on_screen(page: Any, publisher: Publisher) -> None:
    """0.734 of the time since the start is 73 %; a share that is not known has no line."""
    share = page.locator("[data-channel=one].large .facts div:has(dt:text-is('on screen')) dd")
    publisher.health("one", SEEN)
    lines(page, "person")
    assert share.text_content() == "73 %"
    publisher.health("one", UNSEEN | {"face_share": -1.0})
    lines(page, "unseen")
    assert share.count() == 0


def test_a_tile_does_not_pass_the_expected_person_off_as_the_one_on_screen(page: Any, publisher: Publisher) -> None:
    """The name in its head is who is expected; it says so where the face is not that person's."""
    before = (
        """name => getComputedStyle(document.querySelector(`[data-channel=${name}] .plate span`), "::before").content"""
    )
    publisher.health("one", SEEN)
    publisher.health("two", SEEN | {"face": "somebody_else"})
    page.wait_for_selector("[data-channel=two]:not(.large) .face[data-who=somebody_else]")
    page.wait_for_selector("[data-channel=one]:not(.large) .face[data-who=person]")
    assert page.evaluate(before, "one") == "none"
    assert page.evaluate(before, "two") == '"expected: "'


@pytest.mark.parametrize(
    ("face", "said"),
    [
        ({"who": "person", "person": "speaker", "distance": 0.31, "limit": 0.46, "why": ""},
         ["speaker", "face 0.31, limit 0.46"]),
        ({"who": "unseen", "person": "", "distance": -1.0, "limit": 0.46, "why": "it is <i>turned</i> away"},
         ["judged without a face, as configured", "face not seen: it is <i>turned</i> away"]),
        ({"who": "not_asked", "person": "", "distance": -1.0, "limit": -1.0, "why": ""},
         ["no face references: whoever is on screen is judged"]),
        (None, ["not known: the face was not looked at"]),
    ],
    ids=["the person", "unseen", "without references", "not looked at"],
)  # fmt: skip
def test_the_details_tell_how_sure_the_face_was(
    page: Any, publisher: Publisher, face: dict[str, Any] | None, said: list[str]
) -> None:
    """An incident says whose face claims to be there, so it tells how near that face was at its latest window."""
    publisher.incident(incident(1, state="firing", fired=True, face=face))
    page.wait_for_selector("#details .whose")
    assert page.locator("#details .whose h4").text_content() == "Whose face"
    told = page.locator("#details .whose [data-line]").evaluate_all("all => all.map(one => one.textContent)")
    assert [line for line in told if line] == said


def test_the_details_of_an_older_incident_say_nothing_of_faces(page: Any, store: "redis.Redis") -> None:
    """It was raised when nobody looked at faces, and has no such field."""
    told = event(incident(1, state="firing", fired=True))
    data = {key: value for key, value in told["data"].items() if key != "face"}
    store.xadd(keys.ALERTS, {"event": json.dumps(told | {"data": data})})
    page.wait_for_selector("#details .table")
    assert page.locator("#details .whose").count() == 0


def test_the_face_is_told_before_it_fires_too(page: Any, publisher: Publisher) -> None:
    """Every window that is judged has a face, so it goes with an incident from the first suspicion on."""
    face = {"who": "person", "person": "speaker", "distance": 0.4, "limit": 0.46, "why": ""}
    publisher.incident(incident(1, face=face))
    page.locator("#list [data-incident=inc-1] button").click()
    assert page.locator("#details .whose .figures").text_content() == "face 0.40, limit 0.46"


@pytest.mark.parametrize(
    ("name", "width", "height"), [("phone", 390, 844), ("4k", 3840, 2160), ("desktop", 1920, 1080)]
)
def test_no_plate_breaks_the_page_at_any_size(
    browser: Any, address: str, publisher: Publisher, store: "redis.Redis", tmp_path: Path,
    name: str, width: int, height: int,
) -> None:  # fmt: skip
    """The longest name and reason stay in their tiles. BODYWATCH_ARTEFACTS names a folder for the pictures."""
    folder = Path(os.environ.get("BODYWATCH_ARTEFACTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    publisher.health("one", SEEN)
    publisher.health("four", SEEN | {"face_person": LONG})
    publisher.health("three", UNSEEN | {"face_why": LONG, "face_distance": 0.5, "face_required": 0})
    publisher.health("two", SEEN | {"face": "not_asked", "model": "", "person": ""})
    wait(lambda: store.exists(*map(keys.health, ("one", "two", "three", "four"))) == 4)
    over = """() => [...document.querySelectorAll(".face, .face *")].filter(one => {
        if (!one.checkVisibility()) return false;
        const [inner, outer] = [one, one.closest(".channel, .details")].map(each => each.getBoundingClientRect());
        const spills = one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX === "visible";
        const below = one.closest(".channel") && inner.bottom > outer.bottom + 0.5;
        return spills || below || inner.right > outer.right + 0.5;
    }).map(one => one.className)"""
    with watched(browser, address, viewport={"width": width, "height": height}) as page:
        face = {"who": "person", "person": LONG, "distance": 0.31, "limit": 0.46, "why": ""}
        publisher.incident(incident(1, state="firing", fired=True, face=face))
        page.wait_for_selector("#details .whose")
        page.wait_for_function("document.querySelectorAll('.channel .face:not([hidden])').length === 4")
        page.screenshot(path=folder / f"faces-{name}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate(over) == []
        page.locator("[data-channel=three] .enlarge").click()
        page.wait_for_selector("[data-channel=three].large")
        page.screenshot(path=folder / f"faces-{name}-large.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate(over) == []


def test_each_of_several_persons_can_be_silenced(page: Any, publisher: Publisher, store: "redis.Redis") -> None:
    """All their names in one are nobody's: an order for them would silence none, and the tile would say it did."""
    publisher.health("one", HEALTH | {"person": "ada, bob", "persons": "ada\nbob"})
    page.wait_for_selector("[data-channel=one] .plate span:has-text('ada, bob')")
    page.keyboard.press("s")
    page.wait_for_selector("#words[open]")
    page.select_option("#words-what", label="bob, on every channel")
    page.click("#words button:has-text('Silence')")
    wait(lambda: publisher.silenced("one", "bob"))
    assert not publisher.silenced("one", "ada")
    assert list(store.hgetall(keys.SILENCES)) == ["person:bob"]


def test_a_tile_shows_who_fires_before_whom_is_only_suspected(page: Any, publisher: Publisher) -> None:
    """Two persons of one channel can each have an incident; the newer is not the worse."""
    publisher.incident(incident(1, person="ada", state="firing", fired=True))
    newer_s = incident(1).arrived_s + 10
    publisher.incident(incident(2, person="bob", state="pending", arrived_s=newer_s))
    page.wait_for_selector("[data-incident=inc-2]")
    page.wait_for_selector("[data-channel=one][data-verdict=firing] .why:has-text('does not move like ada')")


def test_a_window_counts_for_as_long_as_windows_are_apart(page: Any, publisher: Publisher) -> None:
    """One each 10 s is no silence: what it said holds for 15 s."""
    publisher.health("one", HEALTH | {"every_s": 10.0})
    publisher.score(score(0.25))
    page.wait_for_selector("[data-channel=one][data-verdict=clear]")
    fresh = "performance.now = (now => () => now.call(performance) + 9000)(performance.now)"
    page.evaluate(fresh)
    publisher.health("one", HEALTH | {"every_s": 10.0, "fps": 24.0})
    page.wait_for_selector("[data-channel=one] :text('24 fps')", state="attached")
    assert page.locator("[data-channel=one]").get_attribute("data-verdict") == "clear"
