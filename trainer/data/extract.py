"""Recordings -> pose tracks, through the monitor's own stages, so that a model is trained on what it will be fed.

Resumable: a recording that has its track is not read again; labels that changed in the manifest since are taken over.
Whether a track is a recording's own its sha256 tells, not its name. A recording that can't be read is reported and left
out.
"""

import csv
import hashlib
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from models.errors import BodywatchError
from models.pose_networks.backends import find_backend
from models.skeleton import RATE_HZ
from monitor.records import Frame, Sighting, Tick
from monitor.stages.pose import PoseNetwork
from monitor.stages.resample import Resampler
from monitor.stages.smoothing import filter_name
from monitor.stages.speaker import SpeakerTracker
from monitor.stream.ingest import read_recording
from trainer.data.people import count_people, in_whole_frame
from trainer.data.tracks import Track, read_track, write_track
from trainer.errors import DataUnusable

COLUMNS = ("path", "person", "genuine", "session", "source", "licence")
UNKNOWING = "does not know who else is in the picture; remove it to have it made anew"
NAMELESS = "does not know which file it was made from: its labels stay; remove it to have it made anew"

GLANCE_PX = (160, 90)  # the camera's own movement is read on so small a picture
Glance = npt.NDArray[np.float32]
Also = Callable[[Frame, Sighting], object]


@dataclass(frozen=True, slots=True)
class Recording:
    """One row of a manifest. person is who is shown, or whom a fake claims to show."""

    path: Path
    person: str
    genuine: bool
    session: str
    source: str
    licence: str

    @property
    def name(self) -> str:
        return self.path.stem


@dataclass(frozen=True, slots=True)
class Extracted:
    """What became of a recording: how many poses, or why there are none."""

    name: str
    poses: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class PoseSettings:
    """How recordings are looked at: the pose network by name, cores for each recording, smoothing as in the daemon."""

    backend: str = "openpose-thin"
    threads: int = 1
    smooth: bool = True


def read_manifest(path: Path) -> list[Recording]:
    """Read a manifest; paths in it are relative to it.

    Raises:
        DataUnusable: names the row and the rule.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            table = csv.DictReader(file)
            if missing := [name for name in COLUMNS[:4] if name not in (table.fieldnames or ())]:
                raise DataUnusable(path, f"lacks the column {missing[0]}; a manifest has {','.join(COLUMNS)}", row=1)
            recordings = [_recording(path, number, row) for number, row in enumerate(table, start=2)]
    except (OSError, UnicodeDecodeError) as error:
        raise DataUnusable(path, f"can't be read ({getattr(error, 'strerror', None) or 'not UTF-8'})") from None
    names = [recording.name for recording in recordings]
    for row, name in enumerate(names, start=2):
        if names.index(name) != row - 2:
            raise DataUnusable(path, f"a second recording is called {name}; give each file a name of its own", row=row)
    if not recordings:
        raise DataUnusable(path, "lists no recordings")
    return recordings


def extract(
    recordings: Sequence[Recording],
    out: Path,
    settings: PoseSettings,
    *,
    jobs: int = 1,
    told: Callable[[Extracted], None] = lambda done: None,
) -> list[Extracted]:
    """Write one track for each recording into out, several at a time; told hears of each as it is done."""
    out.mkdir(parents=True, exist_ok=True)
    done: list[Extracted] = []
    if jobs == 1 or len(recordings) == 1:
        for recording in recordings:
            done.append(_extract_one(recording, out, settings))
            told(done[-1])
        return done
    spawn = multiprocessing.get_context("spawn")  # the pose network's threads don't survive a fork
    with ProcessPoolExecutor(jobs, mp_context=spawn) as pool:
        for future in as_completed([pool.submit(_extract_one, recording, out, settings) for recording in recordings]):
            done.append(future.result())
            told(done[-1])
    return done


def make_track(
    recording: Recording, settings: PoseSettings, network: PoseNetwork, also: Also = lambda frame, sighting: None
) -> Track:
    """Follow the speaker of one recording; also is shown every frame that is followed, and who is followed in it.

    Raises:
        StreamError: it can't be read as video.
        DataUnusable: nobody is in it.
    """
    seen = list(_follow(recording, settings, network, also))
    if not any(tick.keypoints[:, 2].any() for tick, *_ in seen):
        raise DataUnusable(recording.path, "shows nobody that the pose network finds")
    size, steps_s = seen[-1][3], [step_s for *_, step_s in seen if step_s is not None]
    shots = np.cumsum([tick.broken is not None for tick, *_ in seen])
    return Track(
        recording=recording.name,
        person=recording.person,
        session=recording.session,
        time_s=_rising(np.array([tick.time_s for tick, *_ in seen])),
        keypoints=np.stack([tick.keypoints for tick, *_ in seen]).astype(np.float32),
        shot=shots.astype(np.int32),
        width=size[0],
        height=size[1],
        genuine=recording.genuine,
        source=recording.source,
        licence=recording.licence,
        pose_backend={"name": network.name, "sha256": network.sha256},
        measured=np.array([tick.measured for tick, *_ in seen]),
        people=np.array([people for _, people, *_ in seen], np.int16),
        camera=np.array([camera for _, _, camera, *_ in seen], np.float32),
        fps=1 / float(np.median(steps_s)) if steps_s else 0.0,
        filter=filter_name(settings.smooth),
        recording_sha256=_sha256(recording.path),
    )


def _follow(
    recording: Recording, settings: PoseSettings, network: PoseNetwork, also: Also
) -> Iterator[tuple[Tick, int, float, tuple[int, int], float | None]]:
    """Give each tick with the people in the picture, the camera's pace, the picture's (width, height), a frame's time.

    People are counted where the whole frame is seen, at searches and looks round, and that count holds until the next.
    """
    speaker, grid, count = SpeakerTracker(smooth=settings.smooth), Resampler(), 0
    latest: Frame | None = None
    glanced: tuple[Frame, Glance] | None = None
    for frame in read_recording(str(recording.path), recording.name):
        step_s, latest = _step_s(latest, frame), frame
        if not grid.wants(frame):
            continue
        crop = speaker.crop(frame)
        [people] = network.find([crop])
        before, glanced = glanced, (frame, _glance(frame))
        camera = _camera(before, glanced)
        height, width = frame.image.shape[:2]
        sighting = speaker.pick(frame, people)
        also(frame, sighting)
        if crop.image.size and not crop.often:  # the followed square alone shows nobody else
            count = count_people(in_whole_frame(crop, people, frame), sighting.pose)
        for tick in grid.advance(frame, sighting):
            yield tick, count, camera, (width, height), step_s


def _step_s(before: Frame | None, now: Frame) -> float | None:
    """Give the time from one frame to the next on the same clock."""
    return None if before is None or before.epoch != now.epoch else now.time_s - before.time_s


def _glance(frame: Frame) -> Glance:
    small = cv2.resize(frame.image, GLANCE_PX, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32)


def _camera(before: tuple[Frame, Glance] | None, now: tuple[Frame, Glance]) -> float:
    """How far the whole picture moved in 1/30 s between two glances, in picture widths."""
    step_s = _step_s(before and before[0], now[0])
    if before is None or step_s is None:
        return 0.0
    (x, y), _ = cv2.phaseCorrelate(before[1], now[1])
    return float(np.hypot(x, y) / GLANCE_PX[0]) / (RATE_HZ * step_s)


def _rising(time_s: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Lay epochs one behind the other, 1 s apart: a clock that jumps back must not make a track that does."""
    steps = np.diff(time_s)
    rising: npt.NDArray[np.float64] = time_s[0] + np.concatenate([[0.0], np.cumsum(np.where(steps > 0, steps, 1.0))])
    return rising


