"""People who do not exist: true keypoints of drawn speakers, each with a style of their own."""

from pathlib import Path

import pytest

from models.style.statistics import WIDTHS
from trainer.data.tracks import Track, read_track
from trainer.puppet.takes import plan, render
from trainer.verify.background import Background, learn
from trainer.verify.windows import describe


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pose tracks: nine speeches of 20 s of the demo's speaker, and ten of others of 20 s."""
    out = tmp_path_factory.mktemp("drawn")
    plans = list(plan(9, 12, speaker_s=20, impostor_s=20, takes=3, seed=4))
    for _ in render(plans, out, width=640, height=360, video=False):
        pass
    return out / "truth"


@pytest.fixture(scope="session")
def others(drawn: Path) -> list[Track]:
    return [read_track(path) for path in sorted(drawn.glob("impostor-*.npz"))]


@pytest.fixture(scope="session")
def speeches(drawn: Path) -> list[Track]:
    return [read_track(path) for path in sorted(drawn.glob("speaker-*.npz"))]


@pytest.fixture(scope="session")
def background(others: list[Track]) -> Background:
    """Of eight people; each recording counts as one."""
    from dataclasses import replace

    people = [replace(track, person=track.recording) for track in others[:8]]
    return learn(describe(people, step=30), tuple(WIDTHS), sources=("drawn speakers",))
