"""How a rendered speaker moves: a style of body language (style.py) -> gestures -> the body at any moment.

Everything is a function of (style, seed, time), so 25, 30 or 60 frames a second sample the same movement. Scene
coordinates: pixels of a 640x360 picture, x right, y down, z towards the camera; the camera is in renderer.py.
"""

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models import skeleton as sk
from trainer.puppet.style import Style

Array = npt.NDArray[np.float64]

SHOULDERS_PX = 110.0
SHOULDERS_BELOW_PX = 10.0  # below the neck
UPPER_ARM_PX, FOREARM_PX = 88.0, 78.0
NECK = np.array([320.0, 156.0, 0.0])
WRIST_AT_REST = np.array([64.0, 106.0, 58.0])  # from the neck; the right hand's x is negative: it is on the left
HEAD_PIVOT = np.array([0.0, -24.0, 4.0])  # from the neck: where the skull turns
FACE = {  # from the head's pivot
    sk.NOSE: (0.0, -24.0, 36.0),
    sk.RIGHT_EYE: (-12.0, -36.0, 27.0),
    sk.LEFT_EYE: (12.0, -36.0, 27.0),
    sk.RIGHT_EAR: (-29.0, -31.0, -5.0),
    sk.LEFT_EAR: (29.0, -31.0, -5.0),
}
EAR_HIDDEN_DEG = 32.0  # a head turned further hides the far ear
SECOND_PERSON_PX = 190.0


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """The puppet at one moment.

    keypoints is (18, 3) in scene pixels with confidence 1 where the body can be seen, 0 where the lectern or the
    head hides it. throat (2,) is where the neck comes out of the collar; turn is the head's rotation (3, 3); mouth is
    how far it is open, 0..1.
    """

    keypoints: Array
    throat: Array
    turn: Array
    mouth: float


@dataclass(frozen=True, slots=True)
class _Gesture:
    """One movement of the hands: up, beats, hold, down. All times in seconds of the motion's clock."""

    start_s: float
    strokes_s: float
    hold_s: float
    down_s: float
    rest_s: float
    next_s: float
    hz: float
    amplitude_px: float
    centres: tuple[Array | None, Array | None]  # right, left hand, from the neck; None: this hand rests
    delays: tuple[float, float]


