"""What a verifier knows of people in general: means, whitening, a cohort, and where scores usually lie.

Statistics of many speakers only: no vector in it is one person's.
"""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from models.artifact import WEIGHTS, read_index, replace_file
from models.style.statistics import WIDTHS, StyleStatistics
from models.style.verifier import StyleVerifier
from trainer.errors import DataUnusable
from trainer.verify.calibration import Calibration, calibrate
from trainer.verify.windows import StyleWindows, columns

Floats = npt.NDArray[np.float32]
SCHEMA = "bodywatch-background/1"
LEAST_PEOPLE = 5
MOST_ALIKE = 0.9
AS_SEEN = " as seen"
"""How the name of a recording ends that is another one once more, as a pose network sees it; the card counts it not."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a background is learned.

    shrink: how far the spread within a person is drawn to a sphere. within_recording: what the spread of windows within
    a recording counts beside that of a person's recordings. centres and mixed: cohort centres, each of so many people
    drawn at random. nearest: how many of them a score is held against. Without whiten, or without normalise,
    that step is left out.
    """

    shrink: float = 0.1
    within_recording: float = 1.0
    centres: int = 200
    mixed: int = 3
    nearest: int = 60
    whiten: bool = True
    normalise: bool = True
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """What a person's verifier takes over, and what it is calibrated on.

    centre, spread (F,); project (F, D), shift (D,); cohort (C, D), whitened and not yet of unit length; limits (2,);
    usual calibration; families of statistics; card: people, minutes, recordings, sources. strangers (S, D) are whitened
    windows of generated speakers, who do not exist, and strangers_at (S, 2) whose each is and its first pose; (0, D)
    where none were given.
    """

    families: tuple[str, ...]
    centre: Floats
    spread: Floats
    project: Floats
    shift: Floats
    cohort: Floats
    nearest: int
    limits: Floats
    usual: Calibration
    card: dict[str, Any] = field(default_factory=dict)
    strangers: Floats = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    strangers_at: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros((0, 2), np.int32))

    def verifier(
        self, references: Floats, calibration: Calibration | None = None, *, limits: Floats | None = None
    ) -> StyleVerifier:
        """Make a person's verifier from references (E, D), unit vectors; by default all is as usual."""
        fit, bounds = calibration or self.usual, self.limits if limits is None else limits
        return StyleVerifier(
            StyleStatistics(self.families),
            centre=torch.from_numpy(self.centre),
            spread=torch.from_numpy(self.spread),
            project=torch.from_numpy(self.project),
            shift=torch.from_numpy(self.shift),
            references=torch.from_numpy(references),
            cohort=torch.nn.functional.normalize(torch.from_numpy(self.cohort), dim=1),
            nearest=self.nearest,
            limits=torch.from_numpy(bounds),
            slope=fit.slope,
            offset=fit.offset,
        ).eval()

    def whiten(self, windows: StyleWindows) -> tuple[Floats, Floats]:
        """Whiten windows of all families: (N, D) styles before they are brought to unit length, (N,) mean squares."""
        at = columns(self.families)
        even = np.clip((windows.values[:, at] - self.centre) / self.spread, -4, 4)
        style = np.where(windows.known[:, at], even, 0).astype(np.float32) @ self.project - self.shift
        return style, np.square(style).mean(axis=1)


def learn(
    windows: StyleWindows,
    families: Sequence[str],
    *,
    settings: Settings | None = None,
    sources: Sequence[str] = (),
    generated: StyleWindows | None = None,
) -> Background:
    """Learn a background from windows of many people, one person a recording or several recordings a person.

    Windows of generated speakers, of whom there is nobody, are kept one by one, and enrolments calibrated on them: the
    only ones that may be, since of real people nothing but statistics over many is.

    Raises:
        DataUnusable: fewer than five people.
    """
    settings = settings or Settings()
    people = np.unique(windows.person)
    if len(people) < LEAST_PEOPLE:
        raise DataUnusable(
            Path(sources[0] if sources else "."),
            f"has {len(people)} people with windows that can be judged; a background needs {LEAST_PEOPLE} and gets "
            "better with every doubling",
        )
    core = _core(windows, tuple(families), settings)
    once = windows.take_rows(~np.char.endswith(windows.recording, AS_SEEN))
    scores = _rehearse(windows, tuple(families), settings, core)
    card = {
        "schema": SCHEMA,
        "people": len(people),
        "recordings": len(np.unique(once.recording)),
        "windows": len(windows),
        "minutes": round(minutes(once), 1),
        "sources": list(sources),
        "families": list(core.families),
        "settings": {name: getattr(settings, name) for name in Settings.__slots__},
    }
    made = replace(core, usual=scores[0], limits=scores[1], card=card)
    return made if generated is None or not len(generated) else _with_strangers(made, generated)


