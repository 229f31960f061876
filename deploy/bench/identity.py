"""`bodywatch bench identity`: how far faces lie apart in recordings, and whom the monitor would take for whom.

Every shot of every recording is held against every other recording, as the monitor holds a shot against a person's
file: one event's mean on the one side, eight to sixteen looks on the other.
"""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby, takewhile
from typing import Any

import numpy as np
import numpy.typing as npt

from deploy.bench.face_manifest import Recording
from models.face.align import DLIB, Unseen
from models.face.cohort import Cohort, read_cohort
from models.face.embed import FaceNetwork
from models.face.references import FaceReferences
from monitor.errors import StreamError
from monitor.records import Frame, Sighting, Who
from monitor.stages.face_track import MOST_LOOKS, SHOT_LOOKS, START_S, FaceTrack
from monitor.stages.pose import PoseNetwork
from trainer.faces import Event, Look, See, event_of, look_at, see_with


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """What was seen of a recording's face: all looks, and the mean of them as a person's file would have it."""

    recording: Recording
    looks: list[Look]
    event: Event


@dataclass(frozen=True, slots=True)
class Pair:
    """A shot held against another recording: whether they are one person, what the stage says, and the distance."""

    same: bool
    who: Who
    distance: float


def run(
    recordings: Sequence[Recording],
    *,
    limit: float,
    seconds: float = float("inf"),
    told: Callable[[Recording], None] = lambda recording: None,
) -> dict[str, Any]:
    """Look through the recordings, the first so many seconds of each, and hold each against each."""
    network, face_network = PoseNetwork(threads=1), FaceNetwork()
    spent_ms: list[float] = []
    see = _timed(see_with(face_network), spent_ms)
    seen, unseen = [], []
    for recording in recordings:
        try:
            looks = list(_first(look_at(recording.path, network, see, every_s=START_S), seconds))
        except StreamError as error:
            unseen.append({"recording": str(recording.path), "why": str(error)})
        else:
            seen.append(Faces(recording, looks, event_of(str(recording.path), looks, limit=limit)))
        told(recording)
    cohort = read_cohort(network_sha256=face_network.sha256)
    pairs = [pair for one in seen for other in seen for pair in compare(one, other, face_network.sha256, limit, cohort)]
    unseen += [{"recording": faces.event.name, "why": why} for faces in seen if (why := _why_unseen(faces))]
    return summary(pairs, limit) | {
        "ms_per_face": round(float(np.median(spent_ms)), 2) if spent_ms else None,
        "looks": len(spent_ms),
        "recordings": len(recordings),
        "shots": count_shots(seen),
        "mixed": {faces.event.name: faces.event.others for faces in seen if faces.event.others},
        "unseen": unseen,
    }


def count_shots(seen: Sequence[Faces]) -> dict[str, int]:
    """Count what became of every shot: shares are of the told ones alone, those that the stage could decide on.

    too_short: it ended before SHOT_LOOKS looks were due; face_unseen: they were, but too few saw the face.
    """
    shots = [list(shot) for faces in seen for _, shot in groupby(faces.looks, key=lambda look: look.shot)]
    due = [shot[-1].time_s - shot[0].time_s >= (SHOT_LOOKS - 1) * START_S - 1e-6 for shot in shots]
    told = [sum(not isinstance(look.found, Unseen) for look in shot) >= SHOT_LOOKS for shot in shots]
    return {
        "all": len(shots),
        "told": sum(told),
        "too_short": sum(not one and not long for one, long in zip(told, due, strict=True)),
        "face_unseen": sum(not one and long for one, long in zip(told, due, strict=True)),
    }


def _timed(see: See, spent_ms: list[float]) -> See:
    """Note the processor time of each look that found a face: cutting it out and the network, both in this thread."""

    def look(frame: Frame, sighting: Sighting) -> npt.NDArray[np.float32] | Unseen:
        _ = frame.image  # converted from the decoder's planes by whoever looks first
        start_s = time.thread_time()
        found = see(frame, sighting)
        if not isinstance(found, Unseen):
            spent_ms.append(1e3 * (time.thread_time() - start_s))
        return found

    return look


def _first(looks: Generator[Look, None, None], seconds: float) -> Iterator[Look]:
    """Give the looks of the first so many seconds, and close the recording."""
    with closing(looks):
        first = next(looks, None)
        if first is not None:
            yield first
            yield from takewhile(lambda look: look.time_s - first.time_s < seconds, looks)


