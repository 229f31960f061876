"""The command line: a mistake is one sentence with the thing's name and what to do, and an exit code."""

import contextlib
import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from monitor import cli
from tests.support import servers
from tests.support.model_files import untaught


class Told:
    """What a call of `bodywatch` printed and ended with."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


Call = Callable[..., Told]


@pytest.fixture
def bodywatch(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Call:
    """Give a function that calls the command in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str | Path) -> Told:
        monkeypatch.setattr(sys, "argv", ["bodywatch", *map(str, words)])
        capfd.readouterr()
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capfd.readouterr()
        assert "Traceback" not in captured.err + captured.out
        assert "s3cret" not in captured.err + captured.out
        return Told(code, captured.out, captured.err)

    return call


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return untaught(tmp_path_factory.mktemp("model") / "nobody.pt")


def bad(told: Told) -> str:
    """Give the one line that `check` printed as wrong."""
    (line,) = [line for line in told.out.splitlines() if line.startswith("BAD")]
    return line


def test_a_recording_that_is_missing(bodywatch: Call, model: Path) -> None:
    """Exit code 3: the stream."""
    told = bodywatch("score", "absent.mp4", "-m", model)
    assert (told.code, told.err) == (
        3,
        "bodywatch: absent.mp4 does not exist; check the path behind the host name, or the file's name\n",
    )


def test_a_recording_that_is_text(bodywatch: Call, model: Path, tmp_path: Path) -> None:
    """A web page saved under the wrong name."""
    (tmp_path / "page.mp4").write_text("<html>not found</html>", encoding="utf-8")
    told = bodywatch("score", "page.mp4", "-m", model)
    assert told.code == 3
    assert told.err.startswith("bodywatch: page.mp4 can't be read as video")
    assert told.err.endswith("play it with ffplay to see whether the source is whole\n")


def test_a_recording_without_video(bodywatch: Call, model: Path, tmp_path: Path) -> None:
    """A radio stream."""
    servers.sound(tmp_path / "radio.mp4")
    told = bodywatch("score", "radio.mp4", "-m", model)
    assert told.code == 3
    assert told.err.startswith("bodywatch: radio.mp4 has no video")


