"""A stream's clock: which epoch a frame belongs to, when it is due, how many there are a second. No clock in here."""

from collections import deque

REORDER_S = 1.0
"""A time stamp that goes back by less repeats or swaps frames; by more, the encoder started again."""

JUMP_S = 10.0
"""A time stamp that goes forward by more is another clock, not a gap."""

WAIT_S = 1.0
"""No frame is held back for longer, whatever its time stamp says."""

CATCH_UP = 1.05
"""Bursts are played so much faster than they were filmed, so that their delay melts away."""


class StreamClock:
    """Puts frames in epochs within which time_s rises.

    repeated counts frames left out because their time stamp did not rise, timeless those that had none.
    """

    def __init__(self) -> None:
        self.epoch, self.repeated, self.timeless = 0, 0, 0
        self._fresh = True  # no frame of this epoch has come yet
        self._last_s = 0.0
        self._size: tuple[int, ...] = ()
        self._packet_s: float | None = None
        self._back_s = 0.0

    def restart(self) -> None:
        """Begin another epoch with the next frame."""
        if not self._fresh:
            self.epoch, self._fresh = self.epoch + 1, True
        self._packet_s = None

    def resume(self, back_s: float) -> None:
        """Leave out what was there before: a playlist that is opened anew begins with pictures that have been played.

        Those may begin back_s before the latest frame at most; what begins earlier is another clock.
        """
        self._back_s = back_s

    def breaks(self, packet_s: float | None) -> bool:
        """Tell whether a packet, in decoding order, is of another clock than the one before."""
        last_s = self._packet_s
        if packet_s is not None:
            self._packet_s = packet_s
        return packet_s is not None and last_s is not None and not -REORDER_S < packet_s - last_s < JUMP_S

    def place(self, time_s: float | None, size: tuple[int, ...]) -> bool:
        """Take a frame in the order of display; False when it has to be left out."""
        if time_s is None:
            self.timeless += 1
            self.restart()
            return False
        step_s = time_s - self._last_s
        if size == self._size and -self._back_s < step_s <= 0 < self._back_s:
            self.repeated += 1
            return False
        self._back_s = 0.0
        if size != self._size or step_s <= -REORDER_S or step_s > JUMP_S:
            self.restart()
        elif step_s <= 0 and not self._fresh:
            self.repeated += 1
            return False
        self._fresh, self._last_s, self._size = False, time_s, size
        return True


class Pacer:
    """Tells when a frame is due, so that a burst (an HLS segment, the probed start of RTSP) is played evenly.

    A frame that is late is due at once and starts the count again; the delay it adds is never more than the longest
    burst, and melts at rate - 1.
    """

    def __init__(self, rate: float = CATCH_UP) -> None:
        self._rate = rate
        self._epoch = -1
        self._time_s = self._due_s = 0.0

    def due_s(self, epoch: int, time_s: float, now_s: float) -> float:
        """Give the moment, on now_s's clock, at which a frame is to be handed over."""
        due_s = self._due_s + (time_s - self._time_s) / self._rate
        if epoch != self._epoch or due_s < now_s or due_s > now_s + WAIT_S:
            due_s = now_s
        self._epoch, self._time_s, self._due_s = epoch, time_s, due_s
        return due_s


class FrameRate:
    """Frames per second by the stream's own clock, over the latest 50 frames of an epoch."""

    def __init__(self) -> None:
        self._epoch = -1
        self._times_s: deque[float] = deque(maxlen=50)

    def add(self, epoch: int, time_s: float) -> None:
        """Count a frame."""
        if epoch != self._epoch:
            self._times_s.clear()
        self._epoch = epoch
        self._times_s.append(time_s)

    @property
    def fps(self) -> float | None:
        """The rate, or None as long as fewer than 50 frames have come."""
        times_s = self._times_s
        if len(times_s) < 50:
            return None
        return (len(times_s) - 1) / (times_s[-1] - times_s[0])
