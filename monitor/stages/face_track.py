"""Whose face a shot shows: looks at it in; an enrolled person, somebody else or unseen out."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from models.face.align import Unseen
from models.face.references import FaceReferences
from monitor.records import Who

Vector = npt.NDArray[np.float32]

BAND = 0.13
"""How far over a person's limit a shot's mean is somebody else's, as a share of it; between the two, what was said
stays. Of 0.48, 0.06."""

SHOT_LOOKS = 8
"""Looks that a decision needs: the references' limit is for means of eight; one look lies 0.05 to 0.1 further away."""

EARLY_LOOKS = 5
"""So many looks do where they lie twice as far over the limit as somebody else's have to: an anchor after a cut is told
of in a second. Nobody becomes the person so early."""

MOST_LOOKS = 16
"""A shot whose mean still lies between the limits after so many looks is looked at no more than any other."""

SPLIT = 0.98
"""As a share of the limit: 0.47 of 0.48. The first eight looks of one face fall into two groups whose means lie 0.39
apart at most (median 0.25, 87 clips); of two faces mixed, 0.53 and more (300 mixtures, all but 5 %; median 0.80)."""

ODD_LOOKS = 4
MOVED = 0.87
"""As a share of the limit: 0.42 of 0.48. A look so far from the mean of its shot is odd: it is not taken into the mean
and followed by more at once. Four odd ones whose own mean is so far show another face: four of one speaker in a row lie
0.16 from the first eight (0.35 at most), of two people 0.49 and more in 95 of 100 pairs (87 clips)."""

BACK_LOOKS = 2

SOON_S = 0.1
START_S = 0.25
"""Eight looks over 1.75 s lie 0.13 to 0.15 from the rest of a speech, and over 0.7 s, of one posture, 0.17 to 0.24."""

STEADY_S = 1.0

HOLD_S = 5.0
"""What was said holds for so long without a face: as long as a window, so no window is without any look."""


