"""How well people are told apart by their movement, both threats apart: leave-people-out, enrolled on one half.

*Unseen actions*: two halves of the actions, enrolled on one and probed on the other, and the other way round. *Enrolled
actions*: every other take of each action is enrolled and the rest probed; in a folder of pose tracks, the first half of
every recording and the second.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from trainer.data.folder import read_tracks
from trainer.data.tracks import Track
from trainer.errors import DataUnusable
from trainer.metrics import auroc, eer
from trainer.recipe import Recipe
from trainer.verify.background import LEAST_PEOPLE, Background, Settings, learn, minutes, unit
from trainer.verify.enrolment import enrol_styles
from trainer.verify.motions import one_body_tracks, project, read_motions
from trainer.verify.two_class import two_class_scores
from trainer.verify.windows import StyleWindows, columns, describe

Rows = npt.NDArray[np.bool_]
FOLDS = 3
POOLED_POSES = 900  # 30 s
WHOLE_POSES = 700  # recordings that are longer as a rule are pooled whole, as about half a minute


@dataclass(frozen=True, slots=True)
class Data:
    """Windows and tracks under each threat, by name; by_take: "enrolled" is by take, else by repetition."""

    windows: dict[str, StyleWindows]
    tracks: dict[str, list[Track]]
    by_take: bool


@dataclass(frozen=True, slots=True, eq=False)
class Whitened:
    """Windows as a background sees them, computed once for everybody who is judged: unit vectors style (N, D), size
    (N,), known (N, F)."""

    style: npt.NDArray[np.float32]
    size: npt.NDArray[np.float32]
    known: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, judge: Background, windows: StyleWindows) -> "Whitened":
        style, size = judge.whiten(windows)
        return cls(unit(style), size, windows.known[:, columns(judge.families)])


def read(path: Path, *, step: int = 60, told: Callable[[int, int], None] = lambda done, of: None) -> Data:
    """Read a file of 3D motions or a folder of pose tracks and describe its windows under both threats.

    Raises:
        DataUnusable: neither of them.
    """
    if path.suffix == ".npz" and path.is_file():
        motions = read_motions(path)
        tracks = {"impersonator": project(motions), "puppeteer": project(motions, same_body=True)}
    else:
        own = [track for track in read_tracks(path) if track.genuine]
        tracks = {"impersonator": own, "puppeteer": one_body_tracks(own)}
    total, done = sum(map(len, tracks.values())), 0

    def count() -> None:
        nonlocal done
        done += 1
        told(done, total)

    windows = {threat: describe(some, step=step, told=count) for threat, some in tracks.items()}
    return Data(windows, tracks, path.suffix == ".npz")


def benchmark(
    data: Data,
    families: Sequence[str],
    *,
    background: Background | None = None,
    settings: Settings | None = None,
    two_class: Recipe | None = None,
    folds: int = FOLDS,
    most_people: int | None = None,
    told: Callable[[str], None] = lambda what: None,
) -> dict[str, Any]:
    """Measure both threats; see the module. Figures are means over people, ci is over people too.

    two_class is how to train the LSTM, for the first person of each fold; None: not at all. most_people is how many
    may make the background.

    Raises:
        DataUnusable: too few people to learn a background from two thirds of them.
    """
    began_s, report = time.perf_counter(), {}
    enrolled: list[float] = []
    for threat, windows in data.windows.items():
        rows: dict[str, list[dict[str, float]]] = {"enrolled_actions": [], "unseen_actions": []}
        for judge, people in _folds(windows, families, background, settings, folds, most_people):
            probes = windows.take_rows(np.isin(windows.person, people))
            whitened = Whitened.of(judge, probes)
            for person in people:
                for name, known, probed in splits(probes, person, by_take=data.by_take):
                    row = _judged(judge, probes, whitened, person, (known, probed))
                    if two_class is not None and person == people[0]:
                        row |= _beside(data.tracks[threat], windows, people, (known, probed), two_class)
                    rows[name].append(row)
                    enrolled.append(row["minutes"])
                told(f"{threat}: {person}")
        report[threat] = {name: _summary(figures) for name, figures in rows.items()}
    some = next(iter(data.windows.values()))
    return {
        **report,
        "people": len(np.unique(some.person)),
        "minutes_enrolled": round(float(np.mean(enrolled)), 2) if enrolled else 0.0,
        "seconds": round(time.perf_counter() - began_s, 1),
    }


def folds_of(windows: StyleWindows) -> list[list[str]]:
    """Three groups of people; each is probed with a background that the two others make."""
    people = np.random.default_rng(0).permutation(np.unique(windows.person))
    return [people[fold::FOLDS].tolist() for fold in range(FOLDS)]


def _folds(
    windows: StyleWindows,
    families: Sequence[str],
    background: Background | None,
    settings: Settings | None,
    folds: int,
    most_people: int | None,
) -> Iterator[tuple[Background, list[str]]]:
    """Give each background and who is probed with it."""
    if background is not None:
        yield background, np.unique(windows.person).tolist()
        return
    if len(np.unique(windows.person)) * 2 // FOLDS < LEAST_PEOPLE:
        raise DataUnusable(Path("DATA"), "has too few people to learn a background from two thirds; give --background")
    for people in folds_of(windows)[:folds]:
        others = np.setdiff1d(np.unique(windows.person), people)[:most_people]
        yield learn(windows.take_rows(np.isin(windows.person, others)), families, settings=settings), people


def splits(windows: StyleWindows, person: str, *, by_take: bool) -> Iterator[tuple[str, Rows, Rows]]:
    """Give (name, the person's enrolled windows, everybody's probed windows); the two never overlap."""
    mine = windows.person == person
    actions = np.unique(windows.action)
    for half in (0, 1):
        known = np.isin(windows.action, actions[half::2])
        yield "unseen_actions", mine & known, ~known
    if by_take:
        known = np.isin(windows.take, np.unique(windows.take)[0::2])
        yield "enrolled_actions", mine & known, ~known
    else:
        middle = np.zeros(len(windows), np.int64)
        for name in np.unique(windows.recording):
            here = windows.recording == name
            middle[here] = (windows.first[here].max() + 150) // 2
        yield "enrolled_actions", mine & (windows.first + 150 <= middle), windows.first >= middle


def _judged(
    judge: Background, windows: StyleWindows, whitened: Whitened, person: str, split: tuple[Rows, Rows]
) -> dict[str, float]:
    """Enrol a person from known windows and tell the probed ones of all people apart."""
    known, probed = split
    probes, mine = windows.take_rows(probed), windows.take_rows(known)
    label = (probes.person != person).astype(np.float32)
    if not len(mine) or len(np.unique(label)) < 2:
        return {"auroc_5s": np.nan, "auroc_30s": np.nan, "eer_30s": np.nan, "minutes": np.nan}
    recording, styles = mine.recording, whitened.style[known]
    events = {str(name): styles[recording == name] for name in np.unique(recording)}
    verifier = enrol_styles(judge, events, whitened.size[known]).verifier
    parts = (whitened.style, whitened.size, whitened.known)
    with torch.inference_mode():
        score = -verifier.judge(*(torch.from_numpy(part[probed]) for part in parts)).numpy()
    return _figures(probes, label, score) | {"minutes": minutes(mine)}


def _beside(
    tracks: Sequence[Track], windows: StyleWindows, people: list[str], split: tuple[Rows, Rows], recipe: Recipe
) -> dict[str, float]:
    """Judge the same probes by an LSTM that was trained on the same minutes; figures named two_class_*."""
    probes = windows.take_rows(np.isin(windows.person, people))
    mine, asked = (probes.take_rows(rows) for rows in split)
    label = (asked.person != people[0]).astype(np.float32)
    if not len(mine) or len(np.unique(label)) < 2:
        return {}
    fakes = windows.take_rows(~np.isin(windows.person, people))
    odds = two_class_scores(tracks, people[0], mine, fakes, asked, recipe=recipe)
    return {f"two_class_{name}": value for name, value in _figures(asked, label, odds).items()}


def _figures(probes: StyleWindows, label: npt.NDArray[np.float32], score: npt.NDArray[np.float32]) -> dict[str, float]:
    """Figures of windows and of half minutes; a half minute's score is the mean of its windows'."""
    _, first, which = np.unique(pooled(probes), return_index=True, return_inverse=True)
    long = np.asarray(np.bincount(which, score) / np.bincount(which), np.float32)
    return {"auroc_5s": auroc(label, score), "auroc_30s": auroc(label[first], long), "eer_30s": eer(label[first], long)}


def pooled(windows: StyleWindows) -> npt.NDArray[np.int64]:
    """(N,) which half minute of a person each window belongs to: a recording, or 30 s of short ones in a row."""
    names, which = np.unique(windows.recording, return_inverse=True)
    length = np.array([windows.first[which == n].max() + 150 for n in range(len(names))])
    if np.median(length) >= WHOLE_POSES:
        return np.asarray(which, np.int64)
    order = np.lexsort((windows.first, windows.recording, windows.person))
    out, group, poses = np.zeros(len(windows), np.int64), 0, 0
    for at, row in enumerate(order):
        before = order[at - 1] if at else row
        fresh = windows.recording[row] != windows.recording[before] or not at
        poses += 150 if fresh else min(150, int(windows.first[row] - windows.first[before]))
        if windows.person[row] != windows.person[before] or poses > POOLED_POSES:
            group, poses = group + 1, 150
        out[row] = group
    return out


def _summary(rows: Sequence[dict[str, float]]) -> dict[str, Any]:
    """Means over people and halves; ci is the 95 % interval of auroc_30s when people are drawn with replacement."""
    figures = {name: np.array([row[name] for row in rows]) for name in ("auroc_5s", "auroc_30s", "eer_30s")}
    if not len(rows) or np.isnan(figures["auroc_30s"]).all():
        return {"auroc_5s": None, "auroc_30s": None, "eer_30s": None, "ci": None, "two_class": None}
    random = np.random.default_rng(0)
    drawn = random.integers(0, len(rows), (500, len(rows)))
    low, high = np.nanpercentile(np.nanmean(figures["auroc_30s"][drawn], axis=1), [2.5, 97.5])
    told: dict[str, Any] = {name: round(float(np.nanmean(values)), 4) for name, values in figures.items()}
    return told | {"ci": [round(float(low), 4), round(float(high), 4)], "two_class": _two_class(rows)}


def _two_class(rows: Sequence[dict[str, float]]) -> dict[str, float] | None:
    """Means of the LSTM's figures over the people whom it was trained for, and the verifier's on the very same."""
    some = [row for row in rows if "two_class_auroc_30s" in row]
    if not some:
        return None
    means = {name: float(np.mean([row[f"two_class_{name}"] for row in some])) for name in ("auroc_5s", "auroc_30s")}
    beside = {f"verifier_{name}": float(np.mean([row[name] for row in some])) for name in ("auroc_5s", "auroc_30s")}
    return {name: round(value, 4) for name, value in (means | beside).items()} | {"people": float(len(some))}
