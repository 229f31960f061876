"""The puppet's head: a face on an ellipsoid that turns, nods and tilts."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np

from models import skeleton as sk
from trainer.puppet.drawing import Colour, Limb, Pen, shade, smooth_curve
from trainer.puppet.motion import HEAD_PIVOT, Array, Body
from trainer.puppet.people import Features, Palette

SKULL = np.array([30.0, 43.0, 37.0])  # half axes
SKULL_CENTRE = np.array([0.0, -31.0, 0.0])  # from the head's pivot


def on_skull(xy: list[tuple[float, float]], lift: float = 0.0) -> Array:
    """Put front-view points (N, 2) onto the head, (N, 3) from its pivot; lift is how far they stand out."""
    flat = np.array(xy)
    inside = 1.0 - (((flat - SKULL_CENTRE[:2]) / SKULL[:2]) ** 2).sum(axis=1)
    return np.column_stack([flat, SKULL[2] * np.sqrt(np.clip(inside, 0.0, None)) + lift])


def mirrored(right: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Close a half outline, given from the top down the right side, with its mirror image."""
    return [*right, *((-x, y) for x, y in reversed(right))]


@dataclass(frozen=True, slots=True)
class Part:
    """A patch (width None) or a line of the face: points (N, 3) from the pivot; a tone of skin or hair, or a colour."""

    points: Array
    of: Literal["skin", "hair"] | Colour
    tone: float = 1.0
    width: float | None = None

    def colour(self, palette: Palette) -> Colour:
        """Give the colour on a person."""
        return self.of if isinstance(self.of, tuple) else shade(getattr(palette, self.of), self.tone)


def _patch(points: Array, of: Literal["skin", "hair"] | Colour, tone: float = 1.0, steps: int = 6) -> Part:
    return Part(smooth_curve(points, steps), of, tone)


_ROUND = np.linspace(0, 2 * np.pi, 12, endpoint=False)
EYES_Y = -36.0
_HALF_FACE = [(6.0, -64.0), (19, -59), (25, -50), (28.5, -40), (28.5, -28), (26, -14), (20, -1), (10, 8)]
_HALF_BEARD = [(0.0, -14.0), (8, -14), (13, -9), (18, -15), (25, -29), (27.5, -27), (26, -13), (20, 0), (10, 10)]
LEFT_EYE = (
    _patch(on_skull([(4.5, -37), (8, -41.5), (17, -41), (20, -36), (16, -32), (8, -32)], 0.5), "skin", 0.8),
    _patch(on_skull([(7, -35.5), (11.5, -38.6), (17.5, -35.8), (12, -33.6)], 1.0), (232, 236, 240), steps=4),
    Part(on_skull([(12.1 + 2.3 * np.cos(a), -36.2 + 2.3 * np.sin(a)) for a in _ROUND], 1.2), (62, 50, 40)),
    Part(on_skull([(6.5, -35.6), (9, -38), (12, -39), (15, -38.2), (18, -35.8)], 1.2), "hair", 0.7, width=1.2),
    _patch(on_skull([(4.5, -43.5), (11, -46.8), (19, -43.5), (19, -42), (11, -44), (5, -41.5)], 1.5), "hair", 0.9, 4),
)
RIGHT_EYE = tuple(replace(part, points=part.points * [-1.0, 1.0, 1.0]) for part in LEFT_EYE)


def _shaped(xy: list[tuple[float, float]], face: Features) -> list[tuple[float, float]]:
    """Move front-view points below the eyes to where a face with this chin has them."""
    return [(x, y + max(y - EYES_Y, 0.0) * (face.chin - 1.0)) for x, y in xy]


def skin(face: Features) -> tuple[Part, ...]:
    """Draw the face's outline, its shadow and its light."""
    shadow = [(4.0, -60.0), (18, -57), (24, -44), (24, -24), (17, -6), (6, 3), (8, -20), (10, -40)]
    light = [(-2.0, -58.0), (-15, -55), (-20, -44), (-19, -28), (-12, -16), (-5, -26), (-3, -44)]
    return (
        _patch(on_skull(_shaped(mirrored(_HALF_FACE), face)), "skin"),
        _patch(on_skull(_shaped(shadow, face)), "skin", 0.9),
        _patch(on_skull(_shaped(light, face)), "skin", 1.07),
        _patch(on_skull([(-19, -58), (0, -63), (19, -58), (24, -50), (0, -58), (-24, -50)]), "skin", 0.86),
    )


