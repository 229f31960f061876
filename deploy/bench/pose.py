"""`bodywatch bench pose`: how fast and how right the pose stages are on this machine, beside the plain way."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from deploy.bench.coco import Annotated, read_coco, similarity
from deploy.bench.opencv_network import OpenCVNetwork
from models.pose_networks.grouping import find_people
from models.skeleton import LEFT_SHOULDER, RIGHT_SHOULDER, UPPER_BODY
from monitor.records import Frame
from monitor.stages.crops import locate, search_crop, square_crop, whole_frame
from monitor.stages.pose import Crop, PoseNetwork
from monitor.stages.speaker import SEARCH_AREAS, SpeakerTracker
from trainer.puppet.renderer import Passage, Rendered, Script, frames
from trainer.puppet.style import random_style

Floats = npt.NDArray[np.float32]
Answer = Callable[[Frame], Floats | None]

PLAIN_HEIGHT, PLAIN_WIDTH = 368, 432
CLIPS, CLIP_S, FPS = 4, 0.7, 30
STILL_FRAMES, STILL_NOISE = 45, 2.0  # of 255, a camera's in good light
RIGHT_WITHIN = 0.2  # shoulder widths


@dataclass(frozen=True, slots=True)
class Way:
    """One way from a decoded frame to a speaker's keypoints."""

    mode: str
    network: PoseNetwork

    def answer(self) -> Answer:
        """Give a fresh function frame -> keypoints (18, 3) or None."""
        if self.mode == "following":
            speaker = SpeakerTracker()
            return lambda frame: _followed(speaker, self.network, frame)
        fit = plain if self.mode == "plain" else partial(search_crop, area=SEARCH_AREAS[0])
        return lambda frame: _largest(self.network.find([fit(frame.image)])[0])

    def people(self, image: npt.NDArray[Any]) -> list[Floats]:
        """Find everybody in one picture; following looks closer at each person that the searches found."""
        if self.mode == "plain":
            return list(self.network.find([plain(image)])[0])
        found = [person for area in SEARCH_AREAS for person in self.network.find([search_crop(image, area)])[0]]
        if self.mode == "searching":
            return found
        places = [place for person in found if (place := locate(person)) is not None]
        return found + [closer for p in places for closer in self.network.find([square_crop(image, p)])[0]]


