"""The training loop on two made-up people who differ only in tempo: it learns, resumes and repeats exactly."""

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models import artifact
from models.pose_lstm import PoseLSTM
from monitor.records import Score
from tests.support.tracks import make_track, two_people
from trainer.data.splits import PARTS
from trainer.data.tracks import Track, digest_before_sessions, write_track
from trainer.data.windows import Span
from trainer.errors import RunUnusable, SplitImpossible
from trainer.evaluate import evaluate, scorer
from trainer.export import export, make_card
from trainer.metrics import auroc
from trainer.recipe import Recipe, preset_names, read_recipe
from trainer.replay import alerts, choose_rule, play
from trainer.runs import Run, Task, open_run, start_run
from trainer.train import start_from
from trainer.train_person import beginning, train_person

RECIPE = Recipe(
    features="motion", hidden=12, layers=1, dropout=0, pool="mean", lr=0.03, schedule="constant", batch=16, epochs=5,
    step=75, clip=1, even=True, balance=True, keep="auroc",
)  # fmt: skip
TRACKS = two_people(recordings=6, seconds=40)
CPU = "cpu"


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small wait for each other's threads longer than they compute."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def train(folder: Path, recipe: Recipe = RECIPE, stop_after: int | None = None, init_from: Path | None = None) -> Run:
    train_person(
        folder,
        Path("made up"),
        "ada",
        TRACKS,
        recipe,
        protocol="by_session",
        device=CPU,
        stop_after=stop_after,
        init_from=init_from,
    )
    return start_run(folder, Task("made up", "ada", "by_session"), recipe, TRACKS)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(tmp_path_factory.mktemp("run"))


def test_tempo_alone_tells_two_people_apart(run: Run) -> None:
    """Same body, same reach; 1 Hz against 1.6 Hz, tested on another day. Chance is 0.5."""
    report = evaluate(run, rounds=20)
    assert report["window"]["auroc"] > 0.95
    assert report["shared"] == []
    assert report["left_out"]["test"] == {"arms_hidden": 0, "low_coverage": 0}


def test_training_can_be_interrupted_and_goes_on_to_the_same_weights(run: Run, tmp_path: Path) -> None:
    """Two epochs, then the rest, with dropout-free and seeded shuffling: bit for bit what one go gives."""
    train(tmp_path, stop_after=2)
    assert len((tmp_path / "history.jsonl").read_text().splitlines()) == 2
    again = train(tmp_path)
    weights, others = run.network().state_dict(), again.network().state_dict()
    assert all(torch.equal(weights[name], others[name]) for name in weights)


def test_a_run_killed_before_its_last_line_gets_it_back(tmp_path: Path) -> None:
    """The weights of the last epoch lie there and its line does not: the card would name the epoch before."""
    history = train(tmp_path, RECIPE.model_copy(update={"keep": "last", "epochs": 2})).folder / "history.jsonl"
    whole = history.read_text()
    history.write_text(whole.splitlines(keepends=True)[0])
    assert train(tmp_path, RECIPE.model_copy(update={"keep": "last", "epochs": 2})).best()["epoch"] == 2
    assert history.read_text() == whole


def test_the_kept_epoch_is_the_best_in_validation(run: Run) -> None:
    history = [json.loads(line) for line in (run.folder / "history.jsonl").read_text().splitlines()]
    assert run.best()["val_auroc"] == max(epoch["val_auroc"] for epoch in history)


def test_another_recipe_does_not_go_on_in_the_same_folder(run: Run) -> None:
    with pytest.raises(RunUnusable, match=r"another recipe\.json; choose another folder"):
        train(run.folder, RECIPE.model_copy(update={"hidden": 99}))


def test_a_key_that_a_run_is_older_than_had_its_default(tmp_path: Path) -> None:
    """Trained when no recipe could flicker: it goes on without, and another folder is for a recipe with it."""
    train(tmp_path, stop_after=1)
    recipe = json.loads((tmp_path / "recipe.json").read_text())
    (tmp_path / "recipe.json").write_text(json.dumps({key: recipe[key] for key in recipe.keys() - {"flicker"}}))
    with pytest.raises(RunUnusable, match=r"another recipe\.json"):
        train(tmp_path, RECIPE.model_copy(update={"flicker": 0.2}))
    assert len(train(tmp_path, stop_after=1).history()) == 2


