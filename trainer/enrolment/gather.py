"""Recordings of one person -> a track and a face each, in one pass through the monitor's own stages.

Resumable: what was made of a recording lies in the working folder and is not made again. The folder holds biometric
data, a mean face a recording and how the person moves; only its owner may read it.
"""

import json
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.artifact import replace_file
from models.errors import BodywatchError
from models.face.align import DLIB
from models.face.embed import FaceNetwork
from monitor.stages.pose import PoseNetwork
from trainer.data.downloads import download, is_address
from trainer.data.extract import PoseSettings, Recording, make_track, there_already
from trainer.data.tracks import Track, read_track, write_track
from trainer.errors import DataUnusable
from trainer.faces import Event, FaceLooks, event_of, see_with


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """What came of one recording: its track and its face, or None and why in words."""

    source: str
    track: Track | None = None
    face: Event | None = None
    why: str = ""


def gather(
    sources: Sequence[str],
    person: str,
    work: Path,
    settings: PoseSettings,
    *,
    jobs: int = 1,
    told: Callable[[Gathered], None] = lambda done: None,
) -> list[Gathered]:
    """Follow the person through recordings, files or addresses, several at a time; told hears of each as it is done.

    A recording that can't be read, or shows nobody, is told with its reason and leaves the others alone. The answers
    are in the order of sources.

    Raises:
        DataUnusable: two recordings have one name.
    """
    _refuse_twins(sources)
    work.mkdir(parents=True, exist_ok=True)
    work.chmod(0o700)
    done: dict[str, Gathered] = {}
    if jobs == 1 or len(sources) == 1:
        for source in sources:
            done[source] = _gather(source, person, work, settings)
            told(done[source])
    else:
        spawn = multiprocessing.get_context("spawn")  # the pose network's threads don't survive a fork
        with ProcessPoolExecutor(jobs, mp_context=spawn) as pool:
            waiting = [pool.submit(_gather, source, person, work, settings) for source in sources]
            for future in as_completed(waiting):
                one = future.result()
                done[one.source] = one
                told(one)
    return [done[source] for source in sources]


def _refuse_twins(sources: Sequence[str]) -> None:
    names: dict[str, str] = {}
    for source in sources:
        name = source if is_address(source) else Path(source).stem
        if name in names:
            why = f"has the name of {names[name]}; every recording counts as an event and needs a name of its own"
            raise DataUnusable(Path(source), why)
        names[name] = source


def _gather(source: str, person: str, work: Path, settings: PoseSettings) -> Gathered:
    try:
        path = download(source, work / "downloads") if is_address(source) else Path(source)
        track_file, face_file = work / f"{path.stem}.npz", work / f"{path.stem}.face.json"
        recording = Recording(path, person, True, path.stem, source, "")
        if track_file.is_file() and _is_comparable(face_file):
            there_already(track_file, recording, settings)
        else:
            network = PoseNetwork(settings.backend, threads=settings.threads)
            looks = FaceLooks(see_with(FaceNetwork()))
            track = make_track(recording, settings, network, also=looks)
            write_track(track_file, track)
            replace_file(face_file, json.dumps(_face_json(event_of(path.stem, looks.looks))).encode())
        return Gathered(source, read_track(track_file), _read_face(face_file))
    except BodywatchError as error:
        return Gathered(source, why=str(error))


def _face_json(event: Event) -> dict[str, Any]:
    mean = None if event.mean is None else [float(str(number)) for number in event.mean]
    return {**asdict(event), "mean": mean, "placing": DLIB.name}


def _is_comparable(path: Path) -> bool:
    """Tell whether a face was looked at in chips as they are cut today; in others its mean is another."""
    return path.is_file() and json.loads(path.read_bytes()).get("placing") == DLIB.name


def _read_face(path: Path) -> Event:
    values = json.loads(path.read_bytes())
    mean = None if values["mean"] is None else np.array(values["mean"], np.float32)
    return Event(values["name"], mean, values["looks"], values["others"], values["why"])
