"""Pose tracks: what a recording becomes, and what every experiment starts from."""

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.skeleton import KEYPOINTS, RATE_HZ
from trainer.errors import DataUnusable


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One recording of one person on the 30 Hz grid.

    time_s is (T,) float64 on the recording's clock, rising. keypoints is (T, 18, 3) float32: x_px, y_px,
    confidence, 0 = not seen. shot is (T,) int32: poses of one unbroken shot share a number. person is who is
    shown or, where genuine is False, whom a fake claims to show. session is "take" or "movement_take".

    Known only for what was extracted from video, else empty: measured (T,) bool, a posed frame stands behind the
    tick; people (T,) int16 in the whole picture, as it was last seen whole; camera (T,) float32 how far the camera
    moves in 1/30 s, in picture widths; fps the recording's own frames a second.
    kept (T,) bool, or empty for all, is what conditions.py leaves of it. part is the split's part that a segments.csv
    gives it to, else "". filter names what steadied the poses, recording_sha256 the very file they were read from; ""
    where nobody knows.
    """

    recording: str
    person: str
    session: str
    time_s: npt.NDArray[np.float64]
    keypoints: npt.NDArray[np.float32]
    shot: npt.NDArray[np.int32]
    width: int
    height: int
    genuine: bool = True
    source: str = ""
    licence: str = ""
    pose_backend: dict[str, str] = field(default_factory=dict)
    measured: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    people: npt.NDArray[np.int16] = field(default_factory=lambda: np.zeros(0, np.int16))
    camera: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    fps: float = 0.0
    kept: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    part: str = ""
    filter: str = ""
    recording_sha256: str = ""

    @property
    def movement(self) -> str:
        """What is done in it: the session's name before "_", or all of it."""
        return self.session.partition("_")[0]

    @property
    def take(self) -> str:
        """How or when it was done: the session's name after "_", or all of it."""
        return self.session.partition("_")[2] or self.session

    def is_fake_of(self, person: str) -> bool:
        """Tell whether a model of this person should call the track fake: another body, or a fake of theirs."""
        return self.person != person or not self.genuine

    def stretches(self) -> list[tuple[int, int]]:
        """Give the (first, behind the last) poses of every stretch with somebody in it and no cut or lost tick."""
        there: npt.NDArray[np.bool_] = np.asarray((self.keypoints[..., 2] > 0).any(axis=1))
        if len(self.kept):
            there = there & self.kept
        breaks = (np.diff(self.shot) != 0) | (np.abs(np.diff(self.time_s) - 1 / RATE_HZ) > 0.5 / RATE_HZ)
        breaks |= there[1:] != there[:-1]
        edges = [0, *(np.flatnonzero(breaks) + 1).tolist(), len(self.time_s)]
        return [(first, last) for first, last in pairwise(edges) if there[first]]


def write_track(path: Path, track: Track) -> None:
    """Save a track as .npz, whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("wb") as file:
        np.savez_compressed(
            file,
            time_s=track.time_s,
            keypoints=track.keypoints,
            shot=track.shot,
            recording=track.recording,
            person=track.person,
            session=track.session,
            width=track.width,
            height=track.height,
            genuine=track.genuine,
            source=track.source,
            licence=track.licence,
            pose_backend=[track.pose_backend.get("name", ""), track.pose_backend.get("sha256", "")],
            measured=track.measured,
            people_in_frame=track.people,
            camera=track.camera,
            fps=track.fps,
            filter=track.filter,
            recording_sha256=track.recording_sha256,
        )
    fresh.replace(path)


def read_track(path: Path) -> Track:
    """Read a track of the project's pose-track format; only time_s, keypoints and person must be there.

    Raises:
        DataUnusable: no such format, arrays that don't fit together, or numbers that are none.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
            values = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error):
        raise DataUnusable(path, "is no pose track (.npz with time_s, keypoints, person)") from None
    if missing := {"time_s", "keypoints", "person"} - values.keys():
        raise DataUnusable(path, f"lacks {sorted(missing)[0]}")
    time_s, keypoints = np.asarray(values["time_s"], np.float64), np.asarray(values["keypoints"], np.float32)
    if keypoints.ndim != 3 or keypoints.shape[1:] != (len(KEYPOINTS), 3) or time_s.shape != keypoints.shape[:1]:
        raise DataUnusable(path, f"needs time_s (T,) and keypoints (T, 18, 3), has {time_s.shape}, {keypoints.shape}")
    if (wrong := ~np.isfinite(keypoints).all(axis=(1, 2)) | ~np.isfinite(time_s)).any():
        raise DataUnusable(path, "holds a number that is NaN or infinite", row=int(wrong.argmax()) + 1)
    if len(time_s) == 0 or (np.diff(time_s) <= 0).any():
        raise DataUnusable(path, "needs time_s that rises")
    backend = values.get("pose_backend")
    return Track(
        recording=str(values.get("recording", path.stem)),
        person=str(values["person"]),
        session=str(values.get("session", path.stem)),
        time_s=time_s,
        keypoints=keypoints,
        shot=np.asarray(values.get("shot", np.zeros(len(time_s))), np.int32),
        width=int(values.get("width", 0)),
        height=int(values.get("height", 0)),
        genuine=bool(values.get("genuine", True)),
        source=str(values.get("source", "")),
        licence=str(values.get("licence", "")),
        pose_backend={}
        if backend is None or not backend[0]
        else dict(zip(("name", "sha256"), map(str, backend), strict=False)),
        measured=np.asarray(values.get("measured", ()), bool),
        # "people" of older files counted the followed square, and the speaker twice in a look round: unknown
        people=np.asarray(values.get("people_in_frame", ()), np.int16),
        camera=np.asarray(values.get("camera", ()), np.float32),
        fps=float(values.get("fps", 0.0)),
        filter=str(values.get("filter", "")),
        recording_sha256=str(values.get("recording_sha256", "")),
    )


def digest(tracks: Iterable[Track]) -> str:
    """Name the data: sha256 over all that decides a split, a window or a label, in the order of recordings' names.

    That is name, person, genuine, session and part, then times, keypoints, shots, what was measured and what the
    conditions keep. Source, licence, frame rate, pose network, filter and the recording's own digest decide nothing.
    """
    whole = hashlib.sha256()
    for track in by_name(tracks):
        facts = (track.recording, track.person, track.genuine, track.session, track.part, len(track.time_s))
        whole.update(json.dumps(facts).encode())
        every = np.ones(len(track.time_s), bool)  # what an empty array says
        flags = [array if len(array) else every for array in (track.measured, track.kept)]
        for array in (track.time_s, track.keypoints, track.shot, *flags):
            whole.update(np.ascontiguousarray(array).tobytes())
    return whole.hexdigest()


def digest_before_sessions(tracks: Iterable[Track]) -> str:
    """Name the data as older runs and cards do: by name, person, genuine and keypoints alone, so by no split."""
    whole = hashlib.sha256()
    for track in by_name(tracks):
        whole.update(f"{track.recording}\0{track.person}\0{track.genuine}\0".encode())
        whole.update(np.ascontiguousarray(track.keypoints).tobytes())
    return whole.hexdigest()


def by_name(tracks: Iterable[Track]) -> list[Track]:
    """Sort tracks by their recordings' names."""
    return sorted(tracks, key=lambda track: track.recording)
