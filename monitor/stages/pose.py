"""The pose network: what the speaker stage wants looked at -> people in the frame's own pixels."""

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.pose_networks.backends import find_backend
from models.pose_networks.fewer_stages import keep_stages
from models.pose_networks.grouping import find_people
from models.pose_networks.openpose import STRIDE
from monitor.errors import ConfigError, MissingPart, WeightsUnreadable

Floats = npt.NDArray[np.float32]
FOLLOWING_STAGES = 3
"""Of the network's six: a crop around the speaker is read as well with three (models/README.md)."""

SIZES_KEPT = 12
"""Sessions kept at once; each is of one picture size, since fixed shapes are faster, and takes 26 to 70 MB. Channels of
16:9 ask for five sizes, those of another shape for four more."""

_PROVIDERS = {
    "openvino": "OpenVINOExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "cpu": "CPUExecutionProvider",
}


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """What of a frame the network is to see.

    image is (h, w, 3) uint8, BGR, at the network's size, h and w multiples of 8. A place (x, y) in it is
    (left_px + x * scale, top_px + y * scale) in the frame. complete: look for every person with all 18 keypoints;
    otherwise only for the upper body. often: taken of nearly every frame, so worked on beside other channels' crops;
    others go one at a time. An empty image asks for nothing and costs nothing.
    """

    image: npt.NDArray[np.uint8]
    left_px: float = 0.0
    top_px: float = 0.0
    scale: float = 1.0
    complete: bool = True
    often: bool = False


class PoseNetwork:
    """OpenPose in ONNX Runtime: one per process, shared by its channels.

    name and sha256 are those of the weights; fingerprint is what a model file's card names. However many channels
    there are, each picture size has one session: what a second channel adds is its own intermediate results.
    """

    def __init__(
        self,
        backend: str = "openpose-thin",
        *,
        provider: str = "auto",
        threads: int = 0,
        at_once: int = 1,
        concurrently: Callable[..., Iterable[Any]] = map,
    ) -> None:
        """Open the weights called backend, or the imported ONNX file at that path.

        threads is how many cores to use, 0: all that this process may. concurrently is map, or the map of an executor
        with at_once threads: then crops that are taken often are worked on side by side, each on its share of the
        cores; rare ones go one after the other on all of them.

        Raises:
            WeightsUnreadable: there is no such backend, or its file isn't what the index beside it names.
            MissingPart: the provider isn't installed.
        """
        found = find_backend(backend)
        self._path, self._model, self.name, self.sha256 = found.path, found.content, found.name, found.sha256
        self.provider = _provider(provider)
        self._following = keep_stages(found.content, FOLLOWING_STAGES)
        self._threads, self._at_once, self._concurrently = threads or _cores(), at_once, concurrently
        self._sessions: dict[tuple[Any, ...], Any] = {}

    @property
    def fingerprint(self) -> str:
        """Name the network as a model's card does: name@first 12 digits of the weights' sha256."""
        return f"{self.name}@{self.sha256[:12]}"

    @property
    def opened(self) -> int:
        """Count the picture sizes that are ready."""
        return len(self._sessions)

    def find(self, crops: Sequence[Crop]) -> list[Floats]:
        """Give, for each crop, people (P, 18, 3) in pixels of its frame, strongest first; confidence 0 is unseen.

        Called by one thread: sessions are opened here, never by two at once.
        """
        often = [crop for crop in crops if crop.often]
        side_by_side = iter(self._concurrently(_people, often, [self.session(crop) for crop in often]))
        return [next(side_by_side) if crop.often else self._searched(crop) for crop in crops]

    def _searched(self, crop: Crop) -> Floats:
        return _people(crop, self.session(crop)) if crop.image.size else np.zeros((0, 18, 3), np.float32)

    def prepare(self, crops: Sequence[Crop]) -> None:
        """Open what crops of these sizes need, and use it once: half a second each, in which no frame should wait."""
        for crop in crops:
            self.session(crop)
        for crop in crops:
            self.find([crop] * (self._at_once if crop.often else 1))

    def maps(self, crop: Crop) -> Floats:
        """Run the network on one look (h, w, 3): heatmaps and part affinity fields (57, h/8, w/8)."""
        return _maps(crop, self.session(crop))

    def session(self, crop: Crop) -> Any:
        """Give ONNX Runtime's session for crops like this; the one unused for longest makes room for a new one."""
        key = (crop.complete, crop.often, crop.image.shape)
        session = self._sessions.pop(key, None)
        if session is None:
            if len(self._sessions) >= SIZES_KEPT:
                self._sessions.pop(next(iter(self._sessions)))
            session = self._opened(crop, self._model if crop.complete else self._following)
        self._sessions[key] = session
        return session

    def _opened(self, crop: Crop, model: bytes) -> Any:
        shape, callers = (1, 3, *crop.image.shape[:2]), self._at_once if crop.often else 1
        return _open(self._path, model, self.provider, shape, self._threads, callers)