def compare(
    shown: Faces, known: Faces, network_sha256: str, limit: float, cohort: Cohort | None = None
) -> Iterator[Pair]:
    """Hold each shot of a recording against another one's mean; one person's recordings of one event are no pair."""
    same = shown.recording.person == known.recording.person
    if shown is known or known.event.mean is None or (same and shown.recording.session == known.recording.session):
        return
    references = FaceReferences(network_sha256, limit, known.event.mean[None], DLIB, cohort)
    for _, shot in groupby(shown.looks, key=lambda look: look.shot):
        if (decided := decide(FaceTrack({known.recording.person: references}), list(shot))) is not None:
            yield Pair(same, *decided)


def decide(track: FaceTrack, shot: Sequence[Look]) -> tuple[Who, float] | None:
    """Let the monitor's stage look at a shot until it is sure, or has looked often enough; None: it saw too little.

    The looks are START_S apart, as the stage asks for them until it is sure.
    """
    track.begin(shot[0].time_s)
    seen = 0
    for look in shot:
        who = track.look(look.time_s, look.found)
        if (nearest := track.nearest()) is None:  # not one look yet, or so long ago that the stage forgot them
            seen = 0
            continue
        seen += not isinstance(look.found, Unseen)
        if (seen >= SHOT_LOOKS and who != "unseen") or seen >= MOST_LOOKS:
            return who, nearest[1]
    return (track.who, nearest[1]) if seen >= SHOT_LOOKS and (nearest := track.nearest()) is not None else None


def _why_unseen(faces: Faces) -> str:
    """Tell why a recording is in no pair, or stands on one side only; empty when it is in pairs."""
    if faces.event.mean is None:
        return faces.event.why
    shots = [list(shot) for _, shot in groupby(faces.looks, key=lambda look: look.shot)]
    most = max(sum(not isinstance(look.found, Unseen) for look in shot) for shot in shots)
    return "" if most >= SHOT_LOOKS else f"no shot shows the face in {SHOT_LOOKS} looks; the longest in {most}"


def summary(pairs: Sequence[Pair], limit: float) -> dict[str, Any]:
    """Count whom the stage would take for whom; shares and distances are None where there is no pair."""
    same, other = [pair for pair in pairs if pair.same], [pair for pair in pairs if not pair.same]
    return {
        "limit": limit,
        "same": {
            "pairs": len(same),
            "median": _round(np.median, same),
            "accepted": _share(same, "person"),
            "refused": _share(same, "somebody_else"),
            "undecided": _share(same, "unseen"),
        },
        "other": {
            "pairs": len(other),
            "median": _round(np.median, other),
            "least": _round(np.min, other),
            "accepted": _share(other, "person"),
            "undecided": _share(other, "unseen"),
        },
    }


def _round(figure: Callable[[list[float]], Any], pairs: Sequence[Pair]) -> float | None:
    return round(float(figure([pair.distance for pair in pairs])), 3) if pairs else None


def _share(pairs: Sequence[Pair], who: Who) -> float | None:
    return round(sum(pair.who == who for pair in pairs) / len(pairs), 4) if pairs else None


def told(result: dict[str, Any]) -> str:
    """Lay a result out as text."""
    same, other, shots = result["same"], result["other"], result["shots"]
    lines = [
        f"limit {result['limit']:g}; {result['recordings']} recordings, {result['looks']} looks that saw a face, "
        f"{_or_none(result['ms_per_face'])} ms each on one core",
        f"{shots['all']} shots: {shots['told']} could be told, {shots['too_short']} are too short, in "
        f"{shots['face_unseen']} the face was seen too little; shares are of the first",
        f"one person, two events  {same['pairs']:>6} pairs, median distance {_or_none(same['median'])}, "
        f"accepted {_percent(same['accepted'])}, refused as somebody else {_percent(same['refused'])}",
        f"two people              {other['pairs']:>6} pairs, median distance {_or_none(other['median'])}, "
        f"least {_or_none(other['least'])}, accepted {_percent(other['accepted'])}",
        *(
            f"mixed: {name}: {looks} looks are of shots unlike its longest one; they are held against the others too"
            for name, looks in result["mixed"].items()
        ),
        *(f"unseen: {one['recording']}: {one['why']}" for one in result["unseen"]),
    ]
    return "\n".join(lines)


def _or_none(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:g}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