def nose(face: Features) -> tuple[Part, ...]:
    """Draw the nose's shadow, light and nostrils."""
    shadow = [(2.0, -38.0, 35), (5, -27, 39), (7.0, -20.5, 37), (0, -17, 38), (1, -26, 42)]
    light = [(-2.0, -36, 36), (0.5, -28, 42), (2, -21, 43), (-3, -21, 41), (-2.5, -28, 39)]
    nostrils = [(-5.5, -18.5, 37), (-2.5, -17, 39), (0, -16.5, 40), (2.5, -17, 39), (5.5, -18.5, 37)]
    wide = np.array([face.nose, 1.0, 1.0])
    return (
        _patch(np.array(shadow) * wide, "skin", 0.8, 4),
        _patch(np.array(light) * wide, "skin", 1.13, 4),
        Part(np.array(nostrils) * wide, "skin", 0.55, width=1.3),
    )


def beard(face: Features) -> tuple[Part, ...]:
    """Draw a full beard with its moustache, if there is one."""
    if not face.beard:
        return ()
    return (_patch(on_skull(_shaped(mirrored(_HALF_BEARD), face), 1.2), "hair", 1.1),)


def mouth(openness: float, face: Features) -> tuple[Part, ...]:
    """Draw lips; openness 0..1."""
    low, more = 1.5 + 5.0 * openness, face.lips - 1.0
    lips = [(-10.0, -7.5), (-4, -9.5), (0, -8.8), (4, -9.5), (10, -7.5), (5, -5 + low), (-5, -5 + low)]
    outward = (0.0, -2.5, -2.5, -2.5, 0.0, 4.0, 4.0)  # the corners stay at their height
    lips = [(x * (1 + 0.5 * more), y + more * out) for (x, y), out in zip(lips, outward, strict=True)]
    gap = [(-8.0, -7.4), (0, -7.8), (8, -7.4), (4, -7 + 0.8 * low), (-4, -7 + 0.8 * low)]
    chin = [(-5.0, 1.5 + low), (0, 2.2 + low), (5, 1.5 + low)]
    return (
        _patch(on_skull(_shaped(lips, face), 2.0), (98, 104, 172), steps=4),
        _patch(on_skull(_shaped(gap, face), 2.0), (46, 40, 70), steps=4),
        Part(on_skull(_shaped(chin, face), 2.0), "hair" if face.beard else "skin", 0.75, width=1.0),
    )


@lru_cache(maxsize=64)
def _face(openness: int, face: Features) -> tuple[tuple[Part, ...], Array, list[int]]:
    """Give a face's parts, all their points laid end to end (N, 3), and where to cut them apart again."""
    parts = (*skin(face), *RIGHT_EYE, *LEFT_EYE, *nose(face), *beard(face), *mouth(openness / MOUTHS, face))
    sizes = [len(part.points) for part in parts]
    return parts, np.concatenate([part.points for part in parts]), list(np.cumsum(sizes)[:-1])


MOUTHS = 16
NECK_SHAPE = np.array([(-15.0, -16), (15, -16), (17, 14), (0, 26), (-17, 14)])
_CROWN = [(0.0, -79.0), (16, -76), (28, -64), (32.5, -48), (31.5, -34), (28, -24), (0, -18)]
HAIR = smooth_curve(np.array([*_CROWN, *((-x, y) for x, y in reversed(_CROWN[1:-1]))]))


def draw_head(pen: Pen, body: Body, palette: Palette, pivot: Array) -> None:
    """Draw neck, hair, ears and face; pivot is the skull's turning point in scene coordinates."""
    turn = body.turn
    pen.polygon(NECK_SHAPE + pivot, shade(palette.skin, 0.74))
    roll = turn[:2, 1] / max(float(np.linalg.norm(turn[:2, 1])), 1e-6)
    upright = np.array([[roll[1], roll[0]], [-roll[0], roll[1]]])
    pen.polygon(HAIR @ upright.T + pivot, palette.hair)
    around = pivot - body.throat - HEAD_PIVOT[:2]
    height, skin = np.array([0.0, 4.0]), shade(palette.skin, 0.9)
    ears = [body.keypoints[ear, :2] + around for ear in (sk.RIGHT_EAR, sk.LEFT_EAR) if body.keypoints[ear, 2] > 0]
    pen.limbs([Limb(ear - height, ear + height, (5.4, 4.2), skin) for ear in ears])
    parts, points, borders = _face(round(body.mouth * MOUTHS), palette.face)
    for part, shape in zip(parts, np.split((points @ turn.T)[:, :2] + pivot, borders), strict=True):
        if part.width is None:
            pen.polygon(shape, part.colour(palette))
        else:
            pen.line(shape, part.width, part.colour(palette))
