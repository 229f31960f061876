"""`bodywatch enrol`: genuine recordings -> a person's file, in one command."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trainer.commands.faces import LARGEST_LIMIT, LIMIT
from trainer.commands.options import AsJson, progress, tell

if TYPE_CHECKING:
    from trainer.enrolment.gather import Gathered
    from trainer.enrolment.make import Enrolment

BACKGROUND = "speakers"


def enrol(
    person: Annotated[str, typer.Argument(help="The person's name, as page and alerts will say it")],
    recordings: Annotated[
        list[str],
        typer.Argument(help="Genuine recordings, one of each event: files, or addresses of pages with a video in them"),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The person's file to write; must not be there yet")],
    work: Annotated[
        Path | None, typer.Option(help="Folder for what is made of each recording; beside OUT when not named")
    ] = None,
    background: Annotated[
        str, typer.Option(help="What is known of people in general: the name of one that ships, or a file")
    ] = BACKGROUND,
    false_alerts_per_hour: Annotated[float, typer.Option(help="What the alarm is chosen for", min=0.001)] = 0.5,
    anyway: Annotated[bool, typer.Option("--anyway", help="Make the file although the enrolment is weak")] = False,
    face_limit: Annotated[
        float, typer.Option(help="Distance up to which a shot's mean face is the person's", min=0.01, max=LARGEST_LIMIT)
    ] = LIMIT,
    jobs: Annotated[int, typer.Option(help="Recordings at a time, each on a core of its own", min=1)] = 1,
    backend: Annotated[str, typer.Option(help="Name of the pose network")] = "openpose-thin",
    note: Annotated[str, typer.Option(help="What the card should say of it")] = "",
    report: Annotated[bool, typer.Option(help="Write a page and a picture beside OUT")] = True,
    as_json: AsJson = False,
) -> None:
    """Learn a person from genuine recordings alone: how they move, their face, and when to raise an alarm.

    No fakes are needed. Every recording should show only the person, at another event, with the arms in view. Called
    again it goes on where it stopped, and takes what was made of each recording before. The working folder holds faces
    and movements of the person: delete it when the file is made, or keep it to add recordings later.

    Examples: [bold]bodywatch enrol ada monday.mp4 friday.mp4 gala.mp4 -o ada.pt[/]
    [bold]bodywatch enrol ada https://videos.example/speech monday.mp4 friday.mp4 -o ada.pt[/]
    """
    from models.face.cohort import read_cohort
    from models.face.embed import FaceNetwork
    from trainer.data.extract import PoseSettings
    from trainer.enrolment.gather import gather, shown
    from trainer.enrolment.make import enrol as make
    from trainer.enrolment.make import write
    from trainer.errors import DataUnusable
    from trainer.verify.background import find, load

    if out.suffix != ".pt":
        raise DataUnusable(out, "is no name for a person's file: it ends in .pt")
    for path in (out, *((out.with_suffix(".html"), out.with_suffix(".png")) if report else ())):
        if path.exists():
            raise DataUnusable(path, "is there already; name another file with -o, or remove this one")
    if not out.parent.is_dir():
        raise DataUnusable(out.parent, "is no folder to write the person's file into")
    if not person.strip() or not person.isprintable():
        raise typer.BadParameter("must be a name that can be printed on one line", param_hint="PERSON")
    known = load(find(background))
    folder = work or out.with_suffix(".enrolment")
    with progress(as_json) as bar:
        task = bar.add_task("recordings", total=len(recordings))

        def told(done: "Gathered") -> None:
            bar.update(task, advance=1)
            if as_json:
                typer.echo(json.dumps(_gathered(done)))
            elif done.why:
                bar.console.print(f"{shown(done.source)} is left out: {done.why}", markup=False, soft_wrap=True)

        gathered = gather(recordings, person, folder, PoseSettings(backend), jobs=jobs, told=told)
    sha256 = FaceNetwork().sha256
    made = make(
        person,
        gathered,
        known,
        face_network_sha256=sha256,
        cohort=read_cohort(network_sha256=sha256),
        face_limit=face_limit,
        false_alerts_per_hour=false_alerts_per_hour,
        anyway=anyway,
    )
    written = write(out, made, known, note)
    facts: dict[str, Any] = {"file": str(out), "sha256": written, "working_folder": str(folder), **_facts(made)}
    if report:
        from trainer.enrolment.report import write_report

        facts["report"] = str(write_report(out, made, known))
    for doubt in made.doubts:
        typer.echo(f"doubtful: {doubt.sentence}", err=True)
    tell(facts, as_json)


def _gathered(one: "Gathered") -> dict[str, Any]:
    from trainer.enrolment.gather import shown

    poses = 0 if one.track is None else len(one.track.time_s)
    return {
        "recording": shown(one.source),
        "poses": poses,
        "face": bool(one.face and one.face.mean is not None),
        "why": one.why,
    }


def _facts(made: "Enrolment") -> dict[str, Any]:
    """Tell what came of it, ready for JSON."""
    alarm = made.alarm
    return {
        "person": made.person,
        "minutes": round(made.minutes, 2),
        "events": [
            {
                "name": event.name,
                "minutes": round(event.seconds / 60, 2),
                "windows": len(event),
                "evidence": round(float(made.enrolled.own[event.name].mean()), 3),
                "not_judged": dict(event.not_judged),
            }
            for event in made.events
        ],
        "left_out": dict(made.left_out),
        "eer_5s": round(made.enrolled.eer, 4),
        "cllr": round(made.enrolled.cllr, 4),
        "alarm": round(alarm.rule.alarm, 3),
        "false_alerts_per_hour": alarm.per_hour,
        "too_short": alarm.too_short,
        "seconds_to_alert": None if alarm.seconds_to_alert is None else round(alarm.seconds_to_alert, 1),
        "doubts": {doubt.code: doubt.sentence for doubt in made.doubts},
    }
