"""The `bodywatch` command. Exit codes stand in monitor/errors.py; every command has --help and --json."""

import json
import sys
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer

from monitor.commands import evidence, models, tail, tokens
from monitor.config import Config, load, parse
from monitor.errors import BodywatchError

app = typer.Typer(
    name="bodywatch",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Watch a live broadcast and tell when the body on screen does not move like the person it claims to be.",
    epilog="Exit codes: 0 done, 1 other errors, 2 configuration or command line, 3 stream, 4 model or weights, "
    "5 Redis, 6 port in use, 7 a part is not installed, 8 evidence is missing or changed.",
)
app.add_typer(models.app, name="models")
app.add_typer(evidence.app, name="evidence")
app.add_typer(tokens.app, name="token")
app.command("tail")(tail.command)

NO_MODEL = (
    "without a model nobody is judged: stream, pose and coverage are shown. `bodywatch enrol PERSON RECORDINGS "
    "-o FILE` makes one from genuine recordings, --model names it"
)

Source = Annotated[
    str, typer.Argument(help="A configuration file (.yaml), or the URL of one stream", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a line instead of text")]
Model = Annotated[
    str | None, typer.Option("--model", "-m", help="Name or path of a person's model; without one nobody is judged")
]
Sha256 = Annotated[str | None, typer.Option("--sha256", help="Digest that the model file must have")]
Port = Annotated[int | None, typer.Option("--port", "-p", help="Port of the page and the websocket; 0: any free one")]


@app.command()
def run(source: Source, model: Model = None, sha256: Sha256 = None, port: Port = None, as_json: AsJson = False) -> None:
    """Watch and serve on this machine, with Redis, the page and the alerts.

    Examples: [bold]bodywatch run rtsp://camera.example/live[/]   [bold]bodywatch run bodywatch.yaml[/]
    """
    _daemon(_config(source, model, sha256, port), watch=True, serve=True, as_json=as_json)


@app.command()
def watch(source: Source, model: Model = None, sha256: Sha256 = None, as_json: AsJson = False) -> None:
    """Watch only: alerts go to Redis, there is no page.

    Example: [bold]bodywatch watch bodywatch.yaml[/]   (and [bold]bodywatch serve[/] with the same file elsewhere)
    """
    _daemon(_config(source, model, sha256, None), watch=True, serve=False, as_json=as_json)


@app.command()
def serve(
    config: Annotated[Path, typer.Argument(help="A configuration file (.yaml)")],
    port: Port = None,
    as_json: AsJson = False,
) -> None:
    """Serve only: the page and the websocket on what other processes write to Redis.

    Example: [bold]bodywatch serve bodywatch.yaml --port 8600[/]
    """
    _daemon(_with_port(load(config), port), watch=False, serve=True, as_json=as_json)


@app.command()
def check(source: Source, model: Model = None, sha256: Sha256 = None, as_json: AsJson = False) -> None:
    """Validate a configuration, open every stream once, and hold every model file against this monitor.

    Example: [bold]bodywatch check bodywatch.yaml[/]. Ends with the exit code of the first thing that is wrong.
    """
    from monitor.commands.check import findings

    worst = 0
    for finding in findings(_config(source, model, sha256, None)):
        if as_json:
            typer.echo(json.dumps(asdict(finding)))
        else:
            typer.echo(f"{'ok ' if finding.ok else 'BAD'} {finding.what}: {finding.found}")
        worst = worst or finding.exit_code
    raise typer.Exit(worst)


@app.command()
def score(
    file: Annotated[str, typer.Argument(help="A recording")],
    model: Model = None,
    sha256: Sha256 = None,
    every_s: Annotated[float, typer.Option(help="Time between two windows", min=1 / 30)] = 0.5,
    region: Annotated[str | None, typer.Option(help="left,top,right,bottom as shares of the picture")] = None,
    smooth: Annotated[bool, typer.Option(help="Steady the keypoints, as the daemon does")] = True,
    identity: Annotated[bool, typer.Option(help="--no-identity judges whoever is in it, by whatever face")] = True,
    persons: Annotated[
        Path | None, typer.Option(help="Folder of persons' files: tell whom the movement is like, whatever the face")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Judge a recording offline, window by window.

    Examples: [bold]bodywatch score speech.mp4 --model ada.pt --json[/]
    [bold]bodywatch score speech.mp4 --persons models[/]
    """
    config = _config(file, model, sha256, None, region=region)
    if persons is not None:
        if model is not None:
            raise typer.BadParameter("is for one person; leave out --model", param_hint="--persons")
        from monitor.commands import likeness

        found = likeness.compare(file, persons, config, every_s=every_s, smooth=smooth, quiet=as_json)
        typer.echo(json.dumps(asdict(found)) if as_json else likeness.told(found))
        return
    from monitor.commands.check import score_recording

    result = score_recording(file, config, every_s=every_s, smooth=smooth, quiet=as_json, identity=identity)
    if as_json:
        typer.echo(json.dumps(asdict(result)))
    else:
        from monitor.commands.check import told

        typer.echo(told(result))


@app.command()
def schema() -> None:
    """Print the configuration's JSON schema, for editors.

    Example: [bold]bodywatch schema > bodywatch.schema.json[/]
    """
    typer.echo(json.dumps(Config.model_json_schema(), indent=2))


def _config(
    source: str, model: str | None, sha256: str | None, port: int | None, *, region: str | None = None
) -> Config:
    """Read a configuration file, or make one for a single stream."""
    if source.endswith((".yaml", ".yml")):
        return _with_port(load(Path(source)), port)
    channel: dict[str, Any] = {"name": "live", "url": source, "model": model, "sha256": sha256}
    if region is not None:
        channel["region"] = region.split(",")
    return _with_port(parse({"channels": [channel]}, "the command line"), port)


def _with_port(config: Config, port: int | None) -> Config:
    if port is None:
        return config
    return config.model_copy(update={"gateway": config.gateway.model_copy(update={"port": port})})


def _daemon(config: Config, *, watch: bool, serve: bool, as_json: bool) -> None:
    """Run until Ctrl-C, SIGTERM, or the end of every stream."""
    from monitor import supervisor

    stop = supervisor.stop_on_signals()
    supervisor.log_to_stderr()
    with supervisor.running(config, watch=watch, serve=serve) as service:
        facts = {
            "page": service.page_url,
            "redis": service.redis_note,
            "channels": [channel.name for channel in config.channels] if watch else [],
            "note": NO_MODEL if watch and not all(channel.models for channel in config.channels) else "",
        }
        if as_json:
            typer.echo(json.dumps(facts))
        else:
            typer.echo("\n".join(f"{key}: {value}" for key, value in facts.items() if value))
        sys.stdout.flush()
        service.wait(stop)


def main() -> None:
    """Run the command line; a user's mistake ends in one sentence and its exit code."""
    for entry in metadata.entry_points(group="bodywatch.commands"):
        command = entry.load()
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=entry.name)
        else:
            app.command(entry.name)(command)
    try:
        app()
    except BodywatchError as error:
        typer.echo(f"bodywatch: {error}", err=True)
        sys.exit(error.exit_code)
