"""Tracks -> statistics of windows, computed once: every family, whoever asks for which."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import torch

from models.skeleton import WINDOW_POSES
from models.style.statistics import WIDTHS, StyleStatistics
from trainer.data.tracks import Track
from trainer.data.windows import judged

Floats = npt.NDArray[np.float32]
BATCH = 256


@dataclass(frozen=True, slots=True, eq=False)
class StyleWindows:
    """Statistics of N windows: values (N, F) float32, known (N, F) bool.

    Of each window person, recording, action and take (N,) are names, first (N,) its first pose in the recording.
    """

    values: Floats
    known: npt.NDArray[np.bool_]
    person: npt.NDArray[np.str_]
    recording: npt.NDArray[np.str_]
    action: npt.NDArray[np.str_]
    take: npt.NDArray[np.str_]
    first: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.values)

    def take_rows(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> "StyleWindows":
        """Give some of the windows."""
        return StyleWindows(*(getattr(self, field.name)[rows] for field in fields(self)))

    def of(self, families: Sequence[str]) -> "StyleWindows":
        """Give some families of what describe() computed."""
        at = columns(families)
        rest = (getattr(self, field.name) for field in fields(self)[2:])
        return StyleWindows(self.values[:, at], self.known[:, at], *rest)


def columns(families: Sequence[str]) -> npt.NDArray[np.int64]:
    """Where families stand among all of them."""
    edges = np.cumsum([0, *WIDTHS.values()])
    spans = [np.arange(edges[n], edges[n + 1]) for n, name in enumerate(WIDTHS) if name in families]
    return np.concatenate(spans)


def describe(
    tracks: Sequence[Track], *, step: int = 60, length: int = WINDOW_POSES, told: Callable[[], None] = lambda: None
) -> StyleWindows:
    """Compute every family of statistics of every window that the monitor would judge, one every step poses.

    About 1 ms a window on one core. told() is called after each track.
    """
    statistics = StyleStatistics(tuple(WIDTHS))
    values, known, waiting, owner, first = [], [], [], [], []
    for number, track in enumerate(tracks):
        starts = _starts(track, step, length)
        waiting += [track.keypoints[start : start + length] for start in starts]
        owner += [number] * len(starts)
        first.append(starts)
        while len(waiting) >= BATCH or (waiting and number == len(tracks) - 1):
            batch, waiting = waiting[:BATCH], waiting[BATCH:]
            with torch.inference_mode():
                numbers, certain = statistics(torch.from_numpy(np.stack(batch)))
            values.append(numbers.numpy())
            known.append(certain.numpy())
        told()
    width = statistics.width
    owners = np.array(owner, np.int64)

    def named(of: Callable[[Track], str]) -> npt.NDArray[np.str_]:
        return np.array([of(track) for track in tracks] or [""])[owners]

    return StyleWindows(
        np.concatenate([np.zeros((0, width), np.float32), *values]),
        np.concatenate([np.zeros((0, width), np.bool_), *known]),
        named(lambda track: track.person),
        named(lambda track: track.recording),
        named(lambda track: track.movement),
        named(lambda track: track.take),
        np.concatenate([np.zeros(0, np.int64), *first]),
    )


def _starts(track: Track, step: int, length: int) -> npt.NDArray[np.int64]:
    """First poses of the windows in unbroken stretches that the monitor would judge."""
    spans = [np.arange(first, last - length + 1, step) for first, last in track.stretches()]
    starts = np.concatenate([np.zeros(0, np.int64), *spans])
    return starts[judged(track, starts)] if length == WINDOW_POSES else starts
