"""An explanation names the keypoint that did it, as masking confirms."""

import numpy as np
import numpy.typing as npt
import pytest
import torch

from models import artifact
from models.artifact import LoadedModel
from models.card import Card
from models.explain import Explanation, explain, held_still
from models.pose_lstm import Design, PoseLSTM
from models.skeleton import KEYPOINTS, LEFT_WRIST, UPPER_BODY
from tests.support.tracks import make_track

NORMAL = {"left_wrist": {"low": 0.4, "mean": 0.8, "high": 1.2}}
CARD = Card("ada", "motion", "", "2026-01-01T00:00:00+00:00", "0", {"name": "made up", "sha256": ""}, normal=NORMAL)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """A random network is as good as a trained one here: it has a score, and something made it."""
    torch.manual_seed(5)
    path = tmp_path_factory.mktemp("model") / "ada.pt"
    network = PoseLSTM(Design("motion", 16, 1, 0.0, pool="mean"))
    with torch.no_grad():
        network.head.weight *= 8
    artifact.save(path, network, CARD)
    return artifact.load(path)


def window() -> npt.NDArray[np.float32]:
    """Both wrists beat; in the last two seconds the left one beats three times as far."""
    poses = make_track("one", "ada").keypoints[:150].copy()
    poses[90:, LEFT_WRIST, 1] += 60 * np.sin(np.arange(60) / 5)
    return poses


def without(name: str) -> npt.NDArray[np.float32]:
    """The window with one keypoint held at its mean place."""
    k = KEYPOINTS.index(name)
    masked = window()
    masked[:, k, :2] = masked[:, k, :2].mean(axis=0)
    return masked


def test_the_parts_add_up_to_what_the_movement_did(model: LoadedModel) -> None:
    """Integrated gradients are complete; twelve steps leave a few percent."""
    told = explain(model, window())
    assert sum(told.by_keypoint.values()) == pytest.approx(told.movement, abs=0.08 * max(1, abs(told.movement)))
    assert sum(told.by_second) == pytest.approx(sum(told.by_keypoint.values()), abs=1e-4)
    assert len(told.by_second) == 5


def test_its_score_is_the_models(model: LoadedModel) -> None:
    assert explain(model, window()).score == pytest.approx(float(model.score(window()[None])[0]), abs=1e-5)


def test_keypoints_rank_as_they_do_when_each_is_masked(model: LoadedModel) -> None:
    """Hold one keypoint still and see what the score loses: the same three matter most, in much the same order."""
    told = explain(model, window())
    names = [KEYPOINTS[k] for k in UPPER_BODY]
    scores = model.score(np.stack([window(), *(without(name) for name in names)])).astype(np.float64)
    odds = np.log(scores / (1 - scores))
    lost = odds[0] - odds[1:]
    assert np.corrcoef(lost, [told.by_keypoint[name] for name in names])[0, 1] > 0.9
    assert told.strongest(1)[0] == names[int(np.abs(lost).argmax())]


def test_a_body_that_never_moves_has_nothing_to_explain(model: LoadedModel) -> None:
    still = held_still(torch.from_numpy(window()[None]))[0].numpy()
    told = explain(model, still)
    assert told.movement == pytest.approx(0, abs=1e-5)
    assert max(map(abs, told.by_keypoint.values())) < 1e-5


def test_a_record_for_the_page_names_shares_that_add_up_to_one() -> None:
    """The left wrist did 3 of 4 parts, in the second second."""
    told = Explanation(0.98, -1.0, 4.0, {"left_wrist": 3.75, "nose": -0.5, "neck": 0.75}, (1.0, 4.0))
    record = told.as_record()
    assert record["keypoints"] == {"left_wrist": 0.75, "nose": 0.1, "neck": 0.15}
    assert record["words"] == "unlike the person, mostly in how left wrist and neck move, most in second 2"


def test_the_strongest_keypoints_speed_stands_beside_the_persons_own(model: LoadedModel) -> None:
    """The range is the card's; a keypoint that the card does not know has a speed and no range."""
    record = explain(model, window()).as_record()
    assert set(record["speeds"]) == {KEYPOINTS[k] for k in UPPER_BODY}
    assert record["speeds"]["left_wrist"] > 1.2 > record["speeds"]["left_shoulder"]
    assert record["normal"] == NORMAL
    told = Explanation(0.98, -1.0, 4.0, {"left_wrist": 3.75, "neck": 0.75}, (5.0,), {"left_wrist": 1.94}, NORMAL)
    assert told.as_record()["words"] == (
        "unlike the person, mostly in how left wrist and neck move, most in second 1; "
        "left wrist 1.9 shoulder widths a second, normally 0.4 to 1.2"
    )


def test_the_sentence_names_the_speed_that_is_furthest_from_normal() -> None:
    """The neck is 0.03 too fast, the right wrist 0.45 too slow, and the left wrist, which did most, as ever."""
    normal = NORMAL | {name: {"low": 0.75, "mean": 0.8, "high": 0.9} for name in ("neck", "right_wrist")}
    speeds = {"left_wrist": 0.8, "neck": 0.93, "right_wrist": 0.3}
    told = Explanation(0.98, -1.0, 4.0, {"left_wrist": 3.75, "neck": 0.75}, (5.0,), speeds, normal)
    assert told.as_record()["words"].endswith("; right wrist 0.30 shoulder widths a second, normally 0.75 to 0.90")
    as_ever = {"left_wrist": 0.8, "neck": 0.8}
    told = Explanation(0.98, -1.0, 4.0, {"left_wrist": 3.75, "neck": 0.75}, (5.0,), as_ever, normal)
    assert told.as_record()["words"].endswith("; left wrist 0.8 shoulder widths a second, normally 0.4 to 1.2")


def test_posture_is_called_posture() -> None:
    """Standing still gives 4.0 of the 4.2 log odds: movement had no part in it."""
    told = Explanation(0.98, 4.0, 4.2, {"left_wrist": 0.1, "nose": 0.1}, (0.2,))
    assert told.as_record()["words"] == "unlike the person in posture and build rather than in movement"


def test_a_model_that_sees_movement_alone_does_not_speak_of_posture(model: LoadedModel) -> None:
    """Held still it is as unlike the person: what is missing is the person's own movement."""
    told = Explanation(0.98, 4.0, 4.2, {"left_wrist": 0.1, "nose": 0.1}, (0.2,), {"nose": 0.1}, posture=False)
    assert told.as_record()["words"] == "unlike the person, whose own movements are missing"
    assert told.as_record()["movement"] is True
    assert explain(model, window()).posture is False  # this one's features are `motion`


def test_keypoints_not_seen_have_no_part(model: LoadedModel) -> None:
    poses = window()
    poses[:, LEFT_WRIST] = 0
    assert explain(model, poses).by_keypoint["left_wrist"] == 0
