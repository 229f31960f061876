"""What a channel's health says, counted frame by frame; time is an argument."""

from collections import Counter, deque
from dataclasses import dataclass, field

from models.skeleton import RATE_HZ
from monitor.records import NotJudged, Score, Seen

SPAN_S = 10.0
"""Rates are over the latest 10 s."""


@dataclass(slots=True)
class Health:
    """Counters of one channel since the worker's start, and rates of late."""

    started_s: float
    frames: int = 0
    poses: int = 0
    judged: int = 0
    not_judged: Counter[str] = field(default_factory=Counter)
    latest: Score | NotJudged | None = None
    size: tuple[int, int] = (0, 0)
    epoch: int = 0
    time_s: float = 0.0
    lag_s: float = 0.0
    blind_s: float = 0.0
    _seen_s: deque[float] = field(default_factory=deque)
    _judged_at_s: float | None = None

    def saw(self, seen: Seen, now_s: float) -> None:
        """Count a frame that went through the pose network; now_s is Unix time."""
        frame = seen.frame
        self.poses += 1
        self.size = (frame.image.shape[1], frame.image.shape[0])
        self.epoch, self.time_s, self.lag_s = frame.epoch, frame.time_s, now_s - frame.arrived_s
        self._seen_s.append(now_s)

    def verdict(self, judged: Score | NotJudged, now_s: float) -> None:
        """Count a verdict; between two judged windows further apart than their step the channel was blind."""
        self.latest = judged
        if isinstance(judged, NotJudged):
            self.not_judged[judged.reason] += 1
            return
        self.judged += 1
        self._judged_at_s = now_s

    def tick(self, now_s: float, step_s: float) -> None:
        """Add step_s to the blind time when no window was judged of late."""
        if self._judged_at_s is None or now_s - self._judged_at_s > 2.0:
            self.blind_s += step_s

    def poses_per_s(self, now_s: float) -> float:
        """Give the poses of the latest 10 s (or since the start) per second."""
        while self._seen_s and self._seen_s[0] < now_s - SPAN_S:
            self._seen_s.popleft()
        return len(self._seen_s) / max(min(SPAN_S, now_s - self.started_s), 1e-3)

    def coverage(self) -> float | None:
        """Give the measured share of the latest judged window; None before the first."""
        return self.latest.quality.measured if isinstance(self.latest, Score) else None


def degraded(poses_per_s: float, fps: float) -> bool:
    """Tell whether clearly fewer poses are made than the stream offers; 30 a second are all that is ever needed."""
    return poses_per_s < 0.9 * min(fps, RATE_HZ)
