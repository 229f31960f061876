"""`bodywatch trainer`: recordings -> tracks -> model -> report -> model file."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from models.errors import BodywatchError
from trainer.commands import backgrounds, enrol, faces, puppet, reports, verify
from trainer.commands.options import (
    AsJson,
    Conditions,
    Data,
    DataAgain,
    Person,
    Put,
    RunFolder,
    Threads,
    held,
    pairs_of,
    plain,
    progress,
    tell,
    tell_left_out,
    use,
)
from trainer.errors import RunUnusable

app = typer.Typer(
    name="trainer",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Make and audit the model files that the monitor loads.",
    epilog="Exit codes: 0 done, 2 command line, 3 recording, 4 model or weights, 8 data, split or run.",
)


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

    Example: [bold]bodywatch trainer extract manifest.csv -o DATA --jobs 2[/]
    """
    from trainer.data.conditions import summary
    from trainer.data.extract import Extracted, PoseSettings, read_manifest
    from trainer.data.extract import extract as run_extract
    from trainer.data.folder import read_tracks
    from trainer.data.left_out import left_out
    from trainer.recipe import PAPERS, usual_conditions

    recordings = read_manifest(manifest)
    with progress(as_json) as bar:
        task = bar.add_task("recordings", total=len(recordings))

        def told(done: Extracted) -> None:
            bar.update(task, advance=1)
            if as_json:
                typer.echo(json.dumps(asdict(done)))
            elif done.why:
                bar.console.print(f"{done.name}: {done.why}", markup=False)

        done = run_extract(recordings, out, PoseSettings(backend, smooth=smooth), jobs=jobs, told=told)
    tracks = read_tracks(out)
    usually, papers = left_out(tracks, usual_conditions("body")), left_out(tracks, PAPERS)
    tell_left_out(usually, as_json, "train ")
    for loss in [] if as_json else papers.losses:
        if loss.condition not in usually.held:
            typer.echo(f"trainer: for --features paper alone: {loss.sentence('train ')}", err=True)
    told_of = {"conditions": usually.as_json(), "conditions_features_paper": papers.as_json()}
    counts = {"recordings": len(done), "without_poses": sum(not one.poses for one in done)}
    tell({**counts, "table_2": summary(tracks), **told_of}, as_json)
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
    conditions: Conditions = None,
    hidden: Annotated[int | None, typer.Option(help="Width of the LSTM")] = None,
    layers: Annotated[int | None, typer.Option(help="Layers of the LSTM")] = None,
    epochs: Annotated[int | None, typer.Option(help="Times through the data")] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed, same model")] = None,
    put: Put = None,
    init_from: Annotated[Path | None, typer.Option(help="Run of another person to start from")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps")] = "auto",
    threads: Threads = 0,
    stop_after: Annotated[int | None, typer.Option(help="Stop after so many epochs; the same call goes on")] = None,
    tensorboard: Annotated[bool, typer.Option(help="Write TensorBoard events into the run")] = True,
    as_json: AsJson = False,
) -> None:
    """Train a model of a person. Called again with the same folder it goes on where it stopped.

    Examples: [bold]bodywatch trainer train DATA --person ada -o runs/ada[/]
    [bold]bodywatch trainer train DATA --person ada --preset paper --split paper -o runs/paper[/]
    [bold]bodywatch trainer train DATA --person s01,s02 --init-from runs/s03 -o runs[/]
    """
    from trainer.data.folder import read_tracks
    from trainer.data.left_out import left_out
    from trainer.recipe import read_recipe
    from trainer.train_person import train_person

    use(threads)
    named: dict[str, Any] = {"features": features, "conditions": held(conditions)}
    named |= {"hidden": hidden, "layers": layers, "epochs": epochs, "seed": seed}
    changes = {**{k: v for k, v in named.items() if v is not None}, **pairs_of(put or [])}
    recipe = read_recipe(preset, changes)
    recipe = recipe if "epochs" in changes else recipe.for_split(split)
    tracks = read_tracks(data)
    found = left_out(tracks, recipe.conditions)
    tell_left_out(found, as_json)
    people = sorted({track.person for track in tracks}) if person == "all" else person.split(",")
    for one in people:
        folder = out if len(people) == 1 else out / one
        with progress(as_json) as bar:
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
        tell({"person": one, "run": str(folder), "best": best, "conditions": found.as_json()}, as_json)


@app.command()
def evaluate(
    run: RunFolder,
    data: DataAgain = None,
    false_alerts_per_hour: Annotated[float, typer.Option(help="What thresholds are chosen for", min=0)] = 0.5,
    as_json: AsJson = False,
) -> None:
    """Judge the part of the data that a run was not trained on: windows, recordings, live alerts.

    Example: [bold]bodywatch trainer evaluate runs/ada --json[/]
    """
    from trainer.data.left_out import left_out
    from trainer.evaluate import evaluate as judge
    from trainer.json_files import write_json
    from trainer.runs import open_run

    opened = open_run(run, data=data)
    tell_left_out(left_out(opened.tracks, opened.recipe.conditions), as_json, "train ")
    report = judge(opened, false_alerts_per_hour=false_alerts_per_hour)
    write_json(run / "evaluation.json", plain(report))
    tell(report, as_json)


@app.command()
def export(
    run: RunFolder,
    out: Annotated[Path, typer.Option("--out", "-o", help="The model file, e.g. ada.pt")],
    note: Annotated[str, typer.Option(help="A sentence for the card")] = "",
    data: DataAgain = None,
    as_json: AsJson = False,
) -> None:
    """Write a run's best epoch as a model file, with card, thresholds and an index.json that vouches for it.

    A run that was not evaluated yet, or was trained on since, is evaluated first, for the same rate of false alerts;
    one whose evaluation is damaged, for the usual rate.

    Example: [bold]bodywatch trainer export runs/ada -o models/ada.pt --note "Ada at the lectern, studio 2"[/]
    """
    from trainer.evaluate import FALSE_ALERTS_PER_HOUR, made_of
    from trainer.evaluate import evaluate as judge
    from trainer.export import export as write
    from trainer.json_files import read_json, write_json
    from trainer.runs import open_run

    opened, kept = open_run(run, data=data), run / "evaluation.json"
    try:
        again = f"it is evaluated anew for {FALSE_ALERTS_PER_HOUR} false alerts an hour"
        report = read_json(kept, remedy=again) if kept.is_file() else {}
    except RunUnusable as damaged:
        typer.echo(f"trainer: {damaged}", err=True)
        report = {}
    if report.get("made_of") != made_of(opened):
        asked_per_hour = report.get("asked_per_hour", FALSE_ALERTS_PER_HOUR)
        report = plain(judge(opened, false_alerts_per_hour=asked_per_hour))
        write_json(kept, report)
    sha256 = write(opened, out, note=note, report=report)
    tell({"file": str(out), "sha256": sha256}, as_json)


app.command("faces")(faces.faces)
app.command("enrol")(enrol.enrol)
app.command("fetch-background")(backgrounds.fetch_background)
reports.add_to(app)
verify.add_to(app)
app.add_typer(puppet.app, name="puppet")


def main() -> None:
    """Run the command line; a user's mistake ends in one sentence and its exit code."""
    try:
        app()
    except BodywatchError as error:
        typer.echo(f"trainer: {error}", err=True)
        sys.exit(error.exit_code)
