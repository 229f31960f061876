"""The reproduction: every row and figure, resumable, with a page that needs no other file."""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.support.tracks import make_track, two_people
from trainer.data.tracks import Track
from trainer.errors import RunUnusable
from trainer.recipe import PAPERS, Recipe
from trainer.reports.baselines import NETWORKS, weights_of
from trainer.reports.experiments import PICTURES, Experiment, Scale, experiments
from trainer.reports.honest import about, honest
from trainer.reports.report import tables_of, write_report
from trainer.reports.reproduce import gather, reproduce, run_experiment
from trainer.runs import open_run

TRACKS = two_people(recordings=6, seconds=18)
ABOUT = {"person": "ada", "scale": "smoke", "seed": 0, "digest": "ab" * 32, "missing": ["vgg16"], "seconds": 1.0}
QUICK = Recipe(
    features="body", hidden=8, layers=1, dropout=0, pool="mean", lr=0.02, schedule="constant", batch=16, epochs=2,
    step=75, clip=1, balance=True, tell_apart=True, even=True,
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small wait for each other's threads longer than they compute."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("name", "millions"),
    [("vgg16", 134.27), ("resnet50", 23.51), ("resnet101", 42.50), ("resnet152", 58.15), ("li_resnet152", 58.15)],
)
def test_the_compared_networks_are_as_large_as_they_should_be(name: str, millions: float) -> None:
    """The published sizes less their 1000-class ends: 25.56 - 2.05 = 23.51 million for ResNet50, and so on.

    VGG16 has 138.36 - 4.10 and, ours, 2 x 4224 numbers of batch normalisation and one output.
    """
    assert weights_of(name, 224) / 1e6 == pytest.approx(millions, abs=0.01)


def test_a_network_of_the_face_alone_does_not_see_the_arms() -> None:
    """Table 6: moving a wrist changes nothing for Li et al.'s network."""
    from trainer.reports.baselines import FACE_COLUMNS, PosePicture

    poses = torch.from_numpy(make_track("one", "ada").keypoints[None, :150].copy())
    still = poses.clone()
    still[:, :, 4] = still[:, :1, 4]
    face = PosePicture(32, FACE_COLUMNS)
    assert torch.equal(face(poses), face(still))
    assert not torch.equal(PosePicture(32)(poses), PosePicture(32)(still))


def test_a_cnn_with_an_lstm_looks_at_one_second_after_the_other() -> None:
    """Five pictures of 30 poses: the first seconds in another order give another answer."""
    torch.manual_seed(0)
    network = NETWORKS["vgg16_lstm"](32)
    poses = torch.from_numpy(make_track("one", "ada").keypoints[None, :150].copy())
    swapped = torch.cat([poses[:, 30:60], poses[:, :30], poses[:, 60:]], dim=1)
    with torch.no_grad():
        answers = network.outputs(torch.cat([poses, swapped]))
    assert answers[0].item() != answers[1].item()


def test_every_experiment_of_the_paper_is_planned() -> None:
    """Three optimizers, the stack, models A, B, C, six other networks, fast, and the honest splits."""
    names = {experiment.name for experiment in experiments("full", seed=0)}
    assert names >= {"sgd-1e-3", "sgd-1e-4", "adam-1e-3", "stacked", "paper", "model-b", "model-c", "fast", *PICTURES}
    [final] = [experiment for experiment in experiments("full", seed=0) if experiment.name == "paper"]
    assert (final.recipe.batch, final.recipe.epochs, final.recipe.hidden) == (1, 200, 512)


@pytest.mark.parametrize("held", [PAPERS, ("camera",), ()])
def test_every_row_of_a_reproduction_is_of_the_same_data(held: tuple[str, ...]) -> None:
    """Their figures stand side by side, so conditions go by the reproduction, and not by each row's features."""
    assert {experiment.recipe.conditions for experiment in experiments("full", 0, held)} == {held}
    assert {experiment.recipe.conditions for experiment in experiments("smoke", 0)} == {PAPERS}


def test_table_2_is_the_papers_whatever_the_rows_were_held_against(tmp_path: Path) -> None:
    """One of Bob's six recordings, three segments, is of another shape; the rows were asked to keep it."""
    tracks = [replace(track, width=480) if track.recording == "bob-1" else track for track in TRACKS]
    report = reproduce(tracks, Path("made up"), "ada", tmp_path, scale="trial", stop_after_s=0, conditions=["rate"])
    assert [row["dropped_size"] for row in report["tables"]["table_2"]["ours"]] == [0, 3]
    assert (report["conditions"]["held"], report["conditions"]["left_out"]) == (["rate"], 0)
    said = next(table.said for table in tables_of(report) if table.title.startswith("Table 2"))
    assert said.endswith(" The other tables leave out only what breaks rate.")