class FaceTrack:
    """Averages over a shot whose face the speaker's is.

    There is no clock in here: times are the stream's, in seconds, and rise from begin() on. The first looks of a shot
    come four a second until it is clear whose face it is, then one a second; a look that is far from the others brings
    more at once, so that a replacement without a cut is noticed within 1.5 s: then the shot starts anew with the odd
    looks. They count by number, however far apart, and do not renew HOLD_S: who shows the face for a moment now and
    then, and is turned away between, is no less another. A face that was seen too little, or whose mean lies between
    the limits from the start, is unseen: not judged, for a reason.
    """

    def __init__(self, people: Mapping[str, FaceReferences]) -> None:
        """people has the references of one person or more, all of one network."""
        self._people = people
        self.who: Who = "unseen"
        self.why = "it was not looked at yet"
        """Why the face is unseen, in words that follow "the face is not judged: "; empty when it isn't unseen."""
        self.faces = 0
        """How often a face took another's place without a cut."""
        self.odd = False
        """The latest look was far from the shot's mean, and it is not known yet what that means."""
        self._person = ""
        self._next_s = self._seen_s = -np.inf
        self._sum = np.zeros(next(iter(people.values())).means.shape[1])  # float64, of the shot's vectors
        self._looks = 0  # vectors in it
        self._first: list[Vector] = []  # the looks that the face becomes known by, at most SHOT_LOOKS
        self._odd: list[Vector] = []  # the odd looks since the last one that was not
        self._before: npt.NDArray[np.float64] | None = None  # mean of the face whose place another took in this shot
        self._back = 0  # looks in a row that were like that one again

    def nearest(self) -> tuple[str, float, float] | None:
        """Give whom the claim is about, the distance of the shot's mean from their references, and their limit.

        That is the person whose face was seen, as long as nothing else is; otherwise whose references lie nearest.
        """
        if not self._looks:
            return None
        return self._of(self._person) if self.who == "person" else self._nearest()

    def _nearest(self) -> tuple[str, float, float]:
        return min(map(self._of, self._people), key=lambda one: one[1] / one[2])

    def _of(self, person: str) -> tuple[str, float, float]:
        known = self._people[person]
        mean = (self._sum / self._looks).astype(np.float32)
        return person, known.distance(mean), known.limit_for(mean)

    def begin(self, time_s: float) -> None:
        """Start anew: another shot, another epoch, or somebody else who is followed."""
        self.who, self.why, self.odd = "unseen", "it was not looked at yet", False
        self._next_s = self._seen_s = time_s
        self._forget()

    def wants(self, time_s: float) -> bool:
        """Tell whether a look at the face of this time's frame is due."""
        return time_s >= self._next_s - 1e-6

    def glance(self, time_s: float, found: Vector | Unseen) -> None:
        """See whether a face between two looks is still the shot's; if it isn't, more looks come at once."""
        if not isinstance(found, Unseen) and self._far(found):
            self.odd, self._next_s = True, time_s

    def look(self, time_s: float, found: Vector | Unseen) -> Who:
        """Take one look, a vector (128,) or why there is none, and tell whose face this shot shows."""
        if isinstance(found, Unseen):
            self._missed(time_s, found)
            return self.who
        if self._is_back(found):
            self._take_back()
        elif self._far(found):
            self._look_oddly(time_s, found)
        else:
            self._take(time_s, [found])
        self._judge()
        if self._looks > MOST_LOOKS:  # a face that changes slowly must not hide behind an hour of looks
            self._sum, self._looks = self._sum * (MOST_LOOKS / self._looks), MOST_LOOKS
        unsure = self._looks < SHOT_LOOKS or (self.who == "unseen" and self._looks < MOST_LOOKS)
        self._next_s = time_s + (SOON_S if self.odd else START_S if unsure else STEADY_S)
        return self.who

    def _take(self, time_s: float, found: Sequence[Vector]) -> None:
        """Take looks of the shot's face into its mean."""
        self._seen_s, self.odd, self._odd = time_s, False, []
        self._sum, self._looks = self._sum + np.sum(found, axis=0, dtype=np.float64), self._looks + len(found)
        if len(self._first) < SHOT_LOOKS:
            self._first += found
            if len(self._first) >= SHOT_LOOKS and widest_split(self._first) > SPLIT * self._limit():
                self._begin_again()

    def _look_oddly(self, time_s: float, found: Vector) -> None:
        """Put by a look that may be another face's, until so many tell."""
        self._odd, self.odd = [*self._odd, found], True
        if len(self._odd) < ODD_LOOKS:
            return
        if self._far(np.mean(self._odd, axis=0)):
            self._take_over(time_s)
        else:
            self._take(time_s, self._odd)

    def _begin_again(self) -> None:
        """Leave behind looks that are of more than one face; what was begun under them is of more than one body."""
        self.who, self.faces = "unseen", self.faces + 1
        self._forget()
        self.why = "it is not one face"

    def _is_back(self, found: Vector) -> bool:
        """Tell whether two looks in a row show the face from before again: a hand was before it, or it was turned."""
        alike = self._before is not None and float(np.linalg.norm(self._before - found)) <= MOVED * self._limit()
        self._back = self._back + 1 if alike else 0
        return self._back >= BACK_LOOKS

    def _take_back(self) -> None:
        """Go on with the face from before, as if it had been looked at SHOT_LOOKS times."""
        assert self._before is not None
        self._sum, self._looks, self._odd = self._before * SHOT_LOOKS, SHOT_LOOKS, []
        self._first = [self._before.astype(np.float32)] * SHOT_LOOKS
        self._before, self._back, self.odd = None, 0, False
        self.who = "unseen"
        self.faces += 1

    def _take_over(self, time_s: float) -> None:
        """Go on with another face's looks alone."""
        self._before, self._back = self._sum / self._looks, 0
        self._sum, self._looks = np.sum(self._odd, axis=0, dtype=np.float64), len(self._odd)
        self._first, self._odd, self._seen_s = self._odd, [], time_s
        self.who, self.odd = "unseen", False
        self.faces += 1
        _, distance, limit = self._nearest()
        if distance > (1 + BAND) * limit:
            self.who = "somebody_else"

    def _missed(self, time_s: float, found: Unseen) -> None:
        """A face that isn't seen costs nothing to look for, so the next look is soon."""
        self._next_s = time_s + SOON_S
        if time_s - self._seen_s > HOLD_S:
            self.faces += self._looks > 0  # who turns round may be somebody else: no window of both
            self.who, self.odd = "unseen", False
            self._forget()
        if self.who == "unseen":
            self.why = found.why

    def _judge(self) -> None:
        """Bring who and why up to date with the shot's mean."""
        if not self._looks:
            return
        enough = self._looks >= SHOT_LOOKS
        person, distance, limit = self._nearest()
        if enough and distance <= limit:
            if self.who == "person" and person != self._person:
                self.faces += 1  # somebody else of the enrolled took the place
            self.who, self._person = "person", person
        elif self._clearly_another(enough):
            self.who = "somebody_else"
        unsure = "it is neither clearly the person's nor clearly another's" if enough else "it was seen too little"
        self.why = unsure if self.who == "unseen" else ""

    def _clearly_another(self, enough: bool) -> bool:
        """Tell whether the shot's mean is too far from whom it was, and from everybody else whom the channel knows."""
        _, distance, limit = self._of(self._person) if self.who == "person" else self._nearest()
        if enough and distance > (1 + BAND) * limit:
            return True
        return self._looks >= EARLY_LOOKS and distance > (1 + 2 * BAND) * limit

    def _far(self, mean: npt.NDArray[np.floating]) -> bool:
        """Tell whether a vector is far from the mean of this shot's looks, which have to be enough to tell."""
        if self._looks < SHOT_LOOKS:
            return False
        return float(np.linalg.norm(self._sum / self._looks - mean)) > MOVED * self._limit()

    def _limit(self) -> float:
        """Give the limit of whom the claim is about: another person's looser one must not let strangers pass here.

        In a crowd as well as elsewhere: looks of one face are no nearer to each other there.
        """
        known = self.nearest()
        return min(one.limit for one in self._people.values()) if known is None else self._people[known[0]].limit

    def _forget(self) -> None:
        self._sum, self._looks, self._odd = np.zeros_like(self._sum), 0, []
        self._first, self._before, self._back = [], None, 0


def widest_split(looks: Sequence[Vector]) -> float:
    """Give the largest distance between the means of two groups, of two or more, that N looks (128,) can fall into."""
    vectors = np.stack(looks).astype(np.float64)  # (N, 128)
    numbers = np.arange(2 ** (len(vectors) - 1))
    one = (numbers[:, None] >> np.arange(len(vectors))) & 1  # (2 ** (N - 1), N); the last look is always in the other
    one = one[(one.sum(axis=1) >= 2) & (one.sum(axis=1) <= len(vectors) - 2)].astype(np.float64)
    means = one @ vectors / one.sum(axis=1, keepdims=True)
    others = (1 - one) @ vectors / (1 - one).sum(axis=1, keepdims=True)
    return float(np.linalg.norm(means - others, axis=1).max())
