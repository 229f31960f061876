"""The demo: what it broadcasts, and how it holds what it hears against what it showed."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest

from deploy.demo.alert_listener import ReceivedEvent
from deploy.demo.command import command
from deploy.demo.programme import (
    AFTER_S,
    ANCHOR_S,
    ANCHOR_STYLE,
    BEFORE_S,
    ROUND_S,
    SHORTEST_S,
    impostor_style,
    programme,
)
from deploy.demo.report import Narrator, Report
from models.skeleton import LEFT_WRIST, RIGHT_WRIST
from trainer.puppet.motion import Motion
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
    """Two shots in the same room always have a cut-away between them, so that the daemon can see the cut."""
    for seconds in (79.0, 80.0, 90.0, 600.0):
        shots = programme(seconds).passages
        assert (shots[0].start_s, shots[-1].end_s) == (0.0, seconds)
        assert all(a.end_s == b.start_s for a, b in pairwise(shots))
        assert all(a.scene != b.scene for a, b in pairwise(shots))


def test_the_first_impostor_comes_at_27_s_and_every_one_has_time_to_be_cleared() -> None:
    shots = programme(600.0).passages
    impostors = [shot for shot in shots if shot.who == "impostor"]
    assert (impostors[0].start_s, impostors[0].end_s) == (27.0, 49.0)
    assert len(impostors) == 9  # one each 60 s from 27 s on
    assert all(600.0 - shot.end_s >= ROUND_S - 22.0 for shot in impostors)  # cut-away, anchor, the speaker for AFTER_S
    assert SHORTEST_S - 10.0 < BEFORE_S + ROUND_S <= SHORTEST_S
    assert [shot.who for shot in programme(SHORTEST_S).passages].count("impostor") == 1
    assert "impostor" not in [shot.who for shot in programme(SHORTEST_S - 1).passages]


def test_an_anchor_follows_every_impostor_and_the_speaker_the_anchor() -> None:
    """The face changes by a cut, never in the shot; 90 s are the README's."""
    assert [(shot.scene, shot.who, shot.end_s - shot.start_s) for shot in programme(90.0).passages] == [
        ("lectern", "speaker", 15.0), ("audience", None, 3.0), ("lectern", "speaker", 7.0), ("title", None, 2.0),
        ("lectern", "impostor", 22.0), ("audience", None, 3.0), ("studio", "anchor", 10.0),
        ("lectern", "speaker", 28.0),
    ]  # fmt: skip
    shots = programme(600.0).passages
    after = {number: shot for number, shot in enumerate(shots) if shot.who == "anchor"}
    assert [shot.end_s - shot.start_s for shot in after.values()] == [ANCHOR_S] * 9
    assert {shots[number + 1].who for number in after} == {"speaker"}
    assert min(shots[number + 1].end_s - shots[number + 1].start_s for number in after) >= AFTER_S


def test_the_anchor_keeps_both_hands_low_and_is_calm() -> None:
    """Wrists stay under the elbows' height most of the time, and move at a third of the speaker's speed at most."""
    speeds, raised = [], []
    for style in (ANCHOR_STYLE, DEMO_SPEAKER):
        poses = np.array([Motion(style, 9_801).at(n / 30).keypoints[..., :2] for n in range(30 * 60)])  # a minute
        wrists = poses[:, [RIGHT_WRIST, LEFT_WRIST]]
        speeds.append(np.linalg.norm(np.diff(wrists, axis=0), axis=2).max(axis=1).mean())
        raised.append((wrists[..., 1].min(axis=1) < 240.0).mean())  # the lectern's top is at 264, hands rest there
    assert speeds[0] < speeds[1] / 3
    assert raised[0] < 0.5 < raised[1]


def test_the_model_has_met_neither_the_demos_impostors_nor_its_speeches() -> None:
    trained = list(plan(40, 120, speaker_s=30, impostor_s=10, takes=12))
    shown = programme(600.0).passages
    assert not {shot.seed for shot in shown if shot.who} & {one.shot.seed for one in trained}
    styles = [one.shot.style for one in trained if one.shot.who == "impostor"]
    assert min(distance(ANCHOR_STYLE, style) for style in [*styles, DEMO_SPEAKER]) > 0.1
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
    assert [p["windows_judged"] for p in told["passages"]] == [1, 0, 0, 0, 0, 0, 1]
    assert told["passages"][0]["windows_not_judged"] == {"filling": 1}
    assert told["alert_latency_ms"]["redis"] == {"p50": 250.0, "p95": 250.0, "messages": 2}
    assert told["alert_latency_ms"]["websocket"] == {"p50": None, "p95": None, "messages": 0}


