"""A rendered broadcast in which somebody else takes the speaker's very place: through the real networks, offline."""

import pytest

from monitor.commands.check import score_recording
from monitor.config import parse
from tests.support.live import film
from tests.support.replacements import replaced

AT_S = 8.2
"""Between two looks, which come every half second with the windows."""


@pytest.fixture(scope="module", params=["in place", "by a cut"])
def windows(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    """What the shipped model says of 8.2 s of its speaker and then 7.8 s of another face on the same body."""
    path = film(replaced(AT_S, 16.0, how=request.param), tmp_path_factory.mktemp("film") / "replaced.mp4", fps=15)
    config = parse({"channels": [{"name": "a", "url": "x", "model": "demo-speaker"}]}, "a test")
    return score_recording(str(path), config, every_s=0.5, smooth=True, quiet=True).windows


@pytest.mark.slow
def test_no_window_holds_both_and_the_other_is_noticed_in_a_second_and_a_half(windows: list[dict[str, object]]) -> None:
    """Each look at a window's last frame sees who stands there then; told at the next half second."""
    judged = [float(str(window["end_s"])) for window in windows if "score" in window]
    other = [float(str(window["end_s"])) for window in windows if window.get("not_judged") == "someone_else"]
    assert judged
    assert max(judged) <= AT_S
    assert min(other) <= AT_S + 1.5 + 0.5
    assert not [end_s for end_s in other if end_s < AT_S]
