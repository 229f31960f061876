"""Figures of a detector: labels (N,) 1 = not the person, scores (N,) higher = more so."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score, roc_curve

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its 95 % confidence interval."""

    value: float
    low: float
    high: float


def auroc(labels: Array, scores: Array) -> float:
    """Area under the ROC curve; NaN when one class is missing."""
    if len(np.unique(labels)) < 2:
        return float("nan")
    return float(roc_auc_score(labels, scores))


def eer(labels: Array, scores: Array) -> float:
    """Equal error rate: where as many genuine windows are called fake as fakes are missed."""
    if len(np.unique(labels)) < 2:
        return float("nan")
    false_alarms, hits, _ = roc_curve(labels, scores)
    misses = 1 - hits
    at = int(np.argmax(false_alarms >= misses))
    if at == 0:
        return float((false_alarms[0] + misses[0]) / 2)
    # The curve is straight between two of its corners: find where it meets the diagonal.
    before, after = misses[at - 1] - false_alarms[at - 1], misses[at] - false_alarms[at]
    share = before / (before - after)
    return float(false_alarms[at - 1] + share * (false_alarms[at] - false_alarms[at - 1]))


def tpr_at(labels: Array, scores: Array, most_false: float) -> float:
    """Share of fakes found at a threshold that calls at most most_false of the genuine windows fake."""
    if len(np.unique(labels)) < 2:
        return float("nan")
    false_alarms, hits, _ = roc_curve(labels, scores, drop_intermediate=False)
    return float(hits[false_alarms <= most_false + 1e-12].max())


def accuracy(labels: Array, scores: Array) -> float:
    """Share that is right when a score of 0.5 and over means fake."""
    return float(((scores >= 0.5) == (labels >= 0.5)).mean())


def balanced_accuracy(labels: Array, scores: Array) -> float:
    """Mean of the two classes' accuracies: 0.5 for whoever always says the same."""
    right = (scores >= 0.5) == (labels >= 0.5)
    return float((right[labels >= 0.5].mean() + right[labels < 0.5].mean()) / 2)


def calibration_error(labels: Array, scores: Array, bins: int = 10) -> float:
    """Expected calibration error: mean gap between what was said and what was so, in bins of equal width."""
    which = np.minimum((scores * bins).astype(int), bins - 1)
    gaps = [
        abs(scores[which == b].mean() - labels[which == b].mean()) * (which == b).mean()
        for b in range(bins)
        if (which == b).any()
    ]
    return float(np.sum(gaps))


def window_figures(labels: Array, scores: Array) -> dict[str, float]:
    """All figures at once; scores are probabilities."""
    return {
        "auroc": auroc(labels, scores),
        "eer": eer(labels, scores),
        "tpr_at_fpr_1": tpr_at(labels, scores, 0.01),
        "tpr_at_fpr_0.1": tpr_at(labels, scores, 0.001),
        "accuracy": accuracy(labels, scores),
        "balanced_accuracy": balanced_accuracy(labels, scores),
        "calibration_error": calibration_error(labels, scores),
        "windows": float(len(labels)),
    }


def by_recording(labels: Array, scores: Array, recording: npt.NDArray[np.str_]) -> tuple[Array, Array]:
    """Judge whole recordings: labels (R,), and scores (R,), the share of windows called fake.

    0.5 and over is fake: the paper's rule calls a recording genuine only if genuine windows outnumber fake ones.
    """
    names, first = np.unique(recording, return_index=True)
    share = [float((scores[recording == name] >= 0.5).mean()) for name in names]
    return labels[first], np.asarray(share, np.float32)


def bootstrap(
    figure: Callable[[Array, Array], float],
    labels: Array,
    scores: Array,
    recording: npt.NDArray[np.str_],
    *,
    rounds: int = 500,
    seed: int = 0,
) -> Interval:
    """95 % interval of a figure when recordings are drawn with replacement, class by class.

    Windows of one recording are alike, so drawing windows would make the interval far too narrow.
    """
    names, group = np.unique(recording, return_inverse=True)
    members = [np.flatnonzero(group == number) for number in range(len(names))]
    fake = np.array([labels[rows[0]] >= 0.5 for rows in members])
    random = np.random.default_rng(seed)
    values = []
    for _ in range(rounds):
        drawn = [random.choice(np.flatnonzero(fake == kind), (fake == kind).sum()) for kind in (False, True)]
        rows = np.concatenate([members[number] for number in np.concatenate(drawn)])
        values.append(figure(labels[rows], scores[rows]))
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return Interval(figure(labels, scores), float(low), float(high))
