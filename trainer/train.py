"""The training loop: read it from top to bottom.

A run is a folder: recipe.json, task.json (person, protocol, digest), history.jsonl (one line an epoch), best.pt (the
weights of the best validation epoch), last.pt (everything needed to go on), and TensorBoard events.
"""

import hashlib
import json
import logging
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models.pose_lstm import Judge, PoseLSTM
from trainer.data.augment import augment
from trainer.data.windows import Windows
from trainer.errors import RunUnusable
from trainer.metrics import auroc
from trainer.recipe import Recipe

log = logging.getLogger(__name__)
Epoch = dict[str, float]


def pick_device(name: str = "auto") -> torch.device:
    """Take CUDA or Apple's GPU when there is one, else the CPU."""
    if name != "auto":
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def train(
    network: Judge,
    learn: Windows,
    check: Windows,
    recipe: Recipe,
    run: Path,
    *,
    device: torch.device,
    stop_after: int | None = None,
    enough: Callable[[], bool] = lambda: False,
    told: Callable[[Epoch], None] = lambda epoch: None,
) -> list[Epoch]:
    """Train on learn, judge every epoch on check, keep the best; go on where an interrupted run stopped.

    stop_after ends early, after so many epochs of this call, and so does enough(), asked before each; the run is
    ready to go on then. A finished run goes on when the recipe was made longer, at the longer one's rates. Returns the
    history: for each epoch loss, accuracy (train), val_loss, val_accuracy, val_auroc, lr and seconds.
    """
    run.mkdir(parents=True, exist_ok=True)
    network.to(device)
    optimizer = _optimizer(network, recipe)
    history = _resume(run, network, optimizer)
    weight = class_weight(learn) if recipe.balance else None
    until = recipe.epochs if stop_after is None else min(recipe.epochs, len(history) + stop_after)
    for number in range(len(history), until):
        if enough():
            break
        began_s = time.perf_counter()
        random = torch.Generator().manual_seed(recipe.seed * 1_000_003 + number)
        torch.manual_seed(recipe.seed * 1_000_003 + number)  # dropout: a resumed run draws what an unbroken one would
        for group in optimizer.param_groups:  # not a scheduler's: its state would outlive the length it was made for
            group["lr"] = recipe.rate(number)
        network.train()
        losses, right, seen = 0.0, 0, 0
        for poses, labels, who, lengths in shuffled(learn, recipe, random):
            outputs = network.outputs(poses.to(device), None if lengths is None else lengths.to(device))  # (B, people)
            logits = network.log_odds(outputs)  # (B,)
            if outputs.size(1) > 1:
                loss = nn.functional.cross_entropy(outputs, who.to(device), label_smoothing=recipe.smooth_labels)
            else:
                loss = loss_of(logits, labels.to(device), weight)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), recipe.clip)
            optimizer.step()
            losses += loss.item() * len(labels)
            right += int(((logits.detach() >= 0).cpu() == (labels >= 0.5)).sum())
            seen += len(labels)
        epoch = {"epoch": number + 1, "loss": losses / seen, "accuracy": right / seen, "lr": recipe.rate(number)}
        epoch |= validate(network, check, device, weight)
        epoch["seconds"] = time.perf_counter() - began_s
        history.append(epoch)
        if best_epoch(history, recipe.keep) == number + 1:
            _save(run / "best.pt", network.state_dict())
        _save(run / "last.pt", _state(network, optimizer, history))
        _write_history(run, history)
        told(epoch)
    return history


def shuffled(
    windows: Windows, recipe: Recipe, random: torch.Generator
) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor | None]]:
    """Go through all windows once in random order: poses (B, T, 18, 3), labels (B,), who (B,), lengths (B,) or None."""
    order = torch.randperm(len(windows), generator=random).numpy()
    for first in range(0, len(order), recipe.batch):
        rows = order[first : first + recipe.batch]
        poses, labels = windows.take(rows)
        if recipe.augments:
            poses = augment(poses, recipe, random)
        lengths = None
        if recipe.shortest < recipe.longest:
            lengths = torch.randint(recipe.shortest, recipe.longest + 1, (len(labels),), generator=random)
            poses = poses[:, : int(lengths.max())]
        yield poses, labels, torch.from_numpy(windows.who[rows]), lengths


def loss_of(logits: Tensor, labels: Tensor, weight: tuple[float, float] | None) -> Tensor:
    """Binary cross-entropy (section 3.3); weight is what a genuine and a fake window count."""
    each = nn.functional.binary_cross_entropy_with_logits(logits, labels, reduction="none")  # (B,)
    if weight is not None:
        each = each * torch.where(labels >= 0.5, weight[1], weight[0])
    return each.mean()


def class_weight(windows: Windows) -> tuple[float, float]:
    """Give what a genuine and a fake window count so that both classes weigh alike, 1 on average."""
    share = float(windows.label.mean())
    return 0.5 / (1 - share), 0.5 / share


