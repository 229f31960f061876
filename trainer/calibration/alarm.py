"""The alarm of a sequential rule, for a stated number of false alerts an hour, from minutes of genuine speech."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from monitor.records import Claim, Quality, Score
from monitor.stages.rules.evidence_sum import WINDOW_S, EvidenceSum, SequentialRule, bounded_llr
from trainer.replay import EVERY_S, Alerts, Played, alerts

Row = tuple[float, float, int]
"""A judged window: end_s of the recording's clock, its log-likelihood ratio for the person, and its shot."""

FLOOR = 1.5
"""No alarm is under so many times the bound on one window: 7.5 s of the worst, as soon as the live rule can."""

CALM_SHARE = 0.2
"""Of the alarm: an incident ends where a fifth of it is left."""

ENOUGH = 20
"""So many excursions of the sum are needed to tell how fast they get rarer: their mean to within 22 %."""

FURTHEST = 100.0
"""No further than from so many excursions an hour to one is looked ahead."""

NONE_IN = 3.0
"""None in so many times what is asked for says, at 95 %, that it is kept to (Poisson: e^-3 is 0.05)."""


@dataclass(frozen=True, slots=True)
class ChosenAlarm:
    """A rule, and what is known of it.

    too_short says why no rate of false alerts can be told, "" where it can. per_hour is what the tail of the genuine
    sums says of the rule, None where too_short; seconds_to_alert is how long an impostor is seen until then, None where
    none is found. measured is what the rule made of the same recordings.
    """

    rule: SequentialRule
    too_short: str
    wanted_per_hour: float
    per_hour: float | None
    seconds_to_alert: float | None
    measured: Alerts

    def thresholds(self) -> dict[str, float | str | None]:
        """Write it as the card has it: for what was asked for, or more where it made more."""
        made = self.measured.false_alerts_per_hour or 0.0
        rate = None if self.too_short else max(self.wanted_per_hour, made)
        return {**asdict(self.rule), "false_alerts_per_hour": rate, "seconds_to_alert": self.seconds_to_alert}


def choose_alarm(
    genuine: Sequence[Sequence[Row]],
    impostors: Sequence[Sequence[Row]],
    *,
    false_alerts_per_hour: float,
    most: float,
    keep_over_cuts: float = 0.5,
    half_life_s: float = 60.0,
) -> ChosenAlarm:
    """Choose the alarm for at most so many false alerts an hour; rows of each recording, EVERY_S apart, in order.

    The sum over genuine speech rises and falls back to 0 again and again; the heights of these excursions have an
    exponential tail (Iglehart 1972, Extreme values in the GI/G/1 queue, theorem 1), and high ones come as a Poisson
    process. So beyond a height u that k of n excursions pass in H hours the rate is k / H * exp(-(x - u) / m), with m
    the mean height over u (Coles 2001, chapters 4 and 5: peaks over a threshold of exponential tail, after excursions
    less than a window apart are joined). Where that is too short to tell, the alarm is Lorden's (1971, Procedures for
    reacting to a change in distribution): with ratios that are calibrated and independent from window to window the
    mean time between false alerts is at least exp(alarm) windows. The recordings must not be those that a result is
    claimed on.
    """
    bare = SequentialRule(math.inf, 0.0, most, keep_over_cuts, half_life_s)
    found = [excursion for rows in genuine for excursion in excursions(rows, bare)]
    hours = sum(judged_s(rows) for rows in genuine) / 3600
    tail = Tail.of([excursion.height for excursion in found], hours)
    alarm, too_short = _alarm(found, tail, hours, false_alerts_per_hour)
    alarm = max(alarm, FLOOR * most)
    rule = SequentialRule(alarm, CALM_SHARE * alarm, most, keep_over_cuts, half_life_s)
    recordings = [played(rows, fake=False) for rows in genuine] + [played(rows, fake=True) for rows in impostors]
    made = alerts(recordings, rule)
    too_short = too_short or made.too_short
    per_hour = None if too_short else tail.per_hour(alarm) if tail else made.false_alerts_per_hour
    seen = [rows for rows in impostors if rows]
    return ChosenAlarm(rule, too_short, false_alerts_per_hour, per_hour, seconds_to_alert(seen, rule), made)


@dataclass(frozen=True, slots=True)
class Excursion:
    """One rise of the sum from 0 and back; unfinished where the recording ended before it was back."""

    height: float
    unfinished: bool


