"""One incident's folder while it is being written: clip, poses, scores, filmstrip, facts."""

import contextlib
import fcntl
import io
import json
import logging
import queue
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import av
import numpy as np
import numpy.typing as npt

from monitor.bus.messages import judged
from monitor.evidence.archive import Archive
from monitor.evidence.atomic_files import write_atomic
from monitor.evidence.clip import Clip, can_keep, settle
from monitor.records import Incident, NotJudged, Score
from monitor.stream.packets import CodedPacket

logger = logging.getLogger(__name__)

CLIP_MOST_S = 300.0
"""An incident may last for hours; its clip and its poses end so long after its start."""

LOCK, GROWING = ".lock", ".growing.mp4"


@dataclass(frozen=True, slots=True, eq=False)
class RecordedPose:
    """A pose as it was seen: keypoints (18, 3) float32 as in records.Pose, all zero when nobody was followed."""

    epoch: int
    time_s: float
    keypoints: npt.NDArray[np.float32]
    width: int
    height: int


Recorded: TypeAlias = CodedPacket | RecordedPose | Score | NotJudged


class IncidentRecorder:
    """Gathers what belongs to one incident, from before_s before its start, in the epoch that it fired in only.

    After a reconnect the incident goes on with another epoch's times: they say nothing about this clip and its poses.
    feed is filled by other threads; all else is called by one. A crash leaves a folder that recovered() can seal.
    """

    def __init__(self, archive: Archive, incident: Incident, before_s: float, digests: Mapping[str, str]) -> None:
        self.incident, self.from_s, self.until_s = incident, incident.start_s - before_s, float("inf")
        self.epoch, self._start_s = incident.epoch, incident.start_s
        self.feed: queue.SimpleQueue[Recorded] = queue.SimpleQueue()
        self.part = archive.folder / f".{incident.id}.part"
        self.part.mkdir(parents=True)
        self._lock = (self.part / LOCK).open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._digests = dict(digests)
        self._poses: list[RecordedPose] = []
        self._verdicts: list[Score | NotJudged] = []
        self._clip: Clip | None = None
        self._first: CodedPacket | None = None
        self._offset_s = 0.0
        self._clip_fault = ""
        self.settle_text()

    @property
    def nbytes(self) -> int:
        """Bytes of the clip so far."""
        return self._clip.nbytes if self._clip else 0

    def advance(self) -> None:
        """Take what has come since the last call."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._take(self.feed.get_nowait())

    def settle_text(self, *, interrupted: bool = True) -> None:
        """Write all but the clip and the filmstrip; what a crash leaves is called interrupted."""
        write_atomic(self.part / "scores.json", json.dumps([judged(v) for v in self._verdicts], indent=1).encode())
        packed = io.BytesIO()
        np.savez_compressed(packed, allow_pickle=False, **self._track())
        write_atomic(self.part / "poses.npz", packed.getvalue())
        write_atomic(self.part / "incident.json", json.dumps(self._facts(interrupted), indent=1).encode())

    def finish(self, *, interrupted: bool) -> None:
        """Complete the folder; what is left is to seal it."""
        self.advance()
        with self._clip_only():
            self._settle_clip()
        self.settle_text(interrupted=interrupted)
        self.let_go()

    def let_go(self) -> None:
        """Close what is open; the folder stays as it is."""
        if self._clip is not None:
            with contextlib.suppress(av.FFmpegError, OSError):
                self._clip.close()
            self._clip = None
        self._lock.close()
        (self.part / LOCK).unlink(missing_ok=True)

    def _take(self, recorded: Recorded) -> None:
        if recorded.epoch != self.epoch:
            return
        if isinstance(recorded, Score | NotJudged):
            if recorded.end_s >= self.from_s and recorded.start_s <= self.until_s:
                self._verdicts.append(recorded)
            return
        until_s = min(self.until_s, self._start_s + CLIP_MOST_S)
        if isinstance(recorded, CodedPacket):
            if recorded.decode_s <= until_s:  # a picture shown before may need one that is shown after
                self._append(recorded)
        elif self.from_s <= recorded.time_s <= until_s:
            self._poses.append(recorded)

    def _append(self, packet: CodedPacket) -> None:
        if self._clip_fault or (self._clip is None and not can_keep(packet)):
            return
        with self._clip_only():
            if self._clip is None:
                self._clip, self._first = Clip(self.part / GROWING, packet), packet
            self._clip.add(packet)

    def _settle_clip(self) -> None:
        if self._clip is None or self._clip_fault:
            return
        self._clip.close()
        self._offset_s = self._clip.start_s - settle(self.part / GROWING, self.part / "clip.mp4")
        self._draw()

    @contextlib.contextmanager
    def _clip_only(self) -> Iterator[None]:
        """Let a stream that FFmpeg can't put into an MP4 cost the clip alone; a full disk costs the evidence."""
        try:
            yield
        except av.FFmpegError as error:
            if isinstance(error, OSError):
                raise
            self._clip_fault = "FFmpeg can't put this stream into an MP4"
            logger.warning("%s: no clip of %s: %s", self.incident.channel, self.incident.id, self._clip_fault)

    def _draw(self) -> None:
        import cv2

        from monitor.evidence.filmstrip import filmstrip

        track = self._track()
        picture = filmstrip(self.part / "clip.mp4", self._offset_s, track["time_s"], track["keypoints"])
        if picture is not None:
            done, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 85])
            assert done
            write_atomic(self.part / "filmstrip.jpg", jpeg.tobytes())

    def _track(self) -> dict[str, npt.NDArray[Any]]:
        """Give the pose track: time_s (T,) float64, keypoints (T, 18, 3) float32, and its header."""
        last = self._poses[-1] if self._poses else None
        return {
            "time_s": np.array([pose.time_s for pose in self._poses], np.float64),
            "keypoints": np.array([pose.keypoints for pose in self._poses], np.float32).reshape(-1, 18, 3),
            "person": np.array(self.incident.person),
            "session": np.array(self.incident.id),
            "width": np.array(last.width if last else 0),
            "height": np.array(last.height if last else 0),
        }

    def _facts(self, interrupted: bool) -> dict[str, Any]:
        first, clip = self._first, self._clip
        return {
            "incident": asdict(self.incident),
            "digests": self._digests,
            "interrupted": interrupted,
            "asked": {
                "epoch": self.epoch,
                "start_s": self.from_s,
                "end_s": None if self.until_s == float("inf") else self.until_s,
            },
            "clip_fault": self._clip_fault,
            "clip": clip
            and {
                "start_s": clip.start_s,
                "end_s": clip.end_s,
                "offset_s": self._offset_s,
                "shortened_to_s": CLIP_MOST_S if clip.end_s - self._start_s > CLIP_MOST_S - 1 else None,
            },
            "clock": first
            and {
                "stream_s": first.time_s,
                "arrived_unix_s": first.arrived_s,
                "sender_unix_s": first.produced_s,
                "sender": first.clock,
            },
        }


def recover(archive: Archive, now_s: float) -> list[str]:
    """Seal the folders that a crash left, as far as they were written; gives the incidents' names. now_s: Unix time."""
    recovered = []
    for part in sorted(archive.folder.glob(".*.part")):
        incident = part.name[1 : -len(".part")]
        with contextlib.ExitStack() as stack:
            lock = stack.enter_context((part / LOCK).open("w"))
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue  # another process writes it
            if not archive.finish(part, incident):
                if (part / GROWING).exists():
                    with contextlib.suppress(av.FFmpegError, IndexError):
                        settle(part / GROWING, part / "clip.mp4")
                archive.seal(part, incident, now_s)
            for rest in (archive.folder / incident).glob(".*"):
                rest.unlink()
            recovered.append(incident)
    return recovered