def test_a_clock_that_starts_anywhere_is_set_by_the_promptest_window() -> None:
    """Started at Unix time 1000; a window with PTS 107 s arrives at 1009, so PTS 127.5 is the script's 29.5 s."""
    report = Report(programme(90.0), started_s=1000.0, exact_clock=False)
    for end_s, arrived_s in ((107.0, 1009.0), (107.5, 1009.9)):
        report.take(ReceivedEvent("redis", "window", {"end_s": end_s, "arrived_s": arrived_s, "score": 0.1}, arrived_s))
    assert report.on_script(127.5) == pytest.approx(29.5)


def test_a_report_tells_what_was_said_of_each_passage() -> None:
    """The anchor is on air from 52 s to 62 s, the speaker after that; what the websocket says is the same again."""
    report = Report(programme(90.0), started_s=1000.0)
    for heard in (
        window(48.9, score=0.9), window(52.5, not_judged="cut"), window(54.0, not_judged="someone_else"),
        window(54.0, via="websocket", not_judged="someone_else"), window(61.9, not_judged="someone_else"),
        window(62.1, not_judged="cut"), window(68.0, score=0.1), window(69.0, score=0.1),
    ):  # fmt: skip
        report.take(heard)
    said = {
        (p["who"], p["start_s"]): (p["windows_judged"], p["windows_not_judged"]) for p in report.as_json()["passages"]
    }
    assert said["impostor", 27.0] == (1, {})
    assert said["anchor", 52.0] == (0, {"cut": 1, "someone_else": 2})
    assert said["speaker", 62.0] == (2, {"cut": 1})


def test_the_narrator_knows_the_anchor() -> None:
    said: list[str] = []
    report = Report(programme(90.0), started_s=1000.0)
    narrator = Narrator(report, said.append)
    for heard in (window(53.0, not_judged="face_unseen"), window(55.0, not_judged="someone_else")):
        report.take(heard)
        narrator.tell(heard)
    assert said == [
        "  On air: the anchor, somebody else.",
        "    not judged: the face can't be seen well enough to tell whose it is",
        "    not judged: this is somebody else's face",
    ]


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


def test_no_demo_is_too_short_for_an_impostor() -> None:
    """The command's least number of seconds stands with the option, where the help shows it."""
    hints = get_type_hints(command, include_extras=True)
    assert hints["seconds"].__metadata__[0].min == SHORTEST_S


@pytest.fixture(scope="module")
def live() -> dict[str, Any]:
    """The report of the shortest demo with an impostor in it, as a user starts it: 80 s through the whole way."""
    done = subprocess.run(
        [Path(sys.executable).with_name("bodywatch"), "demo", "--seconds", str(SHORTEST_S), "--json", "--port", "0"],
        capture_output=True, text=True, timeout=190, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "rendered" in done.stderr  # it says so before anything else
    return json.loads(done.stdout.strip().splitlines()[-1])


@pytest.mark.slow
def test_the_demo_alerts_on_the_impostor_and_not_on_the_speaker(live: dict[str, Any]) -> None:
    """Every shot of the speaker's is told too, so that none was missed."""
    assert [shot["who"] for shot in live["passages"] if shot["who"]] == [
        "speaker", "speaker", "impostor", "anchor", "speaker",
    ]  # fmt: skip
    assert [shot["incidents"] for shot in live["passages"] if shot["who"] in ("speaker", "impostor")] == [0, 0, 1, 0]
    first = live["incidents"][0]
    assert (first["state"], first["fired"], first["truth"]) == ("resolved", True, "impostor")
    assert 27.0 <= first["start_s"] < 49.0
    assert live["windows_not_judged"].keys() >= {"filling", "cut"}
    assert live["frames"] > 70 * 15  # 80 s at 15 fps, less what was on air before the daemon came
    alerts = live["alert_latency_ms"]
    assert alerts["websocket"]["messages"] == alerts["redis"]["messages"] == 3 * len(live["incidents"])


@pytest.mark.slow
def test_the_demos_anchor_is_somebody_else_and_no_incident(live: dict[str, Any]) -> None:
    """Their body is not judged, whatever it does: an incident says that the face is the person's."""
    (anchor,) = (shot for shot in live["passages"] if shot["who"] == "anchor")
    assert (anchor["incidents"], anchor["windows_judged"]) == (0, 0)
    assert anchor["windows_not_judged"]["someone_else"] >= 5  # of ten seconds, two a second, after two looks' seconds
    assert [incident["truth"] for incident in live["incidents"]] == ["impostor"]
