"""A rendered speaker at a lectern whose true keypoints are known in every frame.

The demo's broadcast, test clips and drills come from here, and the ground truth for the pose network. The impostor has
the same face, suit, lectern, camera and rest posture as the speaker; only the movement differs.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from trainer.puppet.body import PersonDrawing
from trainer.puppet.drawing import Image, Pen
from trainer.puppet.motion import Array, Body, Motion
from trainer.puppet.people import ANCHOR, GUEST, SPEAKER, Palette
from trainer.puppet.scenery import Lectern, draw_audience, draw_hall, draw_studio, draw_title
from trainer.puppet.style import DEMO_SPEAKER, Style

Scene = Literal["lectern", "audience", "title", "beside", "close", "still", "studio"]
Who = Literal["speaker", "impostor", "anchor"]

LOOKS: dict[Who, Palette] = {"speaker": SPEAKER, "impostor": SPEAKER, "anchor": ANCHOR}
SCENE_SIZE = np.array([640.0, 360.0])
CLOSE_ZOOM, CLOSE_CENTRE = 2.3, np.array([320.0, 122.0])
GUEST_OFFSET = np.array([-205.0, 14.0])
STILL_S = 3.0


@dataclass(frozen=True, slots=True)
class Camera:
    """How the picture is framed: zoom about the middle, then a shift in scene pixels."""

    zoom: float = 1.0
    right_px: float = 0.0
    down_px: float = 0.0


@dataclass(frozen=True, slots=True)
class Passage:
    """One shot of a broadcast: from start_s to end_s of the script, who speaks and how. who None: nobody to judge.

    first_s is the time of the motion's clock when the shot begins, so that one speech can go on after a cut. who alone
    says whose face, hair and suit it is: an anchor with the speaker's style, seed and clock takes over their very pose,
    at the lectern without a cut, and by a cut where the scene goes from lectern to studio, another room around it.
    """

    start_s: float
    end_s: float
    scene: Scene = "lectern"
    who: Who | None = "speaker"
    style: Style = DEMO_SPEAKER
    seed: int = 1
    first_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Script:
    """What a broadcast shows, shot by shot, without holes."""

    passages: tuple[Passage, ...]
    camera: Camera = field(default_factory=Camera)

    @property
    def end_s(self) -> float:
        """Length of the broadcast."""
        return self.passages[-1].end_s

    def passage_at(self, time_s: float) -> Passage:
        """Tell which passage is on at a time of the script; beyond its ends, the nearest."""
        number = bisect_right(self.passages, time_s, key=lambda passage: passage.end_s)
        return self.passages[min(number, len(self.passages) - 1)]


@dataclass(frozen=True, slots=True, eq=False)
class Rendered:
    """One frame: image (H, W, 3) uint8 BGR; truth (18, 3) float32 as in Pose, None when nobody is to be judged."""

    time_s: float
    image: Image
    truth: npt.NDArray[np.float32] | None
    passage: Passage


class Studio:
    """Draws scenes at one size with one camera; everything that stands still is drawn once."""

    def __init__(self, width: int, height: int, camera: Camera) -> None:
        self.width, self.height = width, height
        base = max(width / SCENE_SIZE[0], height / SCENE_SIZE[1]) if width >= height else height / SCENE_SIZE[1]
        size = np.array([width, height])
        middle = SCENE_SIZE / 2 - [camera.right_px, camera.down_px]
        self._zoom = {False: base * camera.zoom, True: base * camera.zoom * CLOSE_ZOOM}
        self._shift = {
            False: size / 2 - middle * self._zoom[False],
            True: size / 2 - CLOSE_CENTRE * self._zoom[True],
        }
        self._still = lru_cache(maxsize=None)(self._draw_still)
        self._people = lru_cache(maxsize=None)(lambda close, palette: PersonDrawing(palette, self._zoom[close]))
        self._lectern = lru_cache(maxsize=None)(
            lambda close: Lectern(width, height, self._zoom[close], self._shift[close])
        )

    def _draw_still(self, scene: str, close: bool) -> Image:
        draw = {"audience": draw_audience, "title": draw_title, "studio": draw_studio}.get(scene, draw_hall)
        return draw(self.width, self.height, self._zoom[close], self._shift[close])

    def draw(self, scene: Scene, body: Body, guest: Body | None = None, *, palette: Palette = SPEAKER) -> Image:
        """Draw one frame of whoever looks like that. Costs about 2.5 ms at 640x360 on one core."""
        if scene in ("audience", "title"):
            return self._still(scene, False).copy()
        close = scene == "close"
        image = self._still("studio" if scene == "studio" else "hall", close).copy()
        pen = Pen(image, self._zoom[close], self._shift[close])
        if guest is not None:
            drawing = self._people(close, GUEST)
            drawing.draw_behind_lectern(pen, guest, GUEST_OFFSET)
            drawing.draw_arms(pen, guest, GUEST_OFFSET)
        drawing = self._people(close, palette)
        drawing.draw_behind_lectern(pen, body, np.zeros(2))
        self._lectern(close).draw(image)
        drawing.draw_arms(pen, body, np.zeros(2))
        return image

    def truth(self, scene: Scene, body: Body) -> npt.NDArray[np.float32]:
        """Give the true keypoints (18, 3) in pixels; what is hidden or out of the picture has confidence 0."""
        close = scene == "close"
        points: Array = body.keypoints.copy()
        points[:, :2] = points[:, :2] * self._zoom[close] + self._shift[close]
        outside = (points[:, :2] < 0).any(axis=1) | (points[:, :2] >= [self.width, self.height]).any(axis=1)
        points[outside | (points[:, 2] == 0)] = 0.0
        return points.astype(np.float32)


class Player:
    """Plays a script: the frame at any time of it. Keeps the latest speeches only, so a script may run for days."""

    def __init__(self, script: Script, width: int, height: int) -> None:
        self.script = script
        self._studio = Studio(width, height, script.camera)
        self._motion = lru_cache(maxsize=4)(Motion)
        self._listening = Motion(DEMO_SPEAKER, 99).at(STILL_S)  # the second person

    def frame(self, time_s: float) -> Rendered:
        """Render the picture at time_s with its truth."""
        passage, body = self._body(time_s)
        guest = self._listening if passage.scene == "beside" else None
        truth = self._studio.truth(passage.scene, body) if passage.who else None
        image = self._studio.draw(passage.scene, body, guest, palette=LOOKS[passage.who or "speaker"])
        return Rendered(time_s, image, truth, passage)

    def truth(self, time_s: float) -> npt.NDArray[np.float32]:
        """Give the true keypoints (18, 3) without a picture; all 0 where nobody is to be judged."""
        passage, body = self._body(time_s)
        return self._studio.truth(passage.scene, body) if passage.who else np.zeros((18, 3), np.float32)

    def _body(self, time_s: float) -> tuple[Passage, Body]:
        passage = self.script.passage_at(time_s)
        motion = self._motion(passage.style, passage.seed)
        return passage, motion.at(STILL_S if passage.scene == "still" else passage.first_s + time_s - passage.start_s)


def frames(script: Script, width: int, height: int, fps: float, *, start_s: float = 0.0) -> Iterator[Rendered]:
    """Render a script frame by frame; times are k / fps, from start_s on."""
    player = Player(script, width, height)
    for number in range(round(start_s * fps), round(script.end_s * fps)):
        yield player.frame(number / fps)
