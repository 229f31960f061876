"""The trainer's commands that judge: audit, reproduce, honest; and to-csv."""

import json
from pathlib import Path
from typing import Annotated

import typer

from trainer.commands.options import (
    AsJson,
    Conditions,
    Data,
    Put,
    Threads,
    held,
    pairs_of,
    plain,
    progress,
    tell,
    tell_left_out,
    use,
)


def add_to(app: typer.Typer) -> None:
    """Mount the commands."""
    for name, command in (("audit", audit), ("reproduce", reproduce), ("honest", honest), ("to-csv", to_csv)):
        app.command(name)(command)


def audit(
    model: Annotated[Path, typer.Argument(help="A model file")],
    data: Data,
    sha256: Annotated[str | None, typer.Option(help="Digest of the file, when no index.json beside it has it")] = None,
    conditions: Conditions = None,
    as_json: AsJson = False,
) -> None:
    """Ask what a model learned: movement, posture or the camera. Ends with 1 when something is flagged.

    Example: [bold]bodywatch trainer audit ada.pt HELD_OUT[/]
    """
    from models import artifact
    from trainer.data.folder import read_tracks
    from trainer.data.left_out import left_out
    from trainer.reports.audit import audit as look
    from trainer.reports.audit import held_against, is_own

    loaded, tracks = artifact.load(model, sha256=sha256), read_tracks(data)
    asked = held_against(loaded, tracks, held(conditions))
    tell_left_out(left_out(tracks, asked), as_json, "train " if is_own(loaded, tracks, asked) else "")
    report = look(loaded, tracks, conditions=asked)
    if as_json:
        typer.echo(json.dumps(plain(report)))
    else:
        left_out = sum(report["left_out"].values())
        typer.echo(
            f"{report['person']}: AUROC {report['auroc']:.3f} on {report['windows']} windows"
            f"; the monitor would not judge {left_out} more"
        )
        for control in report["controls"]:
            typer.echo(f"  {control['what']:<48} {control['auroc']:.3f}   keeps {control['kept']:.0%}")
        typer.echo("\n".join(f"FLAG {flag}" for flag in report["flags"]) or "No flags.")
    if report["flags"]:
        raise typer.Exit(1)


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
    conditions: Conditions = None,
    as_json: AsJson = False,
) -> None:
    """Reproduce the paper's Tables 2 to 6 and Figures 8 to 10 on any data, with the honest figures beside them.

    Example: [bold]bodywatch trainer reproduce DATA --person ada --scale smoke -o report[/]
    """
    from trainer.data.folder import read_tracks
    from trainer.data.left_out import left_out
    from trainer.json_files import write_json
    from trainer.recipe import PAPERS
    from trainer.reports.experiments import SIZES, experiments
    from trainer.reports.report import write_report
    from trainer.reports.reproduce import reproduce as run_all

    if scale not in SIZES:
        raise typer.BadParameter(f"{scale} is none of {', '.join(SIZES)}", param_hint="--scale")
    total, tracks = len(list(experiments(scale, seed))), read_tracks(data)
    asked = PAPERS if (given := held(conditions)) is None else given
    tell_left_out(left_out(tracks, asked), as_json)
    with progress(as_json) as bar:
        task = bar.add_task("experiments", total=total)

        def told(name: str, epoch: dict[str, float] | None) -> None:
            if epoch is None:
                bar.update(task, advance=1)
            else:
                bar.update(task, description=f"{name}: epoch {epoch['epoch']:.0f}")

        report = run_all(
            tracks,
            data,
            person,
            out,
            scale=scale,
            seed=seed,
            conditions=asked,
            stop_after_s=stop_after_s,
            told=told,
        )
    report = plain(report)
    write_json(out / "report.json", report)
    written = write_report(report, out)
    if as_json:
        typer.echo(json.dumps(report))
    else:
        typer.echo((out / "report.md").read_text())
        typer.echo("\n".join(str(path) for path in written))


def honest(
    data: Data,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the runs")],
    preset: Annotated[str, typer.Option(help="A preset that tells the others apart")] = "body",
    split: Annotated[
        str, typer.Option("--split", "--protocols", help="Splits, with commas (--protocols is its old name)")
    ] = "paper,by_repetition,by_session,unseen_movement",
    folds: Annotated[int, typer.Option(help="Most repetitions of a split", min=1)] = 5,
    conditions: Conditions = None,
    put: Put = None,
    threads: Threads = 0,
    as_json: AsJson = False,
) -> None:
    """Judge everybody in the data against all others, by every honest split; one training serves all.

    Example: [bold]bodywatch trainer honest DATA -o runs/honest --json[/]
    """
    from trainer.data.folder import read_tracks
    from trainer.data.left_out import left_out
    from trainer.json_files import write_json
    from trainer.recipe import read_recipe
    from trainer.reports.honest import honest as judge

    use(threads)
    named = {} if conditions is None else {"conditions": held(conditions)}
    recipe, tracks = read_recipe(preset, {**named, **pairs_of(put or [])}), read_tracks(data)
    tell_left_out(left_out(tracks, recipe.conditions), as_json)
    with progress(as_json) as bar:
        task = bar.add_task("epochs", total=None)

        def told(name: str, epoch: dict[str, float]) -> None:
            bar.update(task, advance=1, description=f"{name}: epoch {epoch['epoch']:.0f}")

        report = judge(
            tracks,
            data,
            recipe,
            out,
            split.split(","),
            folds=folds,
            told=told,
        )
    write_json(out / "honest.json", plain(report))
    tell({name: {k: v for k, v in row.items() if k != "folds"} for name, row in report.items()}, as_json)


def to_csv(
    data: Data,
    person: Annotated[str, typer.Option("--person", "-p", help="Who counts as genuine")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for poses.csv, labels.csv and segments.csv")],
    split: Annotated[str, typer.Option(help="Split that segments.csv tells")] = "paper",
    conditions: Conditions = None,
    as_json: AsJson = False,
) -> None:
    """Write tracks as the paper's CSV. Reading it back needs no command: give its folder wherever DATA is asked for.

    Without --conditions the paper's own five hold, since the files can't tell of any of them.

    Example: [bold]bodywatch trainer to-csv DATA --person ada -o csv[/]
    """
    from trainer.data.folder import read_tracks
    from trainer.data.left_out import left_out, under
    from trainer.data.paper_csv import segments_of, write_csv
    from trainer.recipe import PAPERS

    given, tracks = held(conditions), read_tracks(data)
    asked = PAPERS if given is None else given
    found = left_out(tracks, asked)
    tell_left_out(found, as_json)
    count = write_csv(out, under(asked, tracks, lambda left: list(segments_of(left, person, split))))
    tell({"segments": count, "folder": str(out), "conditions": found.as_json()}, as_json)
