"""The hand-over between the ingest threads and the loop."""

import threading
from collections import deque
from collections.abc import Sequence

from monitor.records import Frame

LATEST_S = 2.0
"""A waiting frame that is so much older than the newest of its channel is let go: never behind live. Whoever asks for
a longer queue gets it: at least capacity / 25 s."""


class Mailbox:
    """The only place that drops a frame, and it counts. One per worker, for all its channels.

    A channel with capacity frames waiting loses the one whose neighbours are closest in time, so that a pause of
    the loop thins the frames evenly instead of tearing a hole into the window. put() never blocks.
    """

    def __init__(self, channels: Sequence[str], *, capacity: int) -> None:
        self._capacity, self._latest_s = capacity, max(LATEST_S, capacity / 25)
        self._waiting: dict[str, deque[Frame]] = {channel: deque() for channel in channels}
        self._dropped = dict.fromkeys(channels, 0)
        self._taken: dict[str, Frame] = {}
        self._arrived = threading.Condition()
        self._closed = False

    def put(self, frame: Frame) -> None:
        """Leave a frame; after close() it is left out."""
        with self._arrived:
            if self._closed:
                return
            frames = self._waiting[frame.channel]
            frames.append(frame)
            while frames[0].epoch == frame.epoch and frame.time_s - frames[0].time_s > self._latest_s:
                frames.popleft()
                self._dropped[frame.channel] += 1
            if len(frames) > self._capacity:
                del frames[self._most_spared(frame.channel)]
                self._dropped[frame.channel] += 1
            self._arrived.notify()

    def take(self, timeout_s: float) -> list[Frame]:
        """Give the oldest waiting frame of each channel that has one; wait for the first, [] when none comes."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._closed or any(self._waiting.values()), timeout_s)
            frames = [waiting.popleft() for waiting in self._waiting.values() if waiting]
            self._taken.update((frame.channel, frame) for frame in frames)
            return frames

    def dropped(self, channel: str) -> int:
        """Count the frames that the channel lost since the start."""
        return self._dropped[channel]

    def waiting(self, channel: str) -> int:
        """Count the frames that wait."""
        return len(self._waiting[channel])

    def close(self) -> None:
        """Wake a waiting take(); what waits can still be taken."""
        with self._arrived:
            self._closed = True
            self._arrived.notify_all()

    def _most_spared(self, channel: str) -> int:
        """Find the frame, never the newest, whose loss leaves the smallest gap; of two alike the older."""
        frames = list(self._waiting[channel])
        before = [self._taken.get(channel, frames[0]), *frames[:-2]]
        return min(range(len(frames) - 1), key=lambda n: _gap_s(before[n], frames[n + 1]))


def _gap_s(before: Frame, after: Frame) -> float:
    """Give the time between two frames; across epochs there is none, and a loss there joins nothing."""
    return after.time_s - before.time_s if before.epoch == after.epoch else 0.0
