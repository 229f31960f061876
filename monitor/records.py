"""What travels between the stages: small, frozen, each field with its unit."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Reason = Literal[
    "filling",  # fewer than 150 poses since the start
    "cut",  # another shot or a break in the stream's clock: the window starts again
    "nobody",  # no body in the picture
    "arms_hidden",  # elbows and wrists are not seen often enough
    "low_coverage",  # too many poses had to be interpolated
    "wrong_person",  # somebody else took the place
    "someone_else",  # the face on screen is nobody's whom this channel knows
    "face_unseen",  # the face is not seen well enough, or is no longer the one that was seen before
    "no_model",  # nobody's model judges this channel
    "stream_down",  # nothing arrives
]
Who = Literal["person", "somebody_else", "unseen", "not_asked"]
State = Literal["pending", "firing", "resolved"]
Answer = Literal["person", "not_person", "cant_tell"]


@dataclass(frozen=True, eq=False)
class Frame:
    """One decoded picture.

    time_s is the stream's own clock (PTS) in seconds; it rises within an epoch. epoch counts the breaks: a
    reconnect, a jump back in PTS, a frame without PTS, another picture size. arrived_s is Unix time in seconds
    when the frame was handed over, after pacing. picture is the image, or what gives it: a frame that waits keeps the
    decoder's planes, half as large, and one that is dropped or not needed is never converted.
    """

    channel: str
    epoch: int
    time_s: float
    arrived_s: float
    picture: npt.NDArray[np.uint8] | Callable[[], npt.NDArray[np.uint8]]

    @cached_property
    def image(self) -> npt.NDArray[np.uint8]:
        """(H, W, 3) uint8, BGR; converted when first asked for, by one thread at a time."""
        return self.picture if isinstance(self.picture, np.ndarray) else self.picture()


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """The body of one person in one frame.

    keypoints is (18, 3), float32. Row k is KEYPOINTS[k] as (x_px, y_px, confidence): pixels of the full frame,
    origin top left, y down; confidence in 0..1, where 0 means "not seen" and leaves x and y without meaning.
    """

    time_s: float
    keypoints: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """What the speaker stage made of one frame.

    pose is None when nobody is followed in it. broken tells why what came before can't be joined to this frame
    ("cut", "wrong_person"), or None when it can.
    """

    time_s: float
    pose: Pose | None
    broken: Reason | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """Whose face the followed speaker has, which is whom they claim to be; as known when a frame was looked at.

    person is the enrolled person whose references are nearest, "" before the first look; distance is that of the mean
    of this shot's looks from them, limit the one that holds for it. why says what keeps the face from being seen.
    faces counts how often a face took another's place without a cut: another number, another face. required is False
    where the operator accepted judging without a face. who is "not_asked" where no references are known. passing tells
    that one look was unlike those before, which the next one may unsay.
    """

    who: Who
    person: str = ""
    distance: float | None = None
    limit: float | None = None
    why: str = ""
    faces: int = 0
    required: bool = True
    passing: bool = False

    @property
    def judged(self) -> bool:
        """Tell whether a body under this face is to be judged."""
        return self.who in ("person", "not_asked") or (self.who == "unseen" and not self.required)

    def as_record(self) -> dict[str, Any]:
        """Give what is published of it: never a vector."""
        distance = None if self.distance is None else round(self.distance, 3)
        return {"who": self.who, "person": self.person, "distance": distance, "limit": self.limit, "why": self.why}


def face_record(claim: Claim | None) -> dict[str, Any] | None:
    """Give what is published of a claim, None where nobody was asked for."""
    return None if claim is None or claim.who == "not_asked" else claim.as_record()


@dataclass(frozen=True, slots=True, eq=False)
class Tick:
    """A pose on the uniform 30 Hz grid.

    number counts ticks since the epoch's first frame. keypoints is (18, 3) float32 as in Pose, all zero when
    nobody is there. measured is False for a pose further than one step (1/30 s) from any posed frame. broken as in
    Sighting: it stands on the first tick after the break.
    """

    number: int
    time_s: float
    arrived_s: float
    keypoints: npt.NDArray[np.float32]
    measured: bool
    broken: Reason | None = None


@dataclass(frozen=True, slots=True)
class Quality:
    """How far a window can be trusted.

    measured is the share of its poses with a posed frame within one step of the grid, the rest bridges a wider gap;
    arms the share of poses with elbow and wrist of at least one arm seen; visible the mean share of the 12 upper
    keypoints that are seen. All in 0..1.
    """

    measured: float
    arms: float
    visible: float


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """150 poses of one person in one unbroken shot.

    poses is (150, 18, 3) float32, raw keypoints as in Pose, one every 1/30 s, the last at end_s. arrived_s is that
    of the newest frame in it. shot counts a channel's shots as PoseWindow tells them apart; scores of two are never
    added up.
    """

    channel: str
    epoch: int
    start_s: float
    end_s: float
    arrived_s: float
    poses: npt.NDArray[np.float32]
    quality: Quality
    shot: int = 0
    claim: Claim | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What has added up about a person by a window (rules/evidence_sum.py), in natural logarithms of odds, 0 and over.

    against and in_favour are the sums against and for the person; alarm is where an incident fires. gathered_s is over
    how many seconds of judged movement against was gathered. says is the answer.
    """

    against: float
    in_favour: float
    alarm: float
    gathered_s: float
    says: Answer

    def as_record(self) -> dict[str, Any]:
        """Give what is published of it."""
        sums = {name: round(float(getattr(self, name)), 3) for name in ("against", "in_favour", "alarm", "gathered_s")}
        return {**sums, "says": self.says}


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where suspicion began: start_s of its first window, the highest score since, and how many windows it was."""

    start_s: float
    peak: float
    windows: int


@dataclass(frozen=True, slots=True)
class Score:
    """The model's word on one window: value in 0..1, the probability that this is not the person. shot as in Window.

    evidence is what has added up by it, None where the model's rule counts windows.
    """

    channel: str
    person: str
    epoch: int
    start_s: float
    end_s: float
    arrived_s: float
    value: float
    quality: Quality
    shot: int = 0
    claim: Claim | None = None
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class NotJudged:
    """No verdict at this time, and why. start_s is where the poses at hand begin; shot as in Window."""

    channel: str
    epoch: int
    start_s: float
    end_s: float
    arrived_s: float
    reason: Reason
    shot: int = 0
    claim: Claim | None = None


def instead_of(judged: Window | Score, reason: Reason) -> NotJudged:
    """Say why there is no verdict where a window or another person's score stands."""
    at = (judged.epoch, judged.start_s, judged.end_s, judged.arrived_s)
    return NotJudged(judged.channel, *at, reason, judged.shot, judged.claim)


