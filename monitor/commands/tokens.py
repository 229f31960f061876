"""bodywatch token new|ls|revoke."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from monitor.errors import ConfigError
from monitor.gateway.tokens import ROLES, Role, Tokens

app = typer.Typer(help="Who may open the page: tokens with a role, kept as hashes.", no_args_is_help=True)

FileOption = Annotated[Path, typer.Option("--file", help="The tokens file; gateway.tokens in the configuration.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
DEFAULT = Path("var/tokens.json")


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Who it is for; stands in the audit log.")],
    role: Annotated[Role, typer.Option(help="viewer looks; operator acknowledges, dismisses, silences; admin too.")] = (
        "viewer"
    ),
    file: FileOption = DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """Make a token and show it, this once."""
    if role not in ROLES:
        raise ConfigError("--role", role, f"must be one of {', '.join(ROLES)}")
    secret = Tokens(file).new(name, role, time.time())
    if as_json:
        typer.echo(json.dumps({"name": name, "role": role, "token": secret, "file": str(file)}))
        return
    typer.echo(secret)
    typer.echo(f"{name} may come in as {role} with this token; it is shown only now. {file} holds its hash.", err=True)


@app.command()
def ls(file: FileOption = DEFAULT, as_json: JsonOption = False) -> None:
    """List the tokens; their secrets are known to nobody but their owners."""
    known = list(Tokens(file))
    if as_json:
        rows = [{"id": t.id, "name": t.name, "role": t.role, "created_s": t.created_s} for t in known]
        typer.echo(json.dumps({"tokens": rows}))
        return
    for token in known:
        made = datetime.fromtimestamp(token.created_s, UTC)
        typer.echo(f"{token.id}  {token.role:<8}  {made:%Y-%m-%d %H:%M}  {token.name}")


@app.command()
def revoke(
    which: Annotated[str, typer.Argument(help="Id of a token, or a name: then all of that name.")],
    file: FileOption = DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """Remove a token; whoever is connected with it is shut out within seconds."""
    gone = Tokens(file).revoke(which)
    if not gone:
        raise ConfigError(str(file), which, "is no token's id or name; `bodywatch token ls` lists them")
    if as_json:
        typer.echo(json.dumps({"revoked": [token.id for token in gone]}))
        return
    for token in gone:
        typer.echo(f"revoked {token.id} ({token.name}, {token.role})")