def test_a_recording_cut_short(bodywatch: Call, model: Path, tmp_path: Path) -> None:
    """An MP4 that lost its end lost its index: nothing of it can be read."""
    whole = servers.clip(tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "half.mp4").write_bytes(whole[: len(whole) // 2])
    told = bodywatch("score", "half.mp4", "-m", model)
    assert told.code == 3
    assert told.err.startswith("bodywatch: half.mp4 can't be read as video")


def test_a_configuration_with_an_unknown_key(bodywatch: Call, tmp_path: Path) -> None:
    """Exit code 2: the configuration."""
    (tmp_path / "c.yaml").write_text("chanels: []\n", encoding="utf-8")
    told = bodywatch("run", "c.yaml")
    assert (told.code, told.err) == (2, "bodywatch: c.yaml: chanels: no such key\n")


@pytest.mark.parametrize(
    ("card", "field", "found"),
    [
        ({"schema": "bodywatch-model/9"}, "schema", "bodywatch-model/9"),
        ({"window": 90, "shortest": 90, "longest": 90}, "window", "90"),
        ({"pose_backend": {"name": "body25", "sha256": "0" * 64}}, "pose_backend.name", "body25"),
    ],
    ids=["schema", "window", "pose backend"],
)
def test_a_model_made_for_something_else(
    bodywatch, tmp_path: Path, card: dict[str, object], field: str, found: str
) -> None:
    """Exit code 4: the model, named with the field that does not fit and both values."""
    servers.clip(tmp_path / "a.mp4", frames=5)
    untaught(tmp_path / "other.pt", **card)
    told = bodywatch("score", "a.mp4", "-m", "other.pt")
    assert told.code == 4
    assert told.err.startswith(f"bodywatch: other.pt was made with {field}={found}, this monitor needs ")


def test_a_model_that_nobody_vouches_for(bodywatch: Call, model: Path, tmp_path: Path) -> None:
    """A model file runs code: it is not opened, and the sentence has the digest to name."""
    servers.clip(tmp_path / "a.mp4", frames=5)
    (tmp_path / "stray.pt").write_bytes(model.read_bytes())
    told = bodywatch("score", "a.mp4", "-m", "stray.pt")
    assert told.code == 4
    assert "stray.pt is in no index.json beside it and the config names no sha256" in told.err


def test_check_looks_at_everything_and_ends_with_the_first_fault(bodywatch: Call, model: Path) -> None:
    """Pose network and model are fine, the host is not: one BAD line, exit code 3."""
    told = bodywatch("check", f"rtsp://desk:s3cret@127.0.0.1:{servers.free_port()}/live", "-m", model)
    assert told.code == 3
    assert "does not answer" in bad(told)
    assert [line[:3] for line in told.out.splitlines()] == ["ok ", "ok ", "BAD"]


def test_check_tells_a_rule_that_the_model_does_not_have(bodywatch: Call, model: Path, tmp_path: Path) -> None:
    """Before the broadcast; the daemon would not start."""
    config = tmp_path / "bodywatch.yaml"
    url = f"rtsp://127.0.0.1:{servers.free_port()}/live"
    config.write_text(f"rule: {{alarm: 6}}\nchannels: [{{name: a, url: '{url}', model: {model}}}]", encoding="utf-8")
    told = bodywatch("check", config)
    assert told.code == 2
    assert "BAD a model: rule: alarm: nobody.pt counts windows and has clear, enter, hold_s, k, kind, n" in told.out


@pytest.mark.parametrize(
    ("path", "login", "sentence"),
    [
        (None, "desk:wrong@", "refuses the user name or password"),
        ("/nothing", "desk:s3cret@", "does not exist"),
    ],
)
def test_check_tells_a_wrong_password_from_a_wrong_path(
    bodywatch: Call, model: Path, tmp_path: Path, path: str | None, login: str, sentence: str
) -> None:
    """Real answers of a real RTSP server."""
    servers.need_gstreamer()
    clip = servers.clip(tmp_path / "a.mp4")
    with servers.gst_rtsp(clip, login="basic") as server:
        host, own_path = server.url.split("@")[-1].removeprefix("rtsp://").split("/", 1)
        told = bodywatch("check", f"rtsp://{login}{host}{path or '/' + own_path}", "-m", model)
    assert (told.code, sentence in bad(told)) == (3, True)


def test_a_port_that_is_taken(bodywatch: Call, tmp_path: Path) -> None:
    """Exit code 6, and nothing is left running."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "c.yaml").write_text(
            f"channels: [{{name: a, url: x}}]\ngateway: {{port: {port}}}\nredis: {{outbox: {tmp_path}/o.sqlite}}\n",
            encoding="utf-8",
        )
        told = bodywatch("serve", "c.yaml")
    assert told.code == 6
    assert f"127.0.0.1:{port} is in use" in told.err


def test_a_recording_gives_json_that_a_program_can_read(bodywatch: Call, model: Path, tmp_path: Path) -> None:
    """The test pattern has nobody in it: every window says so, and the verdict is inconclusive, not genuine."""
    servers.clip(tmp_path / "a.mp4", frames=50, fps="25")
    told = bodywatch("score", "a.mp4", "-m", model, "--json")
    result = json.loads(told.out)
    assert told.code == 0
    assert (result["frames"], result["verdict"], result["cuts_s"]) == (50, "inconclusive", [])
    assert {window["not_judged"] for window in result["windows"]} == {"nobody"}
    assert [epoch["start_s"] for epoch in result["epochs"]] == [0.0]


def test_the_schema_names_every_key(bodywatch: Call) -> None:
    """Editors complete from it."""
    schema = json.loads(bodywatch("schema").out)
    assert {"redis", "gateway", "pose", "channels", "rule", "evidence"} <= set(schema["properties"])
