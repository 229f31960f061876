"""A picture of an incident: a row of its key frames with the skeleton drawn over them."""

from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

from models.skeleton import UPPER_BODY, UPPER_LIMBS
from monitor.stream.decoder import Decoder

PICTURES = 8
HEIGHT_PX = 270
NEAR_S = 0.1
"""A skeleton further away in time is not drawn."""

LIMB_BGR, KEYPOINT_BGR = (80, 200, 255), (255, 255, 255)


def filmstrip(
    clip: Path, offset_s: float, times_s: npt.NDArray[np.float64], keypoints: npt.NDArray[np.float32]
) -> npt.NDArray[np.uint8] | None:
    """Draw up to 8 key frames of a clip in two rows; (H, W, 3) uint8 BGR, None when it has none.

    times_s (T,) and keypoints (T, 18, 3) are the pose track on the stream's clock, which is the clip's plus offset_s.
    Costs the decoding of the key frames only.
    """
    pictures = _key_pictures(clip)
    if not pictures:
        return None
    chosen = [pictures[round(n)] for n in np.linspace(0, len(pictures) - 1, min(PICTURES, len(pictures)))]
    drawn = [_drawn(small, (time_s or 0.0) + offset_s, times_s, keypoints * scale) for time_s, small, scale in chosen]
    width = drawn[0].shape[1]
    across = -(-len(drawn) // 2) if len(drawn) > 2 else len(drawn)
    blank = np.zeros((HEIGHT_PX, width, 3), np.uint8)
    rows = [drawn[n : n + across] for n in range(0, len(drawn), across)]
    rows[-1] += [blank] * (across - len(rows[-1]))
    return np.vstack([np.hstack(row) for row in rows])


def _key_pictures(clip: Path) -> list[tuple[float | None, npt.NDArray[np.uint8], float]]:
    """Give time, small picture and its scale of key frames; whole pictures would be 6 MB each at 1920x1080."""
    with av.open(str(clip)) as source:
        video = source.streams.video[0]
        decoder = Decoder(video)
        packets = [packet for packet in source.demux(video) if packet.is_keyframe and packet.size]
        step = max(1, len(packets) // PICTURES)
        pictures = (picture for packet in [*packets[::step], None] for picture in decoder.decode(packet))
        return [(picture.time_s, *_small(picture.image())) for picture in pictures]


def _small(image: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], float]:
    scale = HEIGHT_PX / image.shape[0]
    size = round(image.shape[1] * scale), HEIGHT_PX
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8), scale


def _drawn(
    image: npt.NDArray[np.uint8], time_s: float, times_s: npt.NDArray[np.float64], keypoints: npt.NDArray[np.float32]
) -> npt.NDArray[np.uint8]:
    if len(times_s):
        nearest = int(np.argmin(np.abs(times_s - time_s)))
        if abs(times_s[nearest] - time_s) <= NEAR_S:
            _draw_skeleton(image, keypoints[nearest])
    text = f"{time_s:.2f} s"
    cv2.putText(image, text, (6, HEIGHT_PX - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 3, cv2.LINE_AA)
    cv2.putText(image, text, (6, HEIGHT_PX - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
    return image


def _draw_skeleton(image: npt.NDArray[np.uint8], keypoints: npt.NDArray[np.float32]) -> None:
    places = [(round(float(x)), round(float(y))) for x, y, _ in keypoints]
    for begin, end in UPPER_LIMBS:
        if keypoints[begin, 2] > 0 and keypoints[end, 2] > 0:
            cv2.line(image, places[begin], places[end], LIMB_BGR, 2, cv2.LINE_AA)
    for keypoint in UPPER_BODY:
        if keypoints[keypoint, 2] > 0:
            cv2.circle(image, places[keypoint], 3, KEYPOINT_BGR, -1, cv2.LINE_AA)
