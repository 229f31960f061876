"""Every experiment of the paper's sections 3.3 and 4, and the ones that its limits ask for, at two scales."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from trainer.recipe import PAPERS, Recipe, read_recipe

Scale = Literal["trial", "smoke", "full"]


@dataclass(frozen=True, slots=True)
class Size:
    """What a scale cuts down; None leaves what the preset says.

    windows: most training windows of one experiment (a quarter of it for validation). At smoke scale batches stand in
    for the paper's batch of one, and few epochs for its 200; steps of the learning rate shrink along. trial only
    shows that everything runs. picture_px is the side of the pictures that Tables 5 and 6's networks get.
    """

    windows: int
    batch: int | None
    epochs: int | None
    picture_windows: int
    picture_epochs: int
    picture_batch: int
    picture_px: int
    folds: int
    body_epochs: int | None
    fast_epochs: int | None
    single_epochs: int


SIZES: dict[Scale, Size] = {
    "trial": Size(
        windows=16, batch=16, epochs=1, picture_windows=4, picture_epochs=1, picture_batch=4, picture_px=32,
        folds=1, body_epochs=1, fast_epochs=1, single_epochs=1,
    ),
    "smoke": Size(
        windows=256, batch=16, epochs=6, picture_windows=128, picture_epochs=2, picture_batch=16, picture_px=32,
        folds=1, body_epochs=4, fast_epochs=10, single_epochs=3,
    ),
    "full": Size(
        windows=10**9, batch=None, epochs=None, picture_windows=10**9, picture_epochs=60, picture_batch=32,
        picture_px=224, folds=5, body_epochs=None, fast_epochs=None, single_epochs=3,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Experiment:
    """One training: a recipe, the network (lstm, or one of baselines.NETWORKS), a split, at most so many windows."""

    name: str
    recipe: Recipe
    network: str = "lstm"
    protocol: str = "paper"
    fold: int = 0
    windows: int = 10**9


FIGURE_8 = ("sgd-1e-3", "sgd-1e-4", "adam-1e-3")
PICTURES = ("vgg16", "resnet50", "resnet101", "resnet152", "vgg16_lstm", "li_resnet152")
HONEST = ("by_repetition", "by_session", "unseen_movement")


def experiments(scale: Scale, seed: int, conditions: Sequence[str] = PAPERS) -> Iterator[Experiment]:
    """Name every training that `reproduce` needs, the quick ones first.

    One set of conditions for all, whatever their features: their rows stand side by side, so they are of the same data.
    """
    for experiment in _planned(SIZES[scale], seed):
        yield replace(experiment, recipe=experiment.recipe.model_copy(update={"conditions": tuple(conditions)}))


def _planned(size: Size, seed: int) -> Iterator[Experiment]:
    for preset in (*FIGURE_8, "stacked", "model-c", "model-b", "paper"):
        yield Experiment(preset, _paper_recipe(preset, size, seed), windows=size.windows)
    if size.batch is not None:  # what preset fast is timed against: the paper's own batch of one, for a few epochs
        single = read_recipe("paper", {"seed": seed, "epochs": size.single_epochs})
        yield Experiment("paper, batch 1", single, windows=size.windows)
    fast: dict[str, Any] = {"seed": seed} | ({"epochs": size.fast_epochs} if size.fast_epochs else {})
    yield Experiment("fast", read_recipe("fast", fast), windows=size.windows)
    for network in PICTURES:
        yield Experiment(network, picture_recipe(size, seed), network, windows=size.picture_windows)
    body: dict[str, Any] = {"seed": seed} | ({"epochs": size.body_epochs} if size.body_epochs else {})
    yield Experiment("body paper", read_recipe("body", body).for_split("paper"))
    plain = read_recipe("fast", {**fast, "balance": True, "keep": "auroc"})
    for protocol in ("paper", *HONEST):
        for fold in range(size.folds if protocol == "unseen_movement" else 1):
            if protocol != "paper":
                yield Experiment(f"body {protocol} {fold}", read_recipe("body", body), protocol=protocol, fold=fold)
            yield Experiment(
                f"paper features {protocol} {fold}", plain, protocol=protocol, fold=fold, windows=2 * size.windows
            )


def _paper_recipe(preset: str, size: Size, seed: int) -> Recipe:
    recipe = read_recipe(preset, {"seed": seed})
    changes: dict[str, Any] = {}
    if size.batch is not None:
        changes["batch"] = size.batch
    if size.epochs is not None:
        changes |= {"epochs": size.epochs, "lr_step": max(1, round(recipe.lr_step * size.epochs / recipe.epochs))}
    return recipe.model_copy(update=changes)


def picture_recipe(size: Size, seed: int) -> Recipe:
    """The paper gives no hyperparameters for these: Adam, cosine, batches."""
    return Recipe(
        lr=1e-3,
        schedule="cosine",
        weight_decay=1e-4,
        clip=1.0,
        batch=size.picture_batch,
        epochs=size.picture_epochs,
        seed=seed,
    )
