"""Whose face the followed speaker has: the face says who it claims to be, the body is asked whether that is true."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from models.face.align import DLIB, Unseen, align
from models.face.references import FaceReferences
from monitor.records import Claim, Frame, Sighting
from monitor.stages.face_track import FaceTrack
from monitor.stages.resample import MAX_GAP_S

AHEAD_S = 0.5
"""A look that comes so soon is taken with the one for a window that is due now: two a second in place of three."""


class FaceNetwork(Protocol):
    """What the stage needs of the face network (models/face/embed.py)."""

    def vectors(self, chips: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.float32]:
        """Give (B, 128) for faces cut out by models.face.align."""


class Identity:
    """Looks at the face of whoever is followed, as often as its track asks for, and whenever a window is due.

    At a window's last frame the face is looked at: what was replaced since the look before is seen then, and a face
    that is suddenly unlike the one before is unseen until it is known whose it is. Whoever was the person stays so for
    HOLD_S (face_track.py) without a face that can be seen, and no longer. A shot, an epoch, another followed person or
    a pause over MAX_GAP_S (resample.py) starts anew. Vectors live here for the length of a shot, nowhere else.
    """

    def __init__(
        self,
        people: Mapping[str, FaceReferences] | None = None,
        network: FaceNetwork | None = None,
        *,
        required: bool = True,
    ) -> None:
        """people has the references of whom this channel knows by face; none: nobody is asked for.

        required False accepts an unseen face, of the one person there is; whose face is seen to be somebody else's is
        not judged all the same.
        """
        assert network is not None or not people
        placings = {known.placing for known in (people or {}).values()}
        assert len(placings) <= 1  # person_models.identity_of tells the operator
        self._placing = next(iter(placings), DLIB)
        self._network = network
        self._track = FaceTrack(people) if people else None
        self._required = required or (people is not None and len(people) > 1)
        self._epoch: int | None = None
        self._followed_s: float | None = None

    @property
    def required(self) -> bool:
        """Whether an unseen face keeps a body from being judged."""
        return self._required

    def look(self, frame: Frame, sighting: Sighting, *, due: bool) -> Claim:
        """Tell whose face it is; due tells that a window may end with this frame."""
        if self._track is None or self._network is None:
            return Claim("not_asked")
        self._begin(frame, sighting, self._track)
        wanted = self._track.wants(frame.time_s + (AHEAD_S if due else 0.0))
        if sighting.pose is not None and (wanted or due):
            chip = align(frame.image, sighting.pose.keypoints, self._placing)
            found = chip if isinstance(chip, Unseen) else self._network.vectors([chip])[0]
            if wanted:
                self._track.look(frame.time_s, found)
            else:
                self._track.glance(frame.time_s, found)
        return self._claim(self._track)

    def _begin(self, frame: Frame, sighting: Sighting, track: FaceTrack) -> None:
        """Start anew where nothing says that the face is the one from before."""
        followed_s = self._followed_s
        lost = followed_s is not None and sighting.pose is not None and frame.time_s - followed_s > MAX_GAP_S
        if frame.epoch != self._epoch or sighting.broken is not None or lost:
            self._epoch = frame.epoch
            track.begin(frame.time_s)
        if sighting.pose is not None:
            self._followed_s = frame.time_s

    def _claim(self, track: FaceTrack) -> Claim:
        person, distance, limit = track.nearest() or ("", None, None)
        if track.odd and track.who == "person":
            why = "it is unlike the one seen before"
            return Claim("unseen", person, distance, limit, why, track.faces, passing=True)
        return Claim(track.who, person, distance, limit, track.why, track.faces, self._required)