def test_a_run_is_not_made_shorter(run: Run) -> None:
    """Five epochs were trained; a recipe of four would tell their figures as its own."""
    with pytest.raises(RunUnusable, match="has been trained for 5 epochs, more than the 4 asked for"):
        train(run.folder, RECIPE.model_copy(update={"epochs": 4}))
    assert json.loads((run.folder / "recipe.json").read_text())["epochs"] == 5


def test_a_run_is_refused_when_its_data_changed(run: Run, tmp_path: Path) -> None:
    write_track(tmp_path / "one.npz", make_track("one", "ada"))
    with pytest.raises(RunUnusable, match="was trained on other data"):
        open_run(run.folder, data=tmp_path)


def test_no_training_starts_when_the_data_can_not_be_split(tmp_path: Path) -> None:
    with pytest.raises(SplitImpossible, match="no genuine recording of eve"):
        train_person(tmp_path / "run", Path("made up"), "eve", TRACKS, RECIPE, protocol="paper", device=CPU)
    assert not (tmp_path / "run").exists()


def test_fine_tuning_starts_from_the_other_persons_weights(run: Run) -> None:
    network = run.fresh_network()
    start_from(network, run.folder)
    assert torch.equal(network.state_dict()["head.weight"], run.network().state_dict()["head.weight"])


def test_fine_tuning_from_a_network_of_another_size_is_refused(run: Run) -> None:
    other = PoseLSTM(RECIPE.model_copy(update={"hidden": 20}).design())
    with pytest.raises(RunUnusable, match="no weights that fit"):
        start_from(other, run.folder)


def test_the_exported_file_scores_as_the_run_and_its_card_tells_how_well(run: Run, tmp_path: Path) -> None:
    """Eager against TorchScript on the test windows, to 1e-5."""
    sha256 = export(run, tmp_path / "ada.pt", note="made up", report=evaluate(run, rounds=20))
    model = artifact.load(tmp_path / "ada.pt", sha256=sha256)
    poses, _ = next(run.windows("test").batches(20))
    assert model.score(poses.numpy()) == pytest.approx(scorer(run)(poses.numpy()), abs=1e-5)
    assert model.card.thresholds.keys() == {"enter", "clear", "hold_s", "k", "n", "false_alerts_per_hour"}
    assert 0.9 < model.card.metrics["by_session auroc"]["value"] <= 1
    assert "by_session auroc" in model.card.page()


@pytest.mark.parametrize("what", ["weights", "data", "protocol", "fold", "seed", "trainer"])
def test_a_report_of_something_else_makes_no_card(run: Run, tmp_path: Path, what: str) -> None:
    """Another epoch's weights, other data, another split, another trainer's way of counting."""
    report = evaluate(run, rounds=20)
    other = report | {"made_of": report["made_of"] | {what: "another"}}
    with pytest.raises(RunUnusable, match=f"the report is of another {what}; evaluate it again"):
        export(run, tmp_path / "ada.pt", report=other)


def test_the_card_knows_how_fast_the_persons_wrists_move(run: Run) -> None:
    """30 px at 1 to 1.1 Hz are 4 x 30 x 1.05 = 126 px a second, where shoulders are 100 px apart."""
    card = make_card(run, evaluate(run, rounds=20), "")
    wrist = card.normal["right_wrist"]
    assert wrist["low"] < wrist["mean"] < wrist["high"]
    assert wrist["mean"] == pytest.approx(1.26, abs=0.15)
    assert card.normal["right_shoulder"]["high"] < 0.2
    assert "right_wrist" in card.page()


def test_one_model_judges_windows_of_three_and_of_eight_seconds(tmp_path: Path) -> None:
    """Trained on 60 to 240 poses, each window of its own length; the card says so and the file takes them."""
    run = train(tmp_path / "run", RECIPE.model_copy(update={"shortest": 60, "longest": 240}))
    export(run, tmp_path / "ada.pt", report=evaluate(run, rounds=20))
    model = artifact.load(tmp_path / "ada.pt")
    assert (model.card.shortest, model.card.window, model.card.longest) == (60, 150, 240)
    for length in (90, 240):
        windows = run.windows("test", length=length)
        assert auroc(windows.label, model.score(windows.take(np.arange(len(windows)))[0].numpy())) > 0.9


