"""Who is trained on and who is tested: the paper's random split, and the honest ones beside it.

A split gives stretches of poses, not windows, to train, validate and test, so that no window crosses a border.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.skeleton import WINDOW_POSES
from trainer.data.tracks import Track
from trainer.data.windows import Span, judged
from trainer.errors import RecordingLeaked, SplitImpossible

PARTS = ("train", "validate", "test")
MOVEMENT_FOLDS = 5
SHARES_RECORDINGS = ("paper", "by_repetition")
"""Splits whose parts share recordings on purpose: the paper's random one, and later repetitions of each track."""


@dataclass(frozen=True, slots=True)
class Split:
    """A protocol's name and the spans of each of PARTS; fold numbers the repetitions of one protocol."""

    protocol: str
    train: tuple[Span, ...]
    validate: tuple[Span, ...]
    test: tuple[Span, ...]
    fold: int = 0

    def part(self, name: str) -> tuple[Span, ...]:
        return {"train": self.train, "validate": self.validate, "test": self.test}[name]


def make_split(protocol: str, tracks: Sequence[Track], person: str, *, seed: int = 0, fold: int = 0) -> Split:
    """Split tracks by one of PROTOCOLS and check that the parts can be trained and tested on.

    Raises:
        SplitImpossible: a part would lack a class, or the data has no sessions or movements to split by.
        RecordingLeaked: a recording stands in two parts of a split that keeps recordings whole.
    """
    if protocol not in PROTOCOLS:
        raise SplitImpossible(protocol, f"there are {', '.join(PROTOCOLS)}")
    if all(track.is_fake_of(person) for track in tracks):
        people = ", ".join(sorted({track.person for track in tracks if track.genuine}))
        raise SplitImpossible(protocol, f"no genuine recording of {person}; there are {people or 'none at all'}")
    if not any(track.is_fake_of(person) for track in tracks):
        raise SplitImpossible(protocol, f"every recording is {person}'s own; others or fakes are needed as well")
    split = PROTOCOLS[protocol](tracks, person, seed, fold)
    for name in PARTS:
        _check_classes(protocol, name, split.part(name), tracks, person)
    if protocol not in SHARES_RECORDINGS and (shared := shared_recordings(split, tracks)):
        raise RecordingLeaked(protocol, shared)
    return split


def shared_recordings(split: Split, tracks: Sequence[Track]) -> list[str]:
    """Name the recordings that are tested and trained on, by name or, under two names, by the very same poses."""

    def marks(spans: Sequence[Span]) -> dict[str, str]:
        found: dict[str, str] = {}
        for number in {span.track for span in spans}:
            track = tracks[number]
            found[track.recording] = track.recording
            found[hashlib.sha256(track.keypoints.tobytes()).hexdigest()] = track.recording
        return found

    tested = marks(split.test)
    trained = marks((*split.train, *split.validate))
    return sorted({tested[mark] for mark in tested.keys() & trained.keys()})


def _paper(tracks: Sequence[Track], person: str, seed: int, fold: int) -> Split:
    """Give segments of 150 poses to 80 % train, 10 % validate, 10 % test at random (section 3.1), class by class."""
    segments = [
        Span(number, start, start + WINDOW_POSES)
        for number, track in enumerate(tracks)
        for first, last in track.stretches()
        for start in range(first, last - WINDOW_POSES + 1, WINDOW_POSES)
    ]
    order = np.random.default_rng([seed, fold]).permutation(len(segments))
    parts: dict[str, list[Span]] = {name: [] for name in PARTS}
    for fake in (False, True):
        mine = [segments[i] for i in order if tracks[segments[i].track].is_fake_of(person) == fake]
        tenth = max(1, round(len(mine) / 10))
        parts["test"] += mine[:tenth]
        parts["validate"] += mine[tenth : 2 * tenth]
        parts["train"] += mine[2 * tenth :]
    return _split("paper", parts, fold)


def _by_recording(tracks: Sequence[Track], person: str, seed: int, fold: int) -> Split:
    """Give whole recordings, 60 % train, 15 % validate, 25 % test, class by class."""
    order = np.random.default_rng([seed, fold]).permutation(len(tracks))
    parts: dict[str, list[Span]] = {name: [] for name in PARTS}
    for fake in (False, True):
        mine = [int(i) for i in order if tracks[i].is_fake_of(person) == fake]
        tested, validated = max(1, round(len(mine) * 0.25)), max(1, round(len(mine) * 0.15))
        for place, number in enumerate(mine):
            name = "test" if place < tested else "validate" if place < tested + validated else "train"
            parts[name] += _whole(tracks, number)
    return _split("by_recording", parts, fold)


def _by_repetition(tracks: Sequence[Track], person: str, seed: int, fold: int) -> Split:
    """Give each track's last 30 % to test and the rest to train, but for what validates (_train_or_validate)."""
    parts: dict[str, list[Span]] = {name: [] for name in PARTS}
    lent = _lent(tracks)
    for number, track in enumerate(tracks):
        total = len(track.time_s)
        border = round(total * 0.7)
        _train_or_validate(parts, tracks, number, border, lent=number in lent)
        parts["test"] += _between(tracks, number, border, total)
    return _split("by_repetition", parts, fold)