class Motion:
    """Everything that one speaker with one style does; the same seed is the same speech."""

    def __init__(self, style: Style, seed: int) -> None:
        self.style = style
        self._rng = np.random.default_rng([seed, 1])
        steady = np.random.default_rng([seed, 2])
        self._phases = steady.uniform(0, 2 * np.pi, (6, 3))
        self._turns = np.random.default_rng([seed, 3])
        self._gestures: list[_Gesture] = []
        self._starts: list[float] = []
        self._looks: list[tuple[float, float]] = [(0.0, 0.0)]  # (start_s, yaw in degrees)

    def at(self, time_s: float) -> Body:
        """Tell where the body is. Costs about 0.2 ms; later times extend the list of gestures."""
        gesture = self._gesture(time_s)
        hands = [self._hand(gesture, side, time_s) for side in (0, 1)]
        beat = max(lift * beat for _, lift, beat in hands)
        sway = self.style.sway_px * np.array([self._wave(0, self.style.sway_s, time_s), 0.0, 0.0])
        neck = NECK + sway + np.array([0.0, 0.8 * self._wave(1, 3.7, time_s), 0.0])
        keypoints = np.zeros((18, 3))
        lean = 0.2 * sway[0]
        for side, sign in ((0, -1.0), (1, 1.0)):
            shoulder = neck + np.array(
                [sign * SHOULDERS_PX / 2, SHOULDERS_BELOW_PX + sign * lean - 3.0 * hands[side][1], 0.0]
            )
            wrist = NECK + 0.4 * sway + hands[side][0]
            elbow, wrist = bend(shoulder, wrist, outward=sign)
            first = (sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER)[side]
            for number, point in zip(range(first, first + 3), (shoulder, elbow, wrist), strict=True):
                self._place(keypoints, number, point)
        keypoints[sk.NECK] = (keypoints[sk.RIGHT_SHOULDER] + keypoints[sk.LEFT_SHOULDER]) / 2  # as in COCO
        turn, yaw_deg = self._turn(time_s, beat)
        for number, offset in FACE.items():
            self._place(keypoints, number, neck + HEAD_PIVOT + turn @ np.asarray(offset))
        if abs(yaw_deg) > EAR_HIDDEN_DEG:
            keypoints[sk.LEFT_EAR if yaw_deg > 0 else sk.RIGHT_EAR, 2] = 0.0
        speaks = 0.5 + 0.5 * self._wave(2, 0.29, time_s) * self._wave(3, 1.9, time_s)
        return Body(keypoints, neck[:2], turn, float(np.clip(speaks, 0.0, 1.0)))

    @staticmethod
    def _place(keypoints: Array, number: int, point: Array) -> None:
        near = 1.0 + point[2] / 1100.0  # what is nearer to the camera is larger
        keypoints[number] = (NECK[0] + (point[0] - NECK[0]) * near, NECK[1] + (point[1] - NECK[1]) * near, 1.0)

    def _wave(self, row: int, period_s: float, time_s: float) -> float:
        """A slow unrest around 0 within -1..1 that does not repeat soon."""
        rates = 2 * np.pi / (period_s * np.array([1.0, 1.618, 0.731]))
        return float(np.sin(rates * time_s + self._phases[row]) @ np.array([0.55, 0.25, 0.2]))

    def _turn(self, time_s: float, beat: float) -> tuple[Array, float]:
        """Give the head's rotation and its yaw in degrees; positive looks to the picture's right."""
        while self._looks[-1][0] <= time_s:
            start_s = self._looks[-1][0] + self.style.head_turn_s * self._turns.gamma(6.0, 1 / 6.0)
            self._looks.append((start_s, float(self._turns.normal(0.0, self.style.head_turn_deg))))
        now = bisect_right(self._looks, (time_s, np.inf)) - 1
        start_s, target = self._looks[now]
        before = self._looks[max(now - 1, 0)][1]
        yaw_deg = float(np.clip(before + (target - before) * ease((time_s - start_s) / 0.45), -40.0, 40.0))
        pitch_deg = 2.0 + self.style.nod_deg * beat + 1.2 * self._wave(4, 2.9, time_s)
        roll_deg = self.style.tilt_deg * self._wave(5, 2.6, time_s)
        return rotation(np.radians(yaw_deg), np.radians(pitch_deg), np.radians(roll_deg)), yaw_deg

    def _hand(self, gesture: _Gesture, side: int, time_s: float) -> tuple[Array, float, float]:
        """Give a hand's place from the neck, how far it is raised (0..1) and its beat (-1 up, 1 down)."""
        sign = (-1.0, 1.0)[side]
        rest = WRIST_AT_REST * [sign, 1.0, 1.0]
        centre = gesture.centres[side]
        if centre is None:
            return rest, 0.0, 0.0
        lift = ease((time_s - gesture.start_s) / (gesture.strokes_s - gesture.start_s))
        lift -= ease((time_s - gesture.down_s) / (gesture.rest_s - gesture.down_s))
        inside = min(ease((time_s - gesture.strokes_s) / 0.2), ease((gesture.hold_s - time_s) / 0.2))
        phase = (time_s - gesture.strokes_s) * gesture.hz - gesture.delays[side]
        way, across = beat_wave(phase, self.style.sharpness)
        angle = np.radians(self.style.stroke_deg)
        along = np.array([sign * np.cos(angle), np.sin(angle), 0.35])
        beside = np.array([-sign * np.sin(angle), np.cos(angle), 0.0])
        swing = gesture.amplitude_px * inside * (way * along + self.style.roundness * across * beside)
        return rest + lift * (centre - rest) + swing, lift, inside * way

    def _gesture(self, time_s: float) -> _Gesture:
        while not self._gestures or self._gestures[-1].next_s <= time_s:
            self._extend()
        return self._gestures[max(bisect_right(self._starts, time_s) - 1, 0)]

    def _extend(self) -> None:
        style, rng = self.style, self._rng
        start_s = self._gestures[-1].next_s if self._gestures else -float(rng.uniform(0.0, 2.0))
        hz = style.stroke_hz * float(rng.lognormal(0.0, 0.07))
        strokes_s = start_s + 0.42 * float(rng.lognormal(0.0, 0.1))
        hold_s = strokes_s + max(1, round(style.strokes * float(rng.gamma(8.0, 1 / 8.0)))) / hz
        down_s = hold_s + style.hold_s * float(rng.gamma(4.0, 0.25))
        rest_s = down_s + 0.45 * float(rng.lognormal(0.0, 0.1))
        both = rng.random() < style.coupling
        right = rng.random() < style.right_handed
        out, height, forward = rng.uniform((34, 34, 70), (74, 74, 105))  # the same for every style
        centres = [np.array([sign * out, height, forward]) + rng.normal(0.0, 4.0, 3) for sign in (-1.0, 1.0)]
        gesture = _Gesture(
            start_s, strokes_s, hold_s, down_s, rest_s, rest_s + style.rest_s * float(rng.gamma(4.0, 0.25)), hz,
            style.amplitude_px * float(rng.lognormal(0.0, 0.12)),
            (centres[0] if both or right else None, centres[1] if both or not right else None),
            (0.0, style.alternation) if right else (style.alternation, 0.0),
        )  # fmt: skip
        self._gestures.append(gesture)
        self._starts.append(start_s)


def ease(share: float) -> float:
    """Go from 0 to 1 with least jerk, as an arm does."""
    s = min(max(share, 0.0), 1.0)
    return s * s * s * (10.0 - 15.0 * s + 6.0 * s * s)


def beat_wave(phase: float, sharpness: float) -> tuple[float, float]:
    """Give the way along a beat (-1 up, 1 down) and a quarter beat later; sharp beats fall fast and rise slowly."""
    fall = 0.5 - 0.3 * sharpness  # share of the beat in which the hand goes down
    share = phase % 1.0
    turn = 0.5 * share / fall if share < fall else 0.5 + 0.5 * (share - fall) / (1.0 - fall)
    return -float(np.cos(2 * np.pi * turn)), float(np.sin(2 * np.pi * turn))


def bend(shoulder: Array, wrist: Array, *, outward: float) -> tuple[Array, Array]:
    """Find the elbow of an arm of fixed lengths, pointing outward and down; a wrist out of reach is pulled in."""
    reach = wrist - shoulder
    length = float(np.linalg.norm(reach))
    most = 0.985 * (UPPER_ARM_PX + FOREARM_PX)
    along = reach / length
    if length > most:
        length, wrist = most, shoulder + along * most
    upper = (UPPER_ARM_PX**2 - FOREARM_PX**2 + length**2) / (2 * length)
    pole = np.array([outward * 0.85, 0.75, -0.35])
    pole -= along * (pole @ along)
    height = np.sqrt(max(UPPER_ARM_PX**2 - upper**2, 0.0))
    return shoulder + along * upper + pole / np.linalg.norm(pole) * height, wrist


def rotation(yaw: float, pitch: float, roll: float) -> Array:
    """Make a (3, 3) rotation from angles in radians: yaw about y, then pitch (positive nods), then roll."""
    cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_x @ about_y)
