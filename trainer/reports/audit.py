"""What did a model learn: movement, posture, or the camera? Each control takes something away and scores again.

A control's AUROC near the untouched one means that what it took away does not matter to the model.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.artifact import LoadedModel
from models.explain import held_still
from models.skeleton import RATE_HZ, UPPER_BODY
from monitor.stages.resample import EARLY_S
from trainer.data.augment import jitter, mirrored, size_of
from trainer.data.conditions import apply_conditions
from trainer.data.left_out import left_out, under
from trainer.data.splits import make_split
from trainer.data.tracks import Track, digest
from trainer.data.windows import PoseDataset, Span, Windows
from trainer.errors import RunUnusable, SplitImpossible
from trainer.metrics import Interval, auroc, bootstrap
from trainer.recipe import PAPERS, named_conditions, usual_conditions
from trainer.runs import refuse_older

POSTURE_KEPT = 0.8
"""A model that keeps so much of what it has over chance (0.5) without movement has learned posture."""

FRAGILE = 0.8
"""A model that keeps less than this of it under another camera won't survive another studio."""


NTSC = 60 / 1.001
"""Frames a second of most 60 fps streams. After 4 s (tick 120) they have drifted by a quarter of a frame against the
ticks; 60 exactly has a frame at every tick and would change nothing."""

Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Control:
    """One thing taken away. still: nothing moves, or not in order. camera: another camera, the same body."""

    name: str
    what: str
    change: Callable[[Tensor], Tensor]
    still: bool = False
    camera: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """How a model does under one control; kept is the share of its AUROC above chance that is left."""

    control: str
    what: str
    auroc: float
    kept: float


