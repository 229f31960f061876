"""Every option, key, field, metric and message stands in the README or in deploy/README.md."""

import ast
import re
import shlex
from pathlib import Path
from typing import get_args

import pytest
import typer
from pydantic import BaseModel

from monitor import cli, records
from monitor.bus import keys
from monitor.config import Config
from monitor.gateway import metrics
from monitor.gateway.handshake import FULL, HELLO_LATE, NO_TOKEN, NOT_ALLOWED, SLOW, TOO_MUCH
from trainer.cli import app as trainer

ROOT = Path(__file__).parents[1]
PACKAGES = ("models", "monitor", "trainer", "deploy")
DOCS = "".join((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "deploy/README.md"))
TRAINING = "".join((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "trainer/README.md"))
SHOWN = re.findall(r"(?:^|&& )(?:\./run|bodywatch) trainer ([a-z][^&#\n]*[^&#\s])", TRAINING, re.MULTILINE)
HEALTH = re.search(r"## Health fields\n(.*?)\n## ", DOCS, re.DOTALL)[1]  # type: ignore[index]
EXAMPLE = (ROOT / "deploy" / "bodywatch.yaml").read_text(encoding="utf-8")


def keys_of(section: type[BaseModel]) -> set[str]:
    """Give the names of all keys of a configuration section and of the sections in it."""
    names = set(section.model_fields)
    for field in section.model_fields.values():
        for inner in (field.annotation, *get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                names |= keys_of(inner)
    return names


def fields_of_health() -> set[str]:
    """Give the names that the worker writes into a channel's health hash."""
    written = {"not_judged_<reason>"}
    for file, function in (("health_report", "_fields"), ("health", "fields")):
        tree = ast.parse((ROOT / "monitor" / f"{file}.py").read_text(encoding="utf-8"))
        body = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == function)
        (table,) = [node.value for node in body.body if isinstance(node, ast.Return)]
        assert isinstance(table, ast.Dict)
        written |= {str(key.value) for key in table.keys if isinstance(key, ast.Constant)}
    return written


@pytest.mark.parametrize("key", sorted(keys_of(Config)))
def test_a_configuration_key_stands_in_the_example(key: str) -> None:
    """The example is the reference of the configuration."""
    assert re.search(rf"\b{key}:", EXAMPLE)


@pytest.mark.parametrize(
    "name", sorted(name for name in vars(keys) if name.isupper() and "bodywatch" in str(vars(keys)[name]))
)
def test_a_redis_key_is_documented(name: str) -> None:
    """Subscribers build on these names."""
    assert f"`{getattr(keys, name)}`" in DOCS


@pytest.mark.parametrize("make", [keys.scores, keys.health, keys.preview])
def test_a_redis_key_of_a_channel_is_documented(make: object) -> None:
    """These have the channel's name in them."""
    assert callable(make)
    assert f"`{make('<channel>')}`" in DOCS


@pytest.mark.parametrize("field", sorted(records.Incident.__dataclass_fields__))
def test_a_field_of_an_incident_is_documented(field: str) -> None:
    """An alert's data is exactly these."""
    assert f"`{field}`" in DOCS


@pytest.mark.parametrize(
    "name", sorted(set(re.findall(r'"(bodywatch_[a-z_]+)', Path(metrics.__file__).read_text(encoding="utf-8"))))
)
def test_a_metric_is_documented(name: str) -> None:
    """Boards and rules are written against them."""
    assert name in DOCS


@pytest.mark.parametrize(
    "name",
    sorted(
        {
            kind
            for file in (*sorted((ROOT / "monitor" / "gateway").glob("*.py")), ROOT / "monitor" / "bus" / "queries.py")
            for kind in re.findall(
                r'["\']?type\\?["\']?:\s*(?:Literal\[)?"([a-z]+)"',
                file.read_text(encoding="utf-8"),
            )
        }
    ),
)
def test_a_message_is_documented(name: str) -> None:
    """The websocket's contract."""
    assert f"`{name}`" in DOCS or f'"type":"{name}"' in DOCS


@pytest.mark.parametrize("code", [NO_TOKEN, NOT_ALLOWED, HELLO_LATE, SLOW, FULL, TOO_MUCH])
def test_a_close_code_is_documented(code: int) -> None:
    """Whoever writes a client has to tell "too slow" from "no room"."""
    assert f"\n| {code} |" in DOCS


@pytest.mark.parametrize("field", sorted(fields_of_health()))
def test_a_health_field_is_documented(field: str) -> None:
    """Boards are drawn from them."""
    assert f"`{field}`" in HEALTH


def test_every_reason_is_told_in_words_on_the_page() -> None:
    """Nobody at the desk knows what low_coverage is."""
    words = (ROOT / "monitor" / "gateway" / "dashboard" / "words.js").read_text(encoding="utf-8")
    assert [reason for reason in get_args(records.Reason) if f"{reason}:" not in words] == []


@pytest.mark.parametrize(
    "command", sorted(c.name or c.callback.__name__ for c in cli.app.registered_commands if c.callback)
)
def test_a_command_is_in_the_readme(command: str) -> None:
    """A command that nobody knows of is not there."""
    assert re.search(rf"(bodywatch|\./run|`)\s?{command}\b", DOCS)


@pytest.mark.parametrize(
    "file", ["Dockerfile", *sorted(p.name for p in (ROOT / "deploy").iterdir() if p.suffix in {".yaml", ".service"})]
)
def test_a_deployment_file_is_documented(file: str) -> None:
    """What lies in deploy/ is for running it."""
    assert file in DOCS


def test_no_link_of_the_readme_is_broken() -> None:
    """A newcomer follows them."""
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("shown", SHOWN)
def test_a_command_of_the_trainer_can_be_called_as_the_readme_shows_it(shown: str) -> None:
    """Parsed, not run: whoever copies a line must not be told that an option is missing."""
    group = typer.main.get_command(trainer)
    name, *arguments = shlex.split(shown)
    group.commands[name].make_context(name, arguments)  # type: ignore[attr-defined]


def test_every_file_of_ours_that_a_text_names_is_there() -> None:
    """A file gets another name more easily than the sentence that sends a reader to it."""
    sources = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    texts = [path.read_text(encoding="utf-8") for path in (*sources, *ROOT.glob("*/README.md"), ROOT / "README.md")]
    known = {path.name for path in (*sources, *(ROOT / "tests").rglob("*.py"))}
    assert {name for text in texts for name in re.findall(r"\b([a-z_]+\.py)\b", text)} - known == set()
