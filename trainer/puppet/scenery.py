"""Where the puppet speaks: curtain, flag, lectern and caption, and the pictures that a broadcast cuts away to."""

import cv2
import numpy as np

from trainer.puppet.drawing import Image, Limb, Pen, blend, shade, smooth_curve
from trainer.puppet.motion import Array

WOOD = (52, 84, 128)
GOLD = (84, 178, 222)
CAPTION = "RENDERED SPEAKER"
FINE = 2  # backgrounds are drawn larger, then shrunk


def _canvas(width: int, height: int, zoom: float, shift: Array) -> tuple[Image, Pen]:
    image = np.zeros((height * FINE, width * FINE, 3), np.uint8)
    return image, Pen(image, zoom * FINE, shift * FINE)


def _shrink(image: Image) -> Image:
    return np.asarray(
        cv2.resize(image, (image.shape[1] // FINE, image.shape[0] // FINE), interpolation=cv2.INTER_AREA), np.uint8
    )


def draw_hall(width: int, height: int, zoom: float, shift: Array) -> Image:
    """Draw what is behind the speaker: a lit blue curtain and a flag."""
    image, pen = _canvas(width, height, zoom, shift)
    columns = (np.arange(width * FINE) / FINE - shift[0]) / zoom
    rows = (np.arange(height * FINE) / FINE - shift[1]) / zoom
    folds = 1.0 + 0.16 * np.sin(columns / 9.5 + 1.3 * np.sin(columns / 61)) + 0.07 * np.sin(columns / 4.1 + 2)
    x, y = (columns[None, :] - 300) / 340, (rows[:, None] - 120) / 260
    light = np.clip(1.25 - 0.75 * (x**2 + y**2), 0.3, None) * folds[None, :]
    image[:] = np.clip(light[..., None] * np.array([98.0, 60, 32]), 0, 255)
    _draw_flag(pen)
    return _shrink(image)


def draw_studio(width: int, height: int, zoom: float, shift: Array) -> Image:
    """Draw what is behind the anchor: a green wall of panels and a screen with a wavy map."""
    image, pen = _canvas(width, height, zoom, shift)
    rows = (np.arange(height * FINE) / FINE - shift[1]) / zoom
    light = np.clip(1.1 - 0.0011 * np.abs(rows - 60), 0.6, None)
    image[:] = np.clip(light[:, None, None] * np.array([130.0, 150, 60]), 0, 255)
    for x in np.arange(-164.0, 900.0, 88.0):
        pen.line(np.array([(x, -200.0), (x, 600)]), 1.6, (98, 114, 44))
    pen.polygon(np.array([(28.0, 40), (196, 40), (196, 150), (28, 150)]), (74, 62, 54))
    pen.polygon(np.array([(34.0, 46), (190, 46), (190, 144), (34, 144)]), (132, 96, 40))
    for line in range(4):
        x = np.linspace(34.0, 190, 24)
        pen.line(np.column_stack([x, 62 + 20 * line + 7 * np.sin(x / 17 + line)]), 1.8, (206, 190, 150))
    pen.polygon(np.array([(470.0, 70), (660, 70), (660, 90), (470, 90)]), (96, 110, 196))
    pen.polygon(np.array([(470.0, 100), (660, 100), (660, 106), (470, 106)]), (190, 204, 150))
    return _shrink(image)


def _draw_flag(pen: Pen) -> None:
    pen.line(np.array([(520.0, 42), (520, 360)]), 4.5, shade(GOLD, 0.62))
    pen.line(np.array([(519.0, 42), (519, 360)]), 1.4, shade(GOLD, 1.1))
    pen.disc(np.array([520.0, 38]), 6.5, shade(GOLD, 0.8))
    pen.disc(np.array([518.0, 36]), 2.4, shade(GOLD, 1.3))
    bands = ((124, 112, 24), (232, 236, 236), (84, 168, 226))
    for fold in range(9):  # strips of hanging cloth, light and dark in turn
        left, right = 520.0 + fold * 8.6, 520.0 + (fold + 1) * 8.6
        tone = 0.78 + 0.26 * np.sin(fold * 1.9 + 0.4)
        sag = 10.0 * np.sin(fold * 1.2)
        for band, colour in enumerate(bands):
            top, low = 54 + band * 72 + fold * 5, 54 + (band + 1) * 72 + fold * 5
            strip = np.array([(left, top + sag * band / 3), (right + 0.6, top + 5 + sag * band / 3)])
            hem = np.array([(right + 0.6, low + 5 + sag * (band + 1) / 3), (left, low + sag * (band + 1) / 3)])
            pen.polygon(np.vstack([strip, hem]), shade(colour, tone))


def draw_lectern(width: int, height: int, zoom: float, shift: Array) -> tuple[Image, Image]:
    """Draw lectern, microphones and caption: picture and see-through of the whole frame, for blend()."""
    layers = []
    for ground in (0, 255):  # what differs between a black and a white ground can be seen through
        image, pen = _canvas(width, height, zoom, shift)
        image[:] = ground
        _draw_lectern(pen)
        _draw_caption(pen)
        layers.append(_shrink(image))
    return layers[0], np.asarray(cv2.subtract(layers[1], layers[0]), np.uint8)


def _draw_lectern(pen: Pen) -> None:
    for side in (-1.0, 1.0):
        stem = np.array(
            [(320 + side * 30, 268.0), (320 + side * 27, 246), (320 + side * 16, 226), (320 + side * 9, 218)]
        )
        pen.line(stem, 2.2, (34, 34, 36))
        start, end = np.array([320 + side * 9, 219.0]), np.array([320 + side * 4, 213.0])
        pen.limbs([Limb(start, end, (3.6, 3.9), (44, 44, 46))])
    front = np.array([(222.0, 276), (418, 276), (404, 372), (236, 372)])
    pen.polygon(front, shade(WOOD, 0.82))
    for grain in range(12):
        x = 230.0 + grain * 16 + 5 * np.sin(grain * 2.2)
        pen.line(np.array([(x, 280), (x + (320 - x) * 0.1, 372)]), 1.0, shade(WOOD, 0.72 + 0.2 * (grain % 2)))
    pen.polygon(np.array([(206.0, 264), (434, 264), (428, 281), (212, 281)]), shade(WOOD, 1.12))
    pen.polygon(np.array([(206.0, 264), (434, 264), (433, 268), (207, 268)]), shade(WOOD, 1.5))
    pen.polygon(np.array([(213.0, 279), (427, 279), (424, 284), (216, 284)]), shade(WOOD, 0.45))
    centre = np.array([320.0, 316.0])
    for radius, colour in ((25.0, shade(GOLD, 0.7)), (23.4, GOLD), (21.4, (84, 52, 30))):
        pen.disc(centre, radius, colour)
    for points in ([(-11, 10), (-7, -1), (0, -5), (7, -1), (13, -11)], [(0, -5), (0, 10)]):  # a waving figure
        pen.line(centre + np.array(points, float), 2.6, GOLD)
    pen.disc(centre - np.array([0.0, 11.0]), 3.8, GOLD)


def _draw_caption(pen: Pen) -> None:
    pen.polygon(np.array([(18.0, 324), (204, 324), (204, 346), (18, 346)]), (104, 66, 40))
    pen.polygon(np.array([(18.0, 324), (23, 324), (23, 346), (18, 346)]), (70, 60, 214))
    x, y = pen.pixels(np.array([31.0, 340.0]))
    cv2.putText(
        pen.image, CAPTION, (round(x), round(y)), cv2.FONT_HERSHEY_DUPLEX, 0.46 * pen.zoom, (246, 244, 240),
        max(1, round(0.55 * pen.zoom)), cv2.LINE_AA,
    )  # fmt: skip


def draw_audience(width: int, height: int, zoom: float, shift: Array) -> Image:
    """Draw the hall from behind the listeners; nobody in it is large enough to be followed."""
    image, pen = _canvas(width, height, zoom, shift)
    rows = np.linspace(0, 1, height * FINE)[:, None, None]
    image[:] = np.clip(np.array([52.0, 62, 84]) * (1.2 - 0.75 * rows), 0, 255)
    pen.polygon(np.array([(150.0, 40), (490, 40), (510, 150), (130, 150)]), (112, 76, 44))
    for light in range(5):
        pen.disc(np.array([180.0 + light * 70, 24]), 5.0, (206, 232, 246))
    pen.polygon(np.array([(308.0, 126), (332, 126), (330, 150), (310, 150)]), WOOD)
    rng = np.random.default_rng(7)
    for row in range(7):
        size, y = 7.0 + row * 4.2, 168.0 + row * row * 4.6 + row * 4
        for seat in np.arange(-40.0, 700.0, size * 3.4):
            x = seat + (row % 2) * size * 1.7 + rng.normal(0, size * 0.15)
            dark = shade((58, 48, 46), float(rng.uniform(0.5, 1.1)) * (1.1 - 0.09 * row))
            back = [(-1.6, 3.2), (-1.35, 1.3), (-0.5, 0.8), (0.5, 0.8), (1.35, 1.3), (1.6, 3.2)]
            pen.polygon(smooth_curve(np.array(back) * size + [x, y]), dark)
            pen.disc(np.array([x, y]), size * 0.8, shade(dark, 0.8))
    return _shrink(image)


def draw_title(width: int, height: int, zoom: float, shift: Array) -> Image:
    """Draw a graphic without anybody in it."""
    image, pen = _canvas(width, height, zoom, shift)
    columns = np.linspace(0, 1, width * FINE)[None, :, None]
    image[:] = np.clip(np.array([108.0, 70, 36]) * (0.6 + 0.8 * columns), 0, 255)
    for stripe in range(-2, 9):
        x = stripe * 90.0
        pen.polygon(np.array([(x, 360.0), (x + 34, 360), (x + 214, 0), (x + 180, 0)]), (126, 84, 46))
    pen.polygon(np.array([(80.0, 206), (560, 206), (560, 210), (80, 210)]), GOLD)
    for text, y, size in (("BODYWATCH", 190.0, 2.0), ("WE ARE BACK IN A MOMENT", 246.0, 0.8)):
        x_px, y_px = pen.pixels(np.array([80.0, y]))
        thick = max(1, round(size * pen.zoom))
        where = (round(x_px), round(y_px))
        cv2.putText(
            pen.image, text, where, cv2.FONT_HERSHEY_DUPLEX, size * pen.zoom, (246, 244, 240), thick, cv2.LINE_AA
        )
    return _shrink(image)


class Lectern:
    """The lectern with microphones and caption, cut out of its frame so that laying it over costs little."""

    def __init__(self, width: int, height: int, zoom: float, shift: Array) -> None:
        picture, see_through = draw_lectern(width, height, zoom, shift)
        rows, columns = np.nonzero(see_through.min(axis=2) < 255)
        top, left = int(rows.min(initial=height - 1)), int(columns.min(initial=width - 1))
        part = np.s_[top : int(rows.max(initial=top)) + 1, left : int(columns.max(initial=left)) + 1]
        self._corner = (left, top)
        self._picture, self._see_through = picture[part].copy(), see_through[part].copy()

    def draw(self, image: Image) -> None:
        """Lay the lectern over the image, in place."""
        blend(image, self._picture, self._see_through, self._corner)
