"""The puppet's body: a jacket that moves with the shoulders, arms and hands."""

import cv2
import numpy as np

from models import skeleton as sk
from trainer.puppet.drawing import Image, Limb, Pen, blend, shade, smooth_curve, soft_mask
from trainer.puppet.face import draw_head
from trainer.puppet.motion import HEAD_PIVOT, NECK, SHOULDERS_BELOW_PX, SHOULDERS_PX, Array, Body
from trainer.puppet.people import Palette

JACKET_CORNER = NECK[:2] - [90.0, 30.0]  # of the jacket's picture, scene coordinates
JACKET_SIZE = (180.0, 240.0)
_HALF = [(12.0, -13.0), (30, -6), (52, 0), (66, 10), (72, 30), (68, 70), (62, 110), (66, 205)]
OUTLINE = smooth_curve(np.array([*_HALF, *((-x, y) for x, y in reversed(_HALF))]))
SHIRT = np.array([(-15.0, -14), (15, -14), (13, 8), (0, 84), (-13, 8)])
TIE = np.array([(-4.5, 6.0), (4.5, 6), (4, 12), (8, 64), (0, 80), (-8, 64), (-4, 12)])
LAPEL = np.array([(13.0, -13), (26, 2), (28, 22), (20, 28), (24, 36), (1, 92), (3, 72), (14, 16)])
COLLAR = np.array([(2.0, 8.0), (13, -14), (17, -8), (13, 14)])


class PersonDrawing:
    """Draws one puppet; the jacket is drawn once and then moved with the shoulders."""

    def __init__(self, palette: Palette, zoom: float) -> None:
        self.palette = palette
        self._jacket = jacket(palette, zoom)

    def draw_behind_lectern(self, pen: Pen, body: Body, offset: Array) -> None:
        """Draw torso, neck and head."""
        points = body.keypoints[:, :2] + offset
        self._place_jacket(pen, points)
        draw_head(pen, body, self.palette, body.throat + offset + HEAD_PIVOT[:2])

    def draw_arms(self, pen: Pen, body: Body, offset: Array) -> None:
        """Draw both arms and hands, in front of everything."""
        points = body.keypoints[:, :2] + offset
        limbs: list[Limb] = []
        for first, sign in ((sk.RIGHT_SHOULDER, -1.0), (sk.LEFT_SHOULDER, 1.0)):
            shoulder, elbow, wrist = points[first : first + 3]
            along = (wrist - elbow) / max(float(np.linalg.norm(wrist - elbow)), 1e-6)
            limbs.append(Limb(shoulder, elbow, (17.0, 13.5), self.palette.suit))
            limbs += self._hand(wrist, along, sign)
            limbs.append(Limb(wrist - along * 6, wrist - along * 1, (9.8, 9.4), self.palette.shirt))
            limbs.append(Limb(elbow, wrist - along * 9, (13.5, 11.0), self.palette.suit))
        pen.limbs(limbs)

    def _hand(self, wrist: Array, along: Array, sign: float) -> list[Limb]:
        skin = self.palette.skin
        across = np.array([-along[1], along[0]])
        inward = across if across[0] * sign < 0 else -across
        fingers = [
            Limb(
                wrist + 12 * along + 14 * spread * inward,
                wrist + length * along + length * spread * inward,
                (3.9, 3.1),
                skin,
            )
            for spread, length in ((-0.42, 25.0), (-0.16, 30.0), (0.1, 31.0), (0.36, 29.0))
        ]
        palm = Limb(wrist + 3 * along, wrist + 12 * along, (8.0, 8.6), skin)
        thumb = Limb(wrist + 6 * along + 5 * inward, wrist + 15 * along + 15 * inward, (4.2, 3.4), skin)
        return [*fingers, palm, thumb]

    def _place_jacket(self, pen: Pen, points: Array) -> None:
        """Move the jacket's picture so that its shoulders lie on the puppet's."""
        right, left = points[sk.RIGHT_SHOULDER], points[sk.LEFT_SHOULDER]
        ratio = float((left - right)[0]) / SHOULDERS_PX
        shear = float((left - right)[1]) / SHOULDERS_PX
        middle = pen.pixels((right + left) / 2 - [0.0, SHOULDERS_BELOW_PX])
        anchor = (NECK[:2] - JACKET_CORNER) * pen.zoom
        height, width = self._jacket.shape[:2]
        corner = np.floor(middle - anchor).astype(int)
        into = np.array([[ratio, 0.0, 0.0], [shear, 1.0, 0.0]])
        into[:, 2] = middle - corner - into[:, :2] @ anchor
        moved = cv2.warpAffine(self._jacket, into, (width, height), borderValue=(0, 0, 0, 255))
        see_through = np.asarray(cv2.cvtColor(cv2.extractChannel(moved, 3), cv2.COLOR_GRAY2BGR), np.uint8)
        colours = np.asarray(cv2.cvtColor(moved, cv2.COLOR_BGRA2BGR), np.uint8)
        blend(pen.image, colours, see_through, (int(corner[0]), int(corner[1])))


def jacket(palette: Palette, zoom: float) -> Image:
    """Draw jacket, shirt and tie in soft light: (h, w, 4), colours and see-through for blend()."""
    fine = 3.0  # drawn larger, then shrunk
    size = (round(JACKET_SIZE[0] * zoom), round(JACKET_SIZE[1] * zoom))
    shape = (round(JACKET_SIZE[1] * zoom * fine), round(JACKET_SIZE[0] * zoom * fine))
    corner = JACKET_CORNER - NECK[:2]
    picture = np.zeros((*shape, 3), np.uint8)
    picture[:] = palette.suit
    pen = Pen(picture, zoom * fine, -corner * zoom * fine)
    pen.polygon(SHIRT, palette.shirt)
    pen.polygon(TIE, palette.tie)
    pen.polygon(TIE[[0, 1, 2, 6]], shade(palette.tie, 0.8))
    for side in (1.0, -1.0):
        pen.polygon(COLLAR * [side, 1.0], shade(palette.shirt, 0.94))
        pen.line(COLLAR[[0, 3]] * [side, 1.0], 0.8, shade(palette.shirt, 0.7))
        pen.polygon(LAPEL * [side, 1.0], shade(palette.suit, 1.22))
        pen.line(LAPEL[[0, 1, 2, 3, 4, 5]] * [side, 1.0], 0.8, shade(palette.suit, 0.55))
    pen.line(np.array([(1.0, 92.0), (3, 205)]), 0.8, shade(palette.suit, 0.55))
    for y in (104.0, 128.0):
        pen.disc(np.array([-3.0, y]), 2.0, shade(palette.suit, 0.5))
    pen.polygon(np.array([(30.0, 40), (44, 37), (44, 41), (30, 44)]), palette.shirt)  # a handkerchief
    solid = soft_mask(shape, OUTLINE, zoom * fine, corner)
    across, down = np.meshgrid(np.linspace(-1, 1, shape[1]), np.linspace(0, 1, shape[0]))
    edge = cv2.GaussianBlur(solid, (0, 0), 9 * zoom * fine)
    light = (0.62 + 0.5 * edge - 0.16 * across - 0.18 * down).astype(np.float32)
    lit = np.clip(picture * light[..., None], 0, 255) * solid[..., None]
    small = cv2.resize(lit, size, interpolation=cv2.INTER_AREA)
    opaque = cv2.resize(solid, size, interpolation=cv2.INTER_AREA)
    return np.dstack([np.rint(small), np.rint(255 * (1 - opaque))]).astype(np.uint8)
