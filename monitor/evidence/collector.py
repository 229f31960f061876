"""Keeps what is needed to look into an incident later; a thread of its own, so that watching never waits for a disk."""

import contextlib
import errno
import logging
import os
import queue
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import av
import numpy as np

from monitor.config import EvidenceConfig
from monitor.evidence.archive import Archive
from monitor.evidence.pre_event_buffer import PreEventBuffer
from monitor.evidence.recorder import IncidentRecorder, RecordedPose, recover
from monitor.records import Incident, NotJudged, PosedFrame, Score
from monitor.stream.packets import CodedPacket

logger = logging.getLogger(__name__)

TURN_S = 0.5
SAVE_EVERY_S = 10.0
"""A crash costs so much of the poses and scores of an open incident."""

SETTLE_S = 2.0
"""Poses come later than packets: so long after the end the last has come."""

TIDY_EVERY_S = 3600.0

RESERVE_BYTES = 256_000_000
"""The disk's last quarter of a gigabyte is left to Redis, the outbox and the logs."""


class EvidenceCollector:
    """The note_ methods return at once and may be called by any thread; run() does the work in one of its own.

    An incident's folder is opened when it fires and sealed after_s after it was resolved. state is "" as long as
    evidence can be written, else a sentence for the operator: a full disk costs the evidence of the incidents that
    are open, never the watching, and the next incident tries again. digests name, by channel and person, what judged.
    """

    def __init__(
        self,
        config: EvidenceConfig,
        channels: Sequence[str],
        *,
        digests: Mapping[tuple[str, str], Mapping[str, str]],
        free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    ) -> None:
        assert config.folder is not None
        self.archive = Archive(config.folder)
        self.state = ""
        self._config, self._digests, self._free_bytes = config, digests, free_bytes
        self._buffers = {channel: PreEventBuffer() for channel in channels}
        self._changes: queue.SimpleQueue[Incident] = queue.SimpleQueue()
        self._recorders: dict[str, IncidentRecorder] = {}
        self._due_s: dict[str, float] = {}
        self._saved_s = self._tidied_s = 0.0

    def add_packet(self, packet: CodedPacket) -> None:
        """Keep a packet for a minute."""
        self._buffers[packet.channel].note(packet)

    def add_pose(self, seen: PosedFrame) -> None:
        """Keep what was seen in a frame, without its picture."""
        pose, image = seen.sighting.pose, seen.frame.image
        keypoints = np.zeros((18, 3), np.float32) if pose is None else pose.keypoints
        recorded = RecordedPose(seen.frame.epoch, seen.frame.time_s, keypoints, image.shape[1], image.shape[0])
        self._buffers[seen.frame.channel].note(recorded)

    def add_score(self, judged: Score | NotJudged) -> None:
        """Keep a verdict."""
        self._buffers[judged.channel].note(judged)

    def update_incident(self, incident: Incident) -> None:
        """Hear of a change: firing opens a folder, resolved lets it end."""
        self._changes.put(incident)

    def run(self, stop: threading.Event) -> None:
        """Write until stopped; what is open then is sealed as it is."""
        with contextlib.suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)  # the pose network goes first
        self._guarded(None, self._recover)
        while not stop.wait(TURN_S):
            self.turn(time.time())
        self.turn(time.time())
        for incident in list(self._recorders):
            self._seal(incident, time.time(), interrupted=True)

    def turn(self, now_s: float) -> None:
        """Do what there is to do; now_s is Unix time."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._heed(self._changes.get_nowait(), now_s)
        save = now_s - self._saved_s >= SAVE_EVERY_S
        self._saved_s = now_s if save else self._saved_s
        for incident, recorder in list(self._recorders.items()):
            self._guarded(incident, partial(self._advance, recorder, save=save))
            if incident in self._recorders and now_s >= self._due_s.get(incident, float("inf")):
                self._seal(incident, now_s, interrupted=False)
        if now_s - self._tidied_s >= TIDY_EVERY_S:
            self._tidied_s = now_s
            self._guarded(None, lambda: self._tidy(now_s))

    def _heed(self, incident: Incident, now_s: float) -> None:
        recorder = self._recorders.get(incident.id)
        if recorder is None and incident.state == "firing":
            self._guarded(incident.id, lambda: self._open(incident))
        elif recorder is not None:
            recorder.incident = incident
            if incident.state == "resolved":
                if incident.epoch == recorder.epoch:
                    recorder.until_s = incident.end_s + self._config.after_s
                self._due_s[incident.id] = now_s + self._config.after_s + SETTLE_S

    def _open(self, incident: Incident) -> None:
        if any(kept.id == incident.id for kept in self.archive.kept()):
            return  # sealed before a restart
        self.archive.folder.mkdir(parents=True, exist_ok=True)
        self._check_room()
        recorder = IncidentRecorder(
            self.archive, incident, self._config.before_s, self._digests.get((incident.channel, incident.person), {})
        )
        self._recorders[incident.id] = recorder
        self._buffers[incident.channel].attach(recorder)
        self.state = ""

    def _advance(self, recorder: IncidentRecorder, *, save: bool) -> None:
        self._check_room()
        recorder.advance()
        if save:
            recorder.settle_text()

    def _seal(self, incident: str, now_s: float, *, interrupted: bool) -> None:
        def seal() -> None:
            recorder = self._recorders[incident]
            recorder.finish(interrupted=interrupted)
            sha256 = self.archive.seal(recorder.part, incident, now_s)
            self._forget(incident)
            logger.info("%s: evidence of %s is sealed, manifest sha256 %s", recorder.incident.channel, incident, sha256)
            self._tidy(now_s)

        self._guarded(incident, seal)

    def _forget(self, incident: str) -> Path:
        """Have no more to do with an incident; gives its folder."""
        recorder = self._recorders.pop(incident)
        self._due_s.pop(incident, None)
        if recorder.incident.channel in self._buffers:
            self._buffers[recorder.incident.channel].detach(recorder)
        recorder.let_go()
        return recorder.part

    def _recover(self) -> None:
        for incident in recover(self.archive, time.time()) if self.archive.folder.is_dir() else ():
            logger.warning("evidence of %s was left open by a crash; it is sealed as far as it was written", incident)

    def _tidy(self, now_s: float) -> None:
        if not self.archive.folder.is_dir():
            return
        for removed in self.archive.tidy(
            keep_days=self._config.keep_days, keep_bytes=self._config.keep_bytes, now_s=now_s
        ):
            logger.info("deleted the evidence of %s to make room", removed)

    def _check_room(self) -> None:
        if self._free_bytes(self.archive.folder) < RESERVE_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _guarded(self, incident: str | None, work: Callable[[], object]) -> None:
        """Do something that a disk can refuse; a refusal costs the incident's evidence and is told.

        An error of our own costs it too, and neither the watching nor the next incident's evidence; what was written
        stays, and is sealed at the next start.
        """
        try:
            work()
        except (OSError, av.FFmpegError) as error:
            why = os.strerror(error.errno) if error.errno else "the clip can't be written"
            self.state = f"no evidence is kept in {self.archive.folder}: {why}"
            logger.warning("%s", self.state)
            if incident in self._recorders:
                part = self._forget(incident)
                shutil.rmtree(part, ignore_errors=True)
        except Exception:
            self.state = f"evidence of {incident} is incomplete: bodywatch itself failed, its log tells how"
            logger.exception("%s", self.state)
            if incident in self._recorders:
                self._forget(incident)