def predict(network: Judge, windows: Windows, device: torch.device, *, batch: int = 128) -> np.ndarray:
    """(N,) float32 log odds of all windows."""
    network.eval()
    parts = [np.zeros(0, np.float32)]
    with torch.inference_mode():
        for poses, _ in windows.batches(batch):
            parts.append(network.log_odds(network.outputs(poses.to(device), None)).cpu().numpy())
    return np.concatenate(parts)


def probabilities(network: Judge, windows: Windows, device: torch.device) -> np.ndarray:
    """(N,) float32 probability that each window is not the person."""
    odds = predict(network, windows, device).astype(np.float64)
    return (1 / (1 + np.exp(-odds))).astype(np.float32)


def validate(network: Judge, check: Windows, device: torch.device, weight: tuple[float, float] | None) -> Epoch:
    """Loss, accuracy at 0.5 and AUROC on the validation windows."""
    logits = predict(network, check, device)
    loss = loss_of(torch.from_numpy(logits), torch.from_numpy(check.label), weight).item()
    accuracy = float(((logits >= 0) == (check.label >= 0.5)).mean())
    return {"val_loss": loss, "val_accuracy": accuracy, "val_auroc": auroc(check.label, logits)}


def best_epoch(history: list[Epoch], keep: str) -> int:
    """Number, from 1, of the epoch with the highest validation figure; of equals the one with the lower loss."""
    if keep == "last":
        return int(history[-1]["epoch"])
    return int(max(history, key=lambda epoch: (epoch[f"val_{keep}"], -epoch["val_loss"]))["epoch"])


def load_best(run: Path, network: nn.Module) -> nn.Module:
    """Give the network the weights of the run's best epoch.

    Raises:
        RunUnusable: the run has none.
    """
    path = run / "best.pt"
    if not path.is_file():
        raise RunUnusable(run, "has no best.pt; train it first")
    network.load_state_dict(_load(path))
    return network


def start_from(network: PoseLSTM, run: Path, outputs: Sequence[int] | None = None) -> None:
    """Fine-tune: begin with another run's best weights, for as far as the two networks agree.

    The other's centre and spread come with them, since its weights were learned on features brought to that range; its
    odds stay behind, since they tell how often the other's data showed somebody else. outputs names, for each of our
    outputs, the other's for the same person; without it a network that tells people apart begins with fresh ones.

    Raises:
        RunUnusable: no weights there, or not one of them fits.
    """
    mine = network.state_dict()
    theirs = _load(run / "best.pt") if (run / "best.pt").is_file() else {}
    theirs.pop("odds", None)
    if network.head.out_features > 1:
        head = {name: theirs.pop(name) for name in ("head.weight", "head.bias") if name in theirs}
        if outputs is not None and len(head.get("head.bias", ())) == len(outputs):
            theirs |= {name: weights[list(outputs)] for name, weights in head.items()}
    fitting = {name: weights for name, weights in theirs.items() if name in mine and weights.shape == mine[name].shape}
    if not any(name.startswith("cell.") for name in fitting):
        raise RunUnusable(run, "has no weights that fit this recipe; train with the same features, hidden and layers")
    network.load_state_dict({**mine, **fitting})


def weights_sha256(run: Path) -> str:
    """Name a run's best weights; "" where there are none."""
    path = run / "best.pt"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    kinds: dict[str, Any] = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}
    made: torch.optim.Optimizer = kinds[recipe.optimizer](
        network.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay
    )
    return made


def _state(network: nn.Module, optimizer: Any, history: list[Epoch]) -> dict[str, Any]:
    return {"network": network.state_dict(), "optimizer": optimizer.state_dict(), "history": history}


def _resume(run: Path, network: nn.Module, optimizer: Any) -> list[Epoch]:
    path = run / "last.pt"
    if not path.is_file():
        return []
    state = _load(path)
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    history: list[Epoch] = state["history"]
    _write_history(run, history)  # a run killed between the two files lacks its last line
    log.info("%s: going on after epoch %d", run, len(history))
    return history


def _save(path: Path, state: dict[str, Any]) -> None:
    """Save whole or not at all: an interrupted run must find a file that loads."""
    fresh = path.with_name(path.name + ".new")
    torch.save(state, fresh)
    fresh.replace(path)


def _load(path: Path) -> dict[str, Any]:
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, OSError, ValueError, pickle.UnpicklingError) as error:
        said = str(error) or "it is empty"
        raise RunUnusable(path, f"is no checkpoint ({said.splitlines()[0][:80]}); remove it to start anew") from None
    return state


def _write_history(run: Path, history: list[Epoch]) -> None:
    fresh = run / "history.jsonl.new"
    fresh.write_text("".join(json.dumps(epoch) + "\n" for epoch in history))
    fresh.replace(run / "history.jsonl")
