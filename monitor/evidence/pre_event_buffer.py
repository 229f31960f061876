"""The last minute of a channel, for the incident that nobody knows of yet."""

import contextlib
import threading
from collections import deque

from monitor.evidence.recorder import IncidentRecorder, Recorded, RecordedPose
from monitor.records import NotJudged, Score
from monitor.stream.packets import KEPT_S, CodedPacket, PacketRing


class PreEventBuffer:
    """Packets, poses and verdicts of the last minute. Filled by the ingest and the loop."""

    def __init__(self) -> None:
        self._packets = PacketRing()
        self._notes: deque[RecordedPose | Score | NotJudged] = deque()
        self._recorders: list[IncidentRecorder] = []
        self._lock = threading.Lock()

    def note(self, recorded: Recorded) -> None:
        """Remember something, and pass it on to the incidents that are open."""
        with self._lock:
            if isinstance(recorded, CodedPacket):
                self._packets.push(recorded)
            else:
                self._notes.append(recorded)
                while len(self._notes) > 1 and _old(self._notes[0], recorded):
                    self._notes.popleft()
            for recorder in self._recorders:
                recorder.feed.put(recorded)

    def attach(self, recorder: IncidentRecorder) -> None:
        """Give a recorder what is remembered of its time, and from now on all that comes."""
        with self._lock:
            for recorded in [*self._packets.since(recorder.incident.epoch, recorder.from_s), *self._notes]:
                recorder.feed.put(recorded)
            self._recorders.append(recorder)

    def detach(self, recorder: IncidentRecorder) -> None:
        """Give a recorder no more."""
        with self._lock, contextlib.suppress(ValueError):
            self._recorders.remove(recorder)


def _old(recorded: RecordedPose | Score | NotJudged, newest: Recorded) -> bool:
    """Tell whether something is of another epoch's or an earlier minute's stream time."""
    return recorded.epoch < newest.epoch or _end_s(newest) - _end_s(recorded) > KEPT_S


def _end_s(recorded: Recorded) -> float:
    return recorded.end_s if isinstance(recorded, Score | NotJudged) else recorded.time_s