@dataclass(frozen=True, slots=True)
class Incident:
    """A person on a channel who does not move as the model knows them, from first suspicion to the end.

    Times are the stream's clock in seconds, both of epoch: in another epoch, or after a restart, it starts with the
    first window there. arrived_s is Unix time of the newest frame behind the latest change.
    score is the latest window's, peak the highest since the start. fired stays True from firing on. ended_by tells a
    resolved incident's end: "cleared" (genuine windows again), "not_judged" (nothing to judge for long) or "".
    change counts what was published of it, from 1; 0 before that. explanation is models.explain's record of the window
    that made it fire: shares of the keypoints, log odds by second, and a sentence. evidence, alarm and gathered_s are
    those of Evidence (evidence: against), None where the rule counts windows.
    """

    id: str
    channel: str
    person: str
    state: State
    epoch: int
    start_s: float
    end_s: float
    arrived_s: float
    score: float
    peak: float
    windows: int
    rule: dict[str, float | str] = field(default_factory=dict)
    model: str = ""
    fired: bool = False
    ended_by: str = ""
    change: int = 0
    explanation: dict[str, Any] | None = None
    face: dict[str, Any] | None = None
    evidence: float | None = None
    alarm: float | None = None
    gathered_s: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PosedFrame:
    """A frame that went through the pose network, with what was found: for previews and evidence."""

    frame: Frame
    sighting: Sighting
    claim: Claim | None = None
