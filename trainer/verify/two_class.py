"""Beside the verifier: the trainer's LSTM on the same genuine minutes, with the background's people as its fakes."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from models.pose_lstm import PoseLSTM
from models.skeleton import WINDOW_POSES
from trainer.data.tracks import Track
from trainer.data.windows import PoseDataset, Span, Windows
from trainer.recipe import Recipe
from trainer.runs import fit_scaling
from trainer.train import predict, train
from trainer.verify.windows import StyleWindows


def two_class_scores(
    tracks: Sequence[Track],
    person: str,
    known: StyleWindows,
    fakes: StyleWindows,
    probes: StyleWindows,
    *,
    recipe: Recipe,
) -> npt.NDArray[np.float32]:
    """Train an LSTM on the person's known windows against everybody in fakes; log odds (N,) of the probes.

    The poses are the very ones that the statistics were taken of; the last epoch counts, so nothing is held out.
    """
    learn = _cut(tracks, person, known, fakes)
    people = len(set(fakes.person.tolist()) - {person}) + 1
    torch.manual_seed(recipe.seed)
    network = PoseLSTM(recipe.design(people))
    fit_scaling(network, learn)
    with tempfile.TemporaryDirectory() as folder:
        train(network, learn, learn.subsample(256), recipe, Path(folder) / "run", device=torch.device("cpu"))
    return np.asarray(predict(network, _cut(tracks, person, probes), torch.device("cpu")), np.float32)


def _cut(tracks: Sequence[Track], person: str, *parts: StyleWindows) -> Windows:
    """Cut the poses of windows again, in their order, from the tracks that they are of alone."""
    wanted = {str(name) for part in parts for name in part.recording}
    some = [track for track in tracks if track.recording in wanted]
    at = {track.recording: number for number, track in enumerate(some)}
    rows = [
        (at[str(name)], int(first)) for part in parts for name, first in zip(part.recording, part.first, strict=True)
    ]
    spans = [Span(track, first, first + WINDOW_POSES) for track, first in rows]
    return PoseDataset(some, person).cut(spans, WINDOW_POSES)
