"""People at several events: enrolled from all but one, judged at that one, against recordings of others.

Beside it stands the plainest baseline, where the keypoints lie on average: the figures are body language only as far as
they are better than that.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.data.tracks import Track
from trainer.metrics import auroc
from trainer.verify.background import Background
from trainer.verify.enrolment import Statistics, compare, enrol_statistics
from trainer.verify.windows import StyleWindows, columns, describe

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Judged:
    """One person at one event that was left out: AUROC of its windows, and by recording the share of others behind.

    posture is the AUROC of the distance of each window's mean pose from the enrolled ones'.
    """

    person: str
    event: str
    windows: float
    recordings: tuple[float, ...]
    posture: float


def verify_events(
    people: Sequence[Track],
    others: Sequence[Track],
    background: Background,
    *,
    step: int = 15,
    told: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Enrol each person from all events but one and judge that one, in turn; a track's session names its event.

    Each person counts alike in `windows` and `recordings`, the means. Others must not be in the background.
    """
    mine, theirs = describe(people, step=step, told=told), describe(others, step=step, told=told)
    event = np.array([track.session for track in people])
    of = {track.recording: name for track, name in zip(people, event, strict=True)}
    events = np.array([of[name] for name in mine.recording]) if len(mine) else event[:0]
    judged = [
        one
        for person in np.unique(mine.person)
        for name in np.unique(events[mine.person == person])
        if (one := _judge(mine, events, str(person), str(name), theirs, background)) is not None
    ]
    rows = {
        person: [one for one in judged if one.person == person] for person in dict.fromkeys(j.person for j in judged)
    }
    table = {
        person: {
            "events": len(ones),
            "windows": round(float(np.mean([one.windows for one in ones])), 3),
            "recordings": round(float(np.mean([share for one in ones for share in one.recordings])), 3),
            "posture_alone": round(float(np.mean([one.posture for one in ones])), 3),
        }
        for person, ones in rows.items()
    }
    return {
        "people": table,
        "windows": _mean([row["windows"] for row in table.values()]),
        "recordings": _mean([row["recordings"] for row in table.values()]),
        "posture_alone": _mean([row["posture_alone"] for row in table.values()]),
        "others": len(np.unique(theirs.recording)),
    }


def _mean(values: Sequence[float]) -> float | None:
    return round(float(np.mean(values)), 3) if values else None


def _judge(
    mine: StyleWindows, events: npt.NDArray[Any], person: str, event: str, others: StyleWindows, background: Background
) -> Judged | None:
    """Leave one event out; None where the person has no other."""
    here = (mine.person == person) & (events == event)
    rest = (mine.person == person) & (events != event)
    if not rest.any():
        return None
    by_recording = {str(name): _some(mine, rest & (mine.recording == name)) for name in np.unique(mine.recording[rest])}
    verifier = enrol_statistics(background, by_recording).verifier
    own = {
        name: compare(verifier, background, _some(mine, here & (mine.recording == name))) for name in _names(mine, here)
    }
    strange = {name: compare(verifier, background, _some(others, others.recording == name)) for name in _names(others)}
    all_own, all_strange = np.concatenate(list(own.values())), np.concatenate(list(strange.values()))
    labels = np.concatenate([np.zeros(len(all_strange)), np.ones(len(all_own))]).astype(np.float32)
    behind = np.array([ratios.mean() for ratios in strange.values()])
    shares = tuple(float((behind < ratios.mean()).mean()) for ratios in own.values())
    by_posture = _posture(background, _some(mine, rest))
    posture = [-by_posture(_some(others, others.recording == name)) for name in strange]
    posture += [-by_posture(_some(mine, here & (mine.recording == name))) for name in own]
    windows = auroc(labels, np.concatenate([all_strange, all_own]))
    return Judged(person, event, windows, shares, auroc(labels, np.concatenate(posture)))


def _posture(background: Background, known: Statistics) -> Callable[[Statistics], npt.NDArray[np.float64]]:
    """Give a function that tells how far windows' mean poses lie from the enrolled mean, in the background's spread."""
    at = columns(("posture",))
    within = np.searchsorted(columns(background.families), at)
    usual = known[0][:, at].mean(axis=0)

    def away(windows: Statistics) -> npt.NDArray[np.float64]:
        return np.asarray(np.square((windows[0][:, at] - usual) / background.spread[within]).sum(axis=1), np.float64)

    return away


def _names(windows: StyleWindows, rows: npt.NDArray[np.bool_] | None = None) -> list[str]:
    return [str(name) for name in np.unique(windows.recording if rows is None else windows.recording[rows])]


def _some(windows: StyleWindows, rows: npt.NDArray[np.bool_]) -> Statistics:
    return windows.values[rows], windows.known[rows]
