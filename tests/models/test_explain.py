"""An explanation names the keypoint that did it, as masking confirms, and adds up, for the model that ships too."""

from dataclasses import replace
from functools import partial
from math import factorial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from models import artifact
from models.artifact import LoadedModel
from models.card import Card
from models.explain import Explanation, explain, held_still
from models.masking import keypoints_moving, seconds_moving
from models.pose_lstm import Design, FeatureSet, PoseLSTM
from models.skeleton import KEYPOINTS, LEFT_WRIST, RIGHT_EAR, UPPER_BODY
from tests.support.tracks import make_track
from trainer.puppet.takes import plan, truth

NORMAL = {"left_wrist": {"low": 0.4, "mean": 0.8, "high": 1.2}}
CARD = Card("ada", "motion", "", "2026-01-01T00:00:00+00:00", "0", {"name": "made up", "sha256": ""}, normal=NORMAL)


Poses = npt.NDArray[np.float32]
ALONE, ALL_BUT_ONE = torch.eye(12, dtype=torch.bool), ~torch.eye(12, dtype=torch.bool)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """A random network is as good as a trained one here: it has a score, and something made it."""
    return untaught(tmp_path_factory.mktemp("model"), "motion")


@pytest.fixture(scope="module")
def shipped() -> LoadedModel:
    """The model that ships, which has learned something: its score lies between two far ends."""
    return artifact.load(artifact.find("demo-speaker"))


@pytest.fixture(scope="module")
def windows() -> list[Poses]:
    """Six windows of the rendered speaker and six of impostors, true keypoints; none was trained on."""
    tracks = [truth(one, 640, 360) for one in plan(3, 3, speaker_s=10, impostor_s=10, takes=3, seed=123)]
    return [track.keypoints[first : first + 150] for track in tracks for first in (0, 150)]


def untaught(folder: Path, features: FeatureSet, card: Card = CARD) -> LoadedModel:
    torch.manual_seed(5)
    network = PoseLSTM(Design(features, 16, 1, 0.0, pool="mean"))
    with torch.no_grad():
        network.head.weight *= 8
    artifact.save(folder / "ada.pt", network, card)
    return artifact.load(folder / "ada.pt")


def odds(model: LoadedModel, poses: Poses, moves: torch.Tensor) -> npt.NDArray[np.float64]:
    """(N, 12) which keypoints move -> (N,) the model's log odds."""
    whole = torch.from_numpy(poses)
    masked = partial(keypoints_moving, whole, held_still(whole[None])[0])
    with torch.inference_mode():
        found: torch.Tensor = torch.cat([model.module.logits(masked(some)) for some in torch.split(moves, 64)])
    return np.asarray(found.numpy(), np.float64)


def masking(model: LoadedModel, poses: Poses) -> npt.NDArray[np.float64]:
    """(12,) what each keypoint does: held still alone, and moving alone, on average; the two can differ widely."""
    last, first = odds(model, poses, ALL_BUT_ONE), odds(model, poses, ALONE)
    none, every = odds(model, poses, torch.stack([ALONE[0] & ALONE[1], ALONE[0] | ALL_BUT_ONE[0]]))
    return np.asarray(((every - last) + (first - none)) / 2)


def masking_in_every_way(model: LoadedModel, poses: Poses) -> npt.NDArray[np.float64]:
    """(12,) what each keypoint does beside each of the 2048 sets of others that may move with it, sizes alike."""
    sets = np.arange(4096)
    moves = (sets[:, None] >> np.arange(12)) & 1  # (4096, 12)
    found = odds(model, poses, torch.from_numpy(moves > 0))
    weight = np.array([factorial(size) * factorial(11 - size) / factorial(12) for size in range(12)])
    without = [sets[moves[:, k] == 0] for k in range(12)]
    brought = [found[rest | 1 << k] - found[rest] for k, rest in enumerate(without)]
    return np.array([(b * weight[moves[rest].sum(axis=1)]).sum() for b, rest in zip(brought, without, strict=True)])


