"""Whole recordings through the monitor's own window and verdict stages: false alerts per hour, time to alert."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from models.skeleton import RATE_HZ
from monitor.records import Claim, NotJudged, Reason, Score, Tick, Window
from monitor.stages.rules.evidence_sum import EvidenceSum
from monitor.stages.verdict import AnyRule, Rule, SequentialRule, Verdict
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

LONG_ENOUGH_S = 5.0
"""So long a stretch must be exposed, on average, before alerts tell a rate. At first every window has to be
suspicious, and windows of 5 s share poses: clips of 9 s gave from 0.2 to 2 times the rate of the whole. Nor is there
a rate where incidents begin at once and stay open."""

LEAST_S = 12.0
"""So long all recordings together must be exposed. A live rule can't alert twice in 4 s: 2 s of windows end an
incident, and it takes 2 s more until the next fires. In less time not even "no alert" excludes one every 4 s."""


@dataclass(frozen=True, slots=True)
class Played:
    """What is played of one recording as the monitor would have seen it, shot after shot.

    verdicts have the times of the recording's clock, from the first pose played; duration_s leaves out its holes.
    """

    recording: str
    fake: bool
    duration_s: float
    verdicts: tuple[Score | NotJudged, ...]


@dataclass(frozen=True, slots=True)
class Alerts:
    """What a rule makes of played recordings.

    false_alerts fired in genuine_hours of the person's own recordings. exposed_hours of these are those in which one
    could have: not while a fresh window fills and the rule's k and hold_s run (or the worst evidence there is adds up),
    not where nothing is judged, and not while an incident is open, since one event makes one incident; open_hours
    counts the latter. too_short says why no rate can be told, "" where it can. found and missed count fakes that could
    have been found, untold those that were too short for any alert; waits_s has, for each fake found, the seconds
    played of it until the alert.
    """

    false_alerts: int
    genuine_hours: float
    exposed_hours: float
    open_hours: float
    too_short: str
    found: int
    missed: int
    untold: int
    waits_s: tuple[float, ...]

    @property
    def false_alerts_per_hour(self) -> float | None:
        """Alerts per hour in which one was possible; None where that is too short to tell."""
        return None if self.too_short else self.false_alerts / self.exposed_hours

    @property
    def at_most_per_hour(self) -> float | None:
        """Upper end of the one-sided 95 % interval (Poisson): none in an hour may still be 3 an hour."""
        return None if self.too_short else _at_most(self.false_alerts, self.exposed_hours)

    def wait_s(self, share: float) -> float | None:
        """Time to alert that this share of the fakes found keeps under; None when none was found."""
        return float(np.quantile(self.waits_s, share)) if self.waits_s else None


def play(tracks: Sequence[Track], spans: Sequence[Span], person: str, score: Scorer) -> list[Played]:
    """Feed what the spans have of each recording, tick by tick, to one window stage and score what it gives out.

    As live, an open incident goes on from shot to shot, and nothing that makes or ends one does. A recording is
    what tracks of one name have of one person; fakes of them are another. Spans of a recording must not overlap.
    """
    recordings: dict[tuple[str, str, bool], list[Span]] = {}
    for span in spans:
        track = tracks[span.track]
        recordings.setdefault((track.recording, track.person, track.genuine), []).append(span)
    return [
        _play(tracks, sorted(parts, key=lambda span: tracks[span.track].time_s[span.first]), person, score)
        for parts in recordings.values()
    ]


@dataclass(frozen=True, slots=True)
class _Watched:
    """What a rule made of one recording: seconds played until each alert, and what its verdicts found.

    able tells whether a fresh channel could have alerted at one of them, and at_once whether it did at the first such.
    exposed counts, for each shot, those of them without an open incident; open counts those with one.
    """

    fired_s: tuple[float, ...]
    able: bool
    at_once: bool
    exposed: tuple[int, ...]
    open: int


def alerts(played: Sequence[Played], rule: AnyRule) -> Alerts:
    """Run the verdict stage over every recording; every verdict stands for EVERY_S."""
    genuine = [_watch(recording, rule) for recording in played if not recording.fake]
    fakes = [_watch(recording, rule) for recording in played if recording.fake]
    waits_s = tuple(watched.fired_s[0] for watched in fakes if watched.fired_s)
    return Alerts(
        false_alerts=sum(len(watched.fired_s) for watched in genuine),
        genuine_hours=sum(recording.duration_s for recording in played if not recording.fake) / 3600,
        exposed_hours=sum(sum(watched.exposed) for watched in genuine) * EVERY_S / 3600,
        open_hours=sum(watched.open for watched in genuine) * EVERY_S / 3600,
        too_short=_too_short(genuine),
        found=len(waits_s),
        missed=sum(watched.able for watched in fakes) - len(waits_s),
        untold=sum(not watched.able for watched in fakes),
        waits_s=waits_s,
    )


def choose_rule(played: Sequence[Played], false_alerts_per_hour: float) -> tuple[Rule, Alerts]:
    """Choose enter, clear and hold_s for at most so many false alerts an hour on these recordings.

    Of the rules that keep to it, those that find most fakes; of them, whichever asks for most among those at most
    PATIENCE_S slower than the fastest, since minutes of genuine speech prove little about an hour. When no rule
    keeps to it, the one with the fewest false alerts an hour. A rule whose alerts on the genuine recordings are too
    short to tell has kept to nothing; when that is so of all, a middling one is given, and the alerts say why.
    Recordings used here must not be those that a result is claimed on.
    """
    tried = [(rule, alerts(played, rule)) for rule in _rules(played)]
    told = [(rule, made, rate) for rule, made in tried if (rate := made.false_alerts_per_hour) is not None]
    if not told:
        return _middling(tried)
    quiet = [(rule, made) for rule, made, rate in told if rate <= false_alerts_per_hour]
    if not quiet:
        rule, made, _ = min(told, key=lambda one: (one[2], -one[1].found))
        return rule, made
    most = max(made.found for _, made in quiet)
    finding = [(rule, made, made.wait_s(0.5)) for rule, made in quiet if made.found == most]
    waits_s = [wait_s for *_, wait_s in finding if wait_s is not None]
    if not waits_s:  # too short to alert on anything: nothing speaks for another choice than a middling one
        return _middling(quiet)
    patient = [(rule, made) for rule, made, wait_s in finding if wait_s and wait_s <= min(waits_s) + PATIENCE_S]
    return max(patient, key=lambda pair: (pair[0].enter, pair[0].hold_s))


def _middling(rules: Sequence[tuple[Rule, Alerts]]) -> tuple[Rule, Alerts]:
    return min(rules, key=lambda pair: abs(pair[0].enter - MIDDLING))


def _rules(played: Sequence[Played]) -> Iterator[Rule]:
    genuine = [v.value for one in played if not one.fake for v in one.verdicts if isinstance(v, Score)]
    for enter in (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995):
        # An incident ends when windows look as nearly all genuine ones do, and well under what starts one.
        clear = float(np.clip(np.quantile(genuine, 0.95) if genuine else 0.3, 0.2, 0.8 * enter))
        for hold_s in (1.0, 2.0, 3.0):
            yield Rule(enter=enter, clear=round(clear, 3), hold_s=hold_s)


def _watch(recording: Played, rule: AnyRule) -> _Watched:
    """Put a recording's verdicts through the rule, and beside it the worst scores there are: they tell when it can."""
    numbers = itertools.count()
    verdict, chance = Verdict(rule, lambda: str(next(numbers))), _Chance(rule)
    fired_s, able, at_once, exposed, opened, played_s = [], False, False, Counter[tuple[int, int]](), 0, 0.0
    for before, judged in itertools.pairwise((None, *recording.verdicts)):
        assert judged is not None
        played_s += min(judged.end_s - (before.end_s if before else 0.0), EVERY_S)  # a hole is not played
        open_before = _firing(verdict)
        changes = [incident.state for incident in verdict.update(judged)]
        if _firing(verdict) and not open_before:
            fired_s.append(played_s)
        shot = chance.begin(judged, anew="resolved" in changes)
        exposed[shot] += 0
        if isinstance(judged, NotJudged):
            continue
        opened += open_before
        could = chance.add(judged) if "resolved" not in changes else chance.there
        if could and not able:
            able, at_once = True, _firing(verdict)
        exposed[shot] += not open_before and could
    return _Watched(tuple(fired_s), able, at_once, tuple(exposed.values()), opened)


