"""Why an enrolment is too weak to be trusted, in words that say what is missing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.face.embed import distance
from trainer.enrolment.windows import JudgedEvent
from trainer.faces import Event, odd_ones
from trainer.verify.enrolment import Enrolled

FEWEST_EVENTS = 3
LEAST_MINUTES = 2.0
"""Two minutes of ten adults in a laboratory told them apart with an AUROC of 0.84 at 30 s; less was not tried."""

ARMS_HIDDEN = 0.5
UNLIKE = -1.0
"""Mean log-likelihood ratio of an event's windows under the other events: e^1 times likelier if it is somebody else."""

WORST_EER = 0.35
"""Of single windows; guessing is 0.5."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """One reason to refuse: a name for it, a sentence, and the recordings that it is about, if it is about some."""

    code: str
    sentence: str
    recordings: tuple[str, ...] = ()


STRAYS = 2.0
"""So many deviations of the events' mean evidence under their mean it should still speak for the person."""


def before(events: Sequence[JudgedEvent], faces: Sequence[Event], limit: float) -> list[Doubt]:
    """Doubt what was gathered: events with at least one window, and every recording's face; limit is one face's."""
    return [*_amount(events), *_arms(events), *_faces(faces, limit)]


def after(enrolled: Enrolled) -> list[Doubt]:
    """Doubt what was made of it."""
    return [*_unlike(enrolled), *_strays(enrolled), *_common(enrolled)]


def _amount(events: Sequence[JudgedEvent]) -> list[Doubt]:
    minutes = sum(event.seconds for event in events) / 60
    found = []
    if len(events) == 1:
        why = "all that can be judged is of one event: nothing tells the person from its chair, camera and mood"
        found.append(Doubt("one_event", f"{why}; give recordings of {FEWEST_EVENTS} events or more"))
    elif len(events) < FEWEST_EVENTS:
        why = f"{len(events)} recordings can be judged, {FEWEST_EVENTS} are needed: each is judged by the others"
        found.append(Doubt("few_recordings", f"{why}; give more, of other events"))
    if minutes < LEAST_MINUTES:
        why = f"{minutes:.1f} minutes of movement can be judged, {LEAST_MINUTES:g} are needed"
        found.append(Doubt("few_minutes", f"{why}; give longer recordings with the arms in view"))
    return found


def _arms(events: Sequence[JudgedEvent]) -> list[Doubt]:
    hidden = [event for event in events if event.arms_hidden > ARMS_HIDDEN]
    if not hidden or len(hidden) * 2 < len(events):
        return []
    names = tuple(event.name for event in hidden)
    why = f"the arms are out of view most of the time in {len(hidden)} of {len(events)} recordings ({_named(names)})"
    return [Doubt("arms_hidden", f"{why}; give recordings that show elbows and hands", names)]


def _faces(faces: Sequence[Event], limit: float) -> list[Doubt]:
    seen = [(face.name, face.mean) for face in faces if face.mean is not None]
    if not seen:
        why = "no recording shows the face well enough to know it again, so whoever is on screen would be judged"
        return [Doubt("no_face", f"{why}; give recordings in which it is larger or turned to the camera")]
    found = []
    if 2 * len(seen) < len(faces):
        missing = tuple(face.name for face in faces if face.mean is None)
        why = f"in {len(missing)} of {len(faces)} recordings nobody's face is seen well enough ({_named(missing)})"
        found.append(Doubt("few_faces", f"{why}, so who is shown there is your word alone", missing))
    means = np.stack([mean for _, mean in seen])
    odd = odd_ones(means, limit)
    if not odd:
        return found
    names = tuple(seen[number][0] for number in odd)
    rest = [number for number in range(len(seen)) if number not in odd]
    if not rest:
        why = f"the recordings show several faces and none most often: {_named(names)}"
        return [*found, Doubt("two_faces", f"{why}; leave out those of somebody else", names)]
    apart = distance(means[odd], means[rest]).min(axis=1)
    told = ", ".join(
        f"{name} ({away:.2f} away, {limit:g} is the limit)" for name, away in zip(names, apart, strict=True)
    )
    return [
        *found,
        Doubt("two_faces", f"these recordings do not show the face of the others: {told}; leave them out", names),
    ]


def _unlike(enrolled: Enrolled) -> list[Doubt]:
    """Name events that move like somebody else than the others do, unless most do, of which none is the odd one."""
    means = {name: float(llr.mean()) for name, llr in enrolled.own.items()}
    names = tuple(name for name, mean in means.items() if mean < UNLIKE)
    if len(means) < FEWEST_EVENTS or not names:
        return []
    if 2 * len(names) > len(means):
        why = f"the recordings do not move like each other: {len(names)} of {len(means)} look like somebody else's"
        return [Doubt("two_people", f"{why}; see for yourself that all show one person, at events of one kind")]
    told = ", ".join(f"{name} (evidence {means[name]:+.1f})" for name in names)
    why = f"these recordings do not move like the others: {told}"
    return [Doubt("two_people", f"{why}; leave them out if they show somebody else or another kind of event", names)]


def _strays(enrolled: Enrolled) -> list[Doubt]:
    """Doubt where recordings differ so much that the next event may well look like somebody else."""
    means = np.array([llr.mean() for llr in enrolled.own.values()])
    if len(means) < FEWEST_EVENTS or means.mean() >= STRAYS * means.std(ddof=1):
        return []
    why = f"the recordings differ: evidence {means.mean():+.1f} on average, straying by {means.std(ddof=1):.1f}"
    return [
        Doubt(
            "events_differ", f"{why}, so another event may raise an alarm; give more recordings of each kind of event"
        )
    ]


def _common(enrolled: Enrolled) -> list[Doubt]:
    if enrolled.eer <= WORST_EER:
        return []
    why = f"the person can't be told from others: single windows are confused {enrolled.eer:.0%} of the time"
    return [Doubt("like_others", f"{why}, 50 % is guessing; more events and minutes may help")]


def face_distances(faces: Sequence[Event]) -> np.ndarray:
    """(E, E) distances between the faces that were seen, in the order of their recordings."""
    means = [face.mean for face in faces if face.mean is not None]
    return distance(np.stack(means), np.stack(means)) if means else np.zeros((0, 0), np.float32)


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
