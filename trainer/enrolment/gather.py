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

import numpy as np

from models.artifact import replace_file
from models.errors import BodywatchError
from models.face.align import DLIB
from models.face.embed import FaceNetwork
from models.face.network import NUMBERS
from monitor.stages.pose import PoseNetwork
from monitor.stream.source import redact
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
    _private(work)
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


def _private(work: Path) -> None:
    """Make the working folder, for its owner alone; one that is there stays as it is."""
    try:
        if not work.is_dir():
            work.mkdir(parents=True)
            work.chmod(0o700)
    except OSError as error:
        raise DataUnusable(work, f"can't be made a working folder ({error.strerror})") from None


def shown(source: str) -> str:
    """Give a recording's name as it may be shown: an address without what it hides."""
    return redact(source) if "://" in source else source


def _refuse_twins(sources: Sequence[str]) -> None:
    names: dict[str, str] = {}
    for source in sources:
        if "://" in source and not is_address(source):
            raise DataUnusable(
                Path(shown(source)), "is no recording: files, and addresses of http and https, are taken"
            )
        name = source if is_address(source) else Path(source).stem
        if name in names:
            why = (
                f"has the name of {shown(names[name])}; every recording counts as an event and needs a name of its own"
            )
            raise DataUnusable(Path(shown(source)), why)
        names[name] = source


def _gather(source: str, person: str, work: Path, settings: PoseSettings) -> Gathered:
    try:
        path = download(source, work / "downloads") if is_address(source) else Path(source)
        track_file, face_file = work / f"{path.stem}.npz", work / f"{path.stem}.face.json"
        recording = Recording(path, person, True, path.stem, shown(source), "")
        faces = FaceNetwork()
        if _is_whole(track_file) and _is_comparable(face_file, faces.sha256):
            there_already(track_file, recording, settings)
        else:
            network = PoseNetwork(settings.backend, threads=settings.threads)
            looks = FaceLooks(see_with(faces))
            track = make_track(recording, settings, network, also=looks)
            write_track(track_file, track)
            replace_file(face_file, _face_json(event_of(path.stem, looks.looks), faces.sha256))
        return Gathered(source, read_track(track_file), _read_face(face_file))
    except BodywatchError as error:
        return Gathered(source, why=str(error))


def _face_json(event: Event, network_sha256: str) -> bytes:
    mean = None if event.mean is None else [float(str(number)) for number in event.mean]
    spans = [[start, end if np.isfinite(end) else None] for start, end in event.elsewhere_s]
    made = {"placing": DLIB.name, "network_sha256": network_sha256}
    return json.dumps({**asdict(event), "mean": mean, "elsewhere_s": spans, **made}).encode()


def _is_whole(path: Path) -> bool:
    """Tell whether a track is there and can be read; one that is damaged is made again."""
    try:
        read_track(path)
    except DataUnusable:
        return False
    return True


def _is_comparable(path: Path, network_sha256: str) -> bool:
    """Tell whether a face was looked at as it would be today: by this network, in chips as they are cut now."""
    try:
        values = json.loads(path.read_bytes())
        _read_face(path)
        return (values["placing"], values["network_sha256"]) == (DLIB.name, network_sha256)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _read_face(path: Path) -> Event:
    values = json.loads(path.read_bytes())
    mean = None if values["mean"] is None else np.array(values["mean"], np.float32).reshape(NUMBERS)
    spans = tuple((float(start), np.inf if end is None else float(end)) for start, end in values["elsewhere_s"])
    return Event(values["name"], mean, int(values["looks"]), int(values["others"]), str(values["why"]), spans)
