"""What waits to be sent to one client."""

from collections import deque

ALERTS_WAITING = 1_000
SCORES_WAITING = 64


class TooSlow(Exception):
    """A client does not take its alerts; it is told so with close code 4413 and may resume. Stays in the gateway."""


class SendQueue:
    """A bounded queue that knows what may be left out.

    Alerts come first, in order, and none is ever left out: when ALERTS_WAITING wait, the client is too slow. Scores
    are all kept until SCORES_WAITING wait, then only the newest of each channel. Of health and pictures a client
    gets the latest.
    """

    def __init__(self) -> None:
        self._alerts: deque[bytes] = deque()
        self._scores: deque[tuple[str, bytes]] = deque()
        self._latest: dict[tuple[str, str], bytes] = {}
        self.coalesced = 0

    def __len__(self) -> int:
        return len(self._alerts) + len(self._scores) + len(self._latest)

    def alert(self, text: bytes) -> None:
        """Add what must arrive.

        Raises:
            TooSlow: too much waits already.
        """
        if len(self._alerts) >= ALERTS_WAITING:
            raise TooSlow
        self._alerts.append(text)

    def score(self, channel: str, text: bytes) -> None:
        """Add a score; when many wait, older ones of the same channel go."""
        self._scores.append((channel, text))
        if len(self._scores) > SCORES_WAITING:
            newest = dict(self._scores)
            self.coalesced += len(self._scores) - len(newest)
            self._scores = deque(newest.items())

    def latest(self, kind: str, channel: str, text: bytes) -> None:
        """Add what replaces its forerunner."""
        self._latest[kind, channel] = text

    def take(self) -> bytes | None:
        """Give the next message, or None."""
        if self._alerts:
            return self._alerts.popleft()
        if self._scores:
            return self._scores.popleft()[1]
        if self._latest:
            return self._latest.pop(next(iter(self._latest)))
        return None
