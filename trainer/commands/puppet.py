"""`bodywatch trainer puppet`: recordings of the rendered speaker and of impostors, with their truth."""

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(pretty_exceptions_enable=False, help="Render recordings of a speaker whose true keypoints are known.")


@app.callback(invoke_without_command=True)
def puppet(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for recordings, truth/ and manifest.csv")],
    genuine: Annotated[int, typer.Option(help="Recordings of the speaker", min=0)] = 6,
    impostors: Annotated[int, typer.Option(help="Recordings of impostors, each with a style of its own", min=0)] = 6,
    seconds: Annotated[float, typer.Option(help="Length of each recording of the speaker", min=1)] = 30.0,
    impostor_seconds: Annotated[float | None, typer.Option(help="Length of each impostor's; as the speaker's")] = None,
    takes: Annotated[int, typer.Option(help="Cameras, frame rates and bit rates to share among them", min=1)] = 3,
    size: Annotated[str, typer.Option(help="WIDTHxHEIGHT in pixels")] = "640x360",
    prefix: Annotated[str, typer.Option(help="Begins every recording's name, where several sets go together")] = "",
    seed: Annotated[int, typer.Option(help="Other seed, other speeches, styles and cameras")] = 0,
    video: Annotated[bool, typer.Option(help="--no-video writes only the truth: fast, for thousands of styles")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line instead of text")] = False,
) -> None:
    """Render recordings of a speaker whose true keypoints are known, and of impostors who only move differently.

    Example: [bold]bodywatch trainer puppet -o RECORDINGS --genuine 8 --impostors 8 --seconds 30[/]
    Then: [bold]bodywatch trainer extract RECORDINGS/manifest.csv -o DATA[/]
    """
    from trainer.puppet.takes import kind_of, plan, render

    width, height = _size(size)
    plans = list(
        plan(
            genuine,
            impostors,
            speaker_s=seconds,
            impostor_s=impostor_seconds or seconds,
            takes=takes,
            seed=seed,
            prefix=prefix,
        )
    )
    for one in render(plans, out, width=width, height=height, video=video):
        made = {"recording": f"{one.name}.mp4", "kind": kind_of(one.shot), "session": one.take.name}
        typer.echo(json.dumps(made) if as_json else "  ".join(made.values()))


def _size(text: str) -> tuple[int, int]:
    width, cross, height = text.partition("x")
    if not (cross and width.isdigit() and height.isdigit() and int(width) % 2 == int(height) % 2 == 0):
        raise typer.BadParameter(f"{text} is not WIDTHxHEIGHT with even numbers, such as 640x360", param_hint="--size")
    return int(width), int(height)
