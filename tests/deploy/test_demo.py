"""The demo: what it broadcasts, and how it holds what it hears against what it showed."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from deploy.demo.alert_listener import ReceivedEvent
from deploy.demo.programme import AFTER_S, SHORTEST_S, impostor_style, programme
from deploy.demo.report import Narrator, Report
from trainer.puppet.style import DEMO_SPEAKER, distance
from trainer.puppet.takes import plan


def window(end_s: float, *, via: str = "redis", late_s: float = 0.25, **facts: Any) -> ReceivedEvent:
    """A window's verdict as it comes from the daemon, heard late_s after its last frame arrived 2 s after its time."""
    data = {"channel": "demo", "end_s": end_s, "arrived_s": 1000.0 + end_s + 2.0, **facts}
    return ReceivedEvent(via, "window", data, data["arrived_s"] + late_s)  # type: ignore[arg-type]


def incident(state: str, start_s: float, end_s: float, number: int = 1, late_s: float = 0.25) -> ReceivedEvent:
    data = {
        "id": f"i{number}", "channel": "demo", "person": "demo-speaker", "state": state, "fired": state != "pending",
        "start_s": start_s, "end_s": end_s, "peak": 0.98765, "score": 0.9, "windows": 8,
        "arrived_s": 1000.0 + end_s + 2.0,
    }  # fmt: skip
    return ReceivedEvent("redis", "incident", data, data["arrived_s"] + late_s)


def test_shots_follow_each_other_and_no_speech_jumps_without_a_cut() -> None:
    """Two shots at the lectern always have a cut-away between them, so that the daemon can see the cut."""
    for seconds in (69.0, 70.0, 90.0, 600.0):
        shots = programme(seconds).passages
        assert (shots[0].start_s, shots[-1].end_s) == (0.0, seconds)
        assert all(a.end_s == b.start_s for a, b in pairwise(shots))
        assert all({a.scene, b.scene} != {"lectern"} for a, b in pairwise(shots))


def test_the_first_impostor_comes_at_27_s_and_every_one_has_time_to_be_cleared() -> None:
    shots = programme(600.0).passages
    impostors = [shot for shot in shots if shot.who == "impostor"]
    assert (impostors[0].start_s, impostors[0].end_s) == (27.0, 49.0)
    assert len(impostors) == 9  # one each 60 s from 27 s on
    assert all(600.0 - shot.end_s >= AFTER_S for shot in impostors)
    assert [shot.who for shot in programme(SHORTEST_S).passages].count("impostor") == 1
    assert "impostor" not in [shot.who for shot in programme(60.0).passages]


def test_the_model_has_met_neither_the_demos_impostors_nor_its_speeches() -> None:
    trained = list(plan(40, 120, speaker_s=30, impostor_s=10, takes=12))
    shown = programme(600.0).passages
    assert not {shot.seed for shot in shown if shot.who} & {one.shot.seed for one in trained}
    styles = [one.shot.style for one in trained if one.shot.who == "impostor"]
    assert min(distance(impostor_style(0), style) for style in [*styles, DEMO_SPEAKER]) > 0.1


def test_a_report_counts_windows_once_and_names_what_was_on_air() -> None:
    report = Report(programme(90.0), started_s=1000.0)
    for heard in (
        window(5.0, not_judged="filling"), window(5.5, score=0.1), window(5.5, via="websocket", score=0.1),
        incident("pending", 27.2, 33.0), incident("resolved", 27.2, 60.0), window(60.0, score=0.1),
    ):  # fmt: skip
        report.take(heard)
    report.health = {"frames": "1800", "poses": "1790", "dropped": "0"}
    told = report.as_json()
    assert (told["frames"], told["poses"], told["dropped"]) == (1800, 1790, 0)
    assert (told["windows_judged"], told["windows_not_judged"]) == (2, {"filling": 1})
    assert [(i["state"], i["truth"], i["end_s"]) for i in told["incidents"]] == [("resolved", "impostor", 60.0)]
    assert [p["incidents"] for p in told["passages"]] == [0, 0, 0, 0, 1, 0, 0]
    assert told["alert_latency_ms"]["redis"] == {"p50": 250.0, "p95": 250.0, "messages": 2}
    assert told["alert_latency_ms"]["websocket"] == {"p50": None, "p95": None, "messages": 0}


def test_a_clock_that_starts_anywhere_is_set_by_the_promptest_window() -> None:
    """Started at Unix time 1000; a window with PTS 107 s arrives at 1009, so PTS 127.5 is the script's 29.5 s."""
    report = Report(programme(90.0), started_s=1000.0, exact_clock=False)
    for end_s, arrived_s in ((107.0, 1009.0), (107.5, 1009.9)):
        report.take(ReceivedEvent("redis", "window", {"end_s": end_s, "arrived_s": arrived_s, "score": 0.1}, arrived_s))
    assert report.on_script(127.5) == pytest.approx(29.5)


def test_the_narrator_says_each_thing_once_in_plain_words() -> None:
    said: list[str] = []
    report = Report(programme(90.0), started_s=1000.0)
    narrator = Narrator(report, said.append)
    for heard in (
        window(5.0, not_judged="filling"), window(5.5, score=0.1), window(6.0, score=0.1),
        window(6.0, via="websocket", score=0.1), window(16.0, not_judged="nobody"), incident("firing", 27.2, 36.0),
    ):  # fmt: skip
        report.take(heard)
        narrator.tell(heard)
    assert said == [
        "  On air: the speaker, genuine.",
        "    not judged: the first five seconds are being watched",
        "    judged: score 0.10",
        "  On air: a cut-away (audience).",
        "    not judged: nobody to judge in the picture",
        "!!  INCIDENT FIRING: this is not how the speaker moves (score 0.90, highest 0.99, 8 windows)",
    ]


@pytest.mark.slow
def test_the_demo_alerts_on_the_impostor_and_on_nothing_else() -> None:
    """The shortest demo with an impostor in it, as a user starts it: 70 s of broadcast through the whole way."""
    done = subprocess.run(
        [Path(sys.executable).with_name("bodywatch"), "demo", "--seconds", str(SHORTEST_S), "--json", "--port", "0"],
        capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "rendered" in done.stderr  # it says so before anything else
    told = json.loads(done.stdout.strip().splitlines()[-1])
    assert [(shot["who"], shot["incidents"]) for shot in told["passages"] if shot["who"]] == [
        ("speaker", 0), ("speaker", 0), ("impostor", 1), ("speaker", 0),
    ]  # fmt: skip
    (only,) = told["incidents"]
    assert (only["state"], only["fired"], only["truth"]) == ("resolved", True, "impostor")
    assert 27.0 <= only["start_s"] < 49.0
    assert told["windows_not_judged"].keys() >= {"filling", "cut"}
    assert told["frames"] > 60 * 15  # 70 s at 15 fps, less what was on air before the daemon came
    assert told["alert_latency_ms"]["websocket"]["messages"] == told["alert_latency_ms"]["redis"]["messages"] == 3
