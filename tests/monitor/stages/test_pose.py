"""The pose network as the loop calls it: looks in, people in the frame's own pixels out."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np
import pytest

from models.artifact import WEIGHTS, read_index
from monitor.errors import ConfigError
from monitor.records import Frame
from monitor.stages.crops import locate, square_crop
from monitor.stages.pose import SIZES_KEPT, Crop, PoseNetwork
from monitor.stages.speaker import SpeakerTracker, usual_crops
from trainer.puppet.renderer import Passage, Rendered, Script, frames


@pytest.fixture(scope="module")
def shot() -> Rendered:
    """One frame of a rendered speaker, and where the keypoints truly are."""
    return next(iter(frames(Script((Passage(0, 1),)), 640, 360, 1)))


def looked_at(shot: Rendered) -> Crop:
    """The square that the speaker stage would cut."""
    return square_crop(shot.image, locate(shot.truth))


def test_people_are_given_in_the_frames_own_pixels(shot: Rendered) -> None:
    """Nose and both wrists of the rendered speaker within 0.2 of the shoulders' width, 110 px at 640x360."""
    person = PoseNetwork().find([looked_at(shot)])[0][0]
    assert np.abs(person[[0, 4, 7], :2] - shot.truth[[0, 4, 7], :2]).max() < 22


def test_looks_side_by_side_give_what_they_give_one_after_the_other(shot: Rendered) -> None:
    """A worker lets two channels be posed on two cores; each keeps its place in the list."""
    crops = [looked_at(shot), Crop(np.zeros((0, 0, 3), np.uint8)), looked_at(shot)]
    one_by_one = PoseNetwork(threads=1).find(crops)
    with ThreadPoolExecutor(2) as cores:
        side_by_side = PoseNetwork(threads=2, at_once=2, concurrently=cores.map).find(crops)
    assert [people.tobytes() for people in side_by_side] == [people.tobytes() for people in one_by_one]
    assert [len(people) for people in one_by_one] == [1, 0, 1]


def test_a_second_channel_opens_no_session_of_its_own(shot: Rendered) -> None:
    """Weights and compiled code of one picture size take 26 MB and more: two channels follow and search with the same.

    Five sizes: the followed square, the one with a look round beside it, and three searches.
    """
    rendered = cv2.resize(shot.image, (1280, 720))
    with ThreadPoolExecutor(2) as cores:
        network = PoseNetwork(threads=2, at_once=2, concurrently=cores.map)
        network.prepare(usual_crops())
        speakers = [SpeakerTracker(), SpeakerTracker()]
        for number in range(4):  # a search, then following, from 2 s on with looks round
            frame = Frame("one", 0, 0.8 * number, 0.0, rendered)
            people = network.find([speaker.crop(frame) for speaker in speakers])
            found = [speaker.pick(frame, some).pose for speaker, some in zip(speakers, people, strict=True)]
            assert all(found)
    assert network.opened == 5


def test_looks_of_one_size_are_told_apart_by_what_they_look_for(shot: Rendered) -> None:
    """A search that happens to have the followed square's size still finds legs, with all six stages."""
    network, crop = PoseNetwork(threads=1), looked_at(shot)
    network.find([crop, replace(crop, complete=True, often=False), crop])
    assert network.opened == 2


def test_the_size_that_was_not_asked_for_longest_makes_room(shot: Rendered) -> None:
    """The followed square is asked for all the time, so no mixture of picture shapes may push it out."""
    network, followed = PoseNetwork(threads=1), looked_at(shot)
    widths = [Crop(np.zeros((16, 16 + 8 * n, 3), np.uint8)) for n in range(SIZES_KEPT)]
    for crop in widths:
        network.find([followed, crop])
    session = network.session(followed)
    network.find([widths[0], widths[-1]])
    assert network.session(followed) is session
    assert network.opened == SIZES_KEPT


def test_the_fingerprint_is_what_a_model_card_names() -> None:
    """Name and the first 12 digits of the weights' sha256."""
    assert PoseNetwork().fingerprint == f"openpose-thin@{read_index(WEIGHTS)['openpose-thin']['sha256'][:12]}"


def test_an_unknown_provider_is_refused_in_a_sentence() -> None:
    """A typo in a bench's or a script's option, past the config's own check."""
    with pytest.raises(ConfigError, match=r"pose.provider: opnvino: must be auto or one of openvino, tensorrt"):
        PoseNetwork(provider="opnvino")
