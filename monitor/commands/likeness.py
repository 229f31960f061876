"""`bodywatch score --persons DIR`: whom the body in a recording moves like, of all persons in a folder."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.artifact import LoadedModel
from monitor.commands.frames_bar import frames_bar
from monitor.config import ChannelConfig, Config
from monitor.errors import ConfigError
from monitor.records import Frame, NotJudged, Score, Window, instead_of
from monitor.stages.identity import Identity
from monitor.stages.person_models import load_models
from monitor.stages.pose import PoseNetwork
from monitor.stages.resample import Resampler
from monitor.stages.speaker import SpeakerTracker
from monitor.stages.verdict import Verdicts
from monitor.stages.window import PoseWindow
from monitor.stream.ingest import probe, read_recording
from monitor.stream.source import redact
from monitor.watch import Channel, watch

CHANNEL = "recording"
AT_ONCE = 64
EDGE = 1e-6


@dataclass(frozen=True, slots=True)
class Likeness:
    """How much speaks for each person: mean natural log-likelihood ratio of a window, the greatest first.

    like is the person for whom most speaks, "" where nothing does for anybody, or nothing could be judged. calibrated
    names the persons whose file was enrolled; what a two-class network gives is no ratio that can be compared.
    """

    file: str
    windows: int
    not_judged: Mapping[str, int]
    evidence: Mapping[str, float]
    calibrated: Sequence[str]
    like: str = field(default="")


class Collector:
    """In place of the scorer: keeps the windows, in batches, and judges nobody."""

    def __init__(self, models: Mapping[str, LoadedModel]) -> None:
        self._models, self._waiting = models, list[npt.NDArray[np.float32]]()
        self._values: dict[str, list[float]] = {name: [] for name in models}
        self.not_judged: dict[str, int] = {}

    def judge(self, due: Sequence[Window | NotJudged]) -> list[Score | NotJudged]:
        """Keep what can be judged; the answer is that nobody's model judges."""
        for one in due:
            if isinstance(one, Window):
                self._waiting.append(one.poses)
            else:
                self.not_judged[one.reason] = self.not_judged.get(one.reason, 0) + 1
        if len(self._waiting) >= AT_ONCE:
            self._score()
        return [one if isinstance(one, NotJudged) else instead_of(one, "no_model") for one in due]

    def evidence(self) -> dict[str, npt.NDArray[np.float64]]:
        """Give each person's log-likelihood ratios (N,)."""
        if self._waiting:
            self._score()
        values = {name: np.clip(np.array(found), EDGE, 1 - EDGE) for name, found in self._values.items()}
        return {name: np.log((1 - value) / value) for name, value in values.items()}

    def _score(self) -> None:
        batch = np.stack(self._waiting)
        for name, model in self._models.items():
            self._values[name] += model.score(batch).tolist()
        self._waiting.clear()


def compare(file: str, folder: Path, config: Config, *, every_s: float, smooth: bool, quiet: bool) -> Likeness:
    """Hold a recording's movement against every person's file in a folder, whatever the face.

    Raises:
        ConfigError: the folder holds no person's file.
        ModelError, StreamError: as `score` itself.
    """
    channel = config.channels[0]
    probe(file, timeout_s=config.timeout_s)
    network = PoseNetwork(config.pose.backend, provider=config.pose.provider, threads=config.pose.threads)
    models = persons_in(folder, channel, network, smooth=smooth)
    stages = Channel(
        SpeakerTracker(region=channel.region, smooth=smooth),
        Identity(),
        Resampler(),
        PoseWindow(CHANNEL, every_s=every_s),
        Verdicts({}),
    )
    collector = Collector(models)
    with frames_bar(file, quiet=quiet) as progress:

        def turns() -> Iterator[list[Frame]]:
            for frame in read_recording(file, CHANNEL):
                progress(frame)
                yield [frame]

        for _ in watch(turns(), {CHANNEL: stages}, network, collector):
            pass
    return likeness(redact(file), collector.evidence(), collector.not_judged, models)


def likeness(
    file: str,
    evidence: Mapping[str, npt.NDArray[np.float64]],
    not_judged: Mapping[str, int],
    models: Mapping[str, LoadedModel],
) -> Likeness:
    """Rank persons by what their windows say on average."""
    windows = max((len(ratios) for ratios in evidence.values()), default=0)
    means = {name: round(float(ratios.mean()), 3) for name, ratios in evidence.items() if len(ratios)}
    ranked = dict(sorted(means.items(), key=lambda one: -one[1]))
    calibrated = [name for name, model in models.items() if model.card.thresholds.get("kind") == "sequential"]
    first = next(iter(ranked.items()), ("", 0.0))
    return Likeness(file, windows, dict(not_judged), ranked, calibrated, first[0] if first[1] > 0 else "")


def persons_in(folder: Path, channel: ChannelConfig, network: PoseNetwork, *, smooth: bool) -> dict[str, LoadedModel]:
    """Load every person's file of a folder, each vouched for by the index.json beside it."""
    files = sorted(folder.glob("*.pt")) if folder.is_dir() else []
    if not files:
        raise ConfigError("the command line", "--persons", f"{folder} holds no person's file (*.pt)")
    models: dict[str, LoadedModel] = {}
    for file in files:
        alone = channel.model_copy(update={"model": str(file), "persons": ()})
        models |= load_models(alone, network, smooth=smooth)
    return models


def told(result: Likeness) -> str:
    """Tell a result in words."""
    if not result.windows:
        reasons = ", ".join(sorted(result.not_judged)) or "none"
        return f"{result.file}: no window can be judged ({reasons})"
    said = f"moves most like {result.like}" if result.like else "moves like none of them, or it can't be told"
    rows = [f"  {name:<24} {value:+.2f}" for name, value in result.evidence.items()]
    unlike = [name for name in result.evidence if name not in result.calibrated]
    note = [f"not comparable, made with fakes: {', '.join(unlike)}"] if unlike else []
    head = f"{result.file}: {said} ({result.windows} windows; mean log-likelihood ratio for each person)"
    return "\n".join([head, *rows, *note])
