"""`bodywatch models`: what is at hand, what a card says, whether a file is what it was, and importing OpenPose."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Model files and pose networks: list, show, verify, import.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text")]
Name = Annotated[str, typer.Argument(help="Name of a shipped model, or path of a model file")]


@app.command("ls")
def list_models(as_json: AsJson = False) -> None:
    """List what ships and what was imported.

    Example: [bold]bodywatch models ls[/]
    """
    from models import artifact

    for name, entry in artifact.read_index(artifact.WEIGHTS).items():
        typer.echo(json.dumps({"name": name, **entry}) if as_json else f"{name:24} {entry['kind']:8} {entry['file']}")


@app.command()
def show(name: Name, as_json: AsJson = False) -> None:
    """Show a model's card, without running its code.

    Example: [bold]bodywatch models show demo-speaker[/]
    """
    from models import artifact

    card = artifact.read_card(artifact.find(name))
    typer.echo(json.dumps(card.facts()) if as_json else card.page())


@app.command()
def verify(name: Name, sha256: Annotated[str | None, typer.Option(help="Digest it must have")] = None) -> None:
    """Check a model file's digest and load it.

    Example: [bold]bodywatch models verify demo-speaker[/]
    """
    from models import artifact

    model = artifact.load(artifact.find(name), sha256=sha256)
    typer.echo(f"{model.path.name}: sha256 {model.sha256}, knows {model.person}")


@app.command("import-openpose")
def import_openpose(
    file: Annotated[
        Path, typer.Argument(help="body_pose_model.pth, pose_iter_440000.caffemodel or BODY_25's caffemodel")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder that the converted network goes to")] = Path(
        "weights"
    ),
    as_json: AsJson = False,
) -> None:
    """Convert OpenPose weights that you have, under their own licence, into a pose backend.

    Example: [bold]bodywatch models import-openpose body_pose_model.pth[/]
    """
    from models.pose_networks.importing import import_openpose as convert

    found = convert(file, out)
    if as_json:
        typer.echo(json.dumps({**asdict(found), "path": str(found.path)}))
        return
    unused = f", {found.unused} more not used" if found.unused else ""
    typer.echo(
        f"recognised  {found.title}: all {found.tensors} tensors are there{unused}\n"
        f"written     {found.path} (sha256 {found.sha256}), entered in {found.path.with_name('index.json')}\n"
        f"licence     {found.licence}\n"
        f"to use it   pose: {{backend: {found.path.resolve()}}} in the configuration, with models of persons that were "
        "made with it"
    )
