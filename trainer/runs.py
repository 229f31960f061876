"""A run's folder: what was trained, on which data, split how; enough to evaluate and export it later."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.pose_lstm import Design, PoseLSTM
from models.skeleton import RATE_HZ, WINDOW_POSES
from trainer.data.conditions import apply_conditions
from trainer.data.folder import read_tracks
from trainer.data.left_out import under
from trainer.data.splits import Split, make_split
from trainer.data.tracks import Track, digest, digest_before_sessions
from trainer.data.windows import PoseDataset, Windows
from trainer.errors import RunUnusable, SplitImpossible
from trainer.json_files import read_json, read_json_lines, write_json
from trainer.recipe import PAPERS, Recipe, check_recipe, conditions_text
from trainer.train import Epoch, best_epoch, load_best

EVALUATE_STEP = 30
"""Poses between two windows of validation and test: one a second."""


@dataclass(frozen=True, slots=True)
class Task:
    """Who is to be told from whom, on which data, split how."""

    data: str
    person: str
    protocol: str
    fold: int = 0
    seed: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A run and everything it was made from, read back; tracks are what the recipe's conditions leave of them."""

    folder: Path
    task: Task
    recipe: Recipe
    tracks: Sequence[Track]
    split: Split
    dataset: PoseDataset

    def windows(self, part: str, step: int | None = None, length: int | None = None) -> Windows:
        """Cut a part into windows: those to train on as long as the recipe says, the others of 150 poses."""
        chosen = step if step is not None else self.recipe.step if part == "train" else EVALUATE_STEP
        poses = length if length is not None else self.recipe.longest if part == "train" else WINDOW_POSES
        return self.dataset.cut(self.split.part(part), chosen, poses)

    def history(self) -> list[Epoch]:
        path = self.folder / "history.jsonl"
        remedy = "remove it, and `train` writes it anew"
        return read_json_lines(path, remedy=remedy) if path.is_file() else []

    def best(self) -> Epoch:
        history = self.history()
        return history[best_epoch(history, self.recipe.keep) - 1]

    def network(self) -> PoseLSTM:
        """Build the network with its best epoch's weights, ready to judge."""
        network = PoseLSTM(self.design())
        load_best(self.folder, network)
        return network.eval()

    def design(self) -> Design:
        return self.recipe.design(len(self.dataset.people))

    def fresh_network(self) -> PoseLSTM:
        """Build the network as training begins, with the training data's own range of every feature."""
        torch.manual_seed(self.recipe.seed)
        network = PoseLSTM(self.design())
        learn = self.windows("train")
        if self.recipe.even:
            fit_scaling(network, learn)
        if self.recipe.balance:
            network.odds.fill_(log_prior_odds(learn))
        return network


def log_prior_odds(windows: Windows) -> float:
    """Log odds of "somebody else" among the windows, which balanced scores leave out."""
    share = float(windows.label.mean())
    return math.log(share / (1 - share))


def fit_scaling(network: PoseLSTM, windows: Windows) -> None:
    """Set the network's centre and spread from at most 500 training windows."""
    rows = np.linspace(0, len(windows) - 1, min(500, len(windows))).astype(np.int64)
    with torch.no_grad():
        features = network.describe(windows.take(rows)[0]).flatten(0, 1)  # (B * T, width)
    network.centre.copy_(features.mean(dim=0))
    spread = features.std(dim=0)
    network.spread.copy_(torch.where(spread > 1e-3, spread, torch.ones_like(spread)))


def start_run(folder: Path, task: Task, recipe: Recipe, tracks: Sequence[Track] | None = None) -> Run:
    """Make a run's folder, or find it again to go on; the split is checked before any training.

    The recipe's conditions are applied here, whatever has been left out of the tracks before.

    Raises:
        DataUnusable, SplitImpossible, RecordingLeaked: the data won't do.
        RunUnusable: the folder holds a run of something else, a longer one or a damaged one.
    """
    tracks = read_tracks(Path(task.data)) if tracks is None else tracks
    run = under(recipe.conditions, tracks, lambda left: _checked(folder, task, recipe, left))
    folder.mkdir(parents=True, exist_ok=True)
    refuse_older(folder, kept(folder / "task.json").get("digest"), tracks)
    _refuse_other_conditions(run)
    if (done := len(run.history())) > recipe.epochs:
        why = f"has been trained for {done} epochs, more than the {recipe.epochs} asked for; ask for {done} or more"
        raise RunUnusable(folder, why)
    remember(folder, "task.json", _values(run.task))
    remember(folder, "recipe.json", recipe.model_dump(mode="json"), Recipe().model_dump(mode="json"))
    return run


def _checked(folder: Path, task: Task, recipe: Recipe, tracks: Sequence[Track]) -> Run:
    task = Task(task.data, task.person, task.protocol, task.fold, task.seed, digest(tracks))
    run = _assemble(folder, task, recipe, tracks)
    _check_lengths(run)
    return run


