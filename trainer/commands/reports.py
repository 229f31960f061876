"""The trainer's commands that judge: audit, reproduce, honest; and to-csv."""

import json
from pathlib import Path
from typing import Annotated

import typer

from trainer.commands.options import AsJson, Data, Put, Threads, pairs_of, plain, progress, tell, use


def add_to(app: typer.Typer) -> None:
    """Mount the commands."""
    for name, command in (("audit", audit), ("reproduce", reproduce), ("honest", honest), ("to-csv", to_csv)):
        app.command(name)(command)


def audit(
    model: Annotated[Path, typer.Argument(help="A model file")],
    data: Data,
    sha256: Annotated[str | None, typer.Option(help="Digest of the file, when no index.json beside it has it")] = None,
    as_json: AsJson = False,
) -> None:
    """Ask what a model learned: movement, posture or the camera. Ends with 1 when something is flagged.

    Example: [bold]bodywatch trainer audit ada.pt HELD_OUT[/]
    """
    from models import artifact
    from trainer.data.folder import read_tracks
    from trainer.reports.audit import audit as look

    report = look(artifact.load(model, sha256=sha256), read_tracks(data))
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
    as_json: AsJson = False,
) -> None:
    """Reproduce the paper's Tables 2 to 6 and Figures 8 to 10 on any data, with the honest figures beside them.

    Example: [bold]bodywatch trainer reproduce DATA --person ada --scale smoke -o report[/]
    """
    from trainer.data.folder import read_tracks
    from trainer.json_files import write_json
    from trainer.reports.experiments import SIZES, experiments
    from trainer.reports.report import write_report
    from trainer.reports.reproduce import reproduce as run_all

    if scale not in SIZES:
        raise typer.BadParameter(f"{scale} is none of {', '.join(SIZES)}", param_hint="--scale")
    total = len(list(experiments(scale, seed)))
    with progress(as_json) as bar:
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
    put: Put = None,
    threads: Threads = 0,
    as_json: AsJson = False,
) -> None:
    """Judge everybody in the data against all others, by every honest split; one training serves all.

    Example: [bold]bodywatch trainer honest DATA -o runs/honest --json[/]
    """
    from trainer.data.folder import read_tracks
    from trainer.json_files import write_json
    from trainer.recipe import read_recipe
    from trainer.reports.honest import honest as judge

    use(threads)
    with progress(as_json) as bar:
        task = bar.add_task("epochs", total=None)

        def told(name: str, epoch: dict[str, float]) -> None:
            bar.update(task, advance=1, description=f"{name}: epoch {epoch['epoch']:.0f}")

        report = judge(
            read_tracks(data),
            data,
            read_recipe(preset, pairs_of(put or [])),
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
    as_json: AsJson = False,
) -> None:
    """Write tracks as the paper's CSV. Reading it back needs no command: give its folder wherever DATA is asked for.

    Example: [bold]bodywatch trainer to-csv DATA --person ada -o csv[/]
    """
    from trainer.data.folder import read_tracks
    from trainer.data.paper_csv import segments_of, write_csv

    count = write_csv(out, segments_of(read_tracks(data), person, split))
    tell({"segments": count, "folder": str(out)}, as_json)