def z_scored(scale: Scale) -> list[Experiment]:
    """What the rows of the z-scored features in the honest table stand on."""
    return [one for one in experiments(scale, seed=0) if one.name.startswith("paper features ")]


@pytest.mark.parametrize("scale", ["trial", "smoke", "full"])
def test_the_z_scored_rows_are_of_one_model(scale: Scale) -> None:
    """On the random split as on the honest ones: only then is the difference between the rows the split's."""
    rows = z_scored(scale)
    assert {one.protocol for one in rows} == {"paper", "by_repetition", "by_session", "unseen_movement"}
    assert {(one.recipe, one.network, one.windows) for one in rows} == {(rows[0].recipe, "lstm", rows[0].windows)}


def test_the_z_scored_row_of_the_random_split_is_not_table_4s_model() -> None:
    """Model A (512 wide, unbalanced) stood there, above rows of preset fast (128 wide, balanced)."""
    ends = {"ci": {"low": 0.0, "high": 1.0}}
    done = {"paper": ends | {"auroc": 0.1}, "paper features paper 0": ends | {"auroc": 0.9}}
    assert gather(done, TRACKS)["papers_features_papers_split"]["auroc"] == 0.9


def test_every_picture_network_says_what_it_is(results: dict[str, Any], tmp_path: Path) -> None:
    """The paper names networks and no more; a reader sees what ours have, and lack, beside the figures."""
    write_report(gather(results, TRACKS) | ABOUT, tmp_path)
    text, page = (tmp_path / "report.md").read_text(), (tmp_path / "report.html").read_text()
    table = text[text.index("## What stands behind the names") : text.index("## Preset fast")]
    rows = {row.split(" | ")[0].removeprefix("| "): row for row in table.splitlines() if row.startswith("| ")}
    assert rows.keys() == {
        "network", "VGG16", "ResNet50", "ResNet101", "ResNet152", "CNN (VGG16) + LSTM",
        "Li et al., ResNet152, face alone",
    }  # fmt: skip
    assert "| 33.61 |" in rows["VGG16"]  # at 32 px: 14.72 + 512 x 4096 + 4096 x 4096 + 3 x 4096 + 1
    assert "batch normalisation" in rows["VGG16"]
    assert "batch normalisation" in rows["CNN (VGG16) + LSTM"]
    assert "no fully connected layers" in rows["CNN (VGG16) + LSTM"]
    assert "random weights" in table
    assert "32 px" in table
    assert "What stands behind the names" in page


def test_vgg16_has_its_fully_connected_layers() -> None:
    """Two of 4096 and the output; 25,088 numbers come in at 224 px (512 x 7 x 7)."""
    with torch.device("meta"):
        network = NETWORKS["vgg16"](224)
    layers = [(part.in_features, part.out_features) for part in network.modules() if isinstance(part, torch.nn.Linear)]
    assert layers == [(25088, 4096), (4096, 4096), (4096, 1)]


