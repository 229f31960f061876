"""A run becomes a model file with its card."""

import importlib.metadata
import json
import math
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from models import artifact
from models.card import Card
from models.features import FEATURES
from models.movement import normal_speeds
from models.skeleton import WINDOW_POSES
from trainer.data.tracks import Track
from trainer.errors import RunUnusable
from trainer.evaluate import evaluate, made_of
from trainer.recipe import conditions_text
from trainer.runs import EVALUATE_STEP, Run

CHOSEN_ON = ("exposed_hours", "false_alerts", "false_alerts_per_hour_at_most", "too_short")
"""What the card tells of the recordings that thresholds were chosen on."""

NO_BACKEND = {"name": "none: keypoints from elsewhere", "sha256": ""}


def export(run: Run, path: Path, *, note: str = "", report: dict[str, Any] | None = None) -> str:
    """Write the best epoch as a model file whose card says how well it did; return its sha256.

    report is what evaluate() gave; without it the run is evaluated now.

    Raises:
        RunUnusable: the report is of other weights, of other data or of another split.
    """
    network = run.network()
    report = report or evaluate(run)
    for what, value in made_of(run).items():
        if report["made_of"].get(what) != value:
            raise RunUnusable(run.folder, f"the report is of another {what}; evaluate it again")
    return artifact.save(path, network, make_card(run, report, note))


def make_card(run: Run, report: dict[str, Any], note: str) -> Card:
    """Fill the card from the run and its report; metrics are named `<protocol> <figure>`.

    What could not be had is left out, but for rates an hour: that these are too short to tell must be read.

    Raises:
        RunUnusable: the report is an older version's, or the tracks are not all of one pose network and filter.
    """
    if "exposed_hours" not in report["live"]:
        why = "has a report with false alerts over hours in which none was possible; `evaluate` it again"
        raise RunUnusable(run.folder, why)
    protocol = report["protocol"]
    metrics: dict[str, Any] = {f"{protocol} {name}": value for name, value in report["window"].items()}
    metrics |= {f"{protocol} recording {name}": value for name, value in report["recording"].items()}
    metrics |= {f"{protocol} live {name}": value for name, value in report["live"].items()}
    if chosen_on := report.get("chosen_on"):
        metrics |= {f"{protocol} thresholds chosen on {name}": chosen_on[name] for name in CHOSEN_ON}
    metrics |= {f"{protocol} {name}": interval for name, interval in report["ci"].items()}
    genuine = [track for track in run.tracks if not track.is_fake_of(run.task.person)]
    return Card(
        person=run.task.person,
        features=run.recipe.features,
        normalisation=FEATURES[run.recipe.features].normalisation,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        trainer=importlib.metadata.version("bodywatch"),
        pose_backend=pose_backend(run.folder, run.tracks),
        shortest=run.recipe.shortest,
        longest=run.recipe.longest,
        design=run.design().as_dict(),
        thresholds=report["thresholds"],
        metrics={name: figure for name, figure in metrics.items() if "per_hour" in name or not _is_nothing(figure)},
        data={
            "sha256": run.task.digest,
            "recordings": len(run.tracks),
            "genuine_recordings": len(genuine),
            "genuine_hours": round(sum(len(track.time_s) for track in genuine) / 30 / 3600, 3),
            "split": run.task.protocol,
            "fold": run.task.fold,
            "seed": run.task.seed,
            "conditions": conditions_text(run.recipe.conditions),
            "best_epoch": run.best()["epoch"],
        },
        normal=normal_movement(run),
        filter=the_one(run.folder, {track.filter for track in run.tracks}, "filters"),
        note=note,
    )


def normal_movement(run: Run) -> dict[str, dict[str, float]]:
    """Give how fast the person's keypoints move in the run's genuine training windows of 5 s, one a second."""
    windows = run.windows("train", EVALUATE_STEP, WINDOW_POSES)
    genuine = np.flatnonzero(windows.label == 0)
    return normal_speeds(windows.take(genuine[[at]])[0][0].numpy() for at in range(len(genuine)))


def _is_nothing(figure: Any) -> bool:
    """Tell whether a figure could not be had: no fakes found, or one class only."""
    return figure is None or figure == "" or (isinstance(figure, float) and math.isnan(figure))


def pose_backend(folder: Path, tracks: Iterable[Track]) -> dict[str, str]:
    """Name the one pose network that all tracks came from."""
    named = {json.dumps(track.pose_backend or NO_BACKEND, sort_keys=True) for track in tracks}
    found: dict[str, str] = json.loads(the_one(folder, named, "pose networks"))
    return found


def the_one(folder: Path, named: set[str], what: str) -> str:
    """Give what all tracks have in common.

    Raises:
        RunUnusable: there were several.
    """
    if len(named) > 1:
        raise RunUnusable(folder, f"was trained on tracks of {len(named)} {what}; extract all with the same one")
    return next(iter(named))
