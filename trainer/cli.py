"""`python -m trainer`: recordings -> tracks -> model -> report -> model file."""

import importlib.util
import json
import math
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from models.errors import BodywatchError

app = typer.Typer(
    name="trainer",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Make and audit the model files that the monitor loads.",
    epilog="Exit codes: 0 done, 2 command line, 3 recording, 4 model or weights, 8 data, split or run.",
)

Data = Annotated[
    Path, typer.Argument(help="Folder of pose tracks (*.npz), or with the paper's poses.csv and labels.csv")
]
RunFolder = Annotated[Path, typer.Argument(help="Folder of a run that `train` made")]
Person = Annotated[str, typer.Option("--person", "-p", help="Whose body language: a name, several with commas, or all")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a line instead of text")]
DataAgain = Annotated[Path | None, typer.Option("--data", help="Where the data lies now, if it was moved")]


@app.command()
def extract(
    manifest: Annotated[Path, typer.Argument(help="CSV: path,person,genuine,session,source,licence")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the tracks")],
    jobs: Annotated[int, typer.Option(help="Recordings at a time, each on a core of its own", min=1)] = 1,
    backend: Annotated[str, typer.Option(help="Name of the pose network")] = "openpose-thin",
    smooth: Annotated[bool, typer.Option(help="Steady the keypoints, as the daemon does")] = True,
    as_json: AsJson = False,
) -> None:
    """Turn recordings into pose tracks, through the monitor's own stages. Go on where it stopped by calling it again.

    Example: [bold]python -m trainer extract manifest.csv -o DATA --jobs 2[/]
    """
    from trainer.conditions import summary
    from trainer.extract import Extracted, Eyes, read_manifest
    from trainer.extract import extract as run_extract
    from trainer.tracks import read_tracks

    recordings = read_manifest(manifest)
    with _progress(as_json) as bar:
        task = bar.add_task("recordings", total=len(recordings))

        def told(done: Extracted) -> None:
            bar.update(task, advance=1)
            if as_json:
                typer.echo(json.dumps(asdict(done)))
            elif done.why:
                bar.console.print(f"{done.name}: {done.why}", markup=False)

        done = run_extract(recordings, out, Eyes(backend, smooth=smooth), jobs=jobs, told=told)
    rows = summary(read_tracks(out))
    _tell({"recordings": len(done), "without_poses": sum(not one.poses for one in done), "table_2": rows}, as_json)
    if any(not one.poses for one in done):
        raise typer.Exit(3)


@app.command()
def train(
    data: Data,
    person: Person,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the run (for the runs, with several persons)")],
    preset: Annotated[str, typer.Option(help="Name of a preset, or a TOML file")] = "body",
    split: Annotated[
        str, typer.Option(help="paper, by_recording, by_repetition, by_session, unseen_movement or given")
    ] = ("by_recording"),
    fold: Annotated[int, typer.Option(help="Number of the split's repetition")] = 0,
    features: Annotated[str | None, typer.Option(help="paper, body, motion or head3d")] = None,
    hidden: Annotated[int | None, typer.Option(help="Width of the LSTM")] = None,
    layers: Annotated[int | None, typer.Option(help="Layers of the LSTM")] = None,
    epochs: Annotated[int | None, typer.Option(help="Times through the data")] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed, same model")] = None,
    put: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE of a recipe, e.g. --set dropout=0.3")
    ] = None,
    init_from: Annotated[Path | None, typer.Option(help="Run of another person to start from")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps")] = "auto",
    threads: Annotated[
        int, typer.Option(help="Cores to use; 0: torch decides. On a busy machine 1 is fastest", min=0)
    ] = 0,
    stop_after: Annotated[int | None, typer.Option(help="Stop after so many epochs; the same call goes on")] = None,
    tensorboard: Annotated[bool, typer.Option(help="Write TensorBoard events into the run")] = True,
    as_json: AsJson = False,
) -> None:
    """Train a model of a person. Called again with the same folder it goes on where it stopped.

    Examples: [bold]python -m trainer train DATA --person ada -o runs/ada[/]
    [bold]python -m trainer train DATA --person ada --preset paper --split paper -o runs/paper[/]
    [bold]python -m trainer train DATA --person s01,s02 --init-from runs/s03 -o runs[/]
    """
    from trainer.recipe import read_recipe
    from trainer.session import train_person
    from trainer.tracks import read_tracks

    _use(threads)
    named = {"features": features, "hidden": hidden, "layers": layers, "epochs": epochs, "seed": seed}
    recipe = read_recipe(preset, {**{k: v for k, v in named.items() if v is not None}, **_pairs(put or [])})
    tracks = read_tracks(data)
    people = sorted({track.person for track in tracks}) if person == "all" else person.split(",")
    for one in people:
        folder = out if len(people) == 1 else out / one
        with _progress(as_json) as bar:
            task = bar.add_task(one, total=recipe.epochs)

            def told(epoch: dict[str, float], bar: Progress = bar, task: Any = task, one: str = one) -> None:
                said = f"{one}: val accuracy {epoch['val_accuracy']:.3f}, AUROC {epoch['val_auroc']:.3f}"
                bar.update(task, completed=epoch["epoch"], description=said)
                if as_json:
                    typer.echo(json.dumps(plain({"person": one, **epoch})))

            best = train_person(
                folder,
                data,
                one,
                tracks,
                recipe,
                protocol=split,
                fold=fold,
                init_from=init_from,
                device=device,
                stop_after=stop_after,
                told=told,
                tensorboard=tensorboard,
            )
        _tell({"person": one, "run": str(folder), "best": best}, as_json)


@app.command()
def evaluate(
    run: RunFolder,
    data: DataAgain = None,
    false_alerts_per_hour: Annotated[float, typer.Option(help="What thresholds are chosen for", min=0)] = 0.5,
    as_json: AsJson = False,
) -> None:
    """Judge the part of the data that a run was not trained on: windows, recordings, live alerts.

    Example: [bold]python -m trainer evaluate runs/ada --json[/]
    """
    from trainer.evaluate import evaluate as judge
    from trainer.runs import open_run

    report = judge(open_run(run, data=data), false_alerts_per_hour=false_alerts_per_hour)
    (run / "evaluation.json").write_text(json.dumps(plain(report), indent=1))
    _tell(report, as_json)


@app.command()
def export(
    run: RunFolder,
    out: Annotated[Path, typer.Option("--out", "-o", help="The model file, e.g. ada.pt")],
    note: Annotated[str, typer.Option(help="A sentence for the card")] = "",
    data: DataAgain = None,
    as_json: AsJson = False,
) -> None:
    """Write a run's best epoch as a model file, with card, thresholds and an index.json that vouches for it.

    Example: [bold]python -m trainer export runs/ada -o models/ada.pt --note "Ada at the lectern, studio 2"[/]
    """
    from trainer.export import export as write
    from trainer.runs import open_run

    kept = run / "evaluation.json"
    report = json.loads(kept.read_text()) if kept.is_file() else None
    sha256 = write(open_run(run, data=data), out, note=note, report=report)
    _tell({"file": str(out), "sha256": sha256}, as_json)


@app.command()
def audit(
    model: Annotated[Path, typer.Argument(help="A model file")],
    data: Data,
    sha256: Annotated[str | None, typer.Option(help="Digest of the file, when no index.json beside it has it")] = None,
    as_json: AsJson = False,
) -> None:
    """Ask what a model learned: movement, posture or the camera. Ends with 1 when something is flagged.

    Example: [bold]python -m trainer audit ada.pt HELD_OUT[/]
    """
    from models import artifact
    from trainer.audit import audit as look
    from trainer.tracks import read_tracks

    report = look(artifact.load(model, sha256=sha256), read_tracks(data))
    if as_json:
        typer.echo(json.dumps(plain(report)))
    else:
        typer.echo(f"{report['person']}: AUROC {report['auroc']:.3f} on {report['windows']} windows")
        for control in report["controls"]:
            typer.echo(f"  {control['what']:<48} {control['auroc']:.3f}   keeps {control['kept']:.0%}")
        typer.echo("\n".join(f"FLAG {flag}" for flag in report["flags"]) or "No flags.")
    if report["flags"]:
        raise typer.Exit(1)


@app.command()
def reproduce(
    data: Data,
    person: Annotated[str, typer.Option("--person", "-p", help="Whose model; a name in the data")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for runs and report")],
    scale: Annotated[
        str,
        typer.Option(help="trial (does it run), smoke (minutes) or full (the paper's epochs and batch: days on a CPU)"),
    ] = "smoke",
    seed: Annotated[int, typer.Option(help="Same seed, same figures")] = 0,
    stop_after_s: Annotated[float, typer.Option(help="Stop after so many seconds; the same call goes on")] = 1e12,
    as_json: AsJson = False,
) -> None:
    """Reproduce the paper's Tables 2 to 6 and Figures 8 to 10 on any data, with the honest figures beside them.

    Example: [bold]python -m trainer reproduce DATA --person ada --scale smoke -o report[/]
    """
    from trainer.experiments import SIZES, experiments
    from trainer.report import write_report
    from trainer.reproduce import reproduce as run_all
    from trainer.tracks import read_tracks

    if scale not in SIZES:
        raise typer.BadParameter(f"{scale} is none of {', '.join(SIZES)}", param_hint="--scale")
    total = len(list(experiments(scale, seed)))
    with _progress(as_json) as bar:
        task = bar.add_task("experiments", total=total)

        def told(name: str, epoch: dict[str, float] | None) -> None:
            if epoch is None:
                bar.update(task, advance=1)
            else:
                bar.update(task, description=f"{name}: epoch {epoch['epoch']:.0f}")

        report = run_all(
            read_tracks(data),
            data,
            person,
            out,
            scale=scale,
            seed=seed,
            stop_after_s=stop_after_s,
            told=told,
        )
    report = plain(report)
    (out / "report.json").write_text(json.dumps(report))
    written = write_report(report, out)
    if as_json:
        typer.echo(json.dumps(report))
    else:
        typer.echo((out / "report.md").read_text())
        typer.echo("\n".join(str(path) for path in written))


@app.command()
def honest(
    data: Data,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the runs")],
    preset: Annotated[str, typer.Option(help="A preset that tells the others apart")] = "body",
    protocols: Annotated[
        str, typer.Option(help="Splits, with commas")
    ] = "paper,by_repetition,by_session,unseen_movement",
    folds: Annotated[int, typer.Option(help="Most repetitions of a split", min=1)] = 5,
    put: Annotated[list[str] | None, typer.Option("--set", help="KEY=VALUE of a recipe")] = None,
    threads: Annotated[int, typer.Option(help="Cores to use; 0: torch decides", min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """Judge everybody in the data against all others, by every honest split; one training serves all.

    Example: [bold]python -m trainer honest DATA -o runs/honest --json[/]
    """
    from trainer.honest import honest as judge
    from trainer.recipe import read_recipe
    from trainer.tracks import read_tracks

    _use(threads)
    with _progress(as_json) as bar:
        task = bar.add_task("epochs", total=None)

        def told(name: str, epoch: dict[str, float]) -> None:
            bar.update(task, advance=1, description=f"{name}: epoch {epoch['epoch']:.0f}")

        report = judge(
            read_tracks(data),
            data,
            read_recipe(preset, _pairs(put or [])),
            out,
            protocols.split(","),
            folds=folds,
            told=told,
        )
    (out / "honest.json").write_text(json.dumps(plain(report), indent=1))
    _tell({name: {k: v for k, v in row.items() if k != "folds"} for name, row in report.items()}, as_json)


@app.command("to-csv")
def to_csv(
    data: Data,
    person: Annotated[str, typer.Option("--person", "-p", help="Who counts as genuine")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for poses.csv, labels.csv and segments.csv")],
    split: Annotated[str, typer.Option(help="Split that segments.csv tells")] = "paper",
    as_json: AsJson = False,
) -> None:
    """Write tracks as the paper's CSV. Reading it back needs no command: give its folder wherever DATA is asked for.

    Example: [bold]python -m trainer to-csv DATA --person ada -o csv[/]
    """
    from trainer.paper_csv import segments_of, write_csv
    from trainer.tracks import read_tracks

    count = write_csv(out, segments_of(read_tracks(data), person, split))
    _tell({"segments": count, "folder": str(out)}, as_json)


def main() -> None:
    """Run the command line; a user's mistake ends in one sentence and its exit code."""
    if importlib.util.find_spec("trainer.puppet_cli") is not None and sys.argv[1:2] in (["puppet"], ["--help"]):
        from trainer.puppet_cli import app as puppet

        app.add_typer(puppet, name="puppet")
    try:
        app()
    except BodywatchError as error:
        typer.echo(f"trainer: {error}", err=True)
        sys.exit(error.exit_code)


def _use(threads: int) -> None:
    if threads:
        import torch

        torch.set_num_threads(threads)


def _progress(quiet: bool) -> Progress:
    """A bar on standard error, so that standard output can be piped."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), disable=quiet)


def _tell(values: dict[str, Any], as_json: bool) -> None:
    """Print a result: one line of JSON, or indented for people."""
    typer.echo(json.dumps(plain(values), indent=None if as_json else 2))


def plain(values: Any) -> Any:
    """Replace NaN, which JSON does not know, by null."""
    if isinstance(values, dict):
        return {key: plain(value) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [plain(value) for value in values]
    return None if isinstance(values, float) and math.isnan(values) else values


def _pairs(put: list[str]) -> dict[str, Any]:
    """Read KEY=VALUE as TOML does: 0.3 is a number, true a truth, anything else a text."""
    import tomllib

    pairs = {}
    for pair in put:
        key, equals, value = pair.partition("=")
        if not equals:
            raise typer.BadParameter(f"{pair} is not KEY=VALUE", param_hint="--set")
        try:
            pairs[key] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            pairs[key] = value
    return pairs
