"""Faces that are small, dark, turned, masked or half another's, of two filmed men: what the stage says of each."""

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from models.face.align import Unseen, align
from models.face.embed import FaceNetwork
from models.face.references import FaceReferences
from models.skeleton import LEFT_EYE, NOSE, RIGHT_EYE
from monitor.records import Frame, Who
from monitor.stages.face_track import START_S, FaceTrack
from monitor.stages.pose import PoseNetwork
from monitor.stages.speaker import SpeakerTracker
from monitor.stream.ingest import read_recording

Image = npt.NDArray[np.uint8]
Keypoints = npt.NDArray[np.float32]
Seen = tuple[Image, Keypoints]

SIZE = (540, 960)
EVERY, FRAMES = 7, 24
BLACK, PALE_BLUE = (12, 12, 12), (215, 190, 150)

faces = FaceNetwork()


def followed(images: Sequence[Image]) -> list[Seen]:
    """Find whoever is followed in pictures START_S apart."""
    network, speaker, found = PoseNetwork(threads=1), SpeakerTracker(), []
    for number, image in enumerate(images):
        frame = Frame("a", 0, number * START_S, number * START_S, image)
        [people] = network.find([speaker.crop(frame)])
        pose = speaker.pick(frame, people).pose
        found += [] if pose is None else [(image, pose.keypoints)]
    return found


def filmed(path: Path) -> list[Seen]:
    frames = itertools.islice(read_recording(str(path), "a"), 0, FRAMES * EVERY, EVERY)
    return followed([np.asarray(cv2.resize(frame.image, SIZE), np.uint8) for frame in frames])


def vector(seen: Seen) -> npt.NDArray[np.float32] | Unseen:
    chip = align(*seen)
    return chip if isinstance(chip, Unseen) else faces.vectors([chip])[0]


def whose(shown: Sequence[Seen], known: FaceReferences) -> tuple[Who, str]:
    """Let the track look at all of it; gives what it says, and why."""
    track = FaceTrack({"he": known})
    track.begin(0.0)
    for number, seen in enumerate(shown):
        track.look(number * START_S, vector(seen))
    return track.who, track.why


def eyes(keypoints: Keypoints) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], float]:
    right, left = keypoints[RIGHT_EYE, :2], keypoints[LEFT_EYE, :2]
    return right, left, float(np.hypot(*(left - right)))


def sunglasses(image: Image, keypoints: Keypoints) -> Image:
    drawn, (right, left, apart) = image.copy(), eyes(keypoints)
    for eye in (right, left):
        x, y = map(int, eye)
        cv2.ellipse(drawn, (x, y), (int(0.42 * apart), int(0.32 * apart)), 0, 0, 360, BLACK, -1, cv2.LINE_AA)
    return drawn


def mask(image: Image, keypoints: Keypoints) -> Image:
    drawn, apart, nose = image.copy(), eyes(keypoints)[2], keypoints[NOSE, :2]
    around = np.array([(-0.95, -0.1), (0, -0.25), (0.95, -0.1), (0.75, 1.1), (0, 1.4), (-0.75, 1.1)])
    cv2.fillPoly(drawn, [(nose + around * apart).astype(np.int32)], PALE_BLUE, cv2.LINE_AA)
    return drawn


def dark(image: Image, keypoints: Keypoints) -> Image:
    return np.asarray(image * 0.06, np.uint8)


@pytest.fixture(scope="module")
def he(shared_data: Path) -> list[Seen]:
    return filmed(shared_data / "videos" / "latentsync_demo3.mp4")


@pytest.fixture(scope="module")
def another(shared_data: Path) -> list[Seen]:
    return filmed(shared_data / "videos" / "latentsync_demo2.mp4")


@pytest.fixture(scope="module")
def known(he: list[Seen]) -> FaceReferences:
    """His face by the first ten looks, with the limit that ships."""
    vectors = [found for seen in he[:10] if not isinstance(found := vector(seen), Unseen)]
    return FaceReferences("b413", 0.48, np.mean(vectors, axis=0, keepdims=True, dtype=np.float32))


def test_he_is_he_and_the_other_is_not(he: list[Seen], another: list[Seen], known: FaceReferences) -> None:
    assert (whose(he[10:], known)[0], whose(another, known)[0]) == ("person", "somebody_else")


def test_a_face_that_is_too_small_is_told_so(he: list[Seen], known: FaceReferences) -> None:
    """Eyes 11 pixels apart: what is seen of it would do for anybody."""
    scale = 11 / np.median([eyes(keypoints)[2] for _, keypoints in he])
    small = [
        (np.asarray(cv2.resize(image, None, fx=scale, fy=scale), np.uint8), keypoints * np.float32([scale, scale, 1]))
        for image, keypoints in he[10:]
    ]
    assert whose(small, known)[0] == "unseen"


@pytest.mark.parametrize("change", [sunglasses, mask, dark])
def test_what_hides_a_face_makes_nobody_the_person_and_not_him_somebody_else(
    he: list[Seen], another: list[Seen], known: FaceReferences, change: Callable[[Image, Keypoints], Image]
) -> None:
    """Of him, the desk wants to see him judged or told that he can't be seen; of the other, never his name."""
    hidden = followed([change(*seen) for seen in he[10:]])
    other = followed([change(*seen) for seen in another])
    assert whose(hidden, known)[0] in ("person", "unseen")
    assert whose(other, known)[0] != "person"


def test_a_turned_head_is_not_looked_at(he: list[Seen], known: FaceReferences) -> None:
    """The far eye is not seen clearly any more."""
    turned = [
        (image, np.where(np.arange(18)[:, None] == LEFT_EYE, keypoints * [1, 1, 0.3], keypoints))
        for image, keypoints in he
    ]
    assert whose(turned, known) == ("unseen", "its eyes are not seen clearly")


def test_half_a_face_of_each_is_no_third_persons(he: list[Seen], another: list[Seen], known: FaceReferences) -> None:
    """Somebody leans before him: the body that is followed is still his, and not called another's."""
    overlapped = []
    for (image, keypoints), (over, theirs) in zip(he[10:], another, strict=False):
        right, left, apart = eyes(keypoints)
        ends = np.array([*eyes(theirs)[:2]]), np.array([right, left])
        moved = cv2.warpAffine(over, cv2.estimateAffinePartial2D(*ends)[0], SIZE)
        x, top, bottom = int((right[0] + left[0]) / 2), int(right[1] - 1.6 * apart), int(right[1] + 2.2 * apart)
        both = image.copy()
        both[max(top, 0) : bottom, x : x + int(1.4 * apart)] = moved[max(top, 0) : bottom, x : x + int(1.4 * apart)]
        overlapped.append((both, keypoints))
    assert whose(overlapped, known)[0] in ("person", "unseen")


def test_his_photograph_behind_somebody_else_is_not_who_speaks(
    he: list[Seen], another: list[Seen], known: FaceReferences
) -> None:
    """A newsroom's wall, a poster in a crowd: the face that counts is the followed speaker's."""
    photograph, keypoints = he[0]
    x, y = (int(value) for value in keypoints[NOSE, :2])
    poster = cv2.resize(photograph[max(y - 100, 0) : y + 110, max(x - 90, 0) : x + 90], (120, 140))
    walls = [image.copy() for image, _ in another]
    for wall in walls:
        wall[30:170, 20:140] = poster
    assert whose(followed(walls), known)[0] == "somebody_else"