def alike(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    """Spearman's rank correlation; no two numbers are the same here."""
    return float(np.corrcoef(one.argsort().argsort(), other.argsort().argsort())[0, 1])


def parts(told: Explanation) -> npt.NDArray[np.float64]:
    return np.array(list(told.by_keypoint.values()))


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
    """Each order in which the keypoints begin to move ends with all of them."""
    told = explain(model, window())
    assert sum(told.by_keypoint.values()) == pytest.approx(told.movement, abs=1e-6)
    assert sum(told.by_second) == pytest.approx(told.movement, abs=1e-6)
    assert len(told.by_second) == 5


def test_the_shipped_models_parts_add_up(shipped: LoadedModel, windows: list[Poses]) -> None:
    """Its log odds change by ten and are flat at both ends: twelve gradients on the way missed half of that."""
    told = [explain(shipped, poses) for poses in windows]
    movement = [one.movement for one in told]
    assert max(np.abs(movement)) > 5
    assert [sum(one.by_keypoint.values()) for one in told] == pytest.approx(movement, abs=1e-6)
    assert [sum(one.by_second) for one in told] == pytest.approx(movement, abs=1e-6)


@pytest.mark.parametrize("features", ["paper", "body", "motion", "head3d"])
def test_parts_add_up_whatever_the_features(features: FeatureSet, tmp_path: Path) -> None:
    """A z-score is the same however far a keypoint moves: its gradient along the way is 0, its masking is not."""
    told = explain(untaught(tmp_path, features), window())
    assert abs(told.movement) > 0.01
    assert sum(told.by_keypoint.values()) == pytest.approx(told.movement, abs=1e-6)
    assert sum(told.by_second) == pytest.approx(told.movement, abs=1e-6)
    assert max(map(abs, told.by_keypoint.values())) > 0.05 * abs(told.movement)


def test_a_model_without_log_odds_of_its_own_is_explained_by_its_probability(tmp_path: Path) -> None:
    """A TorchScript file need give nothing but forward()."""

    class WristsAcross(torch.nn.Module):
        def forward(self, poses: torch.Tensor) -> torch.Tensor:
            return torch.sigmoid(poses[:, :, 7, 1].std(dim=1) / 10 - poses[:, :, 4, 1].std(dim=1) / 20)

    artifact.save(tmp_path / "plain.pt", WristsAcross(), CARD)
    told = explain(artifact.load(tmp_path / "plain.pt"), window())
    assert told.strongest(2) == ["left_wrist", "right_wrist"]
    assert sum(told.by_keypoint.values()) == pytest.approx(told.movement, abs=1e-6)


def test_the_shipped_models_keypoints_rank_as_masking_ranks_them(shipped: LoadedModel, windows: list[Poses]) -> None:
    """Held still alone and moving alone, each keypoint ranks much as it does here, in the usual window."""
    ranks = [alike(parts(explain(shipped, poses)), masking(shipped, poses)) for poses in windows]
    assert np.median(ranks) > 0.9


def test_the_error_that_is_stated_is_the_error_that_is_made(shipped: LoadedModel, windows: list[Poses]) -> None:
    """Against all 4096 ways to mask: twelve parts are within three of the largest standard error, and rank the same."""
    poses = windows[-1]
    told, true = explain(shipped, poses), masking_in_every_way(shipped, poses)
    made = np.abs(parts(told) - true).max() / np.abs(parts(told)).sum()
    assert 0 < told.error < 0.05
    assert told.error / 3 < made < told.error * 3
    assert alike(parts(told), true) > 0.9


def test_the_same_window_always_gets_the_same_explanation(shipped: LoadedModel, windows: list[Poses]) -> None:
    """A replay tells what the broadcast told: the orders are fixed, and nothing is drawn from the global generator."""
    first = explain(shipped, windows[0])
    torch.manual_seed(99)
    assert explain(shipped, windows[0]) == first


def test_a_second_held_still_adds_no_step_that_nobody_made() -> None:
    """Without the second second the wrist stands still for 30 poses and makes its own steps in the other 120."""
    whole = torch.from_numpy(window())
    still = held_still(whole[None])[0]
    moves = torch.tensor([[True, False, True, True, True], [True] * 5, [False] * 5])
    held, every, none = seconds_moving(whole, still, moves)
    steps = whole[:, LEFT_WRIST, :2].diff(dim=0)
    steps[29:59] = 0  # those that lead to poses 30..59
    assert torch.allclose(held[:, LEFT_WRIST, :2].diff(dim=0), steps, atol=1e-3)
    assert torch.allclose(held.mean(dim=0), whole.mean(dim=0), atol=1e-3)
    assert torch.allclose(every, whole, atol=1e-3)
    assert torch.allclose(none, still, atol=1e-3)


def test_a_gap_stays_a_gap_when_seconds_are_held_still() -> None:
    """Poses 20..39 lack the wrist; the step over them leads to pose 40, so it is the second second's."""
    poses = window()
    poses[20:40, LEFT_WRIST] = 0
    whole = torch.from_numpy(poses)
    [held] = seconds_moving(whole, held_still(whole[None])[0], torch.tensor([[True, False, True, True, True]]))
    assert held[20:40, LEFT_WRIST].abs().max() == 0
    assert torch.allclose(held[40:60, LEFT_WRIST, :2], held[19, LEFT_WRIST, :2].expand(20, 2), atol=1e-3)


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


def test_a_record_tells_how_sure_its_shares_are() -> None:
    """Sampled shares of 0.75 and 0.25, each good to 0.021."""
    told = Explanation(0.98, -1.0, 4.0, {"left_wrist": 3.75, "neck": 1.25}, (5.0,), error=0.0209)
    assert told.as_record()["error"] == 0.021


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (0.09, "mostly in how left wrist and neck move"),
        (0.11, "mostly in how left wrist moves"),
        (0.14, "mostly in how left wrist moves"),
        (0.16, "in movement"),
    ],
)
def test_only_those_keypoints_are_named_that_stand_out_by_more_than_the_error(error: float, words: str) -> None:
    """Shares of 0.45, 0.3, 0.2 and 0.05: 0.15 lies after the first, 0.1 after the second. One second: always named."""
    parts = {"left_wrist": 1.8, "neck": -1.2, "nose": 0.8, "left_eye": 0.2}
    told = Explanation(0.98, -1.0, 0.6, parts, (1.6,), error=error).as_record()["words"]
    uncertain = "; the shares are too uncertain to name keypoints" if error == 0.16 else ""
    assert told == f"unlike the person {words}, most in second 1{uncertain}".replace("person mostly", "person, mostly")


