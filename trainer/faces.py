"""A person's face for their model file: one mean vector of each recording, all held against each other.

The speaker is followed by the monitor's own stages, so the face is seen as the daemon will see it. What is kept of a
recording is one mean; vectors of looks, and of anybody else in the picture, are not.
"""

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.artifact import LoadedModel, save_copy
from models.face.align import DLIB, Unseen, align
from models.face.cohort import Cohort
from models.face.embed import FaceNetwork, distance
from models.face.references import FaceReferences
from monitor.records import Frame, Sighting
from monitor.stages.face_track import SHOT_LOOKS, SOON_S, SPLIT
from monitor.stages.pose import PoseNetwork
from monitor.stages.resample import Resampler
from monitor.stages.speaker import SpeakerTracker
from monitor.stream.ingest import read_recording
from trainer.errors import FacesDiffer, FaceUnseen

Vector = npt.NDArray[np.float32]
See = Callable[[Frame, Sighting], Vector | Unseen]

LIMIT = 0.48
"""Of the pairs of two people's clips less than 1 % lie nearer together and, in a crowd, nearer than the cohort allows
(models/face/README.md)."""

SIDE_LOOKS = 4
"""Four looks of one speaker in a row lie 0.36 from the rest of the speech at most (face_track.MOVED)."""

LOOK_EVERY_S = 0.5
"""Looks further apart tell more: eight in a row lie up to 0.24 from the rest of a speech, eight over 3.5 s 0.11."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One look at the speaker's face: a vector (128,) or why there is none. shot counts the breaks before it."""

    time_s: float
    shot: int
    found: Vector | Unseen


@dataclass(frozen=True, slots=True, eq=False)
class Event:
    """A recording's face: the mean (128,) of so many looks, or None and why in words.

    others counts looks of shots that show somebody else than the recording's longest does; they are in no mean, and
    elsewhere_s tells from when to when they are seen, on the recording's clock.
    """

    name: str
    mean: Vector | None
    looks: int
    others: int = 0
    why: str = ""
    elsewhere_s: tuple[tuple[float, float], ...] = ()


def see_with(faces: FaceNetwork) -> See:
    """Give a function that looks at the face of whoever is followed in a frame."""

    def see(frame: Frame, sighting: Sighting) -> Vector | Unseen:
        if sighting.pose is None:
            return Unseen("nobody is followed")
        chip = align(frame.image, sighting.pose.keypoints)
        return chip if isinstance(chip, Unseen) else np.asarray(faces.vectors([chip])[0])

    return see


class FaceLooks:
    """Looks at the face of whoever is followed every every_s, sooner again where it was not seen.

    It takes every frame that is followed, in order, and keeps no picture.
    """

    def __init__(self, see: See, *, every_s: float = LOOK_EVERY_S) -> None:
        self._see, self._every_s = see, every_s
        self._shot, self._next_s, self._epoch = 0, -np.inf, 0
        self.looks: list[Look] = []

    def __call__(self, frame: Frame, sighting: Sighting) -> Look | None:
        """Take a frame and who is followed in it; give the look, if one was due."""
        if sighting.broken is not None or frame.epoch != self._epoch:
            self._shot, self._next_s, self._epoch = self._shot + 1, frame.time_s, frame.epoch
        if frame.time_s < self._next_s - 1e-6:
            return None
        found = self._see(frame, sighting)
        self._next_s = frame.time_s + (SOON_S if isinstance(found, Unseen) else self._every_s)
        self.looks.append(Look(frame.time_s, self._shot, found))
        return self.looks[-1]


def look_at(
    path: Path, network: PoseNetwork, see: See, *, every_s: float = LOOK_EVERY_S, smooth: bool = True
) -> Generator[Look, None, None]:
    """Follow the speaker of a recording and look at their face.

    Raises:
        StreamError: it can't be read as video.
    """
    speaker, grid, face = SpeakerTracker(smooth=smooth), Resampler(), FaceLooks(see, every_s=every_s)
    for frame in read_recording(str(path), path.stem):
        if not grid.wants(frame):
            continue
        [people] = network.find([speaker.crop(frame)])
        sighting = speaker.pick(frame, people)
        for _ in grid.advance(frame, sighting):  # sets its clock, which tells the frames wanted of 50 and 60 fps
            pass
        if (look := face(frame, sighting)) is not None:
            yield look


def event_of(name: str, looks: Sequence[Look], *, limit: float = LIMIT) -> Event:
    """Average a recording's looks; of several shots those whose mean is within limit of the longest one's.

    A dissolve is no cut: a shot whose looks are of two faces, one after the other, counts as two.
    """
    shots: dict[int, list[Look]] = {}
    for look in looks:
        if not isinstance(look.found, Unseen):
            shots.setdefault(look.shot, []).append(look)
    if not shots:
        return Event(name, None, 0, why=_too_few(looks, 0))
    parts = [part for shot in shots.values() for part in _parted(shot, SPLIT * limit)]
    longest = _mean(max(parts, key=len))
    mine = [part for part in parts if np.linalg.norm(_mean(part) - longest) <= limit]
    strange = [part for part in parts if not any(part is one for one in mine)]
    vectors, others = [_vector(look) for part in mine for look in part], sum(map(len, strange))
    elsewhere_s = tuple(_span(part, looks) for part in strange)
    if len(vectors) < SHOT_LOOKS:
        return Event(name, None, len(vectors), others, _too_few(looks, len(vectors)), elsewhere_s)
    return Event(name, np.mean(vectors, axis=0).astype(np.float32), len(vectors), others, "", elsewhere_s)


