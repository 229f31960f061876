"""The pose network: what the speaker stage wants looked at -> people in the frame's own pixels."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.backends import find_backend
from models.fewer_stages import keep_stages
from models.grouping import find_people
from models.openpose import STRIDE
from monitor.errors import ConfigError, MissingPart, WeightsUnreadable

Floats = npt.NDArray[np.float32]
FOLLOWING_STAGES = 3
"""Of the network's six: a crop around the speaker is read as well with three (models/README.md)."""

SHAPES_KEPT = 8
"""Sessions a thread keeps at once; each is of one picture size, since fixed shapes are faster: about 40 MB each."""

_PROVIDERS = {
    "openvino": "OpenVINOExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "cpu": "CPUExecutionProvider",
}


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What of a frame the network is to see.

    image is (h, w, 3) uint8, BGR, at the network's size, h and w multiples of 8. A place (x, y) in it is
    (left_px + x * scale, top_px + y * scale) in the frame. complete: look for every person with all 18 keypoints;
    otherwise only for the upper body. An empty image asks for nothing and costs nothing.
    """

    image: npt.NDArray[np.uint8]
    left_px: float = 0.0
    top_px: float = 0.0
    scale: float = 1.0
    complete: bool = True


class PoseNetwork:
    """OpenPose in ONNX Runtime: one per process, shared by its channels.

    name and sha256 are those of the weights; fingerprint is what a model file's card names.
    """

    def __init__(
        self,
        backend: str = "openpose-thin",
        *,
        provider: str = "auto",
        threads: int = 0,
        concurrently: Callable[..., Iterable[Any]] = map,
    ) -> None:
        """Open the weights called backend, or the imported ONNX file at that path.

        concurrently is map, or an executor's map with as many threads as cores: then looks are worked on side by
        side, one core each, which is faster than one after the other on all cores.

        Raises:
            WeightsUnreadable: there is no such backend, or its file isn't what the index beside it names.
            MissingPart: the provider isn't installed.
        """
        found = find_backend(backend)
        self._path, self._model, self.name, self.sha256 = found.path, found.content, found.name, found.sha256
        self.provider = _provider(provider)
        self._following = keep_stages(found.content, FOLLOWING_STAGES)
        self._threads, self._concurrently = threads, concurrently
        self._idle: dict[tuple[bool, tuple[int, ...]], list[Any]] = {}

    @property
    def fingerprint(self) -> str:
        """Name the network as a model's card does: name@first 12 digits of the weights' sha256."""
        return f"{self.name}@{self.sha256[:12]}"

    def find(self, looks: Sequence[Look]) -> list[Floats]:
        """Give, for each look, people (P, 18, 3) in pixels of its frame, strongest first; confidence 0 is unseen."""
        return list(self._concurrently(self._find_one, looks))

    def maps(self, look: Look) -> Floats:
        """Run the network on one look (h, w, 3): heatmaps and part affinity fields (57, h/8, w/8)."""
        planes = np.ascontiguousarray(look.image.transpose(2, 0, 1), np.float32)[None]  # (1, 3, h, w)
        idle = self._sessions(look.complete, planes.shape)
        # A session that OpenVINO holds to one core answers one caller at a time, so each call in flight has its own.
        try:
            session = idle.pop()
        except IndexError:
            session = self._opened(look.complete, planes.shape)
        out: Floats = session.run(None, {"image": planes})[0][0]
        idle.append(session)
        return out

    def _find_one(self, look: Look) -> Floats:
        if not look.image.size:
            return np.zeros((0, 18, 3), np.float32)
        people = find_people(self.maps(look), upper_only=not look.complete)
        cell = look.scale * STRIDE
        # A cell's centre lies half a cell into the picture, and a pixel's half a pixel.
        people[..., 0] = look.left_px + (people[..., 0] + 0.5) * cell - 0.5
        people[..., 1] = look.top_px + (people[..., 1] + 0.5) * cell - 0.5
        people[people[..., 2] == 0] = 0
        return people

    def _sessions(self, complete: bool, shape: tuple[int, ...]) -> list[Any]:
        """Give the sessions for pictures of this shape that nobody uses now; the oldest shape makes room for a new."""
        key = (complete, shape)
        if key not in self._idle and len(self._idle) >= SHAPES_KEPT:
            self._idle.pop(next(iter(self._idle)), None)
        return self._idle.setdefault(key, [])

    def _opened(self, complete: bool, shape: tuple[int, ...]) -> Any:
        return _open(self._path, self._model if complete else self._following, self.provider, shape, self._threads)


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


def _open(path: Path, model: bytes, provider: str, shape: tuple[int, ...], threads: int) -> Any:
    """Open a session for one input shape (B, 3, H, W)."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1 if provider.startswith("OpenVINO") else threads
    for name, size in zip(("batch", "height", "width"), (shape[0], *shape[2:]), strict=True):
        options.add_free_dimension_override_by_name(name, size)
    # OpenVINO ties whoever calls it to core 0 unless told not to: two threads or workers would share that one core.
    # And it may compute in bfloat16 where the processor can, which moves keypoints and with them a model's scores.
    set_up = '{"CPU": {"ENABLE_CPU_PINNING": "NO", "INFERENCE_PRECISION_HINT": "f32"}}'
    settings = {"device_type": "CPU", "load_config": set_up} if provider.startswith("OpenVINO") else {}
    if settings and threads:
        settings["num_of_threads"] = str(threads)
    try:
        return onnxruntime.InferenceSession(model, options, providers=[(provider, settings)])
    except Exception as error:  # ONNX Runtime's errors have no common class of their own
        raise WeightsUnreadable(path, f"ONNX Runtime can't open it ({str(error).splitlines()[0][:200]})") from None
