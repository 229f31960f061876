"""Whole recordings through the monitor's own window and verdict stages: false alerts per hour, time to alert."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitor.records import NotJudged, Score, Tick, Window
from monitor.stages.verdict import Rule, Verdict
from monitor.stages.window import PoseWindow
from trainer.data.tracks import Track
from trainer.data.windows import Span

Scorer = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]
"""(B, 150, 18, 3) float32 raw keypoints -> (B,) probability that each is not the person: LoadedModel.score."""

EVERY_S = 0.5
"""The monitor's default time between two verdicts."""

MIDDLING = 0.8

PATIENCE_S = 1.5
"""So much later an alert may come for a rule that asks for more."""


@dataclass(frozen=True, slots=True)
class Played:
    """One stretch of a recording as the monitor would have seen it."""

    recording: str
    fake: bool
    duration_s: float
    verdicts: tuple[Score | NotJudged, ...]


@dataclass(frozen=True, slots=True)
class Alerts:
    """What a rule makes of played recordings.

    false_alerts fired in genuine_hours of the person's own recordings. found and missed count fakes; waits_s has, for
    each fake found, the seconds from its first pose to the alert.
    """

    false_alerts: int
    genuine_hours: float
    found: int
    missed: int
    waits_s: tuple[float, ...]

    @property
    def false_alerts_per_hour(self) -> float | None:
        return self.false_alerts / self.genuine_hours if self.genuine_hours else None

    @property
    def at_most_per_hour(self) -> float | None:
        """Upper end of the one-sided 95 % interval (Poisson): none in an hour may still be 3 an hour."""
        from scipy.stats import chi2

        if not self.genuine_hours:
            return None
        return float(chi2.ppf(0.95, 2 * self.false_alerts + 2) / 2 / self.genuine_hours)

    def wait_s(self, share: float) -> float | None:
        """Time to alert that this share of the fakes found keeps under; None when none was found."""
        return float(np.quantile(self.waits_s, share)) if self.waits_s else None


def play(tracks: Sequence[Track], spans: Sequence[Span], person: str, score: Scorer) -> list[Played]:
    """Feed each span, tick by tick, to a fresh window stage and score what it gives out."""
    return [_play(tracks[span.track], span, person, score) for span in spans]


def alerts(played: Sequence[Played], rule: Rule) -> Alerts:
    """Run the verdict stage over every recording."""
    false_alerts, hours, waits_s, missed = 0, 0.0, [], 0
    for recording in played:
        fired = list(_fired(recording, rule))
        if not recording.fake:
            false_alerts += len(fired)
            hours += recording.duration_s / 3600
        elif fired:
            waits_s.append(fired[0])
        elif any(isinstance(verdict, Score) for verdict in recording.verdicts):
            missed += 1
    return Alerts(false_alerts, hours, len(waits_s), missed, tuple(waits_s))


def choose_rule(played: Sequence[Played], false_alerts_per_hour: float) -> tuple[Rule, Alerts]:
    """Choose enter, clear and hold_s for at most so many false alerts an hour on these recordings.

    Of the rules that keep to it, those that find most fakes; of them, whichever asks for most among those at most
    PATIENCE_S slower than the fastest, since minutes of genuine speech prove little about an hour. When no rule
    keeps to it, the one with the fewest false alerts. Recordings used here must not be those that a result is
    claimed on.
    """
    tried = [(rule, alerts(played, rule)) for rule in _rules(played)]
    quiet = [(rule, made) for rule, made in tried if (made.false_alerts_per_hour or 0.0) <= false_alerts_per_hour]
    if not quiet:
        return min(tried, key=lambda pair: (pair[1].false_alerts, pair[1].missed))
    fewest = min(made.missed for _, made in quiet)
    finding = [(rule, made, made.wait_s(0.5)) for rule, made in quiet if made.missed == fewest]
    waits_s = [wait_s for *_, wait_s in finding if wait_s is not None]
    if not waits_s:  # too short to alert on anything: nothing speaks for another choice than a middling one
        return min(quiet, key=lambda pair: abs(pair[0].enter - MIDDLING))
    patient = [(rule, made) for rule, made, wait_s in finding if wait_s and wait_s <= min(waits_s) + PATIENCE_S]
    return max(patient, key=lambda pair: (pair[0].enter, pair[0].hold_s))


def _rules(played: Sequence[Played]) -> Iterator[Rule]:
    genuine = [v.value for one in played if not one.fake for v in one.verdicts if isinstance(v, Score)]
    for enter in (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995):
        # An incident ends when windows look as nearly all genuine ones do, and well under what starts one.
        clear = float(np.clip(np.quantile(genuine, 0.95) if genuine else 0.3, 0.2, 0.8 * enter))
        for hold_s in (1.0, 2.0, 3.0):
            yield Rule(enter=enter, clear=round(clear, 3), hold_s=hold_s)


def _fired(recording: Played, rule: Rule) -> Iterator[float]:
    """Seconds from the recording's start to each alert in it."""
    numbers = itertools.count()
    verdict = Verdict(rule, lambda: str(next(numbers)))
    for judged in recording.verdicts:
        for incident in verdict.update(judged):
            if incident.state == "firing":
                yield incident.end_s


def _play(track: Track, span: Span, person: str, score: Scorer) -> Played:
    window = PoseWindow(track.recording, every_s=EVERY_S)
    given = [out for tick in ticks(track, span) if (out := window.push(tick, 0)) is not None]
    windows = [out for out in given if isinstance(out, Window)]
    values = iter(score(np.stack([out.poses for out in windows])).tolist() if windows else [])
    verdicts = tuple(_scored(out, person, next(values)) if isinstance(out, Window) else out for out in given)
    duration_s = float(track.time_s[span.last - 1] - track.time_s[span.first])
    return Played(track.recording, track.is_fake_of(person), duration_s, verdicts)


def _scored(window: Window, person: str, value: float) -> Score:
    quality, shot = window.quality, window.shot
    return Score(window.channel, person, 0, window.start_s, window.end_s, window.arrived_s, value, quality, shot)


def ticks(track: Track, span: Span) -> Iterator[Tick]:
    """Give a stretch of a track as the resample stage would: times from 0, and each new shot marked as a cut."""
    start_s = float(track.time_s[span.first])
    for number, row in enumerate(range(span.first, span.last)):
        time_s = float(track.time_s[row]) - start_s
        cut = row > span.first and track.shot[row] != track.shot[row - 1]
        measured = bool(track.measured[row]) if len(track.measured) else True
        yield Tick(number, time_s, time_s, track.keypoints[row], measured, "cut" if cut else None)