def test_two_alike_are_named_together_when_they_stand_out_from_the_rest() -> None:
    """0.4, 0.4 and 0.2, each good to 0.1: who of the two is first is not known, that it is these two is."""
    parts = {"left_wrist": 2.0, "neck": 2.0, "nose": 1.0}
    told = Explanation(0.98, -1.0, 4.0, parts, (5.0,), error=0.1).as_record()["words"]
    assert told.startswith("unlike the person, mostly in how left wrist and neck move")


def test_a_second_is_named_only_when_it_stands_out_by_more_than_the_error() -> None:
    """0.55 and 0.45 of the movement, good to 0.2."""
    parts = {"left_wrist": 4.0, "neck": 1.0}
    told = Explanation(0.98, -1.0, 4.0, parts, (2.75, 2.25), error=0.2).as_record()["words"]
    assert told == "unlike the person, mostly in how left wrist and neck move"


def test_no_uncertain_keypoints_usual_speed_is_told() -> None:
    """A speed outside its range is a fact, whoever did it; who did most decides of the others, and is not known."""
    parts = {"left_wrist": 2.6, "neck": 2.4}
    told = Explanation(0.98, -1.0, 4.0, parts, (5.0,), {"left_wrist": 0.8}, NORMAL, error=0.5)
    assert told.as_record()["words"].endswith("too uncertain to name keypoints")
    told = Explanation(0.98, -1.0, 4.0, parts, (5.0,), {"left_wrist": 1.9}, NORMAL, error=0.5)
    assert told.as_record()["words"].endswith("; left wrist 1.9 shoulder widths a second, normally 0.4 to 1.2")


