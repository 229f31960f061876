"""`reproduce`: every experiment, one after the other, each in a folder of its own; what is done is not done again."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.pose_lstm import Judge
from trainer.data.conditions import apply_conditions, summary
from trainer.data.left_out import left_out
from trainer.data.tracks import Track, digest
from trainer.data.windows import Windows
from trainer.evaluate import evaluate
from trainer.json_files import read_json, write_json
from trainer.metrics import accuracy, auroc, bootstrap, eer
from trainer.recipe import PAPERS, read_recipe
from trainer.reports.baselines import NETWORKS
from trainer.reports.experiments import HONEST, SIZES, Experiment, Scale, experiments
from trainer.reports.paper_results import FIGURES, TABLE_2, TABLE_3, TABLE_4, TABLE_5, TABLE_6
from trainer.runs import Run, Task, remember, start_run
from trainer.train import Epoch, load_best, pick_device, probabilities, train

Result = dict[str, Any]


def reproduce(
    tracks: Sequence[Track],
    data: Path,
    person: str,
    out: Path,
    *,
    scale: Scale = "smoke",
    seed: int = 0,
    conditions: Sequence[str] = PAPERS,
    stop_after_s: float = float("inf"),
    told: Callable[[str, Epoch | None], None] = lambda name, epoch: None,
) -> Result:
    """Run what is missing and gather all tables, figures and honest figures.

    stop_after_s ends between two epochs once so much time has gone; the next call goes on there. Keys: tables and
    figures (by name), honest (by_repetition, by_session, unseen_movement), fast, conditions (what these leave out of
    the data, see LeftOut.as_json; Table 2 counts by the paper's), seconds (of training, in all goes), complete.
    """
    began_s = time.perf_counter()

    def enough() -> bool:
        return time.perf_counter() - began_s >= stop_after_s

    results: dict[str, Result] = {}
    for experiment in experiments(scale, seed, conditions):
        results[experiment.name] = run_experiment(
            experiment,
            tracks,
            data,
            person,
            out / "runs" / experiment.name.replace(",", "").replace(" ", "_"),
            picture_px=SIZES[scale].picture_px,
            enough=enough,
            told=partial(told, experiment.name),
        )
        told(experiment.name, None)
    missing = [name for name, result in results.items() if not result["complete"]]
    report = gather(results, tracks)
    return report | {
        "person": person,
        "scale": scale,
        "seed": seed,
        "digest": digest(apply_conditions(tracks, conditions)),
        "conditions": left_out(tracks, conditions).as_json(),
        "complete": not missing,
        "missing": missing,
    }


def run_experiment(
    experiment: Experiment,
    tracks: Sequence[Track],
    data: Path,
    person: str,
    home: Path,
    *,
    picture_px: int,
    enough: Callable[[], bool],
    told: Callable[[Epoch], None],
) -> Result:
    """Train one experiment in the folder home, or go on with it, and judge its test part; result.json ends it.

    Raises:
        RunUnusable: home holds another experiment, or this one on other data, of another person or at another scale;
            or a file there is damaged.
    """
    recipe, kept = experiment.recipe, home / "result.json"
    run = start_run(home, Task(str(data), person, experiment.protocol, experiment.fold, recipe.seed), recipe, tracks)
    built = {"network": experiment.network, "windows": experiment.windows, "picture_px": picture_px}
    remember(home, "experiment.json", built)
    if kept.is_file():
        result: Result = read_json(kept, remedy="remove it to have it made anew")
        if len(result["history"]) == recipe.epochs:
            return result
    torch.manual_seed(recipe.seed)
    network = run.fresh_network() if experiment.network == "lstm" else NETWORKS[experiment.network](picture_px)
    learn = run.windows("train").subsample(experiment.windows)
    check = run.windows("validate").subsample(max(experiment.windows // 4, 100))
    history = train(network, learn, check, recipe, home, device=pick_device(), enough=enough, told=told)
    if not history:
        return {"complete": False, "history": []}
    result = _judged(experiment, run, network, learn, history)
    if result["complete"]:
        write_json(kept, result)
    return result


def _judged(experiment: Experiment, run: Run, network: Judge, learn: Windows, history: list[Epoch]) -> Result:
    """Judge the best epoch: accuracies in percent on train, validation and test, AUROC, EER, and live for `body`."""
    load_best(run.folder, network)
    device = pick_device()
    network.to(device)
    test = run.windows("test")
    scores = probabilities(network, test, device)
    best = run.best()
    result: Result = {
        "complete": len(history) == experiment.recipe.epochs,
        "history": history,
        "best_epoch": best["epoch"],
        "train": 100 * accuracy(learn.label, probabilities(network, learn, device)),
        "validate": 100 * best["val_accuracy"],
        "test": 100 * accuracy(test.label, scores),
        "auroc": auroc(test.label, scores),
        "eer": eer(test.label, scores),
        "ci": asdict(bootstrap(auroc, test.label, scores, test.recording(), rounds=200)),
        "always_fake": 100 * float(test.label.mean()),
        "train_windows": len(learn),
        "seconds": sum(epoch["seconds"] for epoch in history),
        "seconds_to_best": sum(epoch["seconds"] for epoch in history[: int(best["epoch"])]),
    }
    if experiment.name.startswith("body"):
        result["live"] = evaluate(run, rounds=20)["live"]
    return result


def gather(results: dict[str, Result], tracks: Sequence[Track]) -> Result:
    """Put results into the paper's tables and figures; what has not run yet is null."""

    def of(name: str, figure: str) -> float | None:
        return results.get(name, {}).get(figure)

    parts = ("train", "validate", "test")
    return {
        "tables": {
            "table_2": {"ours": summary(tracks), "paper": TABLE_2},
            "table_3": [{"what": what, "paper": value, "ours": _table_3(what)} for what, value in TABLE_3],
            "table_4": [
                {"model": label, "paper": paper, "ours": of(ours, "test"), "auroc": of(ours, "auroc")}
                for label, ours, paper in TABLE_4
            ],
            "table_5": [
                {
                    "model": label,
                    **{f"paper_{part}": value for part, value in zip(parts, paper, strict=True)},
                    **{part: of(ours, part) for part in parts},
                    "auroc": of(ours, "auroc"),
                }
                for label, ours, *paper in TABLE_5
            ],
            "table_6": [
                {"model": label, "paper": paper, "ours": of(ours, "test"), "auroc": of(ours, "auroc")}
                for label, ours, paper in TABLE_6
            ],
        },
        "always_fake": of("paper", "always_fake"),
        "best_features_papers_split": _brief(results.get("body paper")),
        "papers_features_papers_split": _brief(results.get("paper features paper 0")),
        "figures": {
            name: [
                {
                    "caption": caption,
                    "paper": said,
                    "best_epoch": of(ours, "best_epoch"),
                    "history": of(ours, "history"),
                }
                for caption, ours, said in panels
            ]
            for name, panels in FIGURES.items()
        },
        "honest": {protocol: _honest(results, "body", protocol) for protocol in HONEST},
        "honest_paper_features": {protocol: _honest(results, "paper features", protocol) for protocol in HONEST},
        "fast": _fast(results),
        "seconds": round(sum(result.get("seconds", 0.0) for result in results.values()), 1),
    }


def _brief(result: Result | None) -> Result | None:
    """Leave the curves out, and give the interval as its two ends, as _honest() does."""
    if not result or "ci" not in result:
        return None
    ends = [result["ci"]["low"], result["ci"]["high"]]
    return {name: value for name, value in result.items() if name != "history"} | {"ci": ends}


def _honest(results: dict[str, Result], features: str, protocol: str) -> Result | None:
    """Take the folds of one protocol together: means, and the widest interval."""
    done = [
        result for name, result in results.items() if name.startswith(f"{features} {protocol} ") and "auroc" in result
    ]
    if not done:
        return None
    means = ("auroc", "eer", "test", "always_fake")
    figures: Result = {name: float(np.mean([one[name] for one in done])) for name in means}
    figures["train_windows"] = round(np.mean([one["train_windows"] for one in done]))
    figures["accuracy"] = figures.pop("test") / 100
    figures["ci"] = [min(one["ci"]["low"] for one in done), max(one["ci"]["high"] for one in done)]
    figures["folds"] = len(done)
    if "live" in done[0]:
        figures["live"] = [one["live"] for one in done]
    return figures


def _fast(results: dict[str, Result]) -> Result | None:
    """Time presets paper (batch of one) and fast to the paper's best validation accuracy, less one point."""
    paper, fast = results.get("paper, batch 1") or results.get("paper", {}), results.get("fast", {})
    if "seconds_to_best" not in fast or "seconds_to_best" not in paper:
        return None
    to_same_s = _seconds_to(fast["history"], paper["validate"] / 100 - 0.01)
    return {
        "paper_validation": paper["validate"],
        "fast_validation": fast["validate"],
        "paper_epochs": len(paper["history"]),
        "paper_seconds_to_best": paper["seconds_to_best"],
        "paper_seconds_an_epoch": paper["seconds"] / len(paper["history"]),
        "fast_seconds_to_same": to_same_s,
        "fast_seconds": fast["seconds"],
        "times_faster": None if to_same_s is None else paper["seconds_to_best"] / to_same_s,
    }


def _seconds_to(history: Sequence[Epoch], accuracy: float) -> float | None:
    """Seconds of training until the validation accuracy is reached for the first time."""
    spent_s = 0.0
    for epoch in history:
        spent_s += epoch["seconds"]
        if epoch["val_accuracy"] >= accuracy:
            return spent_s
    return None


def _table_3(what: str) -> str:
    """Say what preset `paper` has, read from the recipe itself."""
    recipe = read_recipe("paper")
    ours = {
        "input size": 24,
        "hidden size": recipe.hidden,
        "hidden layers": recipe.layers,
        "dropout": recipe.dropout,
        "output size": recipe.design().people,
        "optimizer": recipe.optimizer,
        "learning rate decay": f"lr {recipe.lr:g}, step {recipe.lr_step}, gamma {recipe.lr_gamma:g}",
        "time step": recipe.longest,
        "weight decay": f"{recipe.weight_decay:g}",
        "gradient clipping": recipe.clip,
        "batch size": recipe.batch,
        "epochs": recipe.epochs,
    }
    return str(ours[what])
