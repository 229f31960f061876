"""The honest protocol for everybody in the data: each person against all the others, in turn.

With a recipe that tells the others apart one network serves for all: its outputs are the people, so that whose model
it is depends only on which output counts as the person's. One training of each split, then one evaluation a person.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.pose_lstm import PoseLSTM
from trainer.data.left_out import left_out
from trainer.data.splits import MOVEMENT_FOLDS
from trainer.data.tracks import Track
from trainer.data.windows import PoseDataset
from trainer.errors import RunUnusable
from trainer.metrics import accuracy, auroc, bootstrap, eer, tpr_at
from trainer.recipe import Recipe
from trainer.runs import Run, Task, log_prior_odds, start_run
from trainer.train import Epoch, pick_device, predict, train

FOLDS = {"paper": 1, "by_recording": 1, "by_repetition": 1, "by_session": 1, "unseen_movement": MOVEMENT_FOLDS}


def honest(
    tracks: Sequence[Track],
    data: Path,
    recipe: Recipe,
    folder: Path,
    protocols: Sequence[str],
    *,
    folds: int = MOVEMENT_FOLDS,
    told: Callable[[str, Epoch], None] = lambda name, epoch: None,
) -> dict[str, Any]:
    """Train each split once and judge every person; protocol -> mean figures, each person's, and what is left out.

    Of whom the recipe's conditions leave nothing nobody can judge: conditions (LeftOut.as_json) names them. A finished
    training in folder is not repeated.
    """
    found = left_out(tracks, recipe.conditions)
    people = sorted({track.person for track in tracks if track.genuine} - set(found.gone))
    if not recipe.tell_apart or len(people) < 3:
        why = "needs a recipe with tell_apart and three people; use `train` for one person"
        raise RunUnusable(folder, ". ".join([why, *found.sentences()]))
    report: dict[str, Any] = {}
    for protocol in protocols:
        rows = []
        for fold in range(min(folds, FOLDS[protocol])):
            run = _trained(tracks, data, people[0], recipe, folder / f"{protocol}_{fold}", protocol, fold, told)
            rows += [_judged(run, person) | {"fold": fold} for person in people]
        report[protocol] = _summary(rows, people) | {"conditions": found.as_json()}
    return report


def about(run: Run, person: str) -> tuple[Run, PoseLSTM]:
    """Make a run's network another person's: swap the outputs, and judge windows by that person."""
    dataset = PoseDataset(run.tracks, person)
    other = replace(run, task=replace(run.task, person=person), dataset=dataset)
    network = run.network()
    mine, place = (person, True), run.dataset.people.index((person, True))
    order = list(range(len(run.dataset.people)))
    order[0], order[place] = place, 0
    with torch.no_grad():
        network.head.weight.copy_(network.head.weight[order].clone())
        network.head.bias.copy_(network.head.bias[order].clone())
        if run.recipe.balance:
            network.odds.fill_(log_prior_odds(other.windows("train")))
    assert run.dataset.people[place] == mine
    return other, network


def _trained(
    tracks: Sequence[Track], data: Path, person: str, recipe: Recipe, home: Path, protocol: str, fold: int,
    told: Callable[[str, Epoch], None],
) -> Run:  # fmt: skip
    recipe = recipe.for_split(protocol)
    run = start_run(home, Task(str(data), person, protocol, fold, recipe.seed), recipe, tracks)
    if len(run.history()) < recipe.epochs:
        learn, check = run.windows("train"), run.windows("validate")
        name = f"{protocol} {fold}"
        train(
            run.fresh_network(), learn, check, recipe, home, device=pick_device(), told=lambda epoch: told(name, epoch)
        )
    return run


def _judged(run: Run, person: str) -> dict[str, Any]:
    other, network = about(run, person)
    test = other.windows("test")
    odds = predict(network, test, torch.device("cpu"))
    scores = (1 / (1 + np.exp(-odds.astype(np.float64)))).astype(np.float32)
    recording = test.recording()
    interval = bootstrap(auroc, test.label, scores, recording, rounds=100)
    names, first = np.unique(recording, return_index=True)
    whole = np.array([odds[recording == name].mean() for name in names], np.float32)
    return {
        "person": person,
        "auroc": interval.value,
        "ci": asdict(interval),
        "eer": eer(test.label, scores),
        "recording_auroc": auroc(test.label[first], whole),
        "tpr_at_fpr_1": tpr_at(test.label, scores, 0.01),
        "accuracy": accuracy(test.label, scores),
        "accuracy_always_fake": float(test.label.mean()),
    }


def _summary(rows: list[dict[str, Any]], people: Sequence[str]) -> dict[str, Any]:
    figures = ("auroc", "recording_auroc", "eer", "tpr_at_fpr_1", "accuracy", "accuracy_always_fake")
    each = {
        person: {name: float(np.mean([row[name] for row in rows if row["person"] == person])) for name in figures}
        for person in people
    }
    means = {name: float(np.mean([person[name] for person in each.values()])) for name in figures}
    worst = min(each, key=lambda person: each[person]["auroc"])
    return {**means, "worst": worst, "worst_auroc": each[worst]["auroc"], "people": each, "folds": rows}
