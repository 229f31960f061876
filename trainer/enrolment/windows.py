"""What the monitor would judge of a recording, in statistics: the windows themselves are not kept."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from models.movement import speeds
from models.style.statistics import WIDTHS
from monitor.records import NotJudged, Window
from monitor.stages.window import PoseWindow
from trainer.calibration.alarm import Row, judged_s
from trainer.data.tracks import Track
from trainer.data.windows import Span
from trainer.replay import EVERY_S, ticks
from trainer.verify.enrolment import Statistics, statistics_of

AT_ONCE = 128
NONE = np.zeros((0, sum(WIDTHS.values())), np.float32)
NORMAL_EVERY = 2
"""Of every other window, one a second, it is noted how fast the keypoints move."""


@dataclass(frozen=True, slots=True, eq=False)
class JudgedEvent:
    """One recording's windows, EVERY_S apart: statistics (N, F), where each ends and in which shot, and speeds.

    not_judged counts due times without a window, by the monitor's reason; seconds are those of movement in the windows.
    """

    name: str
    statistics: Statistics
    ends_s: tuple[float, ...]
    shots: tuple[int, ...]
    speeds: tuple[Mapping[str, float], ...]
    not_judged: Mapping[str, int]
    seconds: float

    def __len__(self) -> int:
        return len(self.ends_s)

    @property
    def arms_hidden(self) -> float:
        """Share of the due times with somebody in view at which the arms were not."""
        hidden = self.not_judged.get("arms_hidden", 0)
        return hidden / max(hidden + len(self), 1)

    def rows(self, llr: npt.NDArray[np.float32]) -> list[Row]:
        """Lay ratios (N,) out as the alarm's calibration takes them."""
        return list(zip(self.ends_s, llr.tolist(), self.shots, strict=True))


def judge(track: Track) -> JudgedEvent:
    """Play a track to the monitor's window stage; some 2 ms a window on one core."""
    spans = [Span(0, first, last) for first, last in track.stretches()]
    window, not_judged = PoseWindow(track.recording, every_s=EVERY_S), Counter[str]()
    given: list[Window] = []
    paces: list[Mapping[str, float]] = []
    values, known, ends, shots = [], [], [], []

    def note() -> None:
        numbers, certain = statistics_of(np.stack([one.poses for one in given]))
        values.append(numbers)
        known.append(certain)
        paces.extend(speeds(one.poses) for one in given[::NORMAL_EVERY])
        given.clear()

    for tick in ticks([track], spans) if spans else ():
        out = window.push(tick, 0)
        if isinstance(out, NotJudged):
            not_judged[out.reason] += 1
        elif out is not None:
            given.append(out)
            ends.append(out.end_s)
            shots.append(out.shot)
            if len(given) == AT_ONCE:
                note()
    if given:
        note()
    statistics = (np.concatenate(values), np.concatenate(known)) if values else (NONE, NONE.astype(bool))
    made = JudgedEvent(track.recording, statistics, tuple(ends), tuple(shots), tuple(paces), dict(not_judged), 0.0)
    return replace(made, seconds=judged_s(made.rows(np.zeros(len(ends), np.float32))))
