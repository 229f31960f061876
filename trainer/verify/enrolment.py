"""A person's verifier from genuine windows of several events; each event is judged by what the others know."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from models.skeleton import WINDOW_POSES
from models.style.statistics import WIDTHS, StyleStatistics
from models.style.verifier import StyleVerifier
from trainer.metrics import eer
from trainer.verify.background import Background, unit
from trainer.verify.calibration import Calibration, adapt, cllr
from trainer.verify.windows import BATCH, columns

Floats = npt.NDArray[np.float32]
Statistics = tuple[Floats, npt.NDArray[np.bool_]]
"""Every family's values (N, F) and which of them are known (N, F), as StyleStatistics(tuple(WIDTHS)) gives them."""


@dataclass(frozen=True, slots=True, eq=False)
class Enrolled:
    """verifier, ready for models.artifact.save(); references (E, D), an event's mean style each, in order.

    own maps an event to the llr (N,) of its windows under the *other* events' references; with one event alone each
    half of it is judged by the other half. others (M,) is the llr of windows of speakers who do not exist, and
    others_at (M, 2) whose each is and its first pose. alike (E, E) are cosines between the references, 1 on the
    diagonal.
    """

    verifier: StyleVerifier
    calibration: Calibration
    events: tuple[str, ...]
    references: Floats
    own: Mapping[str, Floats]
    others: Floats
    others_at: npt.NDArray[np.int32]
    alike: Floats

    @property
    def eer(self) -> float:
        """Equal error rate of single windows: the person's own against speakers who do not exist."""
        own = np.concatenate(list(self.own.values()))
        labels = np.concatenate([np.zeros(len(own)), np.ones(len(self.others))]).astype(np.float32)
        return eer(labels, -np.concatenate([own, self.others]).astype(np.float32))

    @property
    def cllr(self) -> float:
        """Cost of the llr in bits: 0 perfect, 1 worthless."""
        return cllr(np.concatenate(list(self.own.values())).astype(float), self.others.astype(float))


def enrol(background: Background, windows_by_event: Mapping[str, npt.NDArray[np.float32]]) -> Enrolled:
    """Enrol a person from genuine windows, event -> (N, T, 18, 3) raw keypoints, N >= 1.

    About 2 ms a window on one core.

    Raises:
        ValueError: no event, or an event without windows.
    """
    _check(windows_by_event)
    return enrol_statistics(background, {name: statistics_of(poses) for name, poses in windows_by_event.items()})


def statistics_of(poses: npt.NDArray[np.float32]) -> Statistics:
    """(N, T, 18, 3) raw keypoints -> every family's statistics."""
    network = StyleStatistics(tuple(WIDTHS))
    with torch.inference_mode():
        parts = [network(torch.from_numpy(poses[at : at + BATCH])) for at in range(0, len(poses), BATCH)]
    return torch.cat([v for v, _ in parts]).numpy(), torch.cat([k for _, k in parts]).numpy()


def enrol_statistics(background: Background, by_event: Mapping[str, Statistics]) -> Enrolled:
    """Enrol a person from statistics that are there already.

    Raises:
        ValueError: no event, or an event without windows.
    """
    _check({name: values for name, (values, _) in by_event.items()})
    chosen = {event: _chosen(background, statistics) for event, statistics in by_event.items()}
    whitened = {event: _style(background, *some) for event, some in chosen.items()}
    sizes = np.concatenate([np.square(style).mean(axis=1) for style in whitened.values()])
    return enrol_styles(background, {event: unit(style) for event, style in whitened.items()}, sizes)