def _refuse_other_conditions(run: Run) -> None:
    """Refuse to go on with a run on what other conditions leave of the very same recordings.

    Raises:
        RunUnusable: names the conditions that the run was made under.
    """
    before = kept(run.folder / "task.json").get("digest")
    if before in (None, run.task.digest):
        return
    held = _conditions_of(kept(run.folder / "recipe.json"), run.folder)
    if digest(apply_conditions(run.tracks, held)) == before:
        now, then = conditions_text(run.recipe.conditions), conditions_text(held)
        why = f"holds a run under the conditions {then}, and under {now} the data are others"
        raise RunUnusable(run.folder, f"{why}; go on with --conditions {then}, or choose another folder with --out")


def _conditions_of(chosen: dict[str, Any], folder: Path) -> tuple[str, ...]:
    """Give the conditions of a kept recipe; an older one does not name any and was held against all of the paper's."""
    return check_recipe({"conditions": PAPERS, **chosen}, folder / "recipe.json").conditions


def _check_lengths(run: Run) -> None:
    """Refuse data without a training window of either class: the split knows nothing of a recipe's length and step.

    Raises:
        SplitImpossible: the recordings are too short for the recipe's windows.
    """
    learn = run.windows("train")
    for label, what in ((0, f"of {run.task.person}"), (1, "of others")):
        if label not in learn.label:
            poses = f"{learn.length} poses ({learn.length / RATE_HZ:.1f} s), one every {run.recipe.step}"
            raise SplitImpossible(
                run.task.protocol,
                f"the part train has no window {what} of {poses}, that the monitor would judge: the recordings are too "
                "short for this recipe, or show the arms for too short; take longer ones, or a smaller `longest`",
            )


def remember(folder: Path, name: str, values: dict[str, Any], defaults: dict[str, Any] | None = None) -> None:
    """Write down in a run's folder what it is made of, once; after that it must be the same.

    A key that an older run does not have yet was at its default, or counts as the same where there is none.

    Raises:
        RunUnusable: the folder holds a run of something else, or what it holds is damaged.
    """
    path = folder / name
    before = kept(path)
    if before and not _same({**values, **(defaults or {}), **before}, values):
        raise RunUnusable(folder, f"holds a run with another {name}; choose another folder with --out")
    write_json(path, values)


def open_run(folder: Path, *, data: Path | None = None) -> Run:
    """Read a run back, with its data from where it was or from another folder.

    Raises:
        RunUnusable: no run there or a damaged one, or the data is no longer what it was trained on.
    """
    named, chosen = (kept(folder / name) for name in ("task.json", "recipe.json"))
    if not (named and chosen):
        raise RunUnusable(folder, "holds no run (task.json and recipe.json); `train` makes one")
    try:
        task = Task(**named)
    except TypeError:
        raise RunUnusable(folder / "task.json", "names no task; `train` makes one") from None
    recipe = check_recipe({"conditions": PAPERS, **chosen}, folder / "recipe.json")  # older ones name none: all held
    tracks = apply_conditions(read_tracks(data or Path(task.data)), recipe.conditions)
    refuse_older(folder, task.digest, tracks)
    if digest(tracks) != task.digest:
        raise RunUnusable(
            folder, f"was trained on other data than {data or task.data} holds now; name the folder with --data"
        )
    return _assemble(folder, task, recipe, tracks)


def refuse_older(
    made: Path, named: str | None, tracks: Sequence[Track], *, remedy: str = "train it again, in another folder"
) -> None:
    """Refuse what was made of these tracks under a digest that says nothing of sessions.

    What a run or a model file calls its test part now may have been trained on.

    Raises:
        RunUnusable: names what was made, and the remedy.
    """
    if named == digest_before_sessions(tracks):
        raise RunUnusable(
            made,
            "is an older trainer's: its data digest does not cover sessions and parts, so nobody can tell whether the "
            f"recordings are split now as they were then; {remedy}",
        )


def _assemble(folder: Path, task: Task, recipe: Recipe, tracks: Sequence[Track]) -> Run:
    split = make_split(task.protocol, tracks, task.person, seed=task.seed, fold=task.fold)
    return Run(folder, task, recipe, tracks, split, PoseDataset(tracks, task.person))


def kept(path: Path) -> dict[str, Any]:
    """Read what a run is made of; nothing where there is no such file.

    Raises:
        RunUnusable: it is damaged. Nobody can tell then what the weights beside it were trained on.
    """
    return read_json(path, remedy="train again, in another folder") if path.is_file() else {}


def _values(task: Task) -> dict[str, Any]:
    return {name: getattr(task, name) for name in Task.__slots__}


def _same(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Compare two runs; where the data lies doesn't matter, and a run may be made longer.

    Nor do the conditions: what they leave of the data the digest tells.
    """
    loose = {"data", "epochs", "conditions"}
    return {k: v for k, v in old.items() if k not in loose} == {k: v for k, v in new.items() if k not in loose}
