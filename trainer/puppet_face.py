"""The puppet's head: a face on an ellipsoid that turns, nods and tilts."""

from collections.abc import Callable

import numpy as np

from models import skeleton as sk
from trainer.puppet_draw import Limb, Palette, Pen, shade, smooth_curve
from trainer.puppet_motion import HEAD_PIVOT, Array, Body

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


HALF_FACE = [(6, -64), (19, -59), (25, -50), (28.5, -40), (28.5, -28), (26, -14), (20, -1), (10, 8)]
FACE_EDGE = smooth_curve(on_skull(mirrored([(float(x), float(y)) for x, y in HALF_FACE])))
CHEEK = smooth_curve(on_skull([(4, -60), (18, -57), (24, -44), (24, -24), (17, -6), (6, 3), (8, -20), (10, -40)]))
LIT = smooth_curve(on_skull([(-2, -58), (-15, -55), (-20, -44), (-19, -28), (-12, -16), (-5, -26), (-3, -44)]))
FOREHEAD_SHADOW = smooth_curve(on_skull([(-19, -58), (0, -63), (19, -58), (24, -50), (0, -58), (-24, -50)]))
SOCKET = smooth_curve(on_skull([(4.5, -37), (8, -41.5), (17, -41), (20, -36), (16, -32), (8, -32)], 0.5))
EYE = smooth_curve(on_skull([(7, -35.5), (11.5, -38.6), (17.5, -35.8), (12, -33.6)], 1.0), 4)
IRIS = on_skull([(12.1, -36.2)], 1.2)
LID = on_skull([(6.5, -35.6), (9, -38), (12, -39), (15, -38.2), (18, -35.8)], 1.2)
BROW = smooth_curve(on_skull([(4.5, -43.5), (11, -46.8), (19, -43.5), (19, -42), (11, -44), (5, -41.5)], 1.5), 4)
NOSE_SHADE = smooth_curve(np.array([(2.0, -38.0, 35), (5, -27, 39), (7.0, -20.5, 37), (0, -17, 38), (1, -26, 42)]), 4)
NOSE_LIGHT = smooth_curve(
    np.array([(-2.0, -36.0, 36), (0.5, -28, 42), (2.0, -21, 43), (-3, -21, 41), (-2.5, -28, 39)]), 4
)
NOSTRILS = np.array([(-5.5, -18.5, 37), (-2.5, -17, 39), (0.0, -16.5, 40), (2.5, -17, 39), (5.5, -18.5, 37)])
NECK_SHAPE = np.array([(-15.0, -16), (15, -16), (17, 14), (0, 26), (-17, 14)])
_CROWN = [(0.0, -79.0), (16, -76), (28, -64), (32.5, -48), (31.5, -34), (28, -24), (0, -18)]
HAIR = smooth_curve(np.array([*_CROWN, *((-x, y) for x, y in reversed(_CROWN[1:-1]))]))


def draw_head(pen: Pen, body: Body, palette: Palette, pivot: Array) -> None:
    """Draw neck, hair, ears and face; pivot is the skull's turning point in scene coordinates."""
    turn = body.turn

    def project(points: Array) -> Array:
        return np.asarray((points @ turn.T)[:, :2] + pivot)

    pen.polygon(NECK_SHAPE + pivot, shade(palette.skin, 0.74))
    roll = turn[:2, 1] / max(float(np.linalg.norm(turn[:2, 1])), 1e-6)
    upright = np.array([[roll[1], roll[0]], [-roll[0], roll[1]]])
    pen.polygon(HAIR @ upright.T + pivot, palette.hair)
    around = pivot - body.throat - HEAD_PIVOT[:2]
    height, skin = np.array([0.0, 4.0]), shade(palette.skin, 0.9)
    ears = [body.keypoints[ear, :2] + around for ear in (sk.RIGHT_EAR, sk.LEFT_EAR) if body.keypoints[ear, 2] > 0]
    pen.limbs([Limb(ear - height, ear + height, (5.4, 4.2), skin) for ear in ears])
    pen.polygon(project(FACE_EDGE), palette.skin)
    pen.polygon(project(CHEEK), shade(palette.skin, 0.9))
    pen.polygon(project(LIT), shade(palette.skin, 1.07))
    pen.polygon(project(FOREHEAD_SHADOW), shade(palette.skin, 0.86))
    _draw_features(pen, project, palette, body.mouth)


def _draw_features(pen: Pen, project: Callable[[Array], Array], palette: Palette, mouth: float) -> None:
    for side in (-1.0, 1.0):
        mirror = np.array([side, 1.0, 1.0])
        pen.polygon(project(SOCKET * mirror), shade(palette.skin, 0.8))
        pen.polygon(project(EYE * mirror), (232, 236, 240))
        pen.disc(project(IRIS * mirror)[0], 2.3, (62, 50, 40))
        pen.line(project(LID * mirror), 1.2, shade(palette.hair, 0.7))
        pen.polygon(project(BROW * mirror), shade(palette.hair, 0.9))
    pen.polygon(project(NOSE_SHADE), shade(palette.skin, 0.8))
    pen.polygon(project(NOSE_LIGHT), shade(palette.skin, 1.13))
    pen.line(project(NOSTRILS), 1.3, shade(palette.skin, 0.55))
    low = 1.5 + 5.0 * mouth
    lips = on_skull([(-10, -7.5), (-4, -9.5), (0, -8.8), (4, -9.5), (10, -7.5), (5, -5 + low), (-5, -5 + low)], 2.0)
    pen.polygon(project(smooth_curve(lips, 4)), (98, 104, 172))
    gap = on_skull([(-8, -7.4), (0, -7.8), (8, -7.4), (4, -7 + 0.8 * low), (-4, -7 + 0.8 * low)], 2.0)
    pen.polygon(project(smooth_curve(gap, 4)), (46, 40, 70))
    pen.line(project(on_skull([(-5, 1.5 + low), (0, 2.2 + low), (5, 1.5 + low)], 2.0)), 1.0, shade(palette.skin, 0.75))