def plain(image: npt.NDArray[Any]) -> Crop:
    """Fit the whole frame into 432x368, as the plain way does, black where it doesn't fill it."""
    h, w = image.shape[:2]
    crop = whole_frame(image, int(h / max(h / PLAIN_HEIGHT, w / PLAIN_WIDTH)) // 8 * 8)
    h, w = crop.image.shape[:2]
    below, right = max(0, PLAIN_HEIGHT - h), max(0, PLAIN_WIDTH - w)
    full = cv2.copyMakeBorder(crop.image, 0, below, 0, right, cv2.BORDER_CONSTANT)[:PLAIN_HEIGHT, :PLAIN_WIDTH]
    return Crop(np.asarray(full, np.uint8), 0.0, 0.0, crop.scale)


def _followed(speaker: SpeakerTracker, network: PoseNetwork, frame: Frame) -> Floats | None:
    sighting = speaker.pick(frame, network.find([speaker.crop(frame)])[0])
    return sighting.pose.keypoints if sighting.pose else None


def _largest(people: Floats) -> Floats | None:
    placed = [(place.width_px, n) for n, person in enumerate(people) if (place := locate(person)) is not None]
    return np.asarray(people[max(placed)[1]]) if placed else None


def puppet_clips(width: int, height: int) -> list[list[Rendered]]:
    """Render short speeches in differing styles; the same each time."""
    rng = np.random.default_rng(5)
    scripts = [Script((Passage(0, 60, style=random_style(rng), seed=n, first_s=5.0 * n),)) for n in range(CLIPS)]
    return [_first(frames(script, width, height, FPS), round(CLIP_S * FPS)) for script in scripts]


def _first(shots: Iterator[Rendered], count: int) -> list[Rendered]:
    return [next(shots) for _ in range(count)]


def _frame(image: npt.NDArray[Any], number: int) -> Frame:
    return Frame("bench", 0, number / FPS, number / FPS, image)


def pck(way: Way, clips: list[list[Rendered]], every: int = 1) -> float:
    """Give the share of the 12 keypoints that are within 0.2 shoulder widths of the rendered truth."""
    right: list[float] = []
    for clip in clips:
        answer = way.answer()
        for number, shot in list(enumerate(clip))[::every]:
            pose = answer(_frame(shot.image, number))
            right.append(_share_right(pose, np.asarray(shot.truth, np.float32)))
    return float(np.mean(right))


def _share_right(pose: Floats | None, truth: Floats) -> float:
    shown = [k for k in UPPER_BODY if truth[k, 2] > 0]
    if pose is None:
        return 0.0
    width = np.hypot(*(truth[RIGHT_SHOULDER, :2] - truth[LEFT_SHOULDER, :2]))
    off = np.hypot(*(pose[shown, :2] - truth[shown, :2]).T) / width
    return float(((off < RIGHT_WITHIN) & (pose[shown, 2] > 0)).mean())


def jitter(way: Way, still: Rendered, count: int = STILL_FRAMES) -> float:
    """Give how far keypoints of a still speaker stray from their mean, RMS in shoulder widths, under camera noise."""
    rng, answer, poses = np.random.default_rng(1), way.answer(), []
    for number in range(count):
        noise = rng.normal(0, STILL_NOISE, still.image.shape)
        pose = answer(_frame(np.clip(still.image + noise, 0, 255).astype(np.uint8), number))
        if pose is not None:
            poses.append(pose)
    kept = np.stack(poses[5:])  # the first frame is a search, at another size
    seen = [k for k in UPPER_BODY if (kept[:, k, 2] > 0).all()]
    place = locate(np.asarray(still.truth, np.float32))
    assert place is not None
    return float(np.sqrt(kept[:, seen, :2].var(0).sum(-1)).mean() / place.width_px)


def ms_per_frame(way: Way, clip: list[Rendered], count: int) -> float:
    """Give the median time from a decoded frame to the speaker's keypoints, after a warm-up."""
    answer, spent = way.answer(), []
    for number in range(count + 5):
        frame = _frame(clip[number % len(clip)].image, number)
        start = time.perf_counter()
        answer(frame)
        spent.append((time.perf_counter() - start) * 1e3)
    return float(np.median(spent[5:]))


def grouping_ms(way: Way, shot: Rendered) -> float:
    """Give the median time of grouping alone, on the maps of a rendered speaker."""
    place = locate(np.asarray(shot.truth, np.float32))
    assert place is not None
    crop = square_crop(shot.image, place) if way.mode == "following" else plain(shot.image)
    maps, spent = way.network.maps(crop), []
    for _ in range(50):
        start = time.perf_counter()
        find_people(maps, upper_only=not crop.complete)
        spent.append((time.perf_counter() - start) * 1e3)
    return float(np.median(spent))


def oks(way: Way, pictures: list[Annotated]) -> float | None:
    """Give the mean over annotated people of the best match's object keypoint similarity, upper body."""
    found = [(way.people(picture.image), picture.people) for picture in pictures]
    scores = [similarity(everybody, person) for everybody, people in found for person in people]
    return float(np.mean(scores)) if scores else None


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Hold this process on one core, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores, threads = os.sched_getaffinity(0), cv2.getNumThreads()
    os.sched_setaffinity(0, {max(cores)})
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
        cv2.setNumThreads(threads)


def network_of(backend: str, provider: str, threads: int = 0) -> PoseNetwork:
    """Open the weights with ONNX Runtime's provider of this name, or with OpenCV's DNN: opencv."""
    if provider == "opencv":
        return OpenCVNetwork(backend, provider="cpu", threads=threads)
    return PoseNetwork(backend, provider=provider, threads=threads)


def run(backend: str, providers: list[str], coco: Path | None, size: tuple[int, int], count: int) -> dict[str, Any]:
    """Measure each provider's modes and the plain reference, on the same frames in the same run."""
    clips = puppet_clips(*size)
    pictures = read_coco(coco) if coco else []

    def measured(mode: str, provider: str) -> dict[str, Any]:
        costly = mode != "following"
        timed = count // 8 if costly else count
        # All cores first: OpenVINO counts the cores at its first session, and one core then would be one for good.
        way = Way(mode, network_of(backend, provider))
        ms_all = ms_per_frame(way, clips[0], timed)
        with one_core():
            single = Way(mode, network_of(backend, provider, threads=1))
            ms_1 = ms_per_frame(single, clips[0], timed)
            group_ms = grouping_ms(single, clips[0][0])
        return {
            "ms_per_frame_1_core": round(ms_1, 2),
            "ms_per_frame_all_cores": round(ms_all, 2),
            "grouping_ms": round(group_ms, 3),
            "pck_puppet": round(pck(way, clips, 7 if costly else 1), 4),
            "oks_coco": None if (found := oks(way, pictures)) is None else round(found, 4),
            "jitter": round(jitter(way, clips[0][0], 10 if costly else STILL_FRAMES), 5),
        }

    network = network_of(backend, providers[0])
    result: dict[str, Any] = {
        "backend": network.fingerprint,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "size": f"{size[0]}x{size[1]}",
        "providers": {p: {mode: measured(mode, p) for mode in ("following", "searching")} for p in providers},
        "reference": measured("plain", "cpu"),
    }
    fastest = min(modes["following"]["ms_per_frame_1_core"] for modes in result["providers"].values())
    result["times_faster_1_core"] = round(result["reference"]["ms_per_frame_1_core"] / fastest, 2)
    return result


def told(result: dict[str, Any]) -> str:
    """Lay a result out as text."""
    rows = {f"{p} {mode}": values for p, modes in result["providers"].items() for mode, values in modes.items()}
    rows["plain reference"] = result["reference"]
    keys = list(result["reference"])
    lines = [f"{result['backend']}, {result['cores']} cores, {result['size']}"]
    lines.append(" " * 22 + "  ".join(f"{key:>22}" for key in keys))
    lines += [f"{name:22}" + "  ".join(f"{values[key]!s:>22}" for key in keys) for name, values in rows.items()]
    return "\n".join(
        [*lines, f"following is {result['times_faster_1_core']} times faster than the reference on one core"]
    )
