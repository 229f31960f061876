"""Windows -> scores, all due windows that share a model in one batch."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from monitor.records import NotJudged, Score, Window, instead_of


class PersonModel(Protocol):
    """What the scorer needs of a model file (models/artifact.py)."""

    @property
    def person(self) -> str:
        """Whose body language it knows."""

    def score(self, windows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Give (B,) probabilities that windows (B, 150, 18, 3) are not the person's."""


class Judge(Protocol):
    """What the loop needs of whoever judges its windows."""

    def judge(self, due: Sequence[Window | NotJudged]) -> list[Score | NotJudged]:
        """Replace each window by its score, or the reason for none, order kept."""


class Scorer:
    """Knows which models judge which channel: by the channel's name, a model for each person by their name."""

    def __init__(self, models: Mapping[str, Mapping[str, PersonModel]]) -> None:
        self._models = models
        self.latest: dict[tuple[str, str], Window] = {}
        """The newest judged window by channel and person, for the explanation of an incident."""

    def judge(self, due: Sequence[Window | NotJudged]) -> list[Score | NotJudged]:
        """Replace each window by its score, order kept; one call of each model, whatever the number of channels.

        The face picks the model; without one to go by, a channel's only model judges.
        """
        judges = [self._model_of(window) if isinstance(window, Window) else None for window in due]
        values: dict[int, float] = {}
        for model in {id(m): m for m in judges if m is not None}.values():
            mine = [i for i, judge in enumerate(judges) if judge is model]
            batch = np.stack([window.poses for i in mine if isinstance(window := due[i], Window)])
            values.update(zip(mine, model.score(batch).tolist(), strict=True))
        return [
            self._judged(window, model, values.get(i))
            for i, (window, model) in enumerate(zip(due, judges, strict=True))
        ]

    def _model_of(self, window: Window) -> PersonModel | None:
        models = self._models[window.channel]
        if window.claim is not None and window.claim.who == "person":
            return models.get(window.claim.person)
        return next(iter(models.values())) if len(models) == 1 else None

    def _judged(self, due: Window | NotJudged, model: PersonModel | None, value: float | None) -> Score | NotJudged:
        if isinstance(due, NotJudged):
            return due
        return instead_of(due, "no_model") if model is None or value is None else self._scored(due, model, value)

    def _scored(self, window: Window, model: PersonModel, value: float) -> Score:
        self.latest[window.channel, model.person] = window
        return Score(
            channel=window.channel,
            person=model.person,
            epoch=window.epoch,
            start_s=window.start_s,
            end_s=window.end_s,
            arrived_s=window.arrived_s,
            value=value,
            quality=window.quality,
            shot=window.shot,
            claim=window.claim,
        )