class _Chance:
    """The worst scores there are, in place of a recording's own.

    What fires on a row of ones since the start, a new shot or an incident's end is the first moment at which anything
    could have fired. Evidence goes on from shot to shot: a recording is one stretch then.
    """

    def __init__(self, rule: AnyRule) -> None:
        self._rule = rule
        self._worst = self._fresh()
        self._shot: tuple[int, int] | None = None
        self.there = False

    def begin(self, judged: Score | NotJudged, *, anew: bool) -> tuple[int, int]:
        """Take where the next verdict stands; give the stretch that it is of."""
        shot = (judged.epoch, judged.shot)
        sums = isinstance(self._rule, SequentialRule)
        if anew or (shot != self._shot and not sums):
            self._worst, self.there = self._fresh(), False
        self._shot = shot
        return (0, 0) if sums else shot

    def add(self, score: Score) -> bool:
        """Take a window as the worst there is; tell whether it could have fired."""
        worst = replace(score, value=1.0)
        if isinstance(self._worst, EvidenceSum):
            self._worst.add(worst)
            self.there = self._worst.fires()
        elif not self.there:
            list(self._worst.update(worst))
            self.there = _firing(self._worst)
        return self.there

    def _fresh(self) -> EvidenceSum | Verdict:
        return EvidenceSum(self._rule) if isinstance(self._rule, SequentialRule) else Verdict(self._rule, str)