@dataclass(frozen=True, slots=True)
class Tail:
    """How often excursions get how high: over_per_hour pass the height start, by mean on average."""

    start: float
    over_per_hour: float
    mean: float

    @classmethod
    def of(cls, heights: Iterable[float], hours: float) -> "Tail | None":
        """Take the highest quarter, and ENOUGH at least; None where there are fewer."""
        highest = sorted(heights, reverse=True)
        if len(highest) < ENOUGH:
            return None
        count = max(ENOUGH, len(highest) // 4)
        start = highest[count] if len(highest) > count else 0.0
        return cls(start, count / hours, float(np.mean(highest[:count])) - start)

    def per_hour(self, height: float) -> float:
        """Give how often an hour an excursion gets so high; under start, as often as there."""
        return self.over_per_hour * math.exp(-max(height - self.start, 0.0) / max(self.mean, 1e-9))

    def height(self, per_hour: float) -> float:
        """Give the height that is passed so often an hour."""
        return self.start + self.mean * max(math.log(self.over_per_hour / per_hour), 0.0)


def excursions(rows: Sequence[Row], rule: SequentialRule) -> list[Excursion]:
    """Follow the sum over one recording; what is less than a window apart shares poses, and is one."""
    total, found, high, last_s = EvidenceSum(rule), list[Excursion](), 0.0, -math.inf
    for score in _scores(rows):
        total.add(score)
        against = total.evidence.against
        if against > 0:
            high, last_s = max(high, against), score.end_s
        elif high > 0 and score.end_s - last_s >= WINDOW_S:
            found.append(Excursion(high, unfinished=False))
            high = 0.0
    return [*found, Excursion(high, unfinished=total.evidence.against > 0)] if high > 0 else found


def judged_s(rows: Sequence[Row]) -> float:
    """Give the seconds of movement that were judged: 5 s of the first window, and what each later one adds."""
    ends = np.array([end_s for end_s, *_ in rows])
    return float(WINDOW_S + np.minimum(np.diff(ends), WINDOW_S).sum()) if len(ends) else 0.0


def seconds_to_alert(impostors: Sequence[Sequence[Row]], rule: SequentialRule) -> float | None:
    """Give how long an impostor is seen, on average, until the alarm; None where these are never found.

    The sum begins at 0 again after each alarm, and all seconds are shared among the alarms: recordings that end before
    one count too. Where fewer than half of them fire, because they are too short, it is told from how fast the median
    one's sum grows.
    """
    alarms, seen_s = 0, sum(judged_s(rows) for rows in impostors)
    for rows in impostors:
        total, again_s = EvidenceSum(rule), 0.0
        for score in _scores(rows):
            total.add(score)
            seen_s, again_s = seen_s + again_s, 0.0
            if total.fires():
                total, alarms, again_s = EvidenceSum(rule), alarms + 1, WINDOW_S - EVERY_S  # the next counts whole
    drift_s = _median(_drift_s(rows, rule) for rows in impostors)
    short = 2 * alarms < len(impostors)  # most recordings end before an alarm could come: their seconds say nothing
    if short and drift_s is not None:
        return drift_s
    return seen_s / alarms if alarms else None


def _drift_s(rows: Sequence[Row], rule: SequentialRule) -> float:
    """Give when a sum that grows by the recording's mean reaches the alarm; infinite where never.

    A mean of d a window makes d / 5 a second of judged movement, and half of the sum is forgotten in half_life_s.
    """
    drift_per_s = -float(np.mean([bounded_llr(_value(llr), rule.most) for _, llr, _ in rows])) / WINDOW_S
    fades_per_s = math.log(2) / rule.half_life_s
    left = 1 - rule.alarm * fades_per_s / drift_per_s if drift_per_s > 0 else 0.0
    return -math.log(left) / fades_per_s if left > 0 else math.inf


def _alarm(found: Sequence[Excursion], tail: Tail | None, hours: float, wanted: float) -> tuple[float, str]:
    """Give the alarm and why no rate can be told of it."""
    highest = max(found, key=lambda excursion: excursion.height, default=Excursion(0.0, unfinished=False))
    unseen = highest.height * (1 + 1e-9) if hours * wanted < 1 else 0.0  # less than one false alert is due in them
    proven = hours * wanted >= NONE_IN
    cautious = max(unseen, math.log(3600 / WINDOW_S / wanted))
    asked = f"for {wanted:g} an hour"
    if not hours:
        return cautious, "too short to tell: no recording of the person's own"
    if tail is None and proven:
        return max((excursion.height for excursion in found), default=0.0), ""
    if tail is None:
        told = f"the sum rose {len(found)} times in {60 * hours:.0f} min, {ENOUGH} are needed {asked}"
        return cautious, f"too short to tell: {told}"
    alarm = max(unseen, tail.height(wanted))
    if tail.over_per_hour > FURTHEST * wanted and not proven:
        told = f"the sum's {tail.over_per_hour:.0f} rises an hour are over {FURTHEST:g} times too many to look ahead"
        return max(alarm, cautious), f"too short to tell: {told} {asked} from {60 * hours:.0f} min"
    if highest.unfinished:
        return max(alarm, cautious), "too short to tell: the sum was at its highest when a recording ended"
    return alarm, ""


def _median(seconds: Iterable[float]) -> float | None:
    values = list(seconds)
    middle = float(np.quantile(values, 0.5, method="higher")) if values else math.inf
    return middle if math.isfinite(middle) else None


def played(rows: Sequence[Row], *, fake: bool) -> Played:
    """Make of a recording's rows what a rule can be replayed on, under the person's face."""
    return Played("", fake, EVERY_S * len(rows) + WINDOW_S if rows else 0.0, tuple(_scores(rows)))


def _scores(rows: Sequence[Row]) -> list[Score]:
    """Make what the monitor would have: windows under the face of the person."""
    whole, claim = Quality(1.0, 1.0, 1.0), Claim("person")
    return [Score("", "", 0, s - WINDOW_S, s, s, _value(llr), whole, shot, claim) for s, llr, shot in rows]


def _value(llr: float) -> float:
    """Give the score that a model writes for a ratio."""
    return 1 / (1 + math.exp(min(max(llr, -700.0), 700.0)))
