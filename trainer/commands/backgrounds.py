"""`bodywatch trainer fetch-background`: the public clips that a background is made of, once more."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainer.commands.options import AsJson, progress, tell

if TYPE_CHECKING:
    from trainer.backgrounds.fetch import Fetched

HOST = "https://raw.githubusercontent.com"  # trainer.backgrounds.fetch.HOST, without loading a decoder for --help


class Terms(StrEnum):
    """Which clips are wanted, by what their terms allow."""

    SHIP = "ship"
    RESEARCH = "research"
    ALL = "all"


class Kind(StrEnum):
    """Who is in the clips that are wanted."""

    REAL = "real"
    GENERATED = "generated"
    ALL = "all"


def fetch_background(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the clips and their manifest.csv")],
    clips: Annotated[Path | None, typer.Argument(help="List of clips; without it the one that ships")] = None,
    events: Annotated[
        bool, typer.Option("--events", help="The list of real people at several events instead, for measuring only")
    ] = False,
    terms: Annotated[
        Terms, typer.Option(help="ship: may be learned from for what is given away; research: only measured on; all")
    ] = Terms.SHIP,
    kind: Annotated[Kind, typer.Option(help="real: people; generated: speakers who do not exist; all")] = Kind.ALL,
    host: Annotated[str, typer.Option(help="Server to fetch from, with the same paths")] = HOST,
    as_json: AsJson = False,
) -> None:
    """Fetch the public clips of many speakers and list them for `extract`. Go on where it stopped by calling it again.

    Example: [bold]bodywatch trainer fetch-background -o CLIPS[/], then
    [bold]bodywatch trainer extract CLIPS/manifest.csv -o DATA[/]
    """
    from trainer.backgrounds.clips import EVENTS, SPEAKERS, read_clips
    from trainer.backgrounds.fetch import fetch_all, write_manifest
    from trainer.errors import DataUnusable

    listed = clips or (EVENTS if events else SPEAKERS)
    allowed = [clip for clip in read_clips(listed) if terms in (Terms.ALL, clip.terms)]
    if not allowed:
        raise DataUnusable(listed, f"has no clip whose terms are {terms}; --terms all takes them all")
    wanted = [clip for clip in allowed if kind in (Kind.ALL, clip.kind)]
    if not wanted:
        raise DataUnusable(listed, f"has no {kind} clip on these terms; --kind all takes them all")
    with progress(as_json) as bar:
        task = bar.add_task("clips", total=len(wanted))

        def told(one: "Fetched") -> None:
            bar.update(task, advance=1)
            if as_json:
                typer.echo(json.dumps({"name": one.name, "why": one.why}))
            elif one.why:
                bar.console.print(one.why, markup=False, soft_wrap=True)

        done = fetch_all(wanted, out, host, told=told)
    manifest, missing = out / "manifest.csv", sum(one.path is None for one in done)
    write_manifest(manifest, wanted, done)
    speakers = len({clip.speaker for clip, one in zip(wanted, done, strict=True) if one.path is not None})
    tell({"clips": len(done), "unavailable": missing, "speakers": speakers, "manifest": str(manifest)}, as_json)
    if missing:
        raise typer.Exit(3)
