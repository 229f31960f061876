"""The paper's conditions on a video (section 3.1, a to e), checked for every segment of 150 poses, and its Table 2.

What a track doesn't know (motion capture, an imported CSV) is not held against it. Which of them hold a recipe says
(trainer/recipe.py): (b) matters to features that depend on the picture's shape.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.skeleton import NECK, WINDOW_POSES
from monitor.stages.window import MIN_MEASURED
from trainer.data.tracks import Track
from trainer.recipe import CONDITIONS

MOST_ASPECT = 0.1  # (b) shapes of the picture may differ by so much from the most common one
MIDDLE = (0.25, 0.75)  # (c) where the neck is, as a share of the width
MOST_COMPANY = 0.1  # (d) share of poses with a second body in the picture
MOST_CAMERA = 0.01  # (e) how far the camera may move in 1/30 s, in picture widths, nine times in ten


@dataclass(frozen=True, slots=True)
class Segment:
    """150 poses of a track, from row first, and the conditions that they break."""

    first: int
    broken: tuple[str, ...]


def segments(track: Track, usual_shape: float) -> Iterator[Segment]:
    """Check one segment after the other, as the paper cuts them: no overlap."""
    whole = replace(track, kept=np.zeros(0, bool))
    for first, last in whole.stretches():
        for start in range(first, last - WINDOW_POSES + 1, WINDOW_POSES):
            yield Segment(start, tuple(_broken(track, slice(start, start + WINDOW_POSES), usual_shape)))


def apply_conditions(tracks: Sequence[Track], conditions: Sequence[str]) -> list[Track]:
    """Take segments that break one of these conditions out of the tracks, so that no window touches them.

    What other conditions have taken out before comes back.
    """
    shape = usual_shape(tracks)
    return [_fitting(track, conditions, shape) for track in tracks]


def usual_shape(tracks: Sequence[Track]) -> float:
    """Width by height of most recordings; 0 when none tells."""
    shapes = Counter(round(track.width / track.height, 2) for track in tracks if track.height)
    return shapes.most_common(1)[0][0] if shapes else 0.0


def summary(tracks: Sequence[Track]) -> list[dict[str, float | str | int]]:
    """Table 2 on this data: for each person, real and fake, videos, hours, segments kept and dropped by reason."""
    shape = usual_shape(tracks)
    rows = []
    for genuine in (True, False):
        for person in sorted({track.person for track in tracks if track.genuine == genuine}):
            mine = [track for track in tracks if track.person == person and track.genuine == genuine]
            rows.append({"kind": "real" if genuine else "fake", "person": person, **_counts(mine, shape)})
    return rows


def _counts(tracks: Sequence[Track], shape: float) -> dict[str, float | str | int]:
    found = [segment for track in tracks for segment in segments(track, shape)]
    dropped = Counter(reason for segment in found for reason in segment.broken)
    return {
        "videos": len(tracks),
        "hours": round(sum(float(track.time_s[-1] - track.time_s[0]) for track in tracks) / 3600, 3),
        "segments": sum(not segment.broken for segment in found),
        "dropped": sum(bool(segment.broken) for segment in found),
        **{f"dropped_{reason}": dropped[reason] for reason in CONDITIONS},
    }


def _fitting(track: Track, conditions: Sequence[str], shape: float) -> Track:
    kept = np.ones(len(track.time_s), bool)
    for segment in segments(track, shape):
        if not set(segment.broken).isdisjoint(conditions):
            kept[segment.first : segment.first + WINDOW_POSES] = False
    return replace(track, kept=np.zeros(0, bool) if kept.all() else kept)


def _broken(track: Track, rows: slice, shape: float) -> Iterator[str]:
    if len(track.measured) and track.measured[rows].mean() < MIN_MEASURED:  # 30 fps in the paper; here as the monitor
        yield "rate"
    if track.height and shape and abs(track.width / track.height / shape - 1) > MOST_ASPECT:
        yield "size"
    neck = track.keypoints[rows, NECK]
    if track.width and (seen := neck[:, 2] > 0).any():
        place = float(np.median(neck[seen, 0])) / track.width
        if not MIDDLE[0] <= place <= MIDDLE[1]:
            yield "middle"
    if len(track.people) and (track.people[rows] > 1).mean() > MOST_COMPANY:
        yield "alone"
    if len(track.camera) and np.quantile(track.camera[rows], 0.9) > MOST_CAMERA:
        yield "camera"
