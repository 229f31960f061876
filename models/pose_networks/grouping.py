"""Heatmaps and part affinity fields -> people, (P, 18, 3).

The method is OpenPose's (Cao et al., Realtime Multi-Person 2D Pose Estimation using Part Affinity Fields, 2017, section
2.3 and 2.4), on the network's own grid with sub-pixel peaks instead of on maps enlarged to the picture's size.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.pose_networks.openpose import HEATMAPS, LIMB_FIELDS
from models.skeleton import KEYPOINTS, LIMBS, UPPER_BODY

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Grouping:
    """How sure the network must be.

    peak: a heatmap's local maximum counts from here on. affinity: a point on a limb agrees with the field from here
    on, and share of the points must agree. parts: fewer keypoints are no person. mean: nor are weaker ones, on
    average over keypoints and limbs.
    """

    peak: float = 0.1
    affinity: float = 0.05
    share: float = 0.8
    points: int = 10
    parts: int = 4
    mean: float = 0.4


PLAIN = Grouping()


def find_people(maps: Floats, *, upper_only: bool = False, rule: Grouping = PLAIN) -> Floats:
    """Group the peaks of maps (57, h, w) into people (P, 18, 3).

    x and y are in cells of the map, origin at the top left cell's centre; confidence is the peak's height in 0..1, 0
    where a keypoint isn't seen. upper_only leaves the legs out: they stay unseen. Strongest person first.
    """
    keypoints = np.array(UPPER_BODY if upper_only else range(len(KEYPOINTS)))
    peaks, kinds = find_peaks(maps[keypoints], rule.peak)
    kinds = keypoints[kinds]
    fields = maps[HEATMAPS:]
    limbs = [i for i, (a, b) in enumerate(LIMBS) if a in keypoints and b in keypoints]
    pairs = score_pairs(fields, peaks, kinds, limbs, rule)
    return assemble(peaks, kinds, pairs, rule)


def find_peaks(heat: Floats, least: float) -> tuple[Floats, Ints]:
    """Find the local maxima of heat (K, h, w).

    Gives (N, 3) x, y, height with x and y refined below one cell, and (N,) which map each is of; map by map, from top
    to bottom. The refinement is a Gaussian's: a parabola through the logarithms of a cell and its neighbours.
    """
    k, h, w = heat.shape
    padded = np.zeros((k, h + 2, w + 2), np.float32)
    padded[:, 1:-1, 1:-1] = heat
    middle = padded[:, 1:-1, 1:-1]
    high = middle > least
    # Of two equal neighbours the first counts, so that a plateau has one peak.
    high &= (middle > padded[:, 1:-1, :-2]) & (middle >= padded[:, 1:-1, 2:])
    high &= (middle > padded[:, :-2, 1:-1]) & (middle >= padded[:, 2:, 1:-1])
    kinds, rows, columns = np.nonzero(high)
    heights = middle[kinds, rows, columns]
    x = columns + _offset(padded[kinds, rows + 1, columns], heights, padded[kinds, rows + 1, columns + 2])
    y = rows + _offset(padded[kinds, rows, columns + 1], heights, padded[kinds, rows + 2, columns + 1])
    return np.stack((x, y, np.minimum(heights, 1)), 1).astype(np.float32), kinds


def _offset(before: Floats, at: Floats, after: Floats) -> Floats:
    """Where between its neighbours a peak truly is, in -0.5..0.5 cells."""
    low, mid, high = (np.log(np.maximum(v, 1e-3)) for v in (before, at, after))
    bend = 2 * mid - low - high
    shift = 0.5 * (high - low) / np.maximum(bend, 1e-6)
    return np.asarray(np.clip(shift, -0.5, 0.5), np.float32)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Peaks that a limb may join, best first within a limb: limb number, the two peaks' numbers, affinity."""

    limb: Ints
    start: Ints
    end: Ints
    affinity: Floats


