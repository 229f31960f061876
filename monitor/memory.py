"""The last minute of a channel, for the incident that nobody knows of yet."""

import contextlib
import threading
from collections import deque

from monitor.case import Case, Noted, NotedPose
from monitor.packets import KEPT_S, CodedPacket, PacketRing
from monitor.records import NotJudged, Score


class Memory:
    """Packets, poses and verdicts of the last minute. Filled by the ingest and the loop."""

    def __init__(self) -> None:
        self._packets = PacketRing()
        self._notes: deque[NotedPose | Score | NotJudged] = deque()
        self._cases: list[Case] = []
        self._lock = threading.Lock()

    def note(self, noted: Noted) -> None:
        """Remember something, and pass it on to the incidents that are open."""
        with self._lock:
            if isinstance(noted, CodedPacket):
                self._packets.push(noted)
            else:
                self._notes.append(noted)
                while len(self._notes) > 1 and _old(self._notes[0], noted):
                    self._notes.popleft()
            for case in self._cases:
                case.feed.put(noted)

    def attach(self, case: Case) -> None:
        """Give a case what is remembered of its time, and from now on all that comes."""
        with self._lock:
            for noted in [*self._packets.since(case.incident.epoch, case.from_s), *self._notes]:
                case.feed.put(noted)
            self._cases.append(case)

    def detach(self, case: Case) -> None:
        """Give a case no more."""
        with self._lock, contextlib.suppress(ValueError):
            self._cases.remove(case)


def _old(noted: NotedPose | Score | NotJudged, newest: Noted) -> bool:
    """Tell whether something is of another epoch's or an earlier minute's stream time."""
    return noted.epoch < newest.epoch or _end_s(newest) - _end_s(noted) > KEPT_S


def _end_s(noted: Noted) -> float:
    return noted.end_s if isinstance(noted, Score | NotJudged) else noted.time_s
