"""Grouping written the obvious way, one thing at a time: what models/pose_networks/grouping.py must agree with."""

import math

import numpy as np

from models.pose_networks.grouping import Grouping
from models.pose_networks.openpose import LIMB_FIELDS
from models.skeleton import LIMBS


def plain_people(
    maps: np.ndarray, kept: tuple[int, ...], rule: Grouping
) -> list[dict[int, tuple[float, float, float]]]:
    """Group maps (57, h, w) into people: keypoint -> x, y, confidence; strongest first."""
    peaks = {k: plain_peaks(maps[k], rule.peak) for k in kept}
    people: list[dict[int, int]] = []
    sums: list[float] = []
    for limb, (a, b) in enumerate(LIMBS):
        if a not in kept or b not in kept:
            continue
        for affinity, i, j in plain_pairs(maps, limb, peaks[a], peaks[b], rule):
            join(people, sums, (a, i), (b, j), affinity)
    out = []
    for parts, total in zip(people, sums, strict=True):
        points = {k: peaks[k][i] for k, i in parts.items()}
        weight = total + sum(point[2] for point in points.values())
        if len(points) >= rule.parts and weight >= rule.mean * len(points):
            out.append((weight, points))
    return [points for _, points in sorted(out, key=lambda person: -person[0])]


def plain_peaks(heat: np.ndarray, least: float) -> list[tuple[float, float, float]]:
    """Walk over a heatmap's cells and keep those higher than their four neighbours."""
    h, w = heat.shape

    def at(x: int, y: int) -> float:
        return float(heat[y, x]) if 0 <= x < w and 0 <= y < h else 0.0

    def between(low: float, mid: float, high: float) -> float:
        low, mid, high = (math.log(max(v, 1e-3)) for v in (low, mid, high))
        return min(0.5, max(-0.5, 0.5 * (high - low) / max(2 * mid - low - high, 1e-6)))

    found = []
    for y in range(h):
        for x in range(w):
            v, left, right, up, down = at(x, y), at(x - 1, y), at(x + 1, y), at(x, y - 1), at(x, y + 1)
            if v > least and v > left and v >= right and v > up and v >= down:
                found.append((x + between(left, v, right), y + between(up, v, down), min(v, 1.0)))
    return found


def plain_pairs(maps, limb, starts, ends, rule):
    """Weigh each pair of a limb, best first, and let each peak be used once."""
    _, h, w = maps.shape
    field_x, field_y = (maps[19 + f] for f in LIMB_FIELDS[limb])
    good = []
    for i, start in enumerate(starts):
        for j, end in enumerate(ends):
            dx, dy = end[0] - start[0], end[1] - start[1]
            length = max(math.hypot(dx, dy), 1e-6)
            agreements = []
            for step in range(rule.points):
                t = step / (rule.points - 1)
                x = min(max(start[0] + t * dx, 0), w - 1.001)
                y = min(max(start[1] + t * dy, 0), h - 1.001)
                agreements.append((bilinear(field_x, x, y) * dx + bilinear(field_y, x, y) * dy) / length)
            affinity = sum(agreements) / rule.points + min(0.5 * h / length - 1, 0)
            agreed = sum(a > rule.affinity for a in agreements) / rule.points
            if affinity > 0 and agreed >= rule.share:
                good.append((affinity, i, j))
    chosen: list[tuple[float, int, int]] = []
    for affinity, i, j in sorted(good, key=lambda pair: -pair[0]):
        if all(i != other[1] and j != other[2] for other in chosen):
            chosen.append((affinity, i, j))
    return chosen


def bilinear(field: np.ndarray, x: float, y: float) -> float:
    """Read a field between its cells."""
    i, j = int(x), int(y)
    u, v = x - i, y - j
    top = field[j, i] * (1 - u) + field[j, i + 1] * u
    bottom = field[j + 1, i] * (1 - u) + field[j + 1, i + 1] * u
    return float(top * (1 - v) + bottom * v)


def join(people, sums, start, end, affinity) -> None:
    """Add a limb to the person that has one of its ends, join two people, or begin one."""
    with_start = [p for p, parts in enumerate(people) if parts.get(start[0]) == start[1]]
    with_end = [p for p, parts in enumerate(people) if parts.get(end[0]) == end[1]]
    if not with_start and not with_end:
        people.append(dict([start, end]))
        sums.append(affinity)
    elif with_start and with_end:
        a, b = with_start[0], with_end[0]
        if a == b:
            sums[a] += affinity
        elif not people[a].keys() & people[b].keys():
            people[a] |= people[b]
            sums[a] += sums[b] + affinity
            del people[b], sums[b]
    else:
        person, (keypoint, peak) = (with_start[0], end) if with_start else (with_end[0], start)
        if keypoint not in people[person]:
            people[person][keypoint] = peak
            sums[person] += affinity
