"""The pose network as the loop calls it: looks in, people in the frame's own pixels out."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from models.artifact import WEIGHTS, read_index
from monitor.errors import ConfigError
from monitor.looks import place_of, square
from monitor.pose import Look, PoseNetwork
from trainer.puppet import Passage, Rendered, Script, frames


@pytest.fixture(scope="module")
def shot() -> Rendered:
    """One frame of a rendered speaker, and where the keypoints truly are."""
    return next(iter(frames(Script((Passage(0, 1),)), 640, 360, 1)))


def looked_at(shot: Rendered) -> Look:
    """The square that the speaker stage would cut."""
    return square(shot.image, place_of(shot.truth))


def test_people_are_given_in_the_frames_own_pixels(shot: Rendered) -> None:
    """Nose and both wrists of the rendered speaker within 0.2 of the shoulders' width, 110 px at 640x360."""
    person = PoseNetwork().find([looked_at(shot)])[0][0]
    assert np.abs(person[[0, 4, 7], :2] - shot.truth[[0, 4, 7], :2]).max() < 22


def test_looks_side_by_side_give_what_they_give_one_after_the_other(shot: Rendered) -> None:
    """A worker lets two channels be posed on two cores; each keeps its place in the list."""
    looks = [looked_at(shot), Look(np.zeros((0, 0, 3), np.uint8)), looked_at(shot)]
    one_by_one = PoseNetwork(threads=1).find(looks)
    with ThreadPoolExecutor(2) as cores:
        side_by_side = PoseNetwork(threads=1, concurrently=cores.map).find(looks)
    assert [people.tobytes() for people in side_by_side] == [people.tobytes() for people in one_by_one]
    assert [len(people) for people in one_by_one] == [1, 0, 1]


def test_the_fingerprint_is_what_a_model_card_names() -> None:
    """Name and the first 12 digits of the weights' sha256."""
    assert PoseNetwork().fingerprint == f"openpose-thin@{read_index(WEIGHTS)['openpose-thin']['sha256'][:12]}"


def test_an_unknown_provider_is_refused_in_a_sentence() -> None:
    """A typo in a bench's or a script's option, past the config's own check."""
    with pytest.raises(ConfigError, match=r"pose.provider: opnvino: must be auto or one of openvino, tensorrt"):
        PoseNetwork(provider="opnvino")
