"""Clips fetched over HTTP from a server of our own: whole, gone on with, changed, gone."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import pytest
from typer.testing import CliRunner

from tests.support.servers import web
from trainer.backgrounds.clips import Clip
from trainer.backgrounds.fetch import HOST, fetch, fetch_all, url_of
from trainer.cli import app
from trainer.data.extract import read_manifest
from trainer.errors import ClipUnavailable, DataUnusable
from trainer.puppet.renderer import Passage, Script, frames
from trainer.puppet.video import record

COMMIT = "c" * 40


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Clip]]:
    """A server with one file of 1,200 bytes where the public host would have it, and the row that lists it."""
    content = bytes(range(240)) * 5
    file = tmp_path / "served" / "ada" / "talks" / COMMIT / "docs" / "a talk #1.mp4"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    clip = Clip("g001", "generated", "ada/talks", COMMIT, "docs/a talk #1.mp4", sha256, 1200, "MIT", "ship")
    with web(tmp_path / "served") as host:
        yield host, clip


def test_an_address_names_the_commit_and_quotes_the_path() -> None:
    """A # in a path would end it: the server would be asked for another file."""
    clip = Clip("g001", "generated", "ada/talks", COMMIT, "docs/a talk #1.mp4", "5" * 64, 1200, "MIT", "ship")
    assert url_of(clip, HOST) == f"https://raw.githubusercontent.com/ada/talks/{COMMIT}/docs/a%20talk%20%231.mp4"


def test_a_clip_is_fetched_whole_and_known_by_its_bytes(served: tuple[str, Clip], tmp_path: Path) -> None:
    host, clip = served
    path = fetch(clip, tmp_path, host)
    assert path == tmp_path / f"g001_{clip.sha256[:8]}.mp4"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == clip.sha256


def test_what_is_there_already_is_not_asked_for_again(served: tuple[str, Clip], tmp_path: Path) -> None:
    """The second call would fail if it asked: no server listens at port 1."""
    host, clip = served
    path = fetch(clip, tmp_path, host)
    assert fetch(clip, tmp_path, "http://127.0.0.1:1") == path


def test_half_a_clip_is_gone_on_with(served: tuple[str, Clip], tmp_path: Path) -> None:
    """The first half is set to what the server has not; had it been fetched anew, the digest would be right."""
    host, clip = served
    (tmp_path / f"{clip.name}.mp4.part").write_bytes(b"!" * 600)
    with pytest.raises(ClipUnavailable, match="is another file than the list names"):
        fetch(clip, tmp_path, host)
    assert fetch(clip, tmp_path, host).stat().st_size == 1200  # what was wrong is thrown away


def test_the_first_half_that_was_fetched_is_kept(served: tuple[str, Clip], tmp_path: Path) -> None:
    host, clip = served
    (tmp_path / f"{clip.name}.mp4.part").write_bytes((bytes(range(240)) * 5)[:600])
    assert fetch(clip, tmp_path, host).stat().st_size == 1200


def test_a_changed_file_is_not_taken(served: tuple[str, Clip], tmp_path: Path) -> None:
    host, clip = served
    with pytest.raises(ClipUnavailable, match="is another file than the list names"):
        fetch(replace(clip, sha256="5" * 64), tmp_path, host)
    assert not [path for path in tmp_path.iterdir() if path.suffix in (".mp4", ".part")]


def test_a_file_longer_than_listed_is_not_taken(served: tuple[str, Clip], tmp_path: Path) -> None:
    host, clip = served
    with pytest.raises(ClipUnavailable, match="is longer than the 600 bytes that the list names"):
        fetch(replace(clip, size_bytes=600), tmp_path, host)


def test_a_clip_that_is_gone_is_told_and_the_others_are_fetched(served: tuple[str, Clip], tmp_path: Path) -> None:
    """Repositories are removed; one of them must not cost the rest."""
    host, clip = served
    lost = replace(clip, speaker="g000", path="docs/gone.mp4")
    done = fetch_all([lost, clip], tmp_path, host)
    assert [bool(one.why) for one in done] == [True, False]
    assert done[0].why.endswith("docs/gone.mp4: is gone (404); leave its row out, or find another clip")


def test_no_network_is_told_in_a_sentence(served: tuple[str, Clip], tmp_path: Path) -> None:
    _, clip = served
    with pytest.raises(ClipUnavailable, match=r"can't be reached \([^<]*refused\); call again, it goes on"):
        fetch(clip, tmp_path, "http://127.0.0.1:1")


def test_the_command_fetches_a_part_and_writes_the_manifest_that_extract_reads(tmp_path: Path) -> None:
    """4 s of drawn speech, of which 2 s are listed: the rest is no part of the background."""
    file = tmp_path / "served" / "ada" / "talks" / COMMIT / "talk.mp4"
    file.parent.mkdir(parents=True)
    for _ in record(frames(Script((Passage(0, 4.0),)), 320, 180, 10), str(file), 320, 180, 10):
        pass
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    row = f"g001,generated,ada/talks,{COMMIT},talk.mp4,{sha256},{file.stat().st_size},MIT,ship,,2"
    lost = f"r001,real,ada/talks,{COMMIT},talk2.mp4,{sha256},1200,NONE,research,,"
    head = "speaker,kind,repository,commit,path,sha256,bytes,licence,terms,start_s,end_s"
    listed = tmp_path / "clips.csv"
    listed.write_text("\n".join([head, row, lost]), encoding="utf-8")
    with web(tmp_path / "served") as host:
        words = ["fetch-background", str(listed), "-o", str(tmp_path / "out"), "--host", host, "--json"]
        result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout.splitlines()[-1])
    assert told == {"clips": 1, "unavailable": 0, "speakers": 1, "manifest": str(tmp_path / "out" / "manifest.csv")}
    [recording] = read_manifest(tmp_path / "out" / "manifest.csv")
    assert (recording.person, recording.genuine, recording.licence) == ("g001", True, "MIT")
    with av.open(str(recording.path)) as container:
        assert len(list(container.decode(video=0))) == 20  # 2 s of ten pictures each


def test_a_list_without_a_clip_of_such_terms_is_told(tmp_path: Path) -> None:
    """All clips of the events are for measuring only: nothing at all, said by nothing, would look like a success."""
    words = ["fetch-background", "--events", "-o", str(tmp_path / "out")]
    with pytest.raises(
        DataUnusable, match=r"events\.csv: has no clip whose terms are ship; --terms all takes them all"
    ):
        CliRunner().invoke(app, words, catch_exceptions=False)


def test_a_list_without_a_clip_of_such_a_kind_is_told(tmp_path: Path) -> None:
    """All events show real people."""
    words = ["fetch-background", "--events", "--terms", "all", "--kind", "generated", "-o", str(tmp_path / "out")]
    with pytest.raises(DataUnusable, match=r"has no generated clip on these terms; --kind all takes them all"):
        CliRunner().invoke(app, words, catch_exceptions=False)