def _extract_one(recording: Recording, out: Path, settings: PoseSettings) -> Extracted:
    path = out / f"{recording.name}.npz"
    try:
        if path.is_file():
            return there_already(path, recording, settings)
        network = PoseNetwork(settings.backend, threads=settings.threads)
        track = make_track(recording, settings, network)
    except BodywatchError as error:
        return Extracted(recording.name, 0, str(error))
    write_track(path, track)
    return Extracted(recording.name, len(track.time_s))


def there_already(path: Path, recording: Recording, settings: PoseSettings) -> Extracted:
    """Leave a recording's track alone, but for labels that the manifest has changed since.

    Raises:
        DataUnusable: it was made with another pose network or filter, or from another file of the same name.
    """
    track, backend = read_track(path), find_backend(settings.backend)
    wanted = ({"name": backend.name, "sha256": backend.sha256}, filter_name(settings.smooth))
    if (track.pose_backend, track.filter) != wanted:
        made = f"{track.pose_backend.get('name', 'no pose network')}, filter {track.filter or 'unknown'}"
        why = f"was made with {made}, not with {backend.name}, filter {wanted[1]}; remove it, or choose another folder"
        raise DataUnusable(path, why)
    doubt = _doubt(path, track, recording)
    told = ", but ".join(["there already", *([] if len(track.people) else [UNKNOWING]), *([doubt] if doubt else [])])
    labels = {name: getattr(recording, name) for name in ("person", "genuine", "session", "source", "licence")}
    if doubt or labels == {name: getattr(track, name) for name in labels}:
        return Extracted(recording.name, len(track.time_s), told)
    write_track(path, replace(track, **labels))
    return Extracted(recording.name, len(track.time_s), f"labelled anew, {told}")


def _doubt(path: Path, track: Track, recording: Recording) -> str:
    """Say why nobody can tell whether a track is of this recording, whose name it has; "" where it is.

    Raises:
        DataUnusable: it is of another.
    """
    if not track.recording_sha256:
        return NAMELESS
    sha256 = _sha256(recording.path)
    if sha256 and sha256 != track.recording_sha256:
        why = f"was made from another file than {recording.path} is now; remove it to have it made anew"
        raise DataUnusable(path, f"{why}, or choose another folder")
    return "" if sha256 else f"{recording.path} can't be read: its labels stay"


def _sha256(path: Path) -> str:
    """Name a recording by its bytes, as fast as the disk reads; "" where it can't be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _recording(manifest: Path, number: int, row: dict[str, str | None]) -> Recording:
    values = {name: (row.get(name) or "").strip() for name in COLUMNS}
    for name in ("path", "person"):
        if not values[name]:
            raise DataUnusable(manifest, f"{name} is empty", row=number)
    if values["genuine"].lower() not in ("genuine", "fake"):
        raise DataUnusable(manifest, f'genuine is "{values["genuine"]}", must be genuine or fake', row=number)
    path = manifest.parent / values["path"]
    genuine = values["genuine"].lower() == "genuine"
    return Recording(
        path, values["person"], genuine, values["session"] or path.stem, values["source"], values["licence"]
    )
