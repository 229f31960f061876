"""A run's figures, by window, by recording, and live: all on recordings that it was not trained on."""

import importlib.metadata
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from monitor.stages.verdict import Rule
from trainer.data.left_out import left_out
from trainer.data.splits import PARTS, shared_recordings
from trainer.metrics import Array, accuracy, auroc, bootstrap, by_recording, eer, tpr_at, window_figures
from trainer.replay import Alerts, Scorer, alerts, choose_rule, play
from trainer.runs import Run
from trainer.train import probabilities, weights_sha256

FALSE_ALERTS_PER_HOUR = 0.5
"""What thresholds are chosen for unless told otherwise: one false alert in two hours of the person's own speech."""

WITH_INTERVAL: dict[str, Callable[[Array, Array], float]] = {
    "auroc": auroc,
    "eer": eer,
    "tpr_at_fpr_1": lambda labels, scores: tpr_at(labels, scores, 0.01),
    "accuracy": accuracy,
}


def evaluate(run: Run, *, false_alerts_per_hour: float = FALSE_ALERTS_PER_HOUR, rounds: int = 500) -> dict[str, Any]:
    """Judge the test part of a run with its best epoch's weights.

    Thresholds are chosen on the validation part and measured on the test part. Keys: protocol, fold, shared
    (recordings that stand in train and test), window, left_out (part -> windows that the monitor would not judge, by
    its reason), conditions (what these leave out of the data, see LeftOut.as_json), recording, ci (name -> {value, low,
    high}), live, chosen_on (as live, of the validation part), thresholds, asked_per_hour (false alerts), made_of.
    """
    network = run.network()
    windows = run.windows("test")
    scores = probabilities(network, windows, torch.device("cpu"))
    recording = windows.recording()
    validated = play(run.tracks, run.split.validate, run.task.person, scorer(run))
    rule, chosen_on = choose_rule(validated, false_alerts_per_hour)
    made = alerts(play(run.tracks, run.split.test, run.task.person, scorer(run)), rule)
    labels, shares = by_recording(windows.label, scores, recording)
    return {
        "person": run.task.person,
        "protocol": run.split.protocol,
        "fold": run.split.fold,
        "shared": shared_recordings(run.split, run.tracks),
        "best_epoch": run.best()["epoch"],
        "window": window_figures(windows.label, scores),
        "left_out": {name: dict(run.windows(name).refused) for name in PARTS},
        "conditions": left_out(run.tracks, run.recipe.conditions).as_json(),
        "recording": {"accuracy": accuracy(labels, shares), "auroc": auroc(labels, shares), "recordings": len(labels)},
        "ci": {
            name: asdict(bootstrap(figure, windows.label, scores, recording, rounds=rounds))
            for name, figure in WITH_INTERVAL.items()
        },
        "live": live_figures(made),
        "chosen_on": live_figures(chosen_on),
        "thresholds": thresholds(rule, chosen_on, false_alerts_per_hour),
        "asked_per_hour": false_alerts_per_hour,
        "made_of": made_of(run),
    }


def made_of(run: Run) -> dict[str, Any]:
    """Say what an evaluation of the run as it is now stands on: a kept one is its evaluation only if that is equal."""
    return {
        "weights": weights_sha256(run.folder),
        "data": run.task.digest,
        "person": run.task.person,
        "protocol": run.task.protocol,
        "fold": run.task.fold,
        "seed": run.task.seed,
        "trainer": importlib.metadata.version("bodywatch"),
    }


def scorer(run: Run) -> Scorer:
    """Give the run's network as the monitor sees a model: raw keypoints in, probabilities out."""
    network = run.network()

    def score(windows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        with torch.inference_mode():
            probabilities: npt.NDArray[np.float32] = network(torch.from_numpy(windows)).numpy()
        return probabilities

    return score


def live_figures(made: Alerts) -> dict[str, float | str | None]:
    """Say in figures what the operators would have seen; the rates are None where too_short tells why."""
    return {
        "false_alerts": made.false_alerts,
        "genuine_hours": made.genuine_hours,
        "exposed_hours": made.exposed_hours,
        "open_hours": made.open_hours,
        "too_short": made.too_short,
        "false_alerts_per_hour": made.false_alerts_per_hour,
        "false_alerts_per_hour_at_most": made.at_most_per_hour,
        "fakes_found": made.found,
        "fakes_missed": made.missed,
        "fakes_too_short": made.untold,
        "time_to_alert_p50_s": made.wait_s(0.5),
        "time_to_alert_p95_s": made.wait_s(0.95),
    }


def thresholds(rule: Rule, chosen_on: Alerts, wanted_per_hour: float) -> dict[str, float | None]:
    """Write a rule as the card has it: for so many false alerts an hour as were wanted, or more where it made more.

    None where what it was chosen on is too short to tell.
    """
    values = {name: float(getattr(rule, name)) for name in ("enter", "clear", "hold_s", "k", "n")}
    made = chosen_on.false_alerts_per_hour
    return {**values, "false_alerts_per_hour": None if made is None else max(made, wanted_per_hour)}