def _with_strangers(made: Background, generated: StyleWindows) -> Background:
    speakers, which = np.unique(generated.recording, return_inverse=True)
    at = np.stack([which, generated.first], axis=1).astype(np.int32)
    card = {**made.card, "generated": len(speakers)}
    return replace(made, strangers=made.whiten(generated)[0].astype(np.float32), strangers_at=at, card=card)


def minutes(windows: StyleWindows) -> float:
    """Minutes that windows of 5 s cover, overlaps counted once."""
    covered = 0
    for name in np.unique(windows.recording):
        first = np.sort(windows.first[windows.recording == name])
        covered += 150 + int(np.minimum(np.diff(first), 150).sum())
    return covered / 30 / 60


def save(path: Path, background: Background) -> None:
    """Write a background as .npz without pickle, whole or not at all."""
    buffer, usual = io.BytesIO(), background.usual
    np.savez_compressed(
        buffer,
        families=list(background.families),
        nearest=background.nearest,
        usual=[usual.own, usual.others, usual.deviation],
        strangers_at=background.strangers_at,
        card=json.dumps(background.card),
        **{name: getattr(background, name) for name in _ARRAYS},
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, buffer.getvalue())


def load(path: Path) -> Background:
    """Read what save() wrote.

    Raises:
        DataUnusable: no background, or one of families that this program does not have.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
            values = {name: stored[name] for name in stored.files}
        card = json.loads(str(values["card"]))
        families = tuple(str(name) for name in values["families"])
        made = Background(
            families=families,
            nearest=int(values["nearest"]),
            usual=Calibration(*(float(number) for number in values["usual"])),
            strangers_at=np.asarray(values["strangers_at"], np.int32),
            card=card,
            **{name: np.asarray(values[name], np.float32) for name in _ARRAYS},
        )
    except Exception:  # whatever numpy, zlib and JSON make of bytes that are no such file
        raise DataUnusable(path, "is no background; make one with `bodywatch trainer background`") from None
    if not isinstance(card, dict) or card.get("schema") != SCHEMA or set(families) - set(WIDTHS):
        raise DataUnusable(path, f"is a background of another version than {SCHEMA}; make it again")
    if why := _misfit(made):
        raise DataUnusable(path, f"is no whole background: {why}; make it again")
    return made


def _misfit(made: Background) -> str:
    """Say what doesn't fit together in a background, or nothing."""
    wide, deep = len(columns(made.families)), made.project.shape[-1] if made.project.ndim == 2 else -1
    shapes = {
        "centre": (wide,), "spread": (wide,), "project": (wide, deep), "shift": (deep,), "limits": (2,),
        "cohort": (len(made.cohort), deep), "strangers": (len(made.strangers), deep if len(made.strangers) else 0),
        "strangers_at": (len(made.strangers), 2),
    }  # fmt: skip
    for name, shape in shapes.items():
        found = getattr(made, name)
        if found.shape != shape:
            return f"{name} has the shape {found.shape}, not {shape}"
        if not np.isfinite(found).all():
            return f"{name} holds a number that is none"
    usual = (made.usual.own, made.usual.others, made.usual.deviation)
    if not np.isfinite(usual).all() or made.usual.deviation <= 0 or (made.spread <= 0).any():
        return "a spread is not over 0"
    if not 0 < made.limits[0] < made.limits[1] or not 0 <= made.nearest <= len(made.cohort) or not len(made.cohort):
        return "limits, cohort or nearest are out of their range"
    return ""


def find(name_or_path: str) -> Path:
    """Turn the name of a background that ships, or a path, into the path of its file.

    Raises:
        DataUnusable: neither.
    """
    entry = read_index(WEIGHTS).get(name_or_path, {})
    if entry.get("kind") == "background":
        return WEIGHTS / str(entry["file"])
    path = Path(name_or_path)
    if not path.is_file():
        raise DataUnusable(path, "no such file, and no background of this name ships")
    return path


_ARRAYS = ("centre", "spread", "project", "shift", "cohort", "limits", "strangers")


