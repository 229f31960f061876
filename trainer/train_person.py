"""One training, from data to a finished run: what `train` calls for each person."""

from collections.abc import Callable, Sequence
from pathlib import Path

from models.pose_lstm import PoseLSTM
from trainer.data.tracks import Track
from trainer.errors import RunUnusable
from trainer.recipe import Recipe
from trainer.runs import Run, Task, kept, remember, start_run
from trainer.train import Epoch, pick_device, start_from, train, weights_sha256


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
    network = beginning(run, init_from)
    learn, check = run.windows("train"), run.windows("validate")
    history = train(network, learn, check, recipe, folder, device=pick_device(device), stop_after=stop_after, told=told)
    if tensorboard:
        write_tensorboard(run, history)
    return run.best()


def beginning(run: Run, init_from: Path | None) -> PoseLSTM:
    """Build the network as a run's training begins, which is written down in init_from.json.

    Raises:
        RunUnusable: nothing to begin from in init_from, or the run was begun from something else, or nobody knows from
            what.
    """
    begun = bool(run.history()) or (run.folder / "last.pt").is_file()
    if init_from is not None and begun and not (run.folder / "init_from.json").is_file():
        why = "was trained by an older trainer that did not write down what it began from"
        raise RunUnusable(run.folder, f"{why}; go on without --init-from, or choose another folder with --out")
    network = run.fresh_network()
    if init_from is not None:
        start_from(network, init_from, _outputs(run, init_from))
    if init_from is not None or not begun:
        remember(run.folder, "init_from.json", {"weights": weights_sha256(init_from) if init_from else ""})
    return network


def _outputs(run: Run, other: Path) -> list[int] | None:
    """Give for each of a run's outputs the other run's for the same person; None where its data are not the same."""
    task = kept(other / "task.json")
    if task.get("digest") != run.task.digest:
        return None
    ours, person = run.dataset.people, (task["person"], True)
    theirs = [person, *sorted(set(ours) - {person})]
    return [theirs.index(one) for one in ours]


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