def test_thresholds_chosen_and_tested_on_seconds_claim_no_rate(run: Run) -> None:
    """Cut to 5 s pieces nothing can alert: no rate, no bound and no rate behind the thresholds, in report and card."""
    pieces = {name: tuple(replace(span, last=span.first + 150) for span in run.split.part(name)) for name in PARTS}
    short = replace(run, split=replace(run.split, **pieces))
    report = evaluate(short, rounds=20)
    assert (report["live"]["false_alerts_per_hour"], report["live"]["false_alerts_per_hour_at_most"]) == (None, None)
    assert (report["live"]["fakes_missed"], report["live"]["fakes_too_short"]) == (0, 3)
    assert report["thresholds"]["false_alerts_per_hour"] is None
    card = make_card(short, report, "")
    assert card.metrics["by_session live false_alerts_per_hour"] is None
    assert card.metrics["by_session live too_short"].startswith("too short to tell: none of 3 stretches")
    assert card.metrics["by_session thresholds chosen on exposed_hours"] == 0


def test_an_older_report_makes_no_card(run: Run) -> None:
    """Its false alerts are over hours in which none was possible: an evaluation.json may lie there for months."""
    report = evaluate(run, rounds=20)
    del report["live"]["exposed_hours"]
    with pytest.raises(RunUnusable, match="in which none was possible; `evaluate` it again"):
        make_card(run, report, "")


def test_the_card_tells_what_its_thresholds_rest_on(run: Run) -> None:
    """One of Ada's recordings lends its last 12 s; with the hold of 1 s that's 10 verdicts, from 7.0 to 11.5 s."""
    card = make_card(run, evaluate(run, rounds=20), "")
    assert card.metrics["by_session thresholds chosen on exposed_hours"] == pytest.approx(10 * 0.5 / 3600)
    assert card.metrics["by_session thresholds chosen on false_alerts"] == 0
    assert "possible for 5.0 s in all" in card.metrics["by_session thresholds chosen on too_short"]
    assert "by_session live too_short" not in card.metrics
    assert card.metrics["by_session live exposed_hours"] == pytest.approx(3 * 66 * 0.5 / 3600)


def test_replay_raises_an_alert_for_the_other_and_none_for_the_person(run: Run) -> None:
    """40 s of each, through the monitor's own window and verdict: the first window is full at 5 s."""
    score = scorer(run)
    rule, _ = choose_rule(play(run.tracks, run.split.validate, "ada", score), 0.5)
    made = alerts(play(run.tracks, run.split.test, "ada", score), rule)
    assert (made.false_alerts, made.found, made.missed) == (0, 3, 0)
    assert all(wait_s > 5 for wait_s in made.waits_s)
    assert made.genuine_hours == pytest.approx(3 * 1199 / 30 / 3600)


def test_replay_tells_the_verdict_of_each_shot() -> None:
    """20 s with a cut at 10 s: windows at ticks 150 .. 285 and 450 .. 585, or alerts would be counted across cuts."""
    track = make_track("walk", "ada")
    track.shot[300:] = 1
    [played] = play([track], [Span(0, 0, 600)], "ada", lambda windows: np.zeros(len(windows), np.float32))
    assert [score.shot for score in played.verdicts if isinstance(score, Score)] == [0] * 10 + [1] * 10


def test_no_alert_in_a_minute_does_not_mean_none_in_an_hour(run: Run) -> None:
    """Rule of three: none seen in h hours is up to 3 / h at 95 %."""
    made = alerts(play(run.tracks, run.split.test, "ada", scorer(run)), choose_rule([], 0.5)[0])
    assert made.at_most_per_hour is not None
    assert made.at_most_per_hour >= 2.99 / made.genuine_hours


def test_every_preset_is_a_recipe() -> None:
    assert {"paper", "body"} <= set(preset_names())
    assert all(read_recipe(name) for name in preset_names())


