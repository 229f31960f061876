"""Gathered recordings become a person's file: style references, faces, calibration, an alarm and the card."""

import importlib.metadata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from models import artifact
from models.card import Card
from models.face.cohort import Cohort
from models.face.references import FaceReferences
from models.movement import normal_of
from models.skeleton import RATE_HZ, WINDOW_POSES
from trainer.calibration.alarm import ChosenAlarm, Row, choose_alarm
from trainer.data.tracks import Track, digest
from trainer.enrolment import doubts
from trainer.enrolment.doubts import Doubt
from trainer.enrolment.gather import Gathered, shown
from trainer.enrolment.windows import JudgedEvent, judge
from trainer.errors import EnrolmentRefused
from trainer.export import pose_backend, the_one
from trainer.faces import LIMIT, Event, refer
from trainer.verify.background import Background
from trainer.verify.enrolment import Enrolled, enrol_statistics

MOST = 3.0
"""Bound on one window's log-likelihood ratio in the alarm's sum: one strange window is worth no more than e^3."""

FEWEST_FOR_A_RATE = 10
"""From event to event the mean evidence of real people strays by 0.1 to 2.3. Simulated so, six events of ten minutes
each promised 0.5 false alerts an hour and made 2.2, and up to 25 at worst: hours of few events prove nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Enrolment:
    """What came of it: events with windows, the verifier, its alarm, faces, doubts, and what was left out and why."""

    person: str
    events: tuple[JudgedEvent, ...]
    enrolled: Enrolled
    alarm: ChosenAlarm
    faces: tuple[Event, ...]
    references: FaceReferences | None
    doubts: tuple[Doubt, ...]
    left_out: Mapping[str, str]
    tracks: tuple[Track, ...]

    @property
    def minutes(self) -> float:
        return sum(event.seconds for event in self.events) / 60


def enrol(
    person: str,
    gathered: Sequence[Gathered],
    background: Background,
    *,
    face_network_sha256: str,
    cohort: Cohort | None = None,
    face_limit: float = LIMIT,
    false_alerts_per_hour: float = 0.5,
    anyway: bool = False,
) -> Enrolment:
    """Make a person's verifier from genuine recordings; anyway makes it although it is too weak.

    Raises:
        EnrolmentRefused: it is too weak, with each reason; without anything to enrol from, anyway or not.
    """
    left_out = {shown(one.source): one.why for one in gathered if one.track is None}
    once = _once(gathered, left_out)
    judged = [(one, judge(_of_the_person(one))) for one in once]
    used = [(one, event) for one, event in judged if len(event)]
    left_out |= {shown(one.source): _why_empty(event) for one, event in judged if not len(event)}
    events = tuple(event for _, event in used)
    faces = tuple(one.face for one in once if one.face is not None)
    if not events:
        raise EnrolmentRefused(person, ["no recording has a window that can be judged"], left_out)
    found = doubts.before(events, faces, face_limit)
    made = enrol_statistics(background, {event.name: event.statistics for event in events})
    found += doubts.after(made)
    if found and not anyway:
        raise EnrolmentRefused(person, [doubt.sentence for doubt in found], left_out)
    seen = [face for face in faces if face.mean is not None]
    tracks = tuple(one.track for one, _ in used if one.track is not None)
    return Enrolment(
        person=person,
        events=events,
        enrolled=made,
        alarm=choose(events, made, false_alerts_per_hour),
        faces=faces,
        references=refer(seen, face_network_sha256, limit=face_limit, anyway=anyway, cohort=cohort) if seen else None,
        doubts=tuple(found),
        left_out=left_out,
        tracks=tracks,
    )


def _once(gathered: Sequence[Gathered], left_out: dict[str, str]) -> list[Gathered]:
    """Take each recording once, whatever its names: a second copy is no other event."""
    first: dict[str, str] = {}
    once = []
    for one in gathered:
        if one.track is None:
            continue
        known = first.setdefault(one.track.recording_sha256 or one.source, one.source)
        if known == one.source:
            once.append(one)
        else:
            left_out[shown(one.source)] = f"is the same recording as {shown(known)}"
    return once


def _of_the_person(one: Gathered) -> Track:
    """Leave out where a recording shows another face: whoever is seen there is not who is enrolled."""
    assert one.track is not None
    if one.face is None or not one.face.elsewhere_s:
        return one.track
    kept = np.ones(len(one.track.time_s), bool)
    for start_s, end_s in one.face.elsewhere_s:
        kept &= (one.track.time_s < start_s) | (one.track.time_s > end_s)
    return replace(one.track, kept=kept)


def write(path: Path, enrolment: Enrolment, background: Background, note: str = "") -> str:
    """Write the person's file, with a note before the card's own words; return its sha256.

    Raises:
        RunUnusable: the tracks are of several pose networks or filters.
    """
    return artifact.save(path, enrolment.enrolled.verifier, make_card(path, enrolment, background, note))


def make_card(path: Path, enrolment: Enrolment, background: Background, note: str = "") -> Card:
    """Tell in the card what the file was made of, and how well it did by leaving one event out."""
    made, events = enrolment.enrolled, enrolment.events
    speeds = [one for event in events for one in event.speeds]
    whole = digest(enrolment.tracks)
    return Card(
        person=enrolment.person,
        features="style",
        normalisation=f"shoulder widths; statistics of {', '.join(background.families)}; whitened, against a cohort",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        trainer=importlib.metadata.version("bodywatch"),
        pose_backend=pose_backend(path, enrolment.tracks),
        shortest=60,
        longest=300,
        design={
            "kind": "enrolled",
            "background_people": background.card.get("people", 0),
            "background_minutes": background.card.get("minutes", 0.0),
        },
        thresholds=enrolment.alarm.thresholds(),
        metrics={
            "left out, against generated speakers: eer of 5 s": round(made.eer, 4),
            "left out, against generated speakers: cllr (bits)": round(made.cllr, 4),
            **{f"left out: evidence for {name}": round(float(llr.mean()), 3) for name, llr in made.own.items()},
            "false alerts per hour, of the events left out": enrolment.alarm.per_hour,
        },
        data={
            "sha256": whole,
            "events": len(events),
            "minutes": round(enrolment.minutes, 2),
            "left_out": len(enrolment.left_out),
            "doubts": [doubt.code for doubt in enrolment.doubts],
        },
        normal=normal_of(speeds),
        filter=the_one(path, {track.filter for track in enrolment.tracks}, "filters"),
        faces={} if enrolment.references is None else enrolment.references.to_json(),
        note=f"{note} {_note(enrolment)}".strip(),
    )


def _note(enrolment: Enrolment) -> str:
    said = (
        f"Enrolled from {enrolment.minutes:.1f} minutes of {len(enrolment.events)} genuine recordings, without fakes."
    )
    doubted = " ".join(f"Doubtful: {doubt.sentence}." for doubt in enrolment.doubts)
    return f"{said} {doubted}".strip()


def choose(events: Sequence[JudgedEvent], made: Enrolled, false_alerts_per_hour: float) -> ChosenAlarm:
    """Choose the alarm on each event as the others judge it, and on speakers who do not exist."""
    genuine = [event.rows(made.own[event.name]) for event in events]
    strangers = [_in_a_row(made, number) for number in np.unique(made.others_at[:, 0])]
    chosen = choose_alarm(genuine, strangers, false_alerts_per_hour=false_alerts_per_hour, most=MOST)
    if len(events) >= FEWEST_FOR_A_RATE or chosen.too_short:
        return chosen
    why = f"too short to tell: {len(events)} events say little of the next one, {FEWEST_FOR_A_RATE} are needed"
    return replace(chosen, too_short=why, per_hour=None)


def _in_a_row(made: Enrolled, number: int) -> list[Row]:
    """Lay out the windows of one speaker who does not exist as the alarm's calibration takes them."""
    mine = made.others_at[:, 0] == number
    ends = (made.others_at[mine, 1] + WINDOW_POSES) / RATE_HZ
    return [(float(end), float(llr), 0) for end, llr in zip(ends, made.others[mine], strict=True)]


def _why_empty(event: JudgedEvent) -> str:
    """Say why nothing of a recording can be judged."""
    counts = Counter(event.not_judged)
    if not counts:
        return "nobody is followed for long enough"
    [(reason, count)] = counts.most_common(1)
    return f"no window of 5 s can be judged: {reason} at {count} of {sum(counts.values())} times"