def _vector(look: Look) -> Vector:
    assert not isinstance(look.found, Unseen)
    return look.found


def _mean(looks: Sequence[Look]) -> Vector:
    return np.asarray(np.mean([_vector(look) for look in looks], axis=0))


def _parted(shot: Sequence[Look], apart: float) -> list[Sequence[Look]]:
    """Part a shot's looks by faces_in()."""
    lengths = [len(part) for part in faces_in([_vector(look) for look in shot], apart)]
    edges = np.cumsum([0, *lengths])
    return [shot[edges[n] : edges[n + 1]] for n in range(len(lengths))]


def _span(part: Sequence[Look], looks: Sequence[Look]) -> tuple[float, float]:
    """Give from when to when a face is seen: up to the looks of others before and after it."""
    first, last = part[0].time_s, part[-1].time_s
    before = [look.time_s for look in looks if look.time_s < first]
    after = [look.time_s for look in looks if look.time_s > last]
    return (max(before) if before else min(first, looks[0].time_s)), (min(after) if after else np.inf)


def faces_in(looks: Sequence[Vector], apart: float) -> list[Sequence[Vector]]:
    """Part a shot's looks (128,), in their order, wherever the means of both sides lie further than that apart."""
    at, furthest = 0, apart
    for split in range(SIDE_LOOKS, len(looks) - SIDE_LOOKS + 1):
        found = float(np.linalg.norm(np.mean(looks[:split], axis=0) - np.mean(looks[split:], axis=0)))
        if found > furthest:
            at, furthest = split, found
    return [*faces_in(looks[:at], apart), *faces_in(looks[at:], apart)] if at else [looks]


def _too_few(looks: Sequence[Look], seen: int) -> str:
    """Tell in words why a recording gives no mean, with the reason that was met most often."""
    why = f"one face was seen in {seen} of {len(looks)} looks, {SHOT_LOOKS} are needed"
    reasons = [look.found.why for look in looks if isinstance(look.found, Unseen)]
    if not reasons:
        return f"{why}; the recording is too short, or no shot long enough"
    kinds = Counter(reason.partition(":")[0] for reason in reasons)  # how small it is differs from look to look
    [(kind, _)] = kinds.most_common(1)
    return f"{why}; most often {next(reason for reason in reasons if reason.startswith(kind))}"


def refer(
    events: Sequence[Event],
    network_sha256: str,
    *,
    limit: float,
    anyway: bool = False,
    cohort: Cohort | None = None,
) -> FaceReferences:
    """Take the events' means as a person's face, once they are seen to be of one.

    Raises:
        FaceUnseen: no recording shows a face often enough.
        FacesDiffer: they aren't of one face, unless anyway.
    """
    seen = [(event.name, event.mean) for event in events if event.mean is not None]
    if not seen:
        raise FaceUnseen({event.name: event.why for event in events})
    means = np.stack([mean for _, mean in seen])
    odd = odd_ones(means, limit)
    if odd and not anyway:
        apart = nearest(means)
        raise FacesDiffer({seen[number][0]: apart[number] for number in odd}, of=len(seen), limit=limit)
    return FaceReferences(network_sha256, limit, means, DLIB, cohort)


def odd_ones(means: npt.NDArray[np.float32], within: float) -> list[int]:
    """Number the means (E, 128) that don't belong to the largest group of one face; all, where no group is largest.

    A mean is of a group's face when it is within so far of any of the group: a face changes from event to event.
    """
    near = distance(means, means) <= within
    group = list(range(len(means)))
    for number in range(len(means)):
        joined = {group[other] for other in range(number + 1) if near[number, other]}
        group = [min(joined) if one in joined else one for one in group]
    (most, size), *rest = Counter(group).most_common(2)
    tied = bool(rest) and rest[0][1] == size
    return [number for number, one in enumerate(group) if tied or one != most]


def nearest(means: npt.NDArray[np.float32]) -> list[float]:
    """Tell of each mean (E, 128), E two or more, how far the nearest other one lies."""
    apart = distance(means, means) + np.diag(np.full(len(means), np.inf, np.float32))
    return [float(one) for one in apart.min(axis=1)]


def write_faces(out: Path, model: LoadedModel, references: FaceReferences) -> str:
    """Write a copy of a model file with the references in its card, replacing what it had; return its sha256."""
    return save_copy(out, model, replace(model.card, faces=references.to_json()))