def test_the_paper_preset_is_table_3() -> None:
    paper = read_recipe("paper")
    assert (paper.hidden, paper.layers, paper.dropout, paper.batch, paper.epochs) == (512, 2, 0.5, 1, 200)
    assert (paper.lr, paper.lr_step, paper.lr_gamma, paper.weight_decay, paper.clip) == (1e-2, 30, 0.5, 1e-4, 0.25)
    assert (paper.optimizer, paper.features, paper.balance) == ("adam", "paper", False)


@pytest.mark.parametrize(
    ("preset", "changes", "sentence"),
    [
        ("papper", {}, "is no preset and no file; presets are "),
        ("paper", {"hiden": 3}, "hiden: no recipe has this key"),
        ("paper", {"longest": 100}, "longest: Input should be|the recipe: .*the monitor judges 150 poses"),
        ("body", {"conditions": "shape"}, 'conditions: no condition is called "shape"; there are rate, size'),
        ("body", {"conditions": ""}, 'conditions: no condition is called ""; there are .* or none'),
        ("body", {"conditions": 3}, "conditions: give names with commas"),
        ("body", {"conditions": [["rate"]]}, "conditions: no condition is called"),
        ("paper", {"epochs": 0}, "epochs: Input should be greater than or equal to 1"),
    ],
)
def test_a_wrong_recipe_is_told(preset: str, changes: dict[str, int], sentence: str) -> None:
    with pytest.raises(RunUnusable, match=sentence):
        read_recipe(preset, changes)


@pytest.mark.parametrize(
    ("preset", "changes", "held"),
    [
        ("paper", {}, ("rate", "size", "middle", "alone", "camera")),
        ("fast", {}, ("rate", "size", "middle", "alone", "camera")),
        ("body", {}, ("rate", "middle", "alone", "camera")),
        ("any-length", {}, ("rate", "middle", "alone", "camera")),
        ("paper", {"features": "motion"}, ("rate", "middle", "alone", "camera")),
        ("fast", {"features": "head3d"}, ("rate", "middle", "alone", "camera")),
        ("body", {"features": "paper"}, ("rate", "size", "middle", "alone", "camera")),
        ("body", {"conditions": "camera, size"}, ("size", "camera")),
        ("body", {"conditions": ["alone"]}, ("alone",)),
        ("paper", {"conditions": "none"}, ()),
    ],
)
def test_recordings_are_held_against_what_the_features_need_or_what_is_said(
    preset: str, changes: dict[str, str], held: tuple[str, ...]
) -> None:
    """Only the paper's features ask for pictures of one shape; the others measure in shoulder widths."""
    assert read_recipe(preset, changes).conditions == held


def test_the_papers_split_gets_as_many_steps_from_fewer_windows() -> None:
    body = read_recipe("body")
    assert body.for_split("paper").epochs == body.epochs * 150 // body.step
    assert body.for_split("by_session") == body
    assert read_recipe("paper").for_split("paper") == read_recipe("paper")


def test_the_last_epoch_is_kept_when_asked(tmp_path: Path) -> None:
    run = train(tmp_path / "run", RECIPE.model_copy(update={"keep": "last", "epochs": 3}))
    assert run.best()["epoch"] == 3


LONGER = RECIPE.model_copy(update={"schedule": "cosine", "keep": "last"})


def rates(folder: Path, *epochs: int) -> list[float]:
    """Train for so many epochs, then make the run longer, and so on: the learning rate of every epoch."""
    runs = [train(folder, LONGER.model_copy(update={"epochs": number})) for number in epochs]
    return [epoch["lr"] for epoch in runs[-1].history()]


