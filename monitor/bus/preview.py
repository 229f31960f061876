"""Small pictures with keypoints for whoever looks at the page; nothing is encoded while nobody does."""

import cv2
import numpy as np

from monitor.bus.publisher import Publisher
from monitor.records import PosedFrame

WIDTH_PX = 480
EVERY_S = 0.1
JPEG_QUALITY = 70


class Preview:
    """Sends each channel at most 10 pictures a second."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._sent_s: dict[str, float] = {}

    def offer(self, seen: PosedFrame, now_s: float) -> None:
        """Send this frame if somebody looks and the last one is old enough; now_s is Unix time."""
        name, image = seen.frame.channel, seen.frame.image
        if now_s - self._sent_s.get(name, 0.0) < EVERY_S or not self._publisher.preview_wanted(name):
            return
        self._sent_s[name] = now_s
        scale = min(WIDTH_PX / image.shape[1], 1.0)
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else image
        _, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        pose = seen.sighting.pose
        keypoints = (
            np.zeros((18, 3), np.float32) if pose is None else pose.keypoints * np.array([scale, scale, 1], np.float32)
        )
        self._publisher.preview(name, seen.frame.time_s, jpeg.tobytes(), keypoints)