def one_frame(poses: Tensor) -> Tensor:
    """Hold the window's middle pose."""
    return poses[:, poses.shape[1] // 2 : poses.shape[1] // 2 + 1].expand_as(poses).contiguous()


def shuffled(poses: Tensor) -> Tensor:
    """Put the window's poses in random order, the same for every keypoint."""
    order = torch.argsort(torch.rand(poses.shape[:2], generator=torch.Generator().manual_seed(0)), dim=1)
    return poses[torch.arange(len(poses)).unsqueeze(1), order]


def backwards(poses: Tensor) -> Tensor:
    """Play the window from its end to its beginning."""
    return poses.flip(1)


def another_rate(poses: Tensor, fps: float, first_tick: int = 0) -> Tensor:
    """See poses (B, T, 18, 3) at an fps stream's frames only, and put them back on the 30 Hz grid as the monitor does.

    The frames' poses lie between the grid's own; which frames are posed and what becomes of them is
    monitor.stages.resample's rule. first_tick is the window's place in the stream: where fps is no multiple, frames
    drift against the ticks.
    """
    length = poses.shape[1]
    tick_s = (first_tick + np.arange(length)) / RATE_HZ
    beyond = fps // RATE_HZ + 2  # frames on either side, so many that one of them is posed
    frame_s = np.arange(np.floor(tick_s[0] * fps) - beyond, np.ceil(tick_s[-1] * fps) + beyond + 1) / fps
    if 1 / fps <= 1 / 40:  # Resampler.wants()
        apart_s = np.abs(frame_s - np.round(frame_s * RATE_HZ) / RATE_HZ)
        frame_s = frame_s[apart_s <= 0.5 / fps + EARLY_S]
    at = np.clip(frame_s * RATE_HZ - first_tick, 0, length - 1)  # beyond the window its edge repeats
    at = np.where(np.abs(at - np.round(at)) < 1e-6, np.round(at), at)
    floor = np.floor(at).astype(np.int64)
    seen = _between(poses, floor, np.minimum(floor + 1, length - 1), at - floor)
    after = np.searchsorted(frame_s, tick_s - EARLY_S)
    share = (tick_s - frame_s[after - 1]) / (frame_s[after] - frame_s[after - 1])
    return _between(seen, after - 1, after, np.minimum(share, 1.0))


def _between(poses: Tensor, before: Places, after: Places, share: npt.NDArray[np.float64]) -> Tensor:
    """The resampler's between() for whole windows: poses at places (T',) before and after, share of the latter."""
    a, b = poses[:, torch.from_numpy(before)], poses[:, torch.from_numpy(after)]
    part = torch.from_numpy(share).view(1, -1, 1, 1)  # float64: a tie between two frames must stay what it is there
    mixed = torch.where(part < 1, a + part.float() * (b - a), b)
    both = (a[..., 2:] > 0) & (b[..., 2:] > 0)
    return torch.where(both, mixed, torch.where(part >= 0.5, b, a))


def moved_camera(poses: Tensor) -> Tensor:
    """Zoom in by 1.4 and shift by (60, -25) px."""
    there = poses[..., 2:] > 0
    xy = torch.where(there, poses[..., :2] * 1.4 + torch.tensor([60.0, -25.0]), poses[..., :2])
    return torch.cat([xy, poses[..., 2:]], dim=-1)


def lost_keypoints(poses: Tensor) -> Tensor:
    """Lose each of the 12 keypoints in one pose of ten, each on its own."""
    gone = torch.rand(poses.shape[:3], generator=torch.Generator().manual_seed(0)) < 0.1
    gone[:, :, [k for k in range(poses.shape[2]) if k not in UPPER_BODY]] = False
    return poses.masked_fill(gone.unsqueeze(3), 0.0)


def noisy(poses: Tensor) -> Tensor:
    """Read every keypoint off at random, as another pose network would: 3 px where shoulders are 100 px apart."""
    return jitter(poses, 3.0, torch.Generator().manual_seed(0))


def rounded(poses: Tensor) -> Tensor:
    """Read every keypoint on the grid of a network's map, its worst case: 8 px where shoulders are 100 px apart."""
    cell_px = 8 * size_of(poses).clamp(min=0.01)
    there = poses[..., 2:] > 0
    on_grid = (poses[..., :2] / cell_px).round() * cell_px
    return torch.cat([torch.where(there, on_grid, poses[..., :2]), poses[..., 2:]], dim=-1)


CONTROLS = (
    Control("mean_pose", "mean pose only, nothing moves", held_still, still=True),
    Control("one_frame", "a single frame, held", one_frame, still=True),
    Control("shuffled", "frames shuffled in time", shuffled, still=True),
    Control("backwards", "played backwards", backwards),
    Control("camera", "camera shifted and zoomed", moved_camera, camera=True),
    Control("mirrored", "picture mirrored", mirrored),
    Control("fps_25", "25 fps, interpolated to 30 Hz", lambda poses: another_rate(poses, 25), camera=True),
    Control("fps_50", "50 fps: the frames nearest to the ticks", lambda poses: another_rate(poses, 50), camera=True),
    Control("fps_59.94", "59.94 fps, between two ticks", lambda poses: another_rate(poses, NTSC, 120), camera=True),
    Control("fps_15", "15 fps, interpolated to 30 Hz", lambda poses: another_rate(poses, 15)),
    Control("lost_keypoints", "one keypoint of ten lost", lost_keypoints, camera=True),
    Control("noise_3px", "another pose network: noise of 0.03 shoulder widths", noisy),
    Control("grid_8px", "another pose network: keypoints on its coarse grid", rounded),
)


def audit(
    model: LoadedModel, tracks: Sequence[Track], *, conditions: Sequence[str] | None = None, step: int = 45
) -> dict[str, Any]:
    """Score a model untouched and under each control, on what it was not trained on.

    On the very data that its card names, only the test part of its own split counts; other data count whole, but for
    what breaks the conditions (without any given, those that the model's features need). Keys: auroc, ci, windows,
    left_out (windows that the monitor would not judge, by its reason), conditions (what these leave out, see
    LeftOut.as_json), controls (a list), posture (bool), flags (sentences; empty when nothing was found).

    Raises:
        SplitImpossible: one class only.
        RunUnusable: an older trainer made the model of these data, and how it split them nobody can tell; or they are
            its own and other conditions were given.
    """
    held = held_against(model, tracks, conditions)
    if is_own(model, tracks, held):  # under other conditions they would count as data that it never saw
        windows = _windows(model, apply_conditions(tracks, held), step)
    else:
        windows = under(held, tracks, lambda left: _windows(model, left, step))
    whole = _score(model, windows, lambda poses: poses)
    untouched = bootstrap(auroc, windows.label, whole, windows.recording(), rounds=200)
    findings = [_finding(model, windows, control, untouched.value) for control in CONTROLS]
    return {
        "model": model.path.name,
        "person": model.person,
        "windows": len(windows),
        "left_out": dict(windows.refused),
        "conditions": left_out(tracks, held).as_json(),
        "recordings": len(set(windows.track.tolist())),
        "auroc": untouched.value,
        "ci": asdict(untouched),
        "controls": [asdict(finding) for finding in findings],
        "posture": _posture(findings),
        "flags": list(_flags(findings, untouched)),
    }


def held_against(
    model: LoadedModel, tracks: Sequence[Track], conditions: Sequence[str] | None = None
) -> tuple[str, ...]:
    """Give the conditions to hold recordings against: the card's own where they are its data, since its split is of
    what those leave; else those given, or what its features need.

    An older card names none: its data were held against all of the paper's.

    Raises:
        RunUnusable: these are its data, and others were given; or the card names what is no condition.
    """
    try:
        own = named_conditions(model.card.data.get("conditions", PAPERS))
    except ValueError as wrong:
        raise RunUnusable(model.path, f"the card's data conditions: {wrong}") from None
    if not is_own(model, tracks, own):
        return usual_conditions(model.card.features) if conditions is None else tuple(conditions)
    if conditions is not None and set(conditions) != set(own):
        why = (
            "was made of these very data, and only the test part of its own split is audited: under its own conditions"
        )
        raise RunUnusable(model.path, f"{why}; leave --conditions out, or audit it on recordings that it never saw")
    return own


def is_own(model: LoadedModel, tracks: Sequence[Track], conditions: Sequence[str]) -> bool:
    """Tell whether what these conditions leave of the tracks is the very data that a model's card names."""
    return digest(apply_conditions(tracks, conditions)) == model.card.data.get("sha256")


def _windows(model: LoadedModel, tracks: Sequence[Track], step: int) -> Windows:
    windows = PoseDataset(tracks, model.person).cut(_unseen(model, tracks), step)
    if len(set(windows.label.tolist())) < 2:
        raise SplitImpossible("audit", f"it needs windows of {model.person} and of others, and has only one kind")
    return windows


def _unseen(model: LoadedModel, tracks: Sequence[Track]) -> Sequence[Span]:
    """Give the test part of the model's own split when these are its data, else everything."""
    data = model.card.data
    remedy = "audit it on recordings that it never saw, or train it again"
    refuse_older(model.path, data.get("sha256"), tracks, remedy=remedy)
    if data.get("sha256") == digest(tracks):
        return make_split(data["split"], tracks, model.person, seed=data["seed"], fold=data["fold"]).test
    return [Span(i, first, last) for i, track in enumerate(tracks) for first, last in track.stretches()]


def _score(model: LoadedModel, windows: Windows, change: Callable[[Tensor], Tensor]) -> npt.NDArray[np.float32]:
    parts = [model.score(change(poses).numpy()) for poses, _ in windows.batches(128)]
    return np.concatenate(parts)


def _finding(model: LoadedModel, windows: Windows, control: Control, untouched: float) -> Finding:
    value = auroc(windows.label, _score(model, windows, control.change))
    kept = (value - 0.5) / (untouched - 0.5) if untouched > 0.5 else float("nan")
    return Finding(control.name, control.what, value, kept)


def _posture(findings: Sequence[Finding]) -> bool:
    still = {control.name for control in CONTROLS if control.still}
    return any(finding.control in still and finding.kept >= POSTURE_KEPT for finding in findings)


def _flags(findings: Sequence[Finding], untouched: Interval) -> Iterator[str]:
    if untouched.low <= 0.5:
        yield f"it can't be told from chance on these data (AUROC {untouched.value:.3f})"
        return
    for finding, control in zip(findings, CONTROLS, strict=True):
        if control.still and finding.kept >= POSTURE_KEPT:
            yield f"posture, not movement: {finding.what} keeps {finding.kept:.0%} of what it can tell"
        if control.camera and finding.kept < FRAGILE:
            yield f"fragile: {finding.what} leaves {finding.kept:.0%} of what it can tell"
