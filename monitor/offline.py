"""A recording through the same loop as a live stream: windows, cuts, and a verdict by the paper's rule."""

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from models.artifact import LoadedModel
from monitor.records import Frame, Incident, NotJudged, PosedFrame, Score, face_record
from monitor.stages.identity import Identity
from monitor.stages.pose import Crop, PoseNetwork
from monitor.stages.resample import Resampler
from monitor.stages.scorer import Scorer
from monitor.stages.speaker import SpeakerTracker
from monitor.stages.verdict import AnyRule, SequentialRule, Verdict, Verdicts, paper_verdict
from monitor.stages.window import PoseWindow
from monitor.stream.ingest import read_recording
from monitor.stream.source import redact
from monitor.watch import Channel, PoseFinder, watch

CHANNEL = "recording"


class Timed:
    """A pose network with a stopwatch around it; the stage itself has no clock."""

    def __init__(self, network: PoseFinder) -> None:
        self._network = network
        self.spent_s = 0.0

    def find(self, crops: Sequence[Crop]) -> list[npt.NDArray[np.float32]]:
        """Find people as the network does, and add up the time."""
        started_s = time.perf_counter()
        people = self._network.find(crops)
        self.spent_s += time.perf_counter() - started_s
        return people


@dataclass(slots=True)
class Result:
    """All that was found in one recording; times in seconds of its own clock."""

    file: str
    person: str
    model: str
    pose_backend: str
    frames: int = 0
    poses: int = 0
    epochs: list[dict[str, float]] = field(default_factory=list)
    cuts_s: list[float] = field(default_factory=list)
    windows: list[dict[str, Any]] = field(default_factory=list)
    incidents: list[dict[str, Any]] = field(default_factory=list)
    verdict: str = "inconclusive"
    pose_ms: float = 0.0
    wall_s: float = 0.0


def score_file(
    path: str,
    models: Mapping[str, LoadedModel],
    network: PoseNetwork,
    *,
    rules: Mapping[str, AnyRule],
    identity: Identity | None = None,
    every_s: float = 0.5,
    region: tuple[float, float, float, float] | None = None,
    smooth: bool = True,
    progress: Callable[[Frame], None] = lambda frame: None,
) -> Result:
    """Watch a recording as fast as it goes; models and rules are by person, identity None judges whoever is in it.

    Raises:
        StreamError: the file can't be read as video.
    """
    names = ", ".join(model.path.name for model in models.values())
    result = Result(redact(path), ", ".join(models), names, network.fingerprint)
    numbers = itertools.count(1)
    channel = Channel(
        SpeakerTracker(region=region, smooth=smooth),
        identity or Identity(),
        Resampler(),
        PoseWindow(CHANNEL, every_s=every_s),
        Verdicts(
            {
                name: Verdict(rules[name], lambda: f"{CHANNEL}-{next(numbers)}", model.path.name, every_s=every_s)
                for name, model in models.items()
            }
        ),
    )
    scores: list[Score] = []
    incidents: dict[str, Incident] = {}
    timed, started_s = Timed(network), time.perf_counter()

    def turns() -> Iterator[list[Frame]]:
        for frame in read_recording(path, CHANNEL):
            _count(result, frame)
            progress(frame)
            yield [frame]

    for record in watch(turns(), {CHANNEL: channel}, timed, Scorer({CHANNEL: models})):
        match record:
            case PosedFrame():
                result.poses += 1
                if record.sighting.broken == "cut":
                    result.cuts_s.append(round(record.sighting.time_s, 3))
            case Score():
                scores.append(record)
                result.windows.append(
                    _window(record)
                    | {"person": record.person, "score": record.value, "quality": asdict(record.quality)}
                    | ({} if record.evidence is None else {"evidence": record.evidence.as_record()})
                )
            case NotJudged():
                result.windows.append(_window(record) | {"not_judged": record.reason})
            case Incident():
                incidents[record.id] = record
    result.incidents = [asdict(incident) for incident in incidents.values()]
    result.verdict = whole_verdict(scores, incidents.values(), rules)
    result.wall_s = round(time.perf_counter() - started_s, 3)
    result.pose_ms = round(1000 * timed.spent_s / max(result.poses, 1), 2)
    return result


def whole_verdict(
    scores: Sequence[Score], incidents: Iterable[Incident], rules: Mapping[str, AnyRule]
) -> Literal["genuine", "fake", "inconclusive"]:
    """Judge a whole recording: by the paper's rule over windows that are counted, else by what has added up.

    Of a person whose evidence adds up it is fake if an incident fired, else genuine if at any time "the person" was
    the answer. Of several persons the worst is told.
    """
    counted = paper_verdict(score for score in scores if not isinstance(rules[score.person], SequentialRule))
    fired = any(incident.fired and isinstance(rules[incident.person], SequentialRule) for incident in incidents)
    if fired or counted == "fake":
        return "fake"
    known = any(score.evidence is not None and score.evidence.says == "person" for score in scores)
    return "genuine" if known or counted == "genuine" else "inconclusive"


def _count(result: Result, frame: Frame) -> None:
    result.frames += 1
    if not result.epochs or result.epochs[-1]["epoch"] != frame.epoch:
        result.epochs.append({"epoch": frame.epoch, "start_s": frame.time_s, "end_s": frame.time_s})
    result.epochs[-1]["end_s"] = frame.time_s


def _window(record: Score | NotJudged) -> dict[str, Any]:
    seen = face_record(record.claim)
    face = {} if seen is None else {"face": seen}
    return {"epoch": record.epoch, "start_s": round(record.start_s, 4), "end_s": round(record.end_s, 4)} | face
