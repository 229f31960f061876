"""Who of the people in the picture is the speaker, and where to look for them in the next frame."""

import numpy as np
import numpy.typing as npt

from monitor.records import Frame, Pose, Reason, Sighting
from monitor.stages.crops import (
    CROP_SIZE,
    NO_CROP,
    BodyLocation,
    locate,
    search_crop,
    side_by_side,
    square_crop,
    whole_frame,
)
from monitor.stages.cuts import CutDetector
from monitor.stages.pose import Crop
from monitor.stages.smoothing import OneEuroFilter

Floats = npt.NDArray[np.float32]
Region = tuple[float, float, float, float]

DRIFT = 0.15  # shoulder widths that the speaker may drift before the square moves: a still speaker is seen still
SEARCH_AREAS = (432 * 240, 256 * 144, 656 * 368)  # pixels at the network; the next when one showed nobody: near, far
SEARCH_TRIES = 4  # searches in frames that follow each other; after that one every SEARCH_EVERY_S
SEARCH_EVERY_S = 0.25
SETTLED_S = 0.33  # followed for so long, somebody may be searched for at once again: a search costs five times a follow
OVERVIEW_EVERY_S = 2.0  # a whole-frame view is put beside the followed square so often
BETTER = 1.8  # someone else is the speaker when so much more prominent, twice in a row
SMALLEST = 0.025  # shoulder width of a speaker as a share of the picture's width
JUMP = 0.8  # a neck that moves further between two frames, in shoulder widths, is another person's
GROWTH = 1.5
BACK = (1.2, 1.35)  # someone found again within so many shoulder widths, and so near in size, is the same person


def usual_crops() -> list[Crop]:
    """Give a crop of each size that a channel of 16:9 may come to ask for; nothing is in them."""
    blank = np.zeros((360, 640, 3), np.uint8)
    followed = square_crop(blank, BodyLocation(320, 180, 50))
    return [
        followed,
        side_by_side(followed, whole_frame(blank, CROP_SIZE)),
        *(search_crop(blank, area) for area in SEARCH_AREAS),
    ]


