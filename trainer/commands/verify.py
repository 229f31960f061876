"""The trainer's commands that tell people apart without fakes: background, verify-benchmark."""

from pathlib import Path
from typing import Annotated, Any

import typer

from trainer.commands.options import AsJson, Threads, progress, tell, use

Families = Annotated[
    str, typer.Option(help="Families of statistics, with commas; all, or movement for all but posture and build")
]


def add_to(app: typer.Typer) -> None:
    """Mount the commands."""
    app.command("background")(background)
    app.command("verify-benchmark")(verify_benchmark)
    app.command("verify-events")(verify_events)


def background(
    data: Annotated[
        list[Path], typer.Argument(help="Folders of pose tracks of many people, or files of 3D motions (.npz)")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The background to write (.npz)")],
    generated: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of tracks of generated speakers: enrolments are calibrated on their windows"),
    ] = None,
    families: Families = "all",
    step: Annotated[int, typer.Option(help="Poses between two windows", min=1)] = 30,
    as_seen: Annotated[
        bool, typer.Option(help="Give motion capture what a pose network does: jitter, lost and swapped keypoints")
    ] = True,
    threads: Threads = 1,
    as_json: AsJson = False,
) -> None:
    """Learn a background from recordings of many people: no fakes, no labels but who is who.

    Generated speakers stand in DATA too. Example:
    [bold]bodywatch trainer background REAL GENERATED MOTIONS.npz --generated GENERATED -o background.npz[/]
    """
    from trainer.verify.background import learn, save
    from trainer.verify.sources import read_source
    from trainer.verify.windows import describe

    use(threads)
    tracks = [track for source in data for track in read_source(source, as_seen=as_seen)]
    with progress(as_json) as bar:
        nobody = [track for source in generated or [] for track in read_source(source, as_seen=False)]
        task = bar.add_task("recordings", total=len(tracks) + len(nobody))
        windows = describe(tracks, step=step, told=lambda: bar.update(task, advance=1))
        strangers = describe(nobody, step=step, told=lambda: bar.update(task, advance=1)) if nobody else None
    licences = sorted({track.licence for track in tracks if track.licence})
    made = learn(windows, families_of(families), sources=[source.name for source in data], generated=strangers)
    made.card["licences"] = licences
    save(out, made)
    tell({"file": str(out), **made.card}, as_json)


def verify_benchmark(
    data: Annotated[Path, typer.Argument(help="A file of 3D motions (.npz) or a folder of pose tracks")],
    given: Annotated[
        Path | None, typer.Option("--background", help="A background; else two thirds of the people make one")
    ] = None,
    families: Families = "all",
    step: Annotated[int, typer.Option(help="Poses between two windows", min=1)] = 60,
    two_class: Annotated[
        bool, typer.Option("--two-class", help="Train the LSTM on the same minutes beside it: many minutes")
    ] = False,
    ablation: Annotated[bool, typer.Option("--ablation", help="Measure without each part, and each alone")] = False,
    threads: Threads = 1,
    as_json: AsJson = False,
) -> None:
    """Tell people apart who were never learned from, enrolled from genuine windows: impersonators and puppeteers.

    Example: [bold]bodywatch trainer verify-benchmark motions.npz --json[/]
    """
    from trainer.recipe import read_recipe
    from trainer.verify import benchmark as bench
    from trainer.verify.background import load

    use(threads)
    known, chosen = None if given is None else load(given), families_of(families)
    with progress(as_json) as bar:
        task = bar.add_task("reading", total=None)
        read = bench.read(data, step=step, told=lambda done, of: bar.update(task, completed=done, total=of))
        judged = bar.add_task("people", total=None)
        if ablation:
            from trainer.verify.ablation import ablation as take_apart

            table = take_apart(read, told=lambda name: bar.update(judged, advance=1, description=name))
            tell_table(table, as_json)
            return
        report: dict[str, Any] = bench.benchmark(
            read,
            chosen,
            background=known,
            two_class=read_recipe("body", {"epochs": 5}) if two_class else None,
            told=lambda what: bar.update(judged, advance=1, description=what),
        )
    tell(report, as_json)


def tell_table(table: dict[str, dict[str, list[float]]], as_json: bool) -> None:
    """Print the ablation: one object, or a row a variant of AUROC at 5 s / 30 s."""
    if as_json:
        tell(table, as_json)
        return
    names = list(next(iter(table.values())))
    typer.echo(f"{'AUROC 5 s / 30 s':<52}" + "".join(f"{name.replace('_actions', ''):<24}" for name in names))
    for variant, row in table.items():
        typer.echo(f"{variant:<52}" + "".join(f"{f'{row[name][0]:.3f} / {row[name][1]:.3f}':<24}" for name in names))


def verify_events(
    people: Annotated[Path, typer.Argument(help="Folder of tracks of people at several events; a session is an event")],
    others: Annotated[Path, typer.Argument(help="Folder of tracks of others, who are in no background")],
    given: Annotated[
        str, typer.Option("--background", help="The name of a background that ships, or a file")
    ] = "speakers",
    threads: Threads = 1,
    as_json: AsJson = False,
) -> None:
    """Enrol everybody from all events but one and judge that one: AUROC by window, share of others' recordings behind.

    Example: [bold]bodywatch trainer verify-events EVENTS OTHERS --json[/]
    """
    from trainer.data.folder import read_tracks
    from trainer.verify.background import find, load
    from trainer.verify.events import verify_events as run

    use(threads)
    known, mine, theirs = load(find(given)), read_tracks(people), read_tracks(others)
    with progress(as_json) as bar:
        task = bar.add_task("recordings", total=len(mine) + len(theirs))
        report = run(mine, theirs, known, told=lambda: bar.update(task, advance=1))
    tell(report, as_json)


def families_of(text: str) -> tuple[str, ...]:
    """Read the option: names with commas, all, or movement."""
    from models.style.statistics import MOVEMENT, WIDTHS

    named = {"all": tuple(WIDTHS), "movement": MOVEMENT}.get(text, tuple(text.split(",")))
    if unknown := set(named) - set(WIDTHS):
        raise typer.BadParameter(
            f"{sorted(unknown)[0]} is none of {', '.join(WIDTHS)}, all, movement", param_hint="--families"
        )
    return named
