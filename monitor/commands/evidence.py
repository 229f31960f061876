"""`bodywatch evidence`: what is kept of incidents, whether it is as it was sealed, and handing it on."""

import json
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from monitor.errors import EvidenceChanged, EvidenceMissing
from monitor.evidence.archive import Archive
from monitor.evidence.verification import verify as verify_chain

app = typer.Typer(no_args_is_help=True, help="What is kept of incidents: list, show, verify, export, hold.")

Folder = Annotated[Path, typer.Option("--folder", "-f", help="Folder of the evidence (evidence.folder of the config)")]
Incident = Annotated[str, typer.Argument(help="Name of an incident, as `evidence ls` shows it")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text")]
DEFAULT = Path("var/evidence")


@app.command("ls")
def list_incidents(folder: Folder = DEFAULT, as_json: AsJson = False) -> None:
    """List the incidents, oldest first; those removed to make room too.

    Example: [bold]bodywatch evidence ls[/]
    """
    for kept in _opened(folder).kept():
        line = f"{kept.id:44} {kept.sealed_at} {kept.state:8} {kept.nbytes / 1e6:8.1f} MB"
        typer.echo(json.dumps(asdict(kept)) if as_json else line)


@app.command()
def show(incident: Incident, folder: Folder = DEFAULT, as_json: AsJson = False) -> None:
    """Show what is kept of an incident and what it was about.

    Example: [bold]bodywatch evidence show 20260101T120000-studio-1-ab12[/]
    """
    archive = _opened(folder)
    manifest = archive.manifest(incident)
    facts = archive.facts(incident)
    if as_json:
        typer.echo(json.dumps({"manifest": manifest, "facts": facts}))
        return
    about = facts.get("incident", defaultdict(float))  # a crash may have come before the first word
    typer.echo(
        f"{incident}: is it {about['person']}? on {about['channel']}, {about['state']}, peak {about['peak']:.2f}"
    )
    typer.echo(
        f"from {about['start_s']:.2f} s to {about['end_s']:.2f} s of the stream's clock; sealed {manifest['sealed_at']}"
    )
    asked = facts.get("asked", {})
    if asked.get("epoch", about["epoch"]) != about["epoch"]:
        typer.echo(
            f"that is the clock after a reconnect; what is kept is of the one before, from {asked['start_s']:.2f} s on"
        )
    for name, digest in facts.get("digests", {}).items():
        typer.echo(f"  {name}: {digest}")
    for file in manifest["files"]:
        typer.echo(f"  {file['sha256']}  {file['bytes']:>12}  {folder / incident / file['name']}")


@app.command()
def verify(folder: Folder = DEFAULT, as_json: AsJson = False) -> None:
    """Hold every file against its digest and the chain of manifests; ends with 8 when something is not as it was.

    Example: [bold]bodywatch evidence verify && echo untouched[/]
    """
    archive = _opened(folder)
    faults = list(verify_chain(archive))
    chain = archive.kept()
    if as_json:
        last = chain[-1].sha256 if chain else None
        typer.echo(json.dumps({"incidents": len(chain), "faults": [asdict(fault) for fault in faults], "last": last}))
    else:
        for fault in faults:
            typer.echo(str(fault))
        typer.echo(f"{len(chain)} incidents, {len(faults)} faults" + (f", last {chain[-1].sha256}" if chain else ""))
    if faults:
        raise EvidenceChanged(str(folder), len(faults))


@app.command()
def export(
    incident: Incident,
    folder: Folder = DEFAULT,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Zip to write; default: <incident>.zip")] = None,
) -> None:
    """Write one zip with all that is kept of an incident, its manifest and the chain.

    Example: [bold]bodywatch evidence export 20260101T120000-studio-1-ab12 -o case.zip[/]
    """
    typer.echo(_opened(folder).export(incident, out or Path(f"{incident}.zip")))


@app.command()
def hold(
    incident: Incident,
    folder: Folder = DEFAULT,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why it must stay")] = "",
) -> None:
    """Never delete an incident's files, whatever the retention says.

    Example: [bold]bodywatch evidence hold 20260101T120000-studio-1-ab12 --reason "legal, case 7"[/]
    """
    _opened(folder).hold(incident, reason)
    typer.echo(f"{incident} is held")


@app.command()
def release(incident: Incident, folder: Folder = DEFAULT) -> None:
    """Let retention have an incident again.

    Example: [bold]bodywatch evidence release 20260101T120000-studio-1-ab12[/]
    """
    _opened(folder).release(incident)
    typer.echo(f"{incident} is no longer held")


def _opened(folder: Path) -> Archive:
    """Open an evidence folder; a mistyped name is told, for an empty one would pass every check."""
    if not folder.is_dir():
        raise EvidenceMissing(str(folder), "any incident")
    return Archive(folder)