def test_the_honest_table_says_how_its_rows_were_trained(results: dict[str, Any], tmp_path: Path) -> None:
    """Each row has its own training windows and its own share of fakes; both blocks say which preset they are."""
    write_report(gather(results, TRACKS) | ABOUT, tmp_path)
    text = (tmp_path / "report.md").read_text()
    [row] = [line for line in text.splitlines() if line.startswith("| preset body | another session |")]
    done = results["body by_session 0"]
    assert f"| another session | {done['train_windows']} |" in row
    assert f" | {done['always_fake']:.2f} | " in row
    assert "two layers of 128" in text
    assert "same kind of model" not in text


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A few experiments, tiny, under the names that the report looks for."""
    out = tmp_path_factory.mktemp("runs")
    plain = QUICK.model_copy(update={"features": "paper", "tell_apart": False})
    chosen = [
        Experiment("paper", plain),
        Experiment("fast", plain, windows=20),
        Experiment("resnet50", plain.model_copy(update={"epochs": 1, "batch": 4}), "resnet50", windows=4),
        Experiment("body by_session 0", QUICK, protocol="by_session"),
    ]
    return {
        one.name: run_experiment(
            one,
            TRACKS,
            Path("made up"),
            "ada",
            out / one.name,
            picture_px=32,
            enough=lambda: False,
            told=lambda e: None,
        )
        for one in chosen
    }


def test_a_report_has_every_table_figure_and_honest_row(results: dict[str, Any], tmp_path: Path) -> None:
    """What has not run is a dash, not a missing row."""
    report = gather(results, TRACKS) | ABOUT
    assert report["tables"].keys() == {"table_2", "table_3", "table_4", "table_5", "table_6"}
    assert report["figures"].keys() == {"figure_8", "figure_9", "figure_10"}
    assert report["honest"].keys() == {"by_repetition", "by_session", "unseen_movement"}
    live = report["honest"]["by_session"]["live"][0]
    assert live["false_alerts_per_hour"] == pytest.approx(live["false_alerts"] / live["exposed_hours"])
    write_report(report, tmp_path)
    page, text = (tmp_path / "report.html").read_text(), (tmp_path / "report.md").read_text()
    assert [len(report["tables"][f"table_{n}"]) for n in (4, 5, 6)] == [3, 6, 2]
    assert "| VGG16 | 82.10 | – | 76.34 | – | 74.03 | – | – |" in text
    assert all((tmp_path / f"figure_{n}.png").read_bytes().startswith(b"\x89PNG") for n in (8, 9, 10))
    pictures = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert [base64.b64decode(picture)[:4] for picture in pictures] == [b"\x89PNG"] * 3
    assert "http" not in page
    json.dumps(report)


def test_the_wait_for_an_alert_is_of_all_folds(results: dict[str, Any]) -> None:
    """Five folds of one protocol: the first found no fake, the others after 7, 8, 9 and 20 s; the median of these."""
    report = gather(results, TRACKS) | ABOUT
    one = {"false_alerts": 0, "exposed_hours": 0.5, "too_short": ""}
    report["honest"]["by_session"]["live"] = [one | {"time_to_alert_p50_s": wait_s} for wait_s in (None, 7, 8, 9, 20)]
    honest, *_ = tables_of(report)
    [row] = [row for row in honest.rows if row[:2] == ("preset body", "another session")]
    assert row[-1] == 8.5


@pytest.mark.parametrize(
    ("live", "said"),
    [
        ([{"false_alerts": 1, "exposed_hours": 0.5, "too_short": ""}] * 2, "2 in 1.00 h"),
        ([{"false_alerts": 0, "exposed_hours": 0.001, "too_short": "too short to tell: 2.0 s"}], "too short to tell"),
        (
            [{"false_alerts": 9, "exposed_hours": 0.001, "too_short": "too short to tell: 2.0 s"}],
            "9, too short to tell",
        ),
        (
            [
                {"false_alerts": 1, "exposed_hours": 0.5, "too_short": ""},
                {"false_alerts": 9, "exposed_hours": 0.1, "too_short": "too short to tell: 9 of 9 alerts"},
            ],
            "1 in 0.50 h; 9, too short to tell",
        ),
        ([{"false_alerts": 3, "genuine_hours": 0.5}], "3 in unknown time"),
    ],
)
def test_the_report_tells_false_alerts_over_the_time_that_could_have_had_any(
    results: dict[str, Any], live: list[dict[str, Any]], said: str
) -> None:
    """Folds together; a result of an older version knows no such time, and one of seconds tells nothing."""
    report = gather(results, TRACKS) | ABOUT
    report["honest"]["by_session"]["live"] = [{"time_to_alert_p50_s": None} | one for one in live]
    honest, *_ = tables_of(report)
    [row] = [row for row in honest.rows if row[:2] == ("preset body", "another session")]
    assert row[-2] == said


@pytest.mark.parametrize(("scale", "told"), [("trial", True), ("smoke", True), ("full", False)])
def test_a_report_says_when_it_was_cut_down(results: dict[str, Any], tmp_path: Path, scale: str, told: bool) -> None:
    """One epoch on 16 windows (trial) shows even less than scale smoke, of which alone it was said."""
    write_report(gather(results, TRACKS) | ABOUT | {"scale": scale}, tmp_path)
    assert ("show that they run, not how well" in (tmp_path / "report.md").read_text()) == told


def test_the_seconds_told_are_of_all_goes() -> None:
    """Finished in an earlier go: the report's seconds are what training took then, not what reading it back took."""
    report = gather({"paper": {"seconds": 40.0}, "fast": {"seconds": 2.0}, "vgg16": {"complete": False}}, TRACKS)
    assert report["seconds"] == 42.0


