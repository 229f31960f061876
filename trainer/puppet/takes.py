"""Recordings of the rendered speaker and of impostors, planned and written with their truth."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.skeleton import RATE_HZ
from trainer.data.tracks import Track, read_track, write_track
from trainer.errors import DataUnusable
from trainer.puppet.renderer import Camera, Passage, Player, Script, frames
from trainer.puppet.style import as_numbers, random_style
from trainer.puppet.video import record

PERSON = "demo-speaker"
SOURCE = "rendered by trainer/puppet/renderer.py"
LICENCE = "Apache-2.0"
COLUMNS = ("path", "person", "genuine", "session", "source", "licence", "style")
FRAME_RATES = (25.0, 30.0)


@dataclass(frozen=True, slots=True)
class Take:
    """One recording day: how the picture is framed, how often it is taken and how hard it is compressed."""

    name: str
    camera: Camera
    fps: float
    crf: int


@dataclass(frozen=True, slots=True)
class Plan:
    """One recording to be made."""

    name: str
    take: Take
    script: Script

    @property
    def shot(self) -> Passage:
        return self.script.passages[0]


def plan(
    genuine: int, impostors: int, *, speaker_s: float, impostor_s: float, takes: int, seed: int = 0, prefix: str = ""
) -> Iterator[Plan]:
    """Plan recordings; speaker and impostors share the takes, so that no camera gives anybody away.

    Every impostor has a style of its own, so recordings that a split holds out are of styles never trained on.
    """
    days = [_take(number, seed) for number in range(takes)]
    for number in range(genuine):
        day = days[number % takes]
        shot = Passage(0.0, speaker_s, seed=10_000 * seed + 1000 + number)
        yield Plan(f"{prefix}speaker-{number:03d}", day, Script((shot,), day.camera))
    for number in range(impostors):
        day = days[number % takes]
        style = random_style(np.random.default_rng([seed, 5, number]))
        shot = Passage(0.0, impostor_s, who="impostor", style=style, seed=10_000 * seed + 5000 + number)
        yield Plan(f"{prefix}impostor-{number:03d}", day, Script((shot,), day.camera))


def _take(number: int, seed: int) -> Take:
    rng = np.random.default_rng([seed, 7, number])
    zoom, right_px, down_px = rng.uniform((0.92, -22.0, -8.0), (1.12, 22.0, 8.0))
    camera = Camera(float(zoom), float(right_px), float(down_px))
    return Take(f"lectern_take{number:02d}", camera, FRAME_RATES[number % 2], int(rng.integers(20, 31)))


def render(plans: list[Plan], out: Path, *, width: int, height: int, video: bool = True) -> Iterator[Plan]:
    """Write each recording as MP4, its truth as a pose track under truth/, and manifest.csv; give each when done.

    A video that is there is not rendered again while the truth beside it is that of the plan.

    Raises:
        DataUnusable: without video, a video of another plan is there; nothing has been written then.
    """
    if not video:
        _refuse_others(plans, out, width, height)
    (out / "truth").mkdir(parents=True, exist_ok=True)
    with (out / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        for one in plans:
            path, known = out / f"{one.name}.mp4", out / "truth" / f"{one.name}.npz"
            true = truth(one, width, height)
            if not _is_truth(known, true):
                path.unlink(missing_ok=True)
            if video and not path.exists():
                part = path.with_suffix(".part.mp4")
                shots = frames(one.script, width, height, one.take.fps)
                for _ in record(shots, str(part), width, height, one.take.fps, crf=one.take.crf):
                    pass
                part.replace(path)
            write_track(known, true)
            row = (path.name, PERSON, kind_of(one.shot), one.take.name, SOURCE, LICENCE)
            table.writerow(dict(zip(COLUMNS, (*row, json.dumps(as_numbers(one.shot.style))), strict=True)))
            file.flush()
            yield one


def truth(one: Plan, width: int, height: int) -> Track:
    """Give the true keypoints of a recording on the 30 Hz grid, whatever its frame rate."""
    player = Player(one.script, width, height)
    time_s = np.arange(round(one.script.end_s * RATE_HZ)) / RATE_HZ
    return Track(
        recording=one.name,
        person=PERSON,
        session=one.take.name,
        time_s=time_s,
        keypoints=np.stack([player.truth(float(t)) for t in time_s]),
        shot=np.zeros(len(time_s), np.int32),
        width=width,
        height=height,
        genuine=one.shot.who == "speaker",
        source=SOURCE,
        licence=LICENCE,
    )


def _refuse_others(plans: list[Plan], out: Path, width: int, height: int) -> None:
    """Let no new truth lie beside an older video: it would pass for that video's own from then on."""
    for one in plans:
        path = out / f"{one.name}.mp4"
        if path.exists() and not _is_truth(out / "truth" / f"{one.name}.npz", truth(one, width, height)):
            why = "is a video of another plan, and none is to be rendered in its place"
            raise DataUnusable(path, f"{why}; remove it, choose another folder, or leave --no-video out")


def _is_truth(path: Path, true: Track) -> bool:
    """Tell whether a truth is there, of the same take, speech and style, seen by the same camera."""
    if not path.exists():
        return False
    known = read_track(path)
    same_picture = (known.session, known.width, known.height) == (true.session, true.width, true.height)
    return same_picture and np.array_equal(known.keypoints, true.keypoints.astype(np.float32))


def kind_of(shot: Passage) -> str:
    """Give the manifest's word for who is in a shot."""
    return "genuine" if shot.who == "speaker" else "fake"
