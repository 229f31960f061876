"""What a channel's health says, counted frame by frame; time is an argument."""

from collections import Counter, deque
from dataclasses import dataclass, field

from models.skeleton import RATE_HZ
from monitor.records import Claim, NotJudged, PosedFrame, Score

SPAN_S = 10.0
"""Rates are over the latest 10 s."""

SETTLED_S = 15.0
"""Time after the start in which a low rate says nothing yet."""

JUDGED_OF_LATE_S = 2.0
"""A channel whose latest judged window is older than this is blind; where windows are due less often than that, one
that is older than 1.5 times what is between them."""


@dataclass(slots=True)
class Health:
    """Counters of one channel since the worker's start, and rates of late."""

    started_s: float
    every_s: float = 0.5  # between two verdicts
    frames: int = 0
    poses: int = 0
    cuts: int = 0
    judged: int = 0
    not_judged: Counter[str] = field(default_factory=Counter)
    latest: Score | NotJudged | None = None
    size: tuple[int, int] = (0, 0)
    epoch: int = 0
    time_s: float = 0.0
    lag_s: float = 0.0
    blind_s: float = 0.0
    claim: Claim | None = None
    watched_s: float = 0.0
    on_screen_s: float = 0.0
    _followed: bool = False
    _seen_s: deque[float] = field(default_factory=deque)
    _judged_at_s: float | None = None
    _adds_up: bool = False

    def saw(self, seen: PosedFrame, now_s: float) -> None:
        """Count a frame that went through the pose network; now_s is Unix time."""
        frame, self.claim = seen.frame, seen.claim
        self._followed = seen.sighting.pose is not None
        self.poses += 1
        self.cuts += seen.sighting.broken == "cut"
        self.size = (frame.image.shape[1], frame.image.shape[0])
        self.epoch, self.time_s, self.lag_s = frame.epoch, frame.time_s, now_s - frame.arrived_s
        self._seen_s.append(now_s)

    def verdict(self, judged: Score | NotJudged, now_s: float) -> None:
        """Count a verdict; now_s is Unix time."""
        self.latest = judged
        if isinstance(judged, NotJudged):
            self.not_judged[judged.reason] += 1
            return
        self.judged += 1
        self._judged_at_s = now_s

    def down(self, channel: str, now_s: float) -> NotJudged:
        """Make the record that nothing could be judged because nothing arrives."""
        return NotJudged(channel, self.epoch, self.time_s, self.time_s, now_s, "stream_down")

    def tick(self, now_s: float, step_s: float) -> None:
        """Add step_s to the blind time when no window was judged of late, and to the person's time on screen."""
        self.watched_s += step_s
        self.on_screen_s += step_s * (self.claim_at(now_s).who == "person")
        if not self._judged_of_late(now_s):
            self.blind_s += step_s

    def _judged_of_late(self, now_s: float) -> bool:
        limit_s = max(JUDGED_OF_LATE_S, 1.5 * self.every_s)
        return self._judged_at_s is not None and now_s - self._judged_at_s <= limit_s

    def poses_per_s(self, now_s: float) -> float:
        """Give the poses of the latest 10 s (or since the start) per second."""
        while self._seen_s and self._seen_s[0] < now_s - SPAN_S:
            self._seen_s.popleft()
        return len(self._seen_s) / max(min(SPAN_S, now_s - self.started_s), 1e-3)

    def state(self, stream_state: str, fps: float, now_s: float) -> str:
        """Give the stream's state, or "degraded" when it is live and clearly fewer poses are made than it offers."""
        settled = now_s - self.started_s > SETTLED_S
        if stream_state == "live" and settled and self.poses_per_s(now_s) < 0.9 * min(fps, RATE_HZ):
            return "degraded"
        return stream_state

    def claim_at(self, now_s: float) -> Claim:
        """Give whose face it is now; of a place where nobody is followed, or of a stream that is down, none is told."""
        if self.claim is None or self.claim.who == "not_asked":
            return Claim("not_asked")
        there = self._followed and bool(self._seen_s) and now_s - self._seen_s[-1] <= 1.0
        return self.claim if there else Claim("unseen", why="nobody is followed", limit=self.claim.limit)

    def _asked(self) -> bool:
        return self.watched_s > 0 and self.claim is not None and self.claim.who != "not_asked"

    def verdict_state(self, now_s: float) -> str:
        """Tell what the latest verdict says of the channel while no incident is open; an old one says nothing."""
        if not isinstance(self.latest, Score) or not self._judged_of_late(now_s):
            return "not_judged"
        evidence = self.latest.evidence
        return "clear" if evidence is None or evidence.says == "person" else "cant_tell"

    def _evidence(self) -> dict[str, str | float]:
        """Give what has added up by the latest window, -1 and "" when it was not judged; nothing where it counts."""
        if isinstance(self.latest, Score):
            self._adds_up = self.latest.evidence is not None
        if not self._adds_up:
            return {}
        evidence = self.latest.evidence if isinstance(self.latest, Score) else None
        if evidence is None:
            return {"evidence_against": -1.0, "evidence_in_favour": -1.0, "gathered_s": -1.0, "answer": ""}
        told = evidence.as_record()
        sums = {"evidence_against": told["against"], "evidence_in_favour": told["in_favour"]}
        return {**sums, "gathered_s": told["gathered_s"], "answer": told["says"]}

    def fields(self, now_s: float) -> dict[str, str | int | float]:
        """Give the counted part of the channel's health hash; a share that is not known yet is -1."""
        latest, claim = self.latest, self.claim_at(now_s)
        return {
            "face": claim.who,
            "face_person": claim.person,
            "face_distance": -1.0 if claim.distance is None else round(claim.distance, 3),
            "face_limit": -1.0 if claim.limit is None else claim.limit,
            "face_why": claim.why,
            "face_share": round(self.on_screen_s / self.watched_s, 3) if self._asked() else -1.0,
            "reason": latest.reason if isinstance(latest, NotJudged) else "",
            "coverage": round(latest.quality.measured, 4) if isinstance(latest, Score) else -1.0,
            "width": self.size[0],
            "height": self.size[1],
            "frames": self.frames,
            "poses": self.poses,
            "cuts": self.cuts,
            "poses_per_s": round(self.poses_per_s(now_s), 2),
            "windows_judged": self.judged,
            "windows_not_judged": sum(self.not_judged.values()),
            **self._evidence(),
            **{f"not_judged_{reason}": count for reason, count in self.not_judged.items()},
            "lag_s": round(self.lag_s, 3),
            "blind_s": round(self.blind_s, 1),
            "epoch": self.epoch,
            "time_s": round(self.time_s, 3),
            "at": round(now_s, 3),
        }