def enrol_styles(background: Background, styles: Mapping[str, Floats], sizes: Floats) -> Enrolled:
    """Enrol a person from whitened windows, event -> (N, D) unit vectors; sizes are their mean squares before that.

    What the person's own camera and pose network make of genuine windows is familiar from then on, however far it is
    from the background's; without that, everything before a camera of another kind would be "can't tell".

    Raises:
        ValueError: no event, or an event without windows.
    """
    _check(styles)
    events = tuple(styles)
    references = np.stack([_reference(styles[event]) for event in events])
    strangers, strangers_at = _strangers(background)
    own = {event: _left_out(background, styles, event) for event in events}
    others = _similarity(background.verifier(references), strangers)
    scores = np.concatenate(list(own.values())).astype(np.float64)
    fit = adapt(background.usual, scores, others.astype(np.float64))
    return Enrolled(
        verifier=background.verifier(references, fit, limits=_limits(background, sizes)),
        calibration=fit,
        events=events,
        references=references,
        own={event: fit.llr(score.astype(np.float64)).astype(np.float32) for event, score in own.items()},
        others=fit.llr(others.astype(np.float64)).astype(np.float32),
        others_at=strangers_at,
        alike=references @ references.T,
    )


def _check(events: Mapping[str, Floats]) -> None:
    if not events or any(len(windows) == 0 for windows in events.values()):
        raise ValueError("an enrolment needs at least one event, and windows in each")


def compare(verifier: StyleVerifier, background: Background, statistics: Statistics) -> Floats:
    """llr (N,) of windows whose statistics, of every family, are there already."""
    values, known = _chosen(background, statistics)
    with torch.inference_mode():
        return np.asarray(verifier.compare(torch.from_numpy(values), torch.from_numpy(known)).numpy())


def _chosen(background: Background, statistics: Statistics) -> Statistics:
    at = columns(background.families)
    return np.ascontiguousarray(statistics[0][:, at]), np.ascontiguousarray(statistics[1][:, at])


def _style(background: Background, values: Floats, known: npt.NDArray[np.bool_]) -> Floats:
    """(N, D) whitened, not yet of length 1."""
    even = np.where(known, np.clip((values - background.centre) / background.spread, -4, 4), 0).astype(np.float32)
    return np.asarray(even @ background.project - background.shift, np.float32)


def _limits(background: Background, sizes: Floats) -> Floats:
    """Where doubt begins and ends: the background's, or a quarter beyond all but the strangest of the person's own."""
    own = 1.25 * float(np.quantile(sizes, 0.99))
    return np.asarray(background.limits * max(1.0, own / float(background.limits[0])), np.float32)


def _reference(style: Floats) -> Floats:
    return unit(style.mean(axis=0))


def _similarity(verifier: StyleVerifier, style: Floats) -> Floats:
    with torch.inference_mode():
        return np.asarray(verifier.similarity(torch.from_numpy(style)).numpy())


def _left_out(background: Background, styles: Mapping[str, Floats], event: str) -> Floats:
    """Similarities (N,) of an event's windows to the other events, or to its own other half where it is alone."""
    mine = styles[event]
    rest = [_reference(style) for name, style in styles.items() if name != event]
    if rest:
        return _similarity(background.verifier(np.stack(rest)), mine)
    if len(mine) == 1:
        return _similarity(background.verifier(_reference(mine)[None]), mine)
    early, late = mine[: len(mine) // 2], mine[len(mine) // 2 :]
    judged = [_similarity(background.verifier(_reference(known)[None]), probed) for probed, known in _both(early, late)]
    return np.concatenate(judged)


def _both(early: Floats, late: Floats) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    return (early, late), (late, early)


def _strangers(background: Background, each: int = 5) -> tuple[Floats, npt.NDArray[np.int32]]:
    """Unit vectors (S, D) of windows of speakers who do not exist, and whose each is and its first pose (S, 2).

    Those of generated speakers, whom a pose network saw; without any, drawn ones: a cohort's centre and what varies
    within one person, a sphere of deviation 1 after whitening. Drawn ones are easier to tell from the person.
    """
    if len(background.strangers):
        return unit(background.strangers), background.strangers_at
    random = np.random.default_rng(0)
    centres = np.repeat(background.cohort, each, axis=0)
    rows = np.arange(len(centres))
    at = np.stack([rows // each, rows % each * WINDOW_POSES], axis=1).astype(np.int32)
    return unit(centres + random.standard_normal(centres.shape).astype(np.float32)), at
