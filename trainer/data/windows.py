"""Tracks -> windows -> batches. A split decides which poses belong to which part before any window is cut.

What the monitor would not judge is no window here either: no model is trained or measured on what it never sees.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import torch

from models.skeleton import LEFT_ELBOW, LEFT_WRIST, RIGHT_ELBOW, RIGHT_WRIST, WINDOW_POSES
from monitor.stages.window import MIN_ARMS, MIN_MEASURED
from trainer.data.tracks import Track


@dataclass(frozen=True, slots=True)
class Span:
    """Poses first..last-1 of one track, an unbroken stretch that belongs to one part of a split."""

    track: int
    first: int
    last: int


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Windows of one part, cut on demand from the tracks.

    start (N,) is the row of each window's first pose among all tracks' poses laid end to end (poses, (R, 18, 3)
    float32); label (N,) is 1 where the window is not the person; who (N,) is 0 for the person and the number of
    PoseDataset.people's entry for anybody else; track (N,) tells which of tracks it is from. refused counts, by the
    monitor's reason, the windows that were left out.
    """

    tracks: Sequence[Track]
    poses: torch.Tensor
    start: npt.NDArray[np.int64]
    track: npt.NDArray[np.int64]
    label: npt.NDArray[np.float32]
    who: npt.NDArray[np.int64]
    length: int = WINDOW_POSES
    refused: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.start)

    def take(self, rows: npt.NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor]:
        """Cut windows: (B, length, 18, 3) raw keypoints and (B,) labels."""
        at = torch.from_numpy(self.start[rows, None] + np.arange(self.length))
        return self.poses[at], torch.from_numpy(self.label[rows])

    def subsample(self, most: int) -> "Windows":
        """Give at most so many of these windows, evenly from all of them."""
        if len(self) <= most:
            return self
        rows = np.linspace(0, len(self) - 1, most).astype(np.int64)
        return replace(self, start=self.start[rows], track=self.track[rows], label=self.label[rows], who=self.who[rows])

    def batches(self, size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Go through all windows once, in order."""
        for first in range(0, len(self), size):
            yield self.take(np.arange(first, min(first + size, len(self))))

    def recording(self) -> npt.NDArray[np.str_]:
        """(N,) name of each window's recording."""
        return np.array([track.recording for track in self.tracks])[self.track]

    def first_pose(self) -> npt.NDArray[np.int64]:
        """(N,) each window's first pose, counted within its own track."""
        return self.start - _offsets(self.tracks)[self.track]


class PoseDataset:
    """All tracks of an experiment laid end to end once, so that windows of any part are views into them.

    people names whoever is in them, the person first: (name, genuine), so that a fake of the person is another.
    """

    def __init__(self, tracks: Sequence[Track], person: str) -> None:
        self.tracks, self.person = tracks, person
        self.poses = torch.from_numpy(np.concatenate([track.keypoints for track in tracks]))
        self._offset = _offsets(tracks)
        self._arms, self._measured = (np.concatenate(flags) for flags in zip(*map(_quality, tracks), strict=True))
        self._label = np.array([track.is_fake_of(person) for track in tracks], np.float32)
        owners = [(track.person, track.genuine) for track in tracks]
        self.people = [(person, True), *sorted(set(owners) - {(person, True)})]
        self._who = np.array([self.people.index(owner) for owner in owners], np.int64)

    def cut(self, spans: Sequence[Span], step: int, length: int = WINDOW_POSES) -> Windows:
        """Cut windows of length poses, one every step poses, inside each span; none crosses a span's border.

        What the monitor would refuse, arms hidden or too few poses measured, is left out and counted.
        """
        starts: list[npt.NDArray[np.int64]] = [np.zeros(0, np.int64)]
        owners: list[npt.NDArray[np.int64]] = [np.zeros(0, np.int64)]
        for span in spans:
            inside = np.arange(span.first, span.last - length + 1, step, dtype=np.int64)
            starts.append(self._offset[span.track] + inside)
            owners.append(np.full(len(inside), span.track, np.int64))
        start, track = np.concatenate(starts), np.concatenate(owners)
        hidden, thin = _refused(self._arms, self._measured, start, length)
        refused = {"arms_hidden": int(hidden.sum()), "low_coverage": int((thin & ~hidden).sum())}
        start, track = start[~(hidden | thin)], track[~(hidden | thin)]
        return Windows(
            self.tracks, self.poses, start, track, self._label[track], self._who[track], length, refused=refused
        )


def judged(track: Track, starts: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Tell which windows of 150 poses, by their first poses in a track (N,), the monitor would judge."""
    hidden, thin = _refused(*_quality(track), starts, WINDOW_POSES)
    return ~(hidden | thin)


def _quality(track: Track) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """(T,) one whole arm is seen, (T,) measured, as the window stage's quality_of(); all of it where nobody knows."""
    seen = track.keypoints[..., 2] > 0
    right, left = seen[:, [RIGHT_ELBOW, RIGHT_WRIST]].all(axis=1), seen[:, [LEFT_ELBOW, LEFT_WRIST]].all(axis=1)
    return np.asarray(right | left), track.measured if len(track.measured) else np.ones(len(seen), np.bool_)


def _refused(
    arms: npt.NDArray[np.bool_], measured: npt.NDArray[np.bool_], starts: npt.NDArray[np.int64], length: int
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Tell which windows have their arms hidden, and which too few measured poses."""

    def share(flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        so_far = np.concatenate([[0], np.cumsum(flags)])
        return np.asarray((so_far[starts + length] - so_far[starts]) / length)

    return share(arms) < MIN_ARMS, share(measured) < MIN_MEASURED


def _offsets(tracks: Sequence[Track]) -> npt.NDArray[np.int64]:
    return np.cumsum([0, *(len(track.time_s) for track in tracks)])[:-1]
