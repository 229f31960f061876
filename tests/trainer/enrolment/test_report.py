"""The page and the picture of an enrolment."""

from pathlib import Path

import cv2
import pytest

from trainer.data.tracks import Track
from trainer.enrolment.gather import Gathered
from trainer.enrolment.make import Enrolment, enrol
from trainer.enrolment.report import advice, write_report
from trainer.faces import Event
from trainer.verify.background import Background


@pytest.fixture(scope="module")
def weak(speeches: list[Track], background: Background) -> Enrolment:
    """Two speeches without a face, and a third that could not be read."""
    gathered = [Gathered(t.recording, t, Event(t.recording, None, 0, why="it is too small")) for t in speeches[:2]]
    gathered.append(Gathered("notes.mp4", why="<b>no video</b>"))
    return enrol("<ada>", gathered, background, face_network_sha256="b4" * 32, anyway=True)


def test_the_page_tells_what_was_used_and_what_was_not(weak: Enrolment, background: Background, tmp_path: Path) -> None:
    page = write_report(tmp_path / "ada.pt", weak, background).read_text(encoding="utf-8")
    assert "&lt;ada&gt;" in page
    assert "<ada>" not in page
    assert "&lt;b&gt;no video&lt;/b&gt;" in page
    assert "2 recordings can be judged, 3 are needed" in page
    assert "Background: 8 people" in page
    picture = cv2.imread(str(tmp_path / "ada.png"))
    assert picture is not None
    assert picture.shape[1] == 1200


def test_what_would_help_is_told(weak: Enrolment) -> None:
    """Two events, less than a minute, no face: each has its sentence."""
    told = " ".join(advice(weak))
    assert "More events: 2 now" in told
    assert "More minutes: 0.7 now" in told
    assert "it is not known from speaker-000, speaker-001" in told