def _by_session(tracks: Sequence[Track], person: str, seed: int, fold: int) -> Split:
    """Test on the later takes, by name; train on the others."""
    takes = sorted({track.take for track in tracks})
    if len(takes) < 2:
        raise SplitImpossible("by_session", f"all recordings are of one session ({takes[0]})")
    tested = set(takes[-max(1, len(takes) // 3) :])
    return _held_out("by_session", tracks, [track.take in tested for track in tracks], fold)


def _unseen_movement(tracks: Sequence[Track], person: str, seed: int, fold: int) -> Split:
    """Test on every fifth movement, by name and beginning at fold; train on the others."""
    movements = sorted({track.movement for track in tracks})
    if len(movements) < 2:
        raise SplitImpossible("unseen_movement", f"all recordings are of one movement ({movements[0]})")
    tested = set(movements[fold % min(MOVEMENT_FOLDS, len(movements)) :: MOVEMENT_FOLDS])
    return _held_out("unseen_movement", tracks, [track.movement in tested for track in tracks], fold)


def _given(tracks: Sequence[Track], person: str, seed: int, fold: int) -> Split:
    """Take the parts that the column split of segments.csv names."""
    parts: dict[str, list[Span]] = {name: [] for name in PARTS}
    for number, track in enumerate(tracks):
        if track.part not in parts:
            named = f'"{track.part}"' if track.part else "nothing"
            raise SplitImpossible("given", f"{track.recording} is given {named}; segments.csv says {', '.join(PARTS)}")
        parts[track.part] += _whole(tracks, number)
    return _split("given", parts, fold)


PROTOCOLS: dict[str, Callable[[Sequence[Track], str, int, int], Split]] = {
    "paper": _paper,
    "by_recording": _by_recording,
    "by_repetition": _by_repetition,
    "by_session": _by_session,
    "unseen_movement": _unseen_movement,
    "given": _given,
}


def _held_out(protocol: str, tracks: Sequence[Track], tested: Sequence[bool], fold: int) -> Split:
    parts: dict[str, list[Span]] = {name: [] for name in PARTS}
    lent = _lent([track for track, held in zip(tracks, tested, strict=True) if not held])
    kept = 0
    for number, track in enumerate(tracks):
        if tested[number]:
            parts["test"] += _whole(tracks, number)
        else:
            _train_or_validate(parts, tracks, number, len(track.time_s), lent=kept in lent)
            kept += 1
    return _split(protocol, parts, fold)


def _lent(tracks: Sequence[Track]) -> set[int]:
    """Choose the tracks that lend a part to validation: every third of each person's, real and fake apart."""
    owners = [(track.person, track.genuine) for track in tracks]
    return {i for owner in set(owners) for i in [n for n, other in enumerate(owners) if other == owner][::3]}


def _train_or_validate(
    parts: dict[str, list[Span]], tracks: Sequence[Track], number: int, end: int, *, lent: bool
) -> None:
    """Give poses 0..end of a track to train, but its last 30 % (200 poses at least) to validate when it is lent.

    A small share of every track would be shorter than a window.
    """
    border = min(round(end * 0.7), end - 200) if lent else end
    parts["train"] += _between(tracks, number, 0, max(border, 0))
    parts["validate"] += _between(tracks, number, max(border, 0), end)


def _split(protocol: str, parts: dict[str, list[Span]], fold: int) -> Split:
    return Split(protocol, tuple(parts["train"]), tuple(parts["validate"]), tuple(parts["test"]), fold)


def _whole(tracks: Sequence[Track], number: int) -> list[Span]:
    return _between(tracks, number, 0, len(tracks[number].time_s))


def _between(tracks: Sequence[Track], number: int, start: int, end: int) -> list[Span]:
    """Give what lies between two poses of a track, stretch by stretch, as far as a window fits."""
    clipped = [(max(first, start), min(last, end)) for first, last in tracks[number].stretches()]
    return [Span(number, first, last) for first, last in clipped if last - first >= WINDOW_POSES]


def _check_classes(protocol: str, part: str, spans: Sequence[Span], tracks: Sequence[Track], person: str) -> None:
    found = {tracks[span.track].is_fake_of(person) for span in spans if _tells(tracks[span.track], span)}
    for fake, what in ((False, f"of {person}"), (True, "of others")):
        if fake not in found:
            why = f"the part {part} has no window {what} that the monitor would judge; more recordings are needed"
            raise SplitImpossible(protocol, f"{why}, longer ones, or such as show the arms")


def _tells(track: Track, span: Span) -> bool:
    """Tell whether one of a span's windows of 150 poses would be judged, cut without overlap.

    So it is for every step that divides 150, as that of validation and test does; what a recipe trains on, its own
    lengths and steps, runs.start_run checks.
    """
    return bool(judged(track, np.arange(span.first, span.last - WINDOW_POSES + 1, WINDOW_POSES)).any())