@pytest.fixture(scope="module")
def longer(tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    return rates(tmp_path_factory.mktemp("longer"), 4, 8)


def test_a_run_made_longer_has_the_longer_runs_rates(longer: list[float], tmp_path: Path) -> None:
    """A cosine over 8 epochs is at half its rate in the fifth, whenever the 8 were asked for."""
    assert longer[4:] == pytest.approx(rates(tmp_path, 8)[4:])
    assert longer[4] == pytest.approx((0.03 + 0.0003) / 2)


def test_a_run_made_longer_ends_at_a_low_rate(longer: list[float]) -> None:
    """It rises once, where it goes on, and then only falls: `last` keeps an epoch at (1 + cos(7/8 pi)) / 2 = 3.8 %."""
    assert np.diff(longer[4:]).max() < 0
    assert longer[-1] < 0.05 * 0.03


def test_a_cosine_comes_near_a_hundredth_of_its_rate_and_not_to_it() -> None:
    """`body` has 10 epochs: the tenth at 1 % + 99 % of (1 + cos(9/10 pi)) / 2 = 3.4 %; an eleventh would be at 1 %."""
    body = read_recipe("body")
    assert [body.rate(epoch) / body.lr for epoch in (0, 9, 10)] == pytest.approx([1, 0.0342, 0.01], abs=1e-4)


def test_a_stepped_rate_falls_every_so_many_epochs() -> None:
    """Table 3: 1e-2, halved every 30 epochs, is 1e-2 / 2**6 in the last of 200."""
    paper = read_recipe("paper")
    assert [paper.rate(epoch) for epoch in (0, 29, 30)] == pytest.approx([1e-2, 1e-2, 5e-3])
    assert paper.rate(199) == pytest.approx(1e-2 / 64)


APART = RECIPE.model_copy(update={"tell_apart": True, "epochs": 1})
DAYS = 3 * ["monday"] + 3 * ["tuesday"]
CY = [make_track(f"cy-{n}", "cy", seconds=40, session=f"m0_{day}", seed=n) for n, day in enumerate(DAYS)]


def odds_of(folder: Path, tracks: list[Track], init_from: Path | None = None) -> float:
    """Train one epoch of a network that tells people apart; its log odds of "somebody else" where nothing is known."""
    train_person(folder, Path("made up"), "ada", tracks, APART, protocol="by_session", device=CPU, init_from=init_from)
    return start_run(folder, Task("made up", "ada", "by_session"), APART, tracks).network().odds.item()


def test_fine_tuning_leaves_the_other_datas_odds_behind(tmp_path: Path) -> None:
    """Ada, Bob and Cy alike: two to one against Ada, ln 2. With as much of her once more it is one to one, ln 1."""
    more = [replace(track, recording=f"{track.recording}-more") for track in TRACKS if track.person == "ada"]
    assert odds_of(tmp_path / "one", [*TRACKS, *CY]) == pytest.approx(math.log(2))
    assert odds_of(tmp_path / "two", [*TRACKS, *CY, *more], tmp_path / "one") == pytest.approx(0)


def test_fine_tuning_gives_each_person_the_output_that_was_theirs(tmp_path: Path) -> None:
    """Ada's network has outputs ada, bob, cy; Bob's has bob, ada, cy. Copied as they lie, hers would be called his."""
    tracks = [*TRACKS, *CY]
    train_person(tmp_path / "ada", Path("made up"), "ada", tracks, APART, protocol="by_session", device=CPU)
    hers = start_run(tmp_path / "ada", Task("made up", "ada", "by_session"), APART, tracks)
    his = start_run(tmp_path / "bob", Task("made up", "bob", "by_session"), APART, tracks)
    assert [name for name, _ in his.dataset.people] == ["bob", "ada", "cy"]
    head, begun = hers.network().head.weight, beginning(his, tmp_path / "ada").head.weight
    assert torch.equal(begun, head[[1, 0, 2]])


def test_fine_tuning_on_other_people_begins_their_outputs_anew(tmp_path: Path) -> None:
    """As many people, but nobody knows which of them is whose: the weights below are kept, the outputs are not."""
    train_person(tmp_path / "ada", Path("made up"), "ada", [*TRACKS, *CY], APART, protocol="by_session", device=CPU)
    others = [*TRACKS, *(replace(track, person="dan", recording=f"dan-{track.recording}") for track in CY)]
    run = start_run(tmp_path / "new", Task("made up", "ada", "by_session"), APART, others)
    fresh, begun = run.fresh_network().state_dict(), beginning(run, tmp_path / "ada").state_dict()
    assert torch.equal(begun["head.weight"], fresh["head.weight"])
    assert not torch.equal(begun["cell.weight_ih_l0"], fresh["cell.weight_ih_l0"])


def test_fine_tuning_from_a_network_of_one_output_begins_the_outputs_anew(tmp_path: Path) -> None:
    """Trained as "Ada or not" on the same people: there is nobody's output in it to take over."""
    one = APART.model_copy(update={"tell_apart": False})
    train_person(tmp_path / "one", Path("made up"), "ada", [*TRACKS, *CY], one, protocol="by_session", device=CPU)
    run = start_run(tmp_path / "three", Task("made up", "ada", "by_session"), APART, [*TRACKS, *CY])
    assert torch.equal(beginning(run, tmp_path / "one").head.weight, run.fresh_network().head.weight)


def test_recordings_too_short_for_the_recipes_windows_are_told_before_training(tmp_path: Path) -> None:
    """7 s hold a window of 150 poses, 5 s, and none of the 300 that `any-length` trains on: nothing is begun."""
    recipe = read_recipe("any-length", {"hidden": 8, "epochs": 1})
    tracks = two_people(recordings=6, seconds=7)
    with pytest.raises(SplitImpossible, match=r"part train has no window of ada of 300 poses \(10\.0 s\), .*too short"):
        train_person(tmp_path / "run", Path("made up"), "ada", tracks, recipe, protocol="by_recording", device=CPU)
    assert not (tmp_path / "run").exists()


def test_conditions_that_leave_no_long_window_are_told_with_the_option_that_keeps_it(tmp_path: Path) -> None:
    """Every other 5 s are shaken: windows of 150 poses are left, and none of the 300 that this recipe cuts."""
    shaken = np.tile(np.repeat(np.float32([0, 0.05]), 150), 4)
    tracks = [replace(track, camera=shaken) for track in TRACKS]
    recipe = read_recipe("any-length", {"hidden": 8, "epochs": 1})
    with pytest.raises(SplitImpossible, match=r"no window of ada of 300 poses.*It can with `--conditions rate,middle,"):
        start_run(tmp_path / "run", Task("made up", "ada", "by_recording"), recipe, tracks)
    assert not (tmp_path / "run").exists()
    kept = recipe.model_copy(update={"conditions": ("rate", "middle", "alone")})
    assert start_run(tmp_path / "run", Task("made up", "ada", "by_recording"), kept, tracks)


def test_windows_of_others_must_be_as_long_as_the_persons(tmp_path: Path) -> None:
    """Ada speaks for 20 s, Bob for 7: one class alone would be trained on."""
    recipe = read_recipe("any-length", {"hidden": 8, "epochs": 1})
    tracks = [*two_people(recordings=6)[:6], *two_people(recordings=6, seconds=7)[6:]]
    with pytest.raises(SplitImpossible, match="part train has no window of others of 300 poses"):
        train_person(tmp_path / "run", Path("made up"), "ada", tracks, recipe, protocol="by_recording", device=CPU)


def test_a_run_does_not_go_on_from_another_start(run: Run, tmp_path: Path) -> None:
    """Begun from nothing; called again with --init-from it would go on as if that had been heard."""
    train(tmp_path, stop_after=1)
    with pytest.raises(RunUnusable, match=r"another init_from\.json"):
        train(tmp_path, init_from=run.folder)


def test_a_run_that_does_not_say_how_it_began_is_not_said_to_have_begun_elsewhere(run: Run, tmp_path: Path) -> None:
    """An older trainer wrote no init_from.json; training goes on from last.pt, whatever --init-from names."""
    train(tmp_path, stop_after=1)
    (tmp_path / "init_from.json").unlink()
    with pytest.raises(RunUnusable, match=r"was trained by an older trainer .* without --init-from"):
        train(tmp_path, init_from=run.folder)
    assert not (tmp_path / "init_from.json").exists()
    assert len(train(tmp_path, stop_after=1).history()) == 2


def test_a_checkpoint_without_a_history_has_begun_too(run: Run, tmp_path: Path) -> None:
    """Killed between its two files, an older run has last.pt alone, and goes on from it: no beginning is made up."""
    train(tmp_path, stop_after=1)
    (tmp_path / "init_from.json").unlink()
    (tmp_path / "history.jsonl").unlink()
    with pytest.raises(RunUnusable, match="without --init-from"):
        train(tmp_path, init_from=run.folder)
    assert len(train(tmp_path, stop_after=1).history()) == 2
    assert not (tmp_path / "init_from.json").exists()


def test_a_fine_tuned_run_goes_on_without_being_told_from_what(run: Run, tmp_path: Path) -> None:
    train(tmp_path, stop_after=1, init_from=run.folder)
    assert len(train(tmp_path, stop_after=1).history()) == 2


def written(folder: Path, tracks: list[Track]) -> Path:
    folder.mkdir()
    for track in tracks:
        write_track(folder / f"{track.recording}.npz", track)
    return folder


def test_relabelled_sessions_are_other_data(run: Run, tmp_path: Path) -> None:
    """Days swapped: the very recordings that were trained on would now be tested."""
    other = {"monday": "tuesday", "tuesday": "monday"}
    swapped = [replace(track, session=f"{track.movement}_{other[track.take]}") for track in TRACKS]
    with pytest.raises(RunUnusable, match="was trained on other data"):
        open_run(run.folder, data=written(tmp_path / "data", swapped))


def test_a_run_whose_digest_does_not_cover_the_sessions_is_refused(tmp_path: Path) -> None:
    """As older trainers named data, by persons and keypoints only: nobody can tell whether its split still holds."""
    train(tmp_path / "run", stop_after=1)
    task = json.loads((tmp_path / "run" / "task.json").read_text())
    (tmp_path / "run" / "task.json").write_text(json.dumps(task | {"digest": digest_before_sessions(TRACKS)}))
    data = written(tmp_path / "data", TRACKS)
    with pytest.raises(RunUnusable, match=r"does not cover sessions .* train it again"):
        open_run(tmp_path / "run", data=data)
    with pytest.raises(RunUnusable, match=r"does not cover sessions .* train it again"):
        train(tmp_path / "run")


@pytest.mark.parametrize("name", ["task.json", "recipe.json"])
def test_a_run_that_a_crash_left_half_written_is_told_by_file(name: str, tmp_path: Path) -> None:
    """What the run is of stands there: guessed, another person's weights would get this one's card."""
    train(tmp_path / "run", stop_after=1)
    (tmp_path / "run" / name).write_text('{"person": "ad')
    sentence = rf"run/{name}: is damaged, .* train again, in another folder"
    with pytest.raises(RunUnusable, match=sentence):
        open_run(tmp_path / "run", data=written(tmp_path / "data", TRACKS))
    with pytest.raises(RunUnusable, match=sentence):
        train(tmp_path / "run")


def test_a_start_that_a_crash_left_half_written_is_told_by_file(tmp_path: Path) -> None:
    train(tmp_path, stop_after=1)
    (tmp_path / "init_from.json").write_text("")
    with pytest.raises(RunUnusable, match=r"init_from\.json: is damaged"):
        train(tmp_path, init_from=tmp_path)


def test_a_half_written_task_of_the_run_to_begin_from_is_told_by_file(run: Run, tmp_path: Path) -> None:
    """Whose output is whose stands in the other run's task.json."""
    train(tmp_path / "other", stop_after=1)
    (tmp_path / "other" / "task.json").write_text("")
    with pytest.raises(RunUnusable, match=r"other/task\.json: is damaged"):
        train(tmp_path / "new", init_from=tmp_path / "other")


def test_a_history_that_was_cut_is_told_and_comes_back_from_the_checkpoint(tmp_path: Path) -> None:
    """last.pt holds it too: removed, it is written anew by the next call, which goes on after the first epoch."""
    train(tmp_path, stop_after=1)
    (tmp_path / "history.jsonl").write_text('{"epoch": 1, "lo')
    with pytest.raises(RunUnusable, match=r"history\.jsonl: is damaged, .* remove it, and `train` writes it anew"):
        train(tmp_path)
    (tmp_path / "history.jsonl").unlink()
    assert [epoch["epoch"] for epoch in train(tmp_path, stop_after=1).history()] == [1, 2]


@pytest.mark.parametrize("content", [b"", b"\0" * 64, b"PK\x03\x04cut short"], ids=["empty", "blanks", "cut"])
def test_weights_that_a_crash_cut_are_told_by_file(content: bytes, tmp_path: Path) -> None:
    train(tmp_path, stop_after=1)
    (tmp_path / "last.pt").write_bytes(content)
    with pytest.raises(RunUnusable, match=r"last\.pt: is no checkpoint .* remove it to start anew"):
        train(tmp_path)
