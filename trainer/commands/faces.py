"""`bodywatch trainer faces`: a person's face, from recordings, into a copy of their model file."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trainer.commands.options import AsJson, progress, tell

if TYPE_CHECKING:
    from models.artifact import LoadedModel
    from models.face.embed import FaceNetwork
    from models.face.references import FaceReferences
    from monitor.stages.pose import PoseNetwork
    from trainer.faces import Event, Look

LIMIT = 0.48  # trainer.faces.LIMIT, without loading the networks for --help; a test holds them together
LARGEST_LIMIT = 0.6  # models.face.references.LARGEST_LIMIT, likewise


def faces(
    model: Annotated[str, typer.Argument(help="The person's model file, or the name of one that ships")],
    recordings: Annotated[list[Path], typer.Argument(help="Recordings of the person, one of each event")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The model file to write; must not be there yet")],
    limit: Annotated[
        float, typer.Option(help="Distance up to which a shot's mean is the person's", min=0.01, max=LARGEST_LIMIT)
    ] = LIMIT,
    anyway: Annotated[bool, typer.Option("--anyway", help="Take recordings that seem to show several faces")] = False,
    sha256: Annotated[str | None, typer.Option(help="Digest of MODEL, when no index.json beside it has it")] = None,
    backend: Annotated[str, typer.Option(help="Name of the pose network that MODEL was made with")] = "openpose-thin",
    threads: Annotated[int, typer.Option(help="Cores for the pose network; 0: all", min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """Look at a person's face in recordings and write a copy of their model file that knows it.

    The speaker is followed as the daemon does; every recording should show only the person, and be of another event.
    The monitor then judges the body only where the face is the person's. What MODEL knew of a face is replaced.

    Example: [bold]bodywatch trainer faces models/ada.pt monday.mp4 friday.mp4 -o models/ada-face.pt[/]
    """
    from models import artifact
    from models.face.cohort import read_cohort
    from models.face.embed import FaceNetwork
    from monitor.stages.pose import PoseNetwork
    from trainer.faces import refer, write_faces

    _check(recordings, out)
    network, face_network = PoseNetwork(backend, threads=threads), FaceNetwork()
    pose_backend = {"name": network.name, "sha256": network.sha256}
    opened = artifact.load(artifact.find(model), sha256=sha256, pose_backend=pose_backend)
    events = _look(opened, recordings, network, face_network, limit=limit, as_json=as_json)
    cohort = read_cohort(network_sha256=face_network.sha256)
    references = refer(events, face_network.sha256, limit=limit, anyway=anyway, cohort=cohort)
    written, facts = write_faces(out, opened, references), _facts(events, references)
    for name, apart in facts["doubtful"].items():
        why = f"lies {apart:.2f} from the nearest other, over the limit of {limit:g}"
        typer.echo(f"{name} {why}: see for yourself that it shows {opened.person}", err=True)
    tell({"file": str(out), "sha256": written, "person": opened.person, **facts}, as_json)


def _check(recordings: Sequence[Path], out: Path) -> None:
    """Find what would only be noticed after minutes of looking."""
    from monitor.errors import StreamNotFound
    from trainer.errors import DataUnusable

    if out.exists():
        raise DataUnusable(out, "is there already; name another file with -o, or remove this one")
    for number, path in enumerate(recordings):
        if not path.is_file():
            raise StreamNotFound(str(path))
        if path.resolve() in [other.resolve() for other in recordings[:number]]:
            raise DataUnusable(path, "is given twice; each recording counts as an event of its own")


def _look(
    model: "LoadedModel",
    recordings: Sequence[Path],
    network: "PoseNetwork",
    face_network: "FaceNetwork",
    *,
    limit: float,
    as_json: bool,
) -> "list[Event]":
    """Look through the recordings with a bar; tell at once of those that are left out."""
    from monitor.stages.smoothing import filter_name
    from trainer.faces import event_of, look_at, see_with

    smooth, see, events = model.card.filter != filter_name(False), see_with(face_network), []
    with progress(as_json) as bar:
        task = bar.add_task("recordings", total=len(recordings))
        for path in recordings:
            looks: list[Look] = []
            for look in look_at(path, network, see, smooth=smooth):
                looks.append(look)
                bar.update(task, description=f"{path.name}: {look.time_s:.0f} s")
            events.append(event_of(str(path), looks, limit=limit))
            bar.update(task, advance=1)
            if as_json:
                typer.echo(json.dumps(_event(events[-1])))
            elif events[-1].mean is None:
                bar.console.print(f"{path} is left out: {events[-1].why}", markup=False, soft_wrap=True)
    return events


def _event(event: "Event") -> dict[str, Any]:
    """Tell an event without its numbers: these go into the model file and nowhere else."""
    return {"recording": event.name, "looks": event.looks, "others": event.others, "left_out": event.why}


def _facts(events: "Sequence[Event]", references: "FaceReferences") -> dict[str, Any]:
    """Tell what was taken, and how far each event lies from the nearest other; None where there is no other.

    Doubtful is what lies over the limit, but not so far that it is refused.
    """
    from trainer.faces import nearest

    taken = [event for event in events if event.mean is not None]
    apart = nearest(references.means) if len(taken) > 1 else [None]
    rows: list[dict[str, Any]] = [
        {"recording": event.name, "looks": event.looks, "others": event.others, "nearest": near and round(near, 3)}
        for event, near in zip(taken, apart, strict=True)
    ]
    left_out = {event.name: event.why for event in events if event.mean is None}
    doubtful = {row["recording"]: row["nearest"] for row in rows if (row["nearest"] or 0) > references.limit}
    return {"limit": references.limit, "events": rows, "doubtful": doubtful, "left_out": left_out}
