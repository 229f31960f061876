"""Windows -> scores, all due windows that share a model in one batch."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from monitor.records import NotJudged, Score, Window


class PersonModel(Protocol):
    """What the scorer needs of a model file (models/artifact.py)."""

    @property
    def person(self) -> str:
        """Whose body language it knows."""

    def score(self, windows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Give (B,) probabilities that windows (B, 150, 18, 3) are not the person's."""


class Scorer:
    """Knows which model judges which channel."""

    def __init__(self, models: Mapping[str, PersonModel]) -> None:
        self._models = models
        self.latest: dict[str, Window] = {}  # each channel's newest judged window, for the explanation of an incident

    def judge(self, due: Sequence[Window | NotJudged]) -> list[Score | NotJudged]:
        """Replace each window by its score, order kept; one call of each model, whatever the number of channels."""
        values: dict[int, float] = {}
        for model in {id(m): m for m in self._models.values()}.values():
            mine = [i for i, w in enumerate(due) if isinstance(w, Window) and self._models[w.channel] is model]
            if mine:
                batch = np.stack([window.poses for i in mine if isinstance(window := due[i], Window)])
                values.update(zip(mine, model.score(batch).tolist(), strict=True))
        self.latest.update((window.channel, window) for window in due if isinstance(window, Window))
        return [self._scored(w, values[i]) if isinstance(w, Window) else w for i, w in enumerate(due)]

    def _scored(self, window: Window, value: float) -> Score:
        return Score(
            channel=window.channel,
            person=self._models[window.channel].person,
            epoch=window.epoch,
            start_s=window.start_s,
            end_s=window.end_s,
            arrived_s=window.arrived_s,
            value=value,
            quality=window.quality,
            shot=window.shot,
        )
