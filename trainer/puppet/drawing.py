"""Drawing in scene coordinates: anti-aliased shapes, soft curves, pictures laid over pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from trainer.puppet.motion import Array

Image = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]  # blue, green, red
FRACTION_BITS = 4  # OpenCV draws at sixteenths of a pixel


@dataclass(frozen=True, slots=True)
class Limb:
    """A tapered capsule from start to end in scene coordinates, with the radius at each."""

    start: Array
    end: Array
    radii: tuple[float, float]
    colour: Colour


LAYERS = np.array([(1.2, 0.0, 0.58), (0.0, 0.0, 0.92), (-0.3, -0.16, 1.06), (-0.6, -0.26, 1.2)])
"""How a limb is shaded: growth (pixels, or share of the radius when negative), shift to the light, tone."""
ARC = np.linspace(0.0, np.pi, 9)


@lru_cache(maxsize=1024)
def shade(colour: Colour, by: float) -> Colour:
    """Make a colour lighter (by > 1) or darker."""
    blue, green, red = (int(min(max(part * by, 0), 255)) for part in colour)
    return blue, green, red


class Pen:
    """Draws on an image in scene coordinates; zoom and shift map a scene point p to pixels p * zoom + shift."""

    def __init__(self, image: Image, zoom: float, shift: Array) -> None:
        self.image, self.zoom, self.shift = image, zoom, shift

    def pixels(self, points: Array) -> Array:
        """Map scene points (..., 2) to pixels."""
        return np.asarray(points)[..., :2] * self.zoom + self.shift

    def _fixed(self, points: Array) -> npt.NDArray[np.int32]:
        return np.rint((self.pixels(points) - 0.5) * (1 << FRACTION_BITS)).astype(np.int32)

    def polygon(self, points: Array, colour: Colour) -> None:
        """Fill a polygon of scene points (N, 2)."""
        cv2.fillPoly(self.image, [self._fixed(points)], colour, cv2.LINE_AA, FRACTION_BITS)

    def disc(self, centre: Array, radius: float, colour: Colour) -> None:
        """Fill a circle."""
        x, y = self._fixed(centre)
        size = round(radius * self.zoom * (1 << FRACTION_BITS))
        cv2.circle(self.image, (int(x), int(y)), size, colour, -1, cv2.LINE_AA, FRACTION_BITS)

    def line(self, points: Array, width: float, colour: Colour) -> None:
        """Draw an open line through scene points (N, 2)."""
        thick = max(1, round(width * self.zoom))
        cv2.polylines(self.image, [self._fixed(points)], False, colour, thick, cv2.LINE_AA, FRACTION_BITS)

    def limbs(self, limbs: Sequence[Limb]) -> None:
        """Fill tapered capsules one over the other, each with a dark edge and light from the upper left."""
        ends = np.array([(*limb.start, *limb.end) for limb in limbs]).reshape(-1, 1, 2, 2)  # (L, 1, end, xy)
        radii = np.array([limb.radii for limb in limbs])[:, None, :]  # (L, 1, end)
        grown = np.where(LAYERS[:, 0, None] > 0, radii + LAYERS[:, 0, None], radii * (1 + LAYERS[:, 0, None]))
        ends = ends + (radii * LAYERS[:, 1, None])[..., None]  # (L, layer, end, xy)
        along = ends[:, :, 1] - ends[:, :, 0]
        heading = np.arctan2(along[..., 1], along[..., 0])[..., None]  # (L, layer, 1)
        halves = []
        for end, arc in enumerate((ARC + np.pi / 2, ARC - np.pi / 2)):
            angle = heading + arc  # (L, layer, N)
            ring = np.stack([np.cos(angle), np.sin(angle)], axis=-1) * grown[:, :, end, None, None]
            halves.append(ends[:, :, end, None] + ring)
        outlines = self._fixed(np.concatenate(halves, axis=2))  # (L, layer, 2N, xy)
        for limb, layers in zip(limbs, outlines, strict=True):
            for tone, outline in zip(LAYERS[:, 2], layers, strict=True):
                cv2.fillConvexPoly(self.image, outline, shade(limb.colour, float(tone)), cv2.LINE_AA, FRACTION_BITS)


def smooth_curve(points: Array, steps: int = 6) -> Array:
    """Round a closed polygon (N, D) by a Catmull-Rom curve through its points, (N * steps, D)."""
    before, after, next_ = np.roll(points, 1, 0), np.roll(points, -1, 0), np.roll(points, -2, 0)
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    p0, p1, p2, p3 = (array[:, None, :] for array in (before, points, after, next_))
    curve = 0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3)
    return np.asarray(curve.reshape(-1, points.shape[1]))


def blend(image: Image, picture: Image, see_through: Image, corner: tuple[int, int]) -> None:
    """Lay a picture over an image, in place, cut at its borders.

    picture is (h, w, 3), already multiplied with its opacity; see_through (h, w, 3) is 255 where the image stays.
    """
    x, y = corner
    height, width = image.shape[:2]
    left, top, right, bottom = max(x, 0), max(y, 0), min(x + picture.shape[1], width), min(y + picture.shape[0], height)
    if left >= right or top >= bottom:
        return
    under = image[top:bottom, left:right]
    part = np.s_[top - y : bottom - y, left - x : right - x]
    kept = cv2.multiply(under, see_through[part], scale=1 / 255)
    cv2.add(kept, picture[part], dst=kept)
    under[:] = kept


def soft_mask(shape: tuple[int, int], points: Array, zoom: float, corner: Array) -> npt.NDArray[np.float32]:
    """Rasterise a polygon of scene points into (H, W) opacities 0..1."""
    mask = np.zeros(shape, np.uint8)
    fixed = np.rint(((points - corner) * zoom - 0.5) * (1 << FRACTION_BITS)).astype(np.int32)
    cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, FRACTION_BITS)
    return mask.astype(np.float32) / np.float32(255)