def score_pairs(fields: Floats, peaks: Floats, kinds: Ints, limbs: list[int], rule: Grouping) -> Pairs:
    """Weigh every pair of peaks that a limb could join by the part affinity fields (38, h, w) along its line.

    The affinity is the mean of field . direction over the line's points (the paper's eq. 11), less what a limb longer
    than half of the map's height exceeds it by.
    """
    first = np.searchsorted(kinds, np.arange(len(KEYPOINTS) + 1)).tolist()  # find_peaks goes keypoint by keypoint
    by_kind = [np.arange(first[k], first[k + 1]) for k in range(len(KEYPOINTS))]
    found = [(np.repeat(by_kind[a], len(by_kind[b])), np.tile(by_kind[b], len(by_kind[a]))) for a, b in _ends(limbs)]
    limb = np.repeat(np.array(limbs, np.intp), [len(start) for start, _ in found])
    start = np.concatenate([s for s, _ in found])
    end = np.concatenate([e for _, e in found])
    h = fields.shape[1]
    along = peaks[end, :2] - peaks[start, :2]  # (N, 2)
    length = np.sqrt((along**2).sum(1))
    direction = along / np.maximum(length, 1e-6)[:, None]
    steps = np.linspace(0, 1, rule.points, dtype=np.float32)
    x = peaks[start, 0, None] + along[:, :1] * steps  # (N, points)
    y = peaks[start, 1, None] + along[:, 1:] * steps
    which = np.array(LIMB_FIELDS, np.intp)[limb]  # (N, 2)
    agreement = _at(fields, which[:, 0], x, y) * direction[:, :1] + _at(fields, which[:, 1], x, y) * direction[:, 1:]
    affinity = agreement.mean(1) + np.minimum(0.5 * h / np.maximum(length, 1e-6) - 1, 0)
    agreed = (agreement > rule.affinity).mean(1)
    kept = np.flatnonzero((affinity > 0) & (agreed >= rule.share))
    kept = kept[np.lexsort((-affinity[kept], limb[kept]))]
    return Pairs(limb[kept], start[kept], end[kept], affinity[kept].astype(np.float32))


def _ends(limbs: list[int]) -> list[tuple[int, int]]:
    return [LIMBS[i] for i in limbs]


def _at(fields: Floats, which: Ints, x: Floats, y: Floats) -> Floats:
    """Read field which[n] at the places x[n], y[n] (N, points), bilinearly."""
    _, h, w = fields.shape
    x, y = np.clip(x, 0, w - 1.001), np.clip(y, 0, h - 1.001)
    column, row = x.astype(np.int32), y.astype(np.int32)
    fx, fy = x - column, y - row
    first = (which[:, None] * h + row) * w + column
    flat = fields.reshape(-1)
    top = flat.take(first) * (1 - fx) + flat.take(first + 1) * fx
    bottom = flat.take(first + w) * (1 - fx) + flat.take(first + w + 1) * fx
    return np.asarray(top * (1 - fy) + bottom * fy, np.float32)


def assemble(peaks: Floats, kinds: Ints, pairs: Pairs, rule: Grouping) -> Floats:
    """Join peaks into people, limb by limb and best pair first; a peak belongs to one person only."""
    owner: dict[int, int] = {}
    people: dict[int, dict[int, int]] = {}  # person -> keypoint -> peak
    sums: dict[int, float] = {}
    kind_of = kinds.tolist()
    taken: set[tuple[int, int]] = set()
    rows = zip(pairs.limb.tolist(), pairs.start.tolist(), pairs.end.tolist(), pairs.affinity.tolist(), strict=True)
    for limb, start, end, affinity in rows:
        if (limb, start) in taken or (limb, ~end) in taken:
            continue
        taken |= {(limb, start), (limb, ~end)}
        a, b = owner.get(start), owner.get(end)
        if a is None and b is None:
            number = len(people) and max(people) + 1
            people[number], sums[number] = {kind_of[start]: start, kind_of[end]: end}, affinity
            owner[start] = owner[end] = number
        elif a is not None and b is not None:
            if a != b and not people[a].keys() & people[b].keys():
                people[a] |= people.pop(b)
                sums[a] += sums.pop(b) + affinity
                owner |= dict.fromkeys(people[a].values(), a)
            elif a == b:
                sums[a] += affinity
        else:
            person, peak = (a, end) if a is not None else (b, start)
            assert person is not None
            if kind_of[peak] not in people[person]:
                people[person][kind_of[peak]] = peak
                owner[peak] = person
                sums[person] += affinity
    return _rows(peaks, people, sums, rule)


def _rows(peaks: Floats, people: dict[int, dict[int, int]], sums: dict[int, float], rule: Grouping) -> Floats:
    """Lay out the people that are one, (P, 18, 3), strongest first."""
    totals = {p: sums[p] + float(peaks[list(parts.values()), 2].sum()) for p, parts in people.items()}
    real = [p for p, parts in people.items() if len(parts) >= rule.parts and totals[p] >= rule.mean * len(parts)]
    real.sort(key=lambda p: -totals[p])
    out = np.zeros((len(real), len(KEYPOINTS), 3), np.float32)
    for row, person in enumerate(real):
        parts = people[person]
        out[row, list(parts.keys())] = peaks[list(parts.values())]
    return out
