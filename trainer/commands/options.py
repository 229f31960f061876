"""What the trainer's commands share: options, the progress bar, printing."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from trainer.data.left_out import LeftOut

Data = Annotated[
    Path, typer.Argument(help="Folder of pose tracks (*.npz), or with the paper's poses.csv and labels.csv")
]
RunFolder = Annotated[Path, typer.Argument(help="Folder of a run that `train` made")]
Person = Annotated[str, typer.Option("--person", "-p", help="Whose body language: a name, several with commas, or all")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a line instead of text")]
DataAgain = Annotated[Path | None, typer.Option("--data", help="Where the data lies now, if it was moved")]
Put = Annotated[list[str] | None, typer.Option("--set", help="KEY=VALUE of a recipe, e.g. --set dropout=0.3")]
Conditions = Annotated[
    str | None,
    typer.Option(
        help="What recordings are held against, with commas: rate,size,middle,alone,camera, or none; usually what the "
        "features need"
    ),
]
Threads = Annotated[int, typer.Option(help="Cores to use; 0: torch decides. On a busy machine 1 is fastest", min=0)]


def use(threads: int) -> None:
    if threads:
        import torch

        torch.set_num_threads(threads)


def progress(quiet: bool) -> Progress:
    """A bar on standard error, so that standard output can be piped."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), disable=quiet)


def tell(values: dict[str, Any], as_json: bool) -> None:
    """Print a result: one line of JSON, or indented for people."""
    typer.echo(json.dumps(plain(values), indent=None if as_json else 2))


def plain(values: Any) -> Any:
    """Replace NaN, which JSON does not know, by null."""
    if isinstance(values, dict):
        return {key: plain(value) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [plain(value) for value in values]
    return None if isinstance(values, float) and math.isnan(values) else values


def held(conditions: str | None) -> tuple[str, ...] | None:
    """Read --conditions; None where nothing was said."""
    from trainer.recipe import named_conditions

    try:
        return None if conditions is None else named_conditions(conditions)
    except ValueError as wrong:
        raise typer.BadParameter(str(wrong), param_hint="--conditions") from None


def tell_left_out(found: "LeftOut", as_json: bool, command: str = "") -> None:
    """Say on standard error what conditions leave out; with --json the result tells it.

    command names the command that has the option, followed by a blank, where ours has none.
    """
    for sentence in [] if as_json else found.sentences(command):
        typer.echo(f"trainer: {sentence}", err=True)


def pairs_of(put: list[str]) -> dict[str, Any]:
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