def test_an_experiment_that_was_stopped_goes_on(tmp_path: Path) -> None:
    """Out of time before the first epoch: nothing to show yet; the next call finishes, a third finds it done."""
    plan = Experiment("body by_session 0", QUICK, protocol="by_session")

    def run(enough: bool) -> dict[str, Any]:
        return run_experiment(
            plan, TRACKS, Path("made up"), "ada", tmp_path, picture_px=32, enough=lambda: enough, told=lambda e: None
        )

    assert not run(enough=True)["complete"]
    done = run(enough=False)
    assert done["complete"]
    assert json.dumps(run(enough=True)) == json.dumps(done)


def test_a_result_that_a_crash_cut_is_told_by_file_and_made_anew_without_it(tmp_path: Path) -> None:
    """The training is whole: only the judging is done again, and comes to the same figures."""
    plan = Experiment("body by_session 0", QUICK, protocol="by_session")
    done = by_session(tmp_path, plan, TRACKS)
    (tmp_path / "result.json").write_text('{"complete": true, "hist')
    with pytest.raises(RunUnusable, match=r"result\.json: is damaged, .* remove it to have it made anew"):
        by_session(tmp_path, plan, TRACKS)
    (tmp_path / "result.json").unlink()
    assert json.dumps(by_session(tmp_path, plan, TRACKS)) == json.dumps(done)


def by_session(home: Path, plan: Experiment, tracks: list[Track]) -> dict[str, Any]:
    return run_experiment(
        plan, tracks, Path("made up"), "ada", home, picture_px=32, enough=lambda: False, told=lambda e: None
    )


@pytest.mark.parametrize(
    ("change", "fewer", "sentence"),
    [
        ({}, 1, "holds a run with another task.json"),
        ({"recipe": QUICK.model_copy(update={"hidden": 4})}, 0, "holds a run with another recipe.json"),
        ({"windows": 20}, 0, "holds a run with another experiment.json"),
        ({"network": "resnet50"}, 0, "holds a run with another experiment.json"),
    ],
    ids=["data", "recipe", "windows", "network"],
)
def test_what_is_done_is_done_of_the_same_data_and_plan_only(
    tmp_path: Path, change: dict[str, Any], fewer: int, sentence: str
) -> None:
    """Another day's recordings or another scale in the same folder must not get the figures that lie there."""
    plan = Experiment("by_session", QUICK, protocol="by_session")
    by_session(tmp_path, plan, TRACKS)
    with pytest.raises(RunUnusable, match=re.escape(sentence)):
        by_session(tmp_path, replace(plan, **change), TRACKS[fewer:])


def test_an_experiment_made_longer_goes_on(tmp_path: Path) -> None:
    """Two epochs of scale trial are not the three of the next scale."""
    plan = Experiment("by_session", QUICK, protocol="by_session")
    by_session(tmp_path, plan, TRACKS)
    longer = replace(plan, recipe=QUICK.model_copy(update={"epochs": 3}))
    assert [epoch["epoch"] for epoch in by_session(tmp_path, longer, TRACKS)["history"]] == [1, 2, 3]


def test_reproduce_out_of_time_still_reports_what_it_has(tmp_path: Path) -> None:
    report = reproduce(TRACKS, Path("made up"), "ada", tmp_path, scale="trial", stop_after_s=0)
    assert not report["complete"]
    assert len(report["missing"]) == len(list(experiments("trial", seed=0)))


def test_one_network_that_tells_people_apart_serves_them_all(tmp_path: Path) -> None:
    """Three people in one network: made Bob's, its first output is Bob's, and it knows him from the others."""
    tracks = [
        *TRACKS,
        *(
            make_track(f"cy-{n}", "cy", hz=0.5, session=f"m0_{'monday' if n < 3 else 'tuesday'}", seed=n)
            for n in range(6)
        ),
    ]
    recipe = QUICK.model_copy(update={"epochs": 8, "features": "motion"})
    report = honest(tracks, Path("made up"), recipe, tmp_path, ["by_session"])
    assert report["by_session"]["people"].keys() == {"ada", "bob", "cy"}
    assert report["by_session"]["auroc"] > 0.9
    (tmp_path / "data").mkdir()
    from trainer.data.tracks import write_track

    for track in tracks:
        write_track(tmp_path / "data" / f"{track.recording}.npz", track)
    run = open_run(tmp_path / "by_session_0", data=tmp_path / "data")
    other, network = about(run, "bob")
    assert other.dataset.people[0] == ("bob", True)
    assert torch.equal(network.head.bias[0], run.network().head.bias[1])


def test_telling_apart_needs_three_people(tmp_path: Path) -> None:
    with pytest.raises(RunUnusable, match="three people"):
        honest(TRACKS, Path("made up"), QUICK, tmp_path, ["by_session"])
