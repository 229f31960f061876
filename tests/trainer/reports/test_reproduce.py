"""The reproduction: every row and figure, resumable, with a page that needs no other file."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.support.tracks import make_track, two_people
from trainer.errors import RunUnusable
from trainer.recipe import Recipe
from trainer.reports.baselines import NETWORKS
from trainer.reports.experiments import PICTURES, Experiment, experiments
from trainer.reports.honest import about, honest
from trainer.reports.report import tables_of, write_report
from trainer.reports.reproduce import gather, reproduce, run_experiment
from trainer.runs import open_run

TRACKS = two_people(recordings=6, seconds=18)
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
    [("vgg16", 14.72), ("resnet50", 23.51), ("resnet101", 42.50), ("resnet152", 58.15), ("li_resnet152", 58.15)],
)
def test_the_compared_networks_are_as_large_as_they_should_be(name: str, millions: float) -> None:
    """The published sizes less their 1000-class ends: 25.56 - 2.05 = 23.51 million for ResNet50, and so on."""
    with torch.device("meta"):
        network = NETWORKS[name](224)
    assert sum(weight.numel() for weight in network.parameters()) / 1e6 == pytest.approx(millions, abs=0.01)


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
    report = gather(results, TRACKS) | {
        "person": "ada", "scale": "smoke", "seed": 0, "digest": "ab" * 32, "missing": ["vgg16"], "seconds": 1.0,
    }  # fmt: skip
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
    report = gather(results, TRACKS) | {"fast": None}
    one = {"false_alerts": 0, "exposed_hours": 0.5, "too_short": ""}
    report["honest"]["by_session"]["live"] = [one | {"time_to_alert_p50_s": wait_s} for wait_s in (None, 7, 8, 9, 20)]
    honest, *_ = tables_of(report)
    [row] = [row for row in honest.rows if row[:2] == ("best features (body)", "another session")]
    assert row[-1] == 8.5


@pytest.mark.parametrize(
    ("live", "said"),
    [
        ([{"false_alerts": 1, "exposed_hours": 0.5, "too_short": ""}] * 2, "2 in 1.00 h"),
        ([{"false_alerts": 1, "exposed_hours": 0.001, "too_short": "too short to tell: 2.0 s"}], "too short to tell"),
        ([{"false_alerts": 3, "genuine_hours": 0.5}], "3 in unknown time"),
    ],
)
def test_the_report_tells_false_alerts_over_the_time_that_could_have_had_any(
    results: dict[str, Any], live: list[dict[str, Any]], said: str
) -> None:
    """Folds together; a result of an older version knows no such time, and one of seconds tells nothing."""
    report = gather(results, TRACKS) | {
        "person": "ada", "scale": "smoke", "seed": 0, "digest": "ab" * 32, "missing": [], "seconds": 1.0,
    }  # fmt: skip
    report["honest"]["by_session"]["live"] = [{"time_to_alert_p50_s": None} | one for one in live]
    honest, *_ = tables_of(report)
    [row] = [row for row in honest.rows if row[:2] == ("best features (body)", "another session")]
    assert row[-2] == said


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