def unit(vectors: npt.NDArray[Any]) -> Floats:
    """Bring vectors (..., D) to length 1."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9), np.float32)


def means(values: npt.NDArray[Any], names: npt.NDArray[np.str_]) -> tuple[npt.NDArray[np.str_], npt.NDArray[Any]]:
    """Mean (G, D) of values (N, D) for each name, and the names (G,)."""
    groups, which, count = np.unique(names, return_inverse=True, return_counts=True)
    order = np.argsort(which, kind="stable")
    return groups, np.add.reduceat(values[order], np.cumsum([0, *count[:-1]]), axis=0) / count[:, None]


def _core(windows: StyleWindows, families: tuple[str, ...], settings: Settings) -> Background:
    """Everything but where scores lie."""
    mine = windows.of(families)
    weight = mine.known.astype(np.float64)
    count = np.maximum(weight.sum(axis=0), 1)
    centre = (mine.values * weight).sum(axis=0) / count
    spread = np.sqrt((np.square(mine.values - centre) * weight).sum(axis=0) / count) + 1e-3
    even = np.where(mine.known, np.clip((mine.values - centre) / spread, -4, 4), 0.0)
    project = _whitening(even, mine, settings) if settings.whiten else np.eye(even.shape[1])
    style = even @ project
    _, each = means(style, mine.person)
    shift = each.mean(axis=0)
    cohort = _cohort(each - shift, settings)
    return Background(
        families,
        centre=np.asarray(centre, np.float32),
        spread=np.asarray(spread, np.float32),
        project=np.asarray(project, np.float32),
        shift=np.asarray(shift, np.float32),
        cohort=np.asarray(cohort, np.float32),
        nearest=min(settings.nearest, len(cohort)) if settings.normalise else 0,
        limits=np.array([1e3, 2e3], np.float32),
        usual=Calibration(1.0, 0.0, 1.0),
    )


def _whitening(even: npt.NDArray[np.float64], windows: StyleWindows, settings: Settings) -> npt.NDArray[np.float64]:
    """(F, F) matrix that makes what varies within a person a sphere.

    Two kinds of spread: of a person's recordings about the person's mean, told by who has several; and of a
    recording's windows about the recording's mean.
    """
    names, recording = means(even, windows.recording)
    at = np.searchsorted(names, windows.recording)
    apart = even - recording[at]
    within = apart.T @ apart / len(even)
    owner = np.empty(len(names), windows.person.dtype)
    owner[at] = windows.person
    people, mean = means(recording, owner)
    place = np.searchsorted(people, owner)
    several = np.bincount(place)[place] > 1
    if several.any():
        between = (recording - mean[place])[several]
        within = settings.within_recording * within + between.T @ between / len(between)
    size = len(within)
    rounded = (1 - settings.shrink) * within + settings.shrink * np.trace(within) / size * np.eye(size)
    return np.asarray(np.linalg.cholesky(np.linalg.inv(rounded)))


def _cohort(people: npt.NDArray[np.float64], settings: Settings) -> npt.NDArray[np.float64]:
    """Centres (C, D), each the mean of several people (P, D) drawn at random, spread about the mean as people are.

    Of three times as many the first are kept whose cosine to whom they are most like is at most MOST_ALIKE: somebody
    far from everybody else would otherwise shine through a mean of three.
    """
    random = np.random.default_rng(settings.seed)
    drawn = [random.choice(len(people), settings.mixed, replace=False) for _ in range(3 * settings.centres)]
    mixed = np.array([people[rows].mean(axis=0) for rows in drawn]) * np.sqrt(settings.mixed)
    alike = np.asarray(unit(mixed) @ unit(people).T).max(axis=1)
    return np.asarray(mixed[np.argsort(alike > MOST_ALIKE, kind="stable")[: settings.centres]])


def _rehearse(
    windows: StyleWindows, families: tuple[str, ...], settings: Settings, core: Background
) -> tuple[Calibration, Floats]:
    """Enrol people of the background whom a third of it has never seen: the usual scores, and how strange they look."""
    people = np.random.default_rng(settings.seed).permutation(np.unique(windows.person))
    own, others, sizes = [], [], []
    for fold in range(3):
        held = np.isin(windows.person, people[fold::3])
        unaware = len(people) - len(people[fold::3]) >= LEAST_PEOPLE
        judge = _core(windows.take_rows(~held), families, settings) if unaware else core
        probes = windows.take_rows(held)
        style, size = judge.whiten(probes)
        sizes.append(size)
        for person in people[fold::3]:
            mine = probes.person == person
            learn_from = mine & _first_half(probes, mine)
            if not learn_from.any() or not (mine & ~learn_from).any():
                continue
            references = unit(means(unit(style[learn_from]), probes.recording[learn_from])[1])
            with torch.inference_mode():
                score = judge.verifier(references).similarity(torch.from_numpy(unit(style))).numpy()
            own.append(score[mine & ~learn_from])
            others.append(score[~mine])
    lowest = float(np.quantile(np.concatenate(sizes), 0.995))
    if not own or not sum(map(len, others)):
        return core.usual, np.array([lowest, 2 * lowest], np.float32)
    return calibrate(np.concatenate(own), np.concatenate(others)), np.array([lowest, 2 * lowest], np.float32)


def _first_half(windows: StyleWindows, mine: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Every other recording of a person; of one that is alone the windows that end before its middle."""
    names = np.unique(windows.recording[mine])
    if len(names) > 1:
        return np.isin(windows.recording, names[::2])
    first = windows.first[mine]
    middle = (int(first.min()) + int(first.max()) + 150) // 2
    return np.asarray(windows.first + 150 <= middle)
