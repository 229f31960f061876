"""`bodywatch bench identity`: how far faces lie apart in recordings, and whom the monitor would take for whom.

Every shot of every recording is held against every other recording, as the monitor holds a shot against a person's
file: one event's mean on the one side, eight to sixteen looks on the other.
"""

import csv
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby, takewhile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.face.align import Unseen
from models.face.embed import FaceNetwork
from models.face.references import FaceReferences
from monitor.errors import ConfigError, StreamError, StreamNotFound
from monitor.records import Frame, Sighting, Who
from monitor.stages.face_track import MOST_LOOKS, SHOT_LOOKS, START_S, FaceTrack
from monitor.stages.pose import PoseNetwork
from trainer.faces import Event, Look, See, event_of, look_at, see_with

COLUMNS = ("path", "person", "session")


@dataclass(frozen=True, slots=True)
class Recording:
    """One row of a manifest: who is shown in it, at what event. It should show nobody else as the speaker."""

    path: Path
    person: str
    session: str


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


def read_manifest(path: Path) -> list[Recording]:
    """Read a CSV of path, person and perhaps session; paths are relative to it, a session is the file's name if empty.

    Raises:
        ConfigError: names the row and the rule.
        StreamNotFound: a recording is not there.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            table = csv.DictReader(file)
            if missing := [name for name in COLUMNS[:2] if name not in (table.fieldnames or ())]:
                raise ConfigError(str(path), "row 1", f"lacks the column {missing[0]}; it has path,person[,session]")
            recordings = [_recording(path, number, row) for number, row in enumerate(table, start=2)]
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not UTF-8"
        raise ConfigError(str(path), "the manifest", f"can't be read ({why})") from None
    if len(recordings) < 2:
        raise ConfigError(str(path), "the manifest", "lists fewer than two recordings: nothing to hold them against")
    return recordings


def _recording(manifest: Path, number: int, row: dict[str, str | None]) -> Recording:
    values = {name: (row.get(name) or "").strip() for name in COLUMNS}
    for name in COLUMNS[:2]:
        if not values[name]:
            raise ConfigError(str(manifest), f"row {number}", f"{name} is empty")
    path = manifest.parent / values["path"]
    if not path.is_file():
        raise StreamNotFound(str(path))
    return Recording(path, values["person"], values["session"] or path.stem)


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
    pairs = [pair for one in seen for other in seen for pair in compare(one, other, face_network.sha256, limit)]
    unseen += [{"recording": faces.event.name, "why": why} for faces in seen if (why := _why_unseen(faces))]
    return summary(pairs, limit) | {
        "ms_per_face": round(float(np.median(spent_ms)), 2) if spent_ms else None,
        "looks": len(spent_ms),
        "recordings": len(recordings),
        "unseen": unseen,
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


def compare(shown: Faces, known: Faces, network_sha256: str, limit: float) -> Iterator[Pair]:
    """Hold each shot of a recording against another one's mean; one person's recordings of one event are no pair."""
    same = shown.recording.person == known.recording.person
    if shown is known or known.event.mean is None or (same and shown.recording.session == known.recording.session):
        return
    references = FaceReferences(network_sha256, limit, known.event.mean[None])
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
        },
        "other": {
            "pairs": len(other),
            "median": _round(np.median, other),
            "least": _round(np.min, other),
            "accepted": _share(other, "person"),
        },
    }


def _round(figure: Callable[[list[float]], Any], pairs: Sequence[Pair]) -> float | None:
    return round(float(figure([pair.distance for pair in pairs])), 3) if pairs else None


def _share(pairs: Sequence[Pair], who: Who) -> float | None:
    return round(sum(pair.who == who for pair in pairs) / len(pairs), 4) if pairs else None


def told(result: dict[str, Any]) -> str:
    """Lay a result out as text."""
    same, other = result["same"], result["other"]
    lines = [
        f"limit {result['limit']:g}; {result['recordings']} recordings, {result['looks']} looks that saw a face, "
        f"{_or_none(result['ms_per_face'])} ms each on one core",
        f"one person, two events  {same['pairs']:>6} pairs, median distance {_or_none(same['median'])}, "
        f"accepted {_percent(same['accepted'])}, refused as somebody else {_percent(same['refused'])}",
        f"two people              {other['pairs']:>6} pairs, median distance {_or_none(other['median'])}, "
        f"least {_or_none(other['least'])}, accepted {_percent(other['accepted'])}",
        *(f"unseen: {one['recording']}: {one['why']}" for one in result["unseen"]),
    ]
    return "\n".join(lines)


def _or_none(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:g}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
