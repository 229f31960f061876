"""Tokens: shown once, kept as hashes, gone when revoked."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from monitor.commands.tokens import app
from monitor.errors import ConfigError
from monitor.gateway.tokens import Tokens


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    return Tokens(tmp_path / "tokens.json")


def test_a_token_opens_until_it_is_revoked(tokens: Tokens) -> None:
    """By whoever reads the same file, too."""
    secret = tokens.new("shift", "operator", 0.0)
    user = tokens.authenticate(secret)
    assert user is not None
    assert (user.name, user.role, user.may_act) == ("shift", "operator", True)
    tokens.revoke("shift")
    assert tokens.authenticate(secret) is None
    assert not tokens.valid(user)


def test_the_file_holds_no_secret_and_is_private(tokens: Tokens, tmp_path: Path) -> None:
    """Whoever steals it must still guess 24 random bytes."""
    secret = tokens.new("shift", "operator", 0.0)
    assert secret.rpartition("_")[2] not in (tmp_path / "tokens.json").read_text()
    assert (tmp_path / "tokens.json").stat().st_mode & 0o777 == 0o600


def test_another_secret_with_the_same_id_is_refused(tokens: Tokens) -> None:
    """The id is no secret."""
    secret = tokens.new("shift", "operator", 0.0)
    assert tokens.authenticate(secret[:-1] + ("a" if secret[-1] != "a" else "b")) is None
    assert tokens.authenticate("") is None
    assert tokens.authenticate("bw_") is None


def test_a_running_gateway_sees_what_the_command_changed(tokens: Tokens, tmp_path: Path) -> None:
    """Two readers of one file."""
    tokens.new("first", "viewer", 0.0)
    other = Tokens(tmp_path / "tokens.json")
    secret = other.new("second", "admin", 0.0)
    assert tokens.authenticate(secret) is not None


def test_a_file_that_holds_no_tokens_is_told(tmp_path: Path) -> None:
    """In one sentence, with what to do."""
    (tmp_path / "tokens.json").write_text("[]")
    with pytest.raises(ConfigError, match="holds no tokens; make some with `bodywatch token new`"):
        list(Tokens(tmp_path / "tokens.json"))


def test_the_commands_make_list_and_revoke(tmp_path: Path) -> None:
    """As an administrator uses them."""
    file = ["--file", str(tmp_path / "tokens.json"), "--json"]
    run = CliRunner().invoke
    made = json.loads(run(app, ["new", "wall", "--role", "viewer", *file]).output)
    assert Tokens(tmp_path / "tokens.json").authenticate(made["token"]) is not None
    listed = json.loads(run(app, ["ls", *file]).output)["tokens"]
    assert [(token["name"], token["role"]) for token in listed] == [("wall", "viewer")]
    assert "token" not in listed[0]
    assert json.loads(run(app, ["revoke", "wall", *file]).output) == {"revoked": [listed[0]["id"]]}
    with pytest.raises(ConfigError, match="is no token's id or name"):
        run(app, ["revoke", "wall", *file], catch_exceptions=False)