def test_the_papers_large_network_names_no_keypoints(tmp_path: Path) -> None:
    """3.2 million weights leave 30 ways to mask for 12 keypoints: each share is good to 0.2 of about 0.1."""
    torch.manual_seed(5)
    network = PoseLSTM(Design("paper", 512, 2, 0.5))
    with torch.no_grad():
        network.head.weight *= 8
        network.head.bias.zero_()
    artifact.save(tmp_path / "large.pt", network, replace(CARD, features="paper"))
    told = explain(artifact.load(tmp_path / "large.pt"), window())
    assert told.error > 0.05
    assert replace(told, still=0.0, moving=2.0).as_record()["words"].count("too uncertain to name keypoints") == 1


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


def test_blinking_keypoints_are_told_of_when_they_give_the_verdict(tmp_path: Path) -> None:
    """An ear seen in 90 poses of 150 is 8 of 8 - 3 log odds, moved or not; the shipped model has such windows too."""

    class MissesTheEar(torch.nn.Module):
        def forward(self, poses: torch.Tensor) -> torch.Tensor:
            return torch.sigmoid(20 * (poses[:, :, 16, 2] == 0).to(torch.float32).mean(dim=1) - 3)

    artifact.save(tmp_path / "ear.pt", MissesTheEar(), CARD)
    poses = window()
    poses[40:100, RIGHT_EAR] = 0
    told = explain(artifact.load(tmp_path / "ear.pt"), poses)
    assert [told.still, told.moving, told.unseen] == pytest.approx([5, 5, 8], abs=1e-3)
    record = told.as_record()
    assert record["words"] == "unlike the person in when keypoints are seen rather than in movement"
    assert record["movement"] is False


@pytest.mark.parametrize(("unseen", "instead"), [(2.4, "posture and build"), (2.6, "when keypoints are seen")])
def test_blinks_are_told_of_when_they_are_half_of_what_the_still_body_gives(unseen: float, instead: str) -> None:
    """Of 5 log odds without any movement."""
    told = Explanation(0.98, 5.0, 5.1, {"left_wrist": 0.1}, (0.1,), unseen=unseen)
    assert told.as_record()["words"] == f"unlike the person in {instead} rather than in movement"


@pytest.mark.parametrize(("movement", "moved"), [(0.24, False), (0.26, True)])
def test_a_small_movement_is_none_however_little_the_still_body_gives(movement: float, moved: bool) -> None:
    """Half of 0.5 log odds: twice nothing is nothing, though the still body's 0.01 is less yet."""
    told = Explanation(0.56, 0.01, 0.01 + movement, {"left_wrist": movement}, (movement,))
    assert told.as_record()["movement"] is moved


@pytest.mark.parametrize(("features", "posture"), [("paper", False), ("motion", False), ("body", True)])
def test_which_features_see_posture(features: FeatureSet, posture: bool, tmp_path: Path) -> None:
    """z-scores and velocities know no mean pose; a model of them can not be said to have judged one."""
    told = explain(untaught(tmp_path, features, card=replace(CARD, features=features)), window())
    assert told.posture is posture


class Counting(torch.nn.Module):
    """As large as a network of so many weights, and counts the windows that it scores."""

    def __init__(self, weights: int) -> None:
        super().__init__()
        self.weights, self.windows = torch.nn.Parameter(torch.zeros(weights)), 0

    def logits(self, poses: torch.Tensor) -> torch.Tensor:
        self.windows += len(poses)
        return poses[:, :, LEFT_WRIST, 1].std(dim=1) / 10


def scores_of(model: LoadedModel, network: torch.nn.Module) -> int:
    """Count the windows that one explanation of a network of this size scores."""
    counting = Counting(sum(weight.numel() for weight in network.parameters()))
    explain(LoadedModel(model.path, model.sha256, model.card, counting), window())  # type: ignore[arg-type]
    return counting.windows


def test_an_explanation_costs_as_much_as_it_says(shipped: LoadedModel) -> None:
    """15e9 multiplications: 750 ways for the shipped model, a third of them alike; 30 for 3.2 million weights."""
    assert 450 < scores_of(shipped, shipped.module) <= 750
    assert 25 < scores_of(shipped, PoseLSTM(Design("paper", 512, 2, 0.5))) < 35


def test_keypoints_not_seen_have_no_part(model: LoadedModel) -> None:
    poses = window()
    poses[:, LEFT_WRIST] = 0
    assert explain(model, poses).by_keypoint["left_wrist"] == 0