class SpeakerTracker:
    """Follows one person of a channel.

    The whole frame is searched at the start, after a cut and after a loss; else a square around the speaker is
    enough. Every OVERVIEW_EVERY_S a small view of the whole frame stands beside the square in the same picture for the
    network, so no frame's pose is lost by the overview. The same frames give the same poses.
    """

    def __init__(self, *, region: Region | None = None, smooth: bool = True) -> None:
        """Follow the most prominent person whose neck is within region (left, top, right, bottom as shares)."""
        self._region = region
        self._smooth = OneEuroFilter() if smooth else None
        self._cuts = CutDetector()
        self._epoch: int | None = None
        self._speaker: BodyLocation | None = None  # followed now
        self._lost: BodyLocation | None = None  # followed before
        self._broken: Reason | None = None
        self._misses, self._searches, self._searched_s = 0, 0, -1e9
        self._round_s = 0.0
        self._rival = False
        self._square, self._framing = NO_CROP, BodyLocation(0, 0, 1)
        self._wide: Crop | None = None

    def crop(self, frame: Frame) -> Crop:
        """Say what of this frame the network is to see. Call once per frame, before pick."""
        self._broken = None
        if frame.epoch != self._epoch:
            self._cuts.reset()
            self._forget("cut" if self._epoch is not None else None)
            self._epoch = frame.epoch
        if self._cuts.push(frame.image):
            self._forget("cut")
        self._wide = None
        if self._speaker is None:
            return self._search(frame)
        self._square = square_crop(frame.image, self._framed(self._speaker))
        if frame.time_s - self._round_s < OVERVIEW_EVERY_S:
            return self._square
        self._round_s = frame.time_s
        self._wide = whole_frame(frame.image, CROP_SIZE)
        return side_by_side(self._square, self._wide)

    def pick(self, frame: Frame, people: Floats) -> Sighting:
        """Choose the speaker among people (P, 18, 3), found in what crop() gave for this frame."""
        if self._speaker is None:
            chosen = self._choose(frame, people)
        else:
            here, around = self._apart(people)
            chosen = self._follow(here)
            if frame.time_s - self._searched_s >= SETTLED_S:
                self._searches = 0
            if (other := self._replaced(frame, chosen, around)) is not None:
                chosen = other
                self._forget("wrong_person")
        return self._sighting(frame, chosen)

    def _search(self, frame: Frame) -> Crop:
        """Look at the whole frame, or at nothing while it is too soon to search again."""
        if self._searches >= SEARCH_TRIES and frame.time_s - self._searched_s < SEARCH_EVERY_S:
            return NO_CROP
        self._searched_s = frame.time_s
        self._searches += 1
        area = SEARCH_AREAS[self._misses % len(SEARCH_AREAS)]
        self._misses += 1  # a miss until somebody is found; counting frames would ask for one size for ever at 24 fps
        return search_crop(frame.image, area)

    def _choose(self, frame: Frame, people: Floats) -> Floats | None:
        """Take the most prominent person of a search; after a loss, tell whether they are the one from before."""
        best = self._most_prominent(frame, people)
        if best is None or self._prominence(frame, best) <= 0:
            return None
        place = locate(best)
        assert place is not None
        if self._lost is not None and not place.near(self._lost, *BACK):
            self._broken = self._broken or "wrong_person"
        return best

    def _most_prominent(self, frame: Frame, people: Floats) -> Floats | None:
        weights = [self._prominence(frame, person) for person in people]
        return np.asarray(people[np.argmax(weights)]) if weights else None

    def _prominence(self, frame: Frame, person: Floats) -> float:
        """Weigh a person: shoulder width, less towards the picture's edges; 0 for one who can't be the speaker."""
        place = locate(person)
        h, w = frame.image.shape[:2]
        if place is None or place.width_px < SMALLEST * w:
            return 0.0
        x, y = place.x_px / w, place.y_px / h
        if self._region is not None:
            left, top, right, bottom = self._region
            within = left <= x <= right and top <= y <= bottom
            return place.width_px if within else 0.0
        sure = person[person[:, 2] > 0, 2].mean()
        return float(place.width_px * (1 - 0.8 * abs(x - 0.5)) * sure)

    def _follow(self, people: Floats) -> Floats | None:
        """Take whoever continues the speaker's place."""
        assert self._speaker is not None
        before = self._speaker
        nearest, found = JUMP * before.width_px, None
        for person in people:
            place = locate(person)
            if place is not None and 0.25 * before.width_px <= place.width_px <= GROWTH * before.width_px:
                apart = float(np.hypot(place.x_px - before.x_px, place.y_px - before.y_px))
                if apart <= nearest:
                    nearest, found = apart, person
        return found

    def _replaced(self, frame: Frame, chosen: Floats | None, around: Floats) -> Floats | None:
        """Give whoever has been far more prominent than the speaker in two overviews."""
        if self._wide is None:
            return None
        best = self._most_prominent(frame, around)
        mine = 0.0 if chosen is None else self._prominence(frame, chosen)
        stronger = best is not None and self._prominence(frame, best) > BETTER * mine
        again, self._rival = self._rival and stronger, stronger
        return best if again else None

    def _sighting(self, frame: Frame, chosen: Floats | None) -> Sighting:
        """Remember the chosen one's place and give their pose, steadied."""
        if chosen is None:
            self._lost, self._speaker = self._speaker or self._lost, None
            return Sighting(frame.time_s, None, self._broken)
        place = locate(chosen)
        assert place is not None
        if self._broken is not None and self._smooth is not None:
            self._smooth.reset()
        if self._speaker is None:
            self._round_s, self._rival, self._framing = frame.time_s, False, place
        # Shoulders of a body that turns look narrower; its size doesn't change so fast.
        width = place.width_px if self._speaker is None else max(place.width_px, 0.98 * self._speaker.width_px)
        self._speaker, self._lost, self._misses = BodyLocation(place.x_px, place.y_px, width), None, 0
        keypoints = self._smooth.push(frame.time_s, chosen, width) if self._smooth else chosen
        return Sighting(frame.time_s, Pose(frame.time_s, keypoints), self._broken)

    def _framed(self, speaker: BodyLocation) -> BodyLocation:
        """Give the place that the square stands around: the speaker's, but still while they hardly move."""
        if not speaker.near(self._framing, DRIFT, 1 + DRIFT):
            self._framing = speaker
        return self._framing

    def _apart(self, people: Floats) -> tuple[Floats, Floats]:
        """Tell the people of the square from those of the whole-frame view beside it."""
        if self._wide is None:
            return people, people[:0]
        left, top, scale = self._square.left_px, self._square.top_px, self._square.scale
        seen = people[..., 2] > 0
        middle = (people[..., 0] * seen).sum(1) / np.maximum(seen.sum(1), 1)
        x = (people - [left, top, 0]) / [scale, scale, 1]  # pixels of the picture for the network
        around = (x - [CROP_SIZE, 0, 0]) * [self._wide.scale, self._wide.scale, 1]
        in_square = middle < left + CROP_SIZE * scale
        return people[in_square], (around * seen[..., None]).astype(np.float32)[~in_square]

    def _forget(self, broken: Reason | None) -> None:
        """Start anew, with the reason why."""
        self._broken = broken
        self._speaker = self._lost = None
        self._misses, self._searches, self._searched_s, self._rival = 0, 0, -1e9, False
        if self._smooth is not None:
            self._smooth.reset()
