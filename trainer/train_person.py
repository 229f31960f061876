"""One training, from data to a finished run: what `train` calls for each person."""

from collections.abc import Callable, Sequence
from pathlib import Path

from trainer.data.tracks import Track
from trainer.recipe import Recipe
from trainer.runs import Run, Task, start_run
from trainer.train import Epoch, pick_device, start_from, train


def train_person(
    folder: Path,
    data: Path,
    person: str,
    tracks: Sequence[Track],
    recipe: Recipe,
    *,
    protocol: str,
    fold: int = 0,
    init_from: Path | None = None,
    device: str = "auto",
    stop_after: int | None = None,
    told: Callable[[Epoch], None] = lambda epoch: None,
    tensorboard: bool = False,
) -> Epoch:
    """Train, or go on training, a model of one person; return its best epoch.

    Raises:
        TrainerError: the data won't do for this split, or the folder holds another run; before any training.
    """
    run = start_run(folder, Task(str(data), person, protocol, fold, recipe.seed), recipe, tracks)
    network = run.fresh_network()
    if init_from is not None:
        start_from(network, init_from)
    learn, check = run.windows("train"), run.windows("validate")
    history = train(network, learn, check, recipe, folder, device=pick_device(device), stop_after=stop_after, told=told)
    if tensorboard:
        write_tensorboard(run, history)
    return run.best()


def write_tensorboard(run: Run, history: Sequence[Epoch]) -> None:
    """Write the history as TensorBoard events, anew, so that a resumed run has each epoch once."""
    from torch.utils.tensorboard import SummaryWriter

    folder = run.folder / "tensorboard"
    for old in folder.glob("events.*"):
        old.unlink()
    with SummaryWriter(str(folder)) as writer:
        for epoch in history:
            for name in set(epoch) - {"epoch"}:
                writer.add_scalar(name, epoch[name], int(epoch["epoch"]))
