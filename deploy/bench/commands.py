"""`bodywatch bench`: measurements that anyone can repeat. Each command lives in a file of its own."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Measure: the pose network, the daemon, the gateway, whose face it is.")


@app.command()
def pipeline(
    streams: Annotated[int, typer.Option(help="Live streams at once", min=1, max=64)] = 2,
    seconds: Annotated[float, typer.Option(help="Time to measure, after the warm-up", min=10)] = 60.0,
    size: Annotated[str, typer.Option(help="WIDTHxHEIGHT of the rendered streams")] = "1280x720",
    fps: Annotated[float, typer.Option(help="Frame rate of the rendered streams", min=5, max=60)] = 30.0,
    video: Annotated[str | None, typer.Option(help="An H.264 file to send instead of a rendered one")] = None,
    model: Annotated[str, typer.Option("--model", "-m", help="Name or path of the person's model")] = "demo-speaker",
    rtsp: Annotated[bool, typer.Option("--rtsp", help="Send by RTSP (needs GStreamer) instead of HLS")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text")] = False,
) -> None:
    """Run live streams through the whole daemon: ingest, pose, model, Redis, websocket.

    The streams are rendered and encoded before the measurement and sent as they are, so that what is measured is
    the daemon; what sending costs is told apart. Linux only.

    Example: [bold]bodywatch bench pipeline --streams 2 --seconds 120 --size 1280x720 --json[/]
    """
    import signal
    import sys

    from deploy.bench.pipeline import Load, run, told

    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # ends what was started, as Ctrl-C does
    result = run(Load(streams, seconds, size, fps, video, model, "rtsp" if rtsp else "hls"))
    if as_json:
        import json

        typer.echo(json.dumps(result))
    else:
        typer.echo(told(result))


@app.command()
def pose(
    backend: Annotated[
        str, typer.Option(help="Name of a pose network, or the path of an imported one")
    ] = "openpose-thin",
    provider: Annotated[
        list[str] | None, typer.Option(help="openvino, cpu, cuda, tensorrt, opencv; repeat for more")
    ] = None,
    coco: Annotated[Path | None, typer.Option(help="COCO keypoint annotations, pictures beside them")] = None,
    size: Annotated[str, typer.Option(help="WIDTHxHEIGHT of the rendered frames")] = "1280x720",
    count: Annotated[int, typer.Option("--frames", help="Frames to time following on", min=8)] = 120,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text")] = False,
) -> None:
    """Time the pose stages and hold them against known keypoints, beside the plain way in the same run.

    Example: [bold]bodywatch bench pose --coco person_keypoints.json --json[/]
    """
    import json

    from deploy.bench.pose import run, told
    from monitor.errors import ConfigError
    from monitor.stages.pose import installed

    sides = size.lower().split("x")
    if len(sides) != 2 or not all(side.isdigit() and int(side) >= 64 for side in sides):
        raise ConfigError("--size", size, "must be WIDTHxHEIGHT in pixels, such as 1280x720")
    result = run(backend, provider or installed(), coco, (int(sides[0]), int(sides[1])), count)
    typer.echo(json.dumps(result) if as_json else told(result))


@app.command()
def fanout(
    clients: Annotated[int, typer.Option(help="Websocket clients", min=1)] = 500,
    slow: Annotated[int, typer.Option(help="How many of them never read", min=0)] = 50,
    alerts: Annotated[int, typer.Option(help="Alerts to send", min=10)] = 100,
    per_s: Annotated[float, typer.Option(help="Alerts a second", min=0.1)] = 5.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text")] = False,
) -> None:
    """Send alerts through real Redis and the gateway to many real websocket clients, some of which never read.

    Example: [bold]bodywatch bench fanout --clients 500 --slow 50 --json[/]
    """
    import json

    from deploy.bench.fanout import run

    result = run(clients=clients, slow=slow, alerts=alerts, per_s=per_s)
    typer.echo(json.dumps(result) if as_json else "\n".join(f"{key}: {value}" for key, value in result.items()))


@app.command()
def identity(
    manifest: Annotated[Path, typer.Argument(help="CSV: path,person[,session]; paths relative to it")],
    limit: Annotated[
        float, typer.Option(help="Distance up to which a shot's mean is the person's", min=0.01, max=1.99)
    ] = 0.48,
    seconds: Annotated[
        float | None, typer.Option(help="Look at the first so many seconds of each recording; all of it", min=2)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text")] = False,
) -> None:
    """Hold every face in some recordings against every other: who is taken for whom, and what a look costs.

    Each recording should show one person. A session is an event; one person's recordings of one session are not
    compared. Nothing of a face is written down.

    Example: [bold]bodywatch bench identity faces.csv --json[/]
    """
    import json

    from rich.console import Console
    from rich.progress import Progress

    from deploy.bench.face_manifest import read_manifest
    from deploy.bench.identity import run, told

    recordings = read_manifest(manifest)
    with Progress(console=Console(stderr=True), disable=as_json) as bar:
        task = bar.add_task("recordings", total=len(recordings))
        seconds = float("inf") if seconds is None else seconds
        result = run(recordings, limit=limit, seconds=seconds, told=lambda one: bar.update(task, advance=1))
    typer.echo(json.dumps(result) if as_json else told(result))
