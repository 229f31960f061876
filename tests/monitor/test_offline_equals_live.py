"""Filmed speakers, and the rendered one, on the air: the whole daemon says what is said of the recording offline.

The films are H.264 and H.265, upright and wide, with B-frames and without, with key frames 1, 2, 8 and 10 s apart.
"""

from pathlib import Path

import pytest

from tests.support.live import Heard, beginning, both_ways, film
from tests.support.model_files import untaught
from trainer.puppet.renderer import Passage, Script


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return untaught(tmp_path_factory.mktemp("model") / "nobody.pt")


@pytest.fixture(params=["rendered 25 fps", "latentsync_demo3.mp4", "latentsync_demo2.mp4"])
def speech(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A speaker with both arms in view: rendered, and filmed at 30 and at 25 fps."""
    path = tmp_path / "speech.mp4"
    if request.param == "rendered 25 fps":
        return film(Script((Passage(0, 7),)), path, fps=25)
    clips: Path = request.getfixturevalue("shared_data")
    seconds = 9.4 if request.param == "latentsync_demo3.mp4" else 7.0  # its second key frame is at 8.33 s
    return beginning(clips / "videos" / request.param, path, seconds)


def assert_same(live: Heard, offline: Heard) -> None:
    """The same windows with the same words, scores to 1e-4, and nothing lost on the way."""
    assert live.words == pytest.approx(offline.words, abs=1e-4)
    assert live.starts == pytest.approx(offline.starts, abs=1e-3)
    assert (live.epochs, live.health[b"reconnects"], live.health[b"dropped"]) == ({0}, b"0", b"0")


def test_a_speaker_is_judged_the_same_live_and_offline(speech: Path, model: Path, tmp_path: Path) -> None:
    """7 s hold the windows that end at 5.0, 5.5, 6.0 and 6.5 s: 150 poses, 149 steps of 1/30 s, at any frame rate."""
    offline, live = both_ways(speech, model, tmp_path)
    judged = [end for end, word in offline.words.items() if isinstance(word, float)]
    assert judged[:4] == [5.0, 5.5, 6.0, 6.5]
    assert [end - offline.starts[end] for end in judged] == pytest.approx([149 / 30] * len(judged), abs=1e-3)
    assert offline.cuts_s == []
    assert_same(live, offline)


def test_evidence_adds_up_the_same_live_and_offline(tmp_path: Path) -> None:
    """Four windows of one shot: what each adds comes from scores, and from the stream's own clock alone."""
    rule = {"kind": "sequential", "alarm": 6.0, "calm": 1.0, "most": 3.0, "keep_over_cuts": 0.5, "half_life_s": 60.0}
    model = untaught(tmp_path / "nobody.pt", thresholds=rule)
    offline, live = both_ways(film(Script((Passage(0, 7),)), tmp_path / "speech.mp4", fps=25), model, tmp_path)
    assert list(offline.sums) == [end for end, word in offline.words.items() if isinstance(word, float)]
    assert max(max(sums) for sums in offline.sums.values()) > 0.01
    assert list(live.sums) == list(offline.sums)
    assert list(live.sums.values()) == [pytest.approx(sums, abs=2e-3) for sums in offline.sums.values()]
    assert (live.health[b"alarm"], live.health[b"answer"]) == (b"6.0", b"cant_tell")


def test_head_and_shoulders_are_judged_neither_live_nor_offline(shared_data: Path, model: Path, tmp_path: Path) -> None:
    """3.5 s without an elbow or a wrist: never genuine, never fake. One second of poses is enough to say so."""
    clip = beginning(shared_data / "videos" / "obama_weekly_address.mp4", tmp_path / "clip.mp4", 3.5)
    offline, live = both_ways(clip, model, tmp_path)
    assert offline.words == {0.0: "filling", 0.5: "filling"} | dict.fromkeys([1.0, 1.5, 2.0, 2.5, 3.0], "arms_hidden")
    assert_same(live, offline)


def test_no_window_spans_a_cut_live_or_offline(shared_data: Path, model: Path, tmp_path: Path) -> None:
    """The clip's shots are shorter than a window; its cuts were read off its frames. Its clock starts at 0.852 s."""
    clip = beginning(shared_data / "videos" / "whitehouse_hamilton_clip.mp4", tmp_path / "clip.mp4", 8.5)
    offline, live = both_ways(clip, model, tmp_path)
    assert offline.cuts_s == pytest.approx([1.519 - 0.852, 3.588 - 0.852, 7.892 - 0.852], abs=0.002)
    assert [span for span in live.starts.items() if across(span, offline.cuts_s)] == []
    assert live.health[b"cuts"] == b"3"
    assert_same(live, offline)


def across(span: tuple[float, float], cuts_s: list[float]) -> bool:
    """Tell whether a window, (end, start), holds pictures from before and after a cut."""
    end_s, start_s = span
    return any(start_s < cut_s - 0.001 and cut_s <= end_s for cut_s in cuts_s)