def _people(crop: Crop, session: Any) -> Floats:
    people = find_people(_maps(crop, session), upper_only=not crop.complete)
    cell = crop.scale * STRIDE
    # A cell's centre lies half a cell into the picture, and a pixel's half a pixel.
    people[..., 0] = crop.left_px + (people[..., 0] + 0.5) * cell - 0.5
    people[..., 1] = crop.top_px + (people[..., 1] + 0.5) * cell - 0.5
    people[people[..., 2] == 0] = 0
    return people


def _maps(crop: Crop, session: Any) -> Floats:
    planes = np.ascontiguousarray(crop.image.transpose(2, 0, 1), np.float32)[None]  # (1, 3, h, w)
    out: Floats = session.run(None, {"image": planes})[0][0]
    return out


def _cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def installed() -> list[str]:
    """Name the providers that this machine's ONNX Runtime has, best first, as pose.provider takes them."""
    import onnxruntime

    there = onnxruntime.get_available_providers()
    return [name for name, provider in _PROVIDERS.items() if provider in there]


def _provider(wanted: str) -> str:
    """Choose an execution provider that is installed."""
    there = installed()
    if wanted == "auto":
        return _PROVIDERS[there[0]]
    if wanted not in _PROVIDERS:
        raise ConfigError("pose.provider", wanted, f"must be auto or one of {', '.join(_PROVIDERS)}")
    if wanted not in there:
        extra = "gpu" if wanted in ("cuda", "tensorrt") else "cpu"
        raise MissingPart(
            f"ONNX Runtime with {_PROVIDERS[wanted]}", f"pose.provider: {wanted}", f"install bodywatch[{extra}]"
        )
    return _PROVIDERS[wanted]


def _open(path: Path, model: bytes, provider: str, shape: tuple[int, ...], threads: int, callers: int) -> Any:
    """Open a session for one input shape (B, 3, H, W) that answers so many callers at once."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    for name, size in zip(("batch", "height", "width"), (shape[0], *shape[2:]), strict=True):
        options.add_free_dimension_override_by_name(name, size)
    settings = {}
    if provider.startswith("OpenVINO"):
        options.intra_op_num_threads = 1
        settings = _openvino(threads, callers)
    else:  # callers of one core each do without ONNX Runtime's own threads
        options.intra_op_num_threads = threads if threads > callers else 1
    try:
        return onnxruntime.InferenceSession(model, options, providers=[(provider, settings)])
    except Exception as error:  # ONNX Runtime's errors have no common class of their own
        raise WeightsUnreadable(path, f"ONNX Runtime can't open it ({str(error).splitlines()[0][:200]})") from None


def _openvino(threads: int, callers: int) -> dict[str, str]:
    """Set OpenVINO up: a stream of its own computing for each caller, with the weights held once."""
    # It ties whoever calls it to core 0 unless told not to: two threads or workers would share that one core.
    # And it may compute in bfloat16 where the processor can, which moves keypoints and with them a model's scores.
    cpu = {"ENABLE_CPU_PINNING": "NO", "INFERENCE_PRECISION_HINT": "f32"}
    return {
        "device_type": "CPU",
        "num_of_threads": str(max(threads, callers)),
        "num_streams": str(callers),
        "load_config": json.dumps({"CPU": cpu}),
    }