def _firing(verdict: Verdict) -> bool:
    return verdict.open_incident is not None and verdict.open_incident.state == "firing"


def _too_short(genuine: Sequence[_Watched]) -> str:
    """Say why alerts on these recordings tell no rate, or nothing.

    Suspicion that was there before a recording began fires at its first chance, and so again in each of three clips
    that it lasts over. It is too much of it when the alerts after that chance can't, at 95 %, be of the rate of all.
    What stays below that makes a rate too high: on made-up scores of 10 s of memory up to 1.2 times in clips of 60 s,
    of 30 s of memory and few alerts once 2.6 times in clips of 20 s.
    """
    if not genuine:
        return "too short to tell: no recording of the person's own"
    shots = [count for watched in genuine for count in watched.exposed]
    exposed_s = [count * EVERY_S for count in shots if count]
    if not exposed_s:
        return f"too short to tell: none of {len(shots)} stretches was long enough for an alert"
    open_s = sum(watched.open for watched in genuine) * EVERY_S
    also = f" (an incident was open for {open_s:.0f} s)" if open_s else ""
    if (mean_s := float(np.mean(exposed_s))) < LONG_ENOUGH_S:
        return f"too short to tell: stretches could alert for {mean_s:.1f} s each, {LONG_ENOUGH_S:g} s are needed{also}"
    if (whole_s := sum(exposed_s)) < LEAST_S:
        return f"too short to tell: an alert was possible for {whole_s:.1f} s in all, {LEAST_S:g} s are needed{also}"
    fired, at_once = (sum(len(watched.fired_s) for watched in genuine), sum(watched.at_once for watched in genuine))
    later_s = whole_s - EVERY_S * sum(watched.able for watched in genuine)
    if fired / whole_s > _at_most(fired - at_once, later_s):
        said = f"{at_once} of {fired} alerts came at a recording's first chance, so suspicion outlasts recordings"
        return f"too short to tell: {said}{also}"
    return ""


def _at_most(count: int, time: float) -> float:
    """Give the upper end of the one-sided 95 % interval (Poisson) of a rate: so many in that time, in its unit."""
    from scipy.stats import chi2

    return float(chi2.ppf(0.95, 2 * count + 2) / 2 / time)


def _play(tracks: Sequence[Track], spans: Sequence[Span], person: str, score: Scorer) -> Played:
    track = tracks[spans[0].track]
    window = PoseWindow(track.recording, every_s=EVERY_S)
    given = (out for tick in ticks(tracks, spans) if (out := window.push(tick, 0)) is not None)
    shots = itertools.groupby(given, key=lambda out: out.shot)
    verdicts = tuple(judged for _, shot in shots for judged in _score(list(shot), person, score))
    played = [tracks[span.track].time_s[[span.first, span.last - 1]] for span in spans]
    duration_s = float(sum(end_s - start_s for start_s, end_s in played))
    return Played(track.recording, track.is_fake_of(person), duration_s, verdicts)


def _score(shot: Sequence[Window | NotJudged], person: str, score: Scorer) -> Iterator[Score | NotJudged]:
    windows = [out for out in shot if isinstance(out, Window)]
    values = iter(score(np.stack([out.poses for out in windows])).tolist() if windows else [])
    for out in shot:
        yield _scored(out, person, next(values)) if isinstance(out, Window) else out


def _scored(window: Window, person: str, value: float) -> Score:
    """Make the score of a window under the person's face: whoever is in a recording claims to be them."""
    at = (window.start_s, window.end_s, window.arrived_s)
    return Score(window.channel, person, 0, *at, value, window.quality, window.shot, Claim("person", person))


def ticks(tracks: Sequence[Track], spans: Sequence[Span]) -> Iterator[Tick]:
    """Give stretches of one recording, in order, as the resample stage would: each new shot or stretch marked as a cut.

    Times are the recording's, 0 at the first stretch's start: what lies between two stretches has lasted all the same.
    """
    origin_s = float(tracks[spans[0].track].time_s[spans[0].first])
    for place, span in enumerate(spans):
        track = tracks[span.track]
        for row in range(span.first, span.last):
            time_s = float(track.time_s[row]) - origin_s
            cut = place > 0 if row == span.first else track.shot[row] != track.shot[row - 1]
            measured = bool(track.measured[row]) if len(track.measured) else True
            broken: Reason | None = "cut" if cut else None
            yield Tick(round(time_s * RATE_HZ), time_s, time_s, track.keypoints[row], measured, broken)
