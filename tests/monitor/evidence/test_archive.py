"""The chain of evidence folders: what verify finds, what retention may delete, what an export holds."""

import json
import resource
import shutil
import threading
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from monitor.commands.evidence import app
from monitor.errors import EvidenceChanged, EvidenceMissing
from monitor.evidence.archive import Archive
from monitor.evidence.verification import verify

DAY_S = 86_400.0


def seal(archive: Archive, incident: str, sealed_at_s: float = 0.0, nbytes: int = 100) -> str:
    """Seal an incident of two files, nbytes together."""
    part = archive.folder / f".{incident}.part"
    part.mkdir(parents=True)
    (part / "clip.mp4").write_bytes(b"c" * (nbytes - 20))
    (part / "incident.json").write_text('{"digests": {}     }')
    return archive.seal(part, incident, sealed_at_s)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Make a chain of three incidents."""
    made = Archive(tmp_path / "evidence")
    for incident in ("first", "second", "third"):
        seal(made, incident)
    return made


def faults(archive: Archive) -> list[str]:
    return [str(fault) for fault in verify(archive)]


def change_a_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_what_nobody_touched_has_no_fault(archive: Archive) -> None:
    assert faults(archive) == []
    assert [(kept.id, kept.state, kept.nbytes) for kept in archive.kept()] == [
        ("first", "kept", 100),
        ("second", "kept", 100),
        ("third", "kept", 100),
    ]


@pytest.mark.parametrize("incident", ["first", "second", "third"])
@pytest.mark.parametrize("file", ["clip.mp4", "incident.json"])
def test_one_changed_bit_is_found_wherever_it_is(archive: Archive, incident: str, file: str) -> None:
    change_a_byte(archive.folder / incident / file)
    assert faults(archive) == [f"{incident}/{file}: was changed"]


def test_a_missing_and_an_added_file_are_found(archive: Archive) -> None:
    (archive.folder / "second" / "clip.mp4").unlink()
    (archive.folder / "second" / "note.txt").write_text("not mine")
    assert faults(archive) == ["second/clip.mp4: is missing", "second/note.txt: was added"]


def test_a_file_changed_together_with_its_manifest_is_found_by_the_chain(archive: Archive) -> None:
    path = archive.folder / "second" / "manifest.json"
    path.write_text(path.read_text().replace("clip.mp4", "clap.mp4"))
    (archive.folder / "second" / "clip.mp4").rename(archive.folder / "second" / "clap.mp4")
    assert faults(archive) == ["second/manifest.json: is not the one that the chain names"]


def test_an_incident_taken_out_of_the_middle_is_found_by_the_next_ones_manifest(archive: Archive) -> None:
    shutil.rmtree(archive.folder / "second")
    lines = (archive.folder / "chain.jsonl").read_text().splitlines()
    (archive.folder / "chain.jsonl").write_text("\n".join([lines[0], lines[2]]) + "\n")
    assert faults(archive) == ["third/manifest.json: does not follow on the incident before it in the chain"]


def test_a_folder_that_is_gone_or_of_no_chain_is_found(archive: Archive) -> None:
    (archive.folder / "second").rename(archive.folder / "other")
    assert faults(archive) == ["second/manifest.json: is missing or no JSON", "other: a folder that stands in no chain"]


def test_a_full_disk_leaves_the_chain_as_it_was(tmp_path: Path) -> None:
    """Files may grow to 10 bytes more than the chain has: half a line would spoil the one after it, too."""
    archive = Archive(tmp_path)
    for number in range(10):
        seal(archive, f"case{number}")
    before = (tmp_path / "chain.jsonl").read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, limits[1]))
    try:
        with pytest.raises(OSError, match=r"space|large"):
            seal(archive, "late")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / "chain.jsonl").read_bytes() == before
    assert archive.finish(tmp_path / ".late.part", "late") is False
    archive.seal(tmp_path / ".late.part", "late", 0.0)
    assert faults(archive) == []


def test_a_folder_that_somebody_deleted_is_missing_and_hinders_no_retention(archive: Archive) -> None:
    shutil.rmtree(archive.folder / "first")
    assert [kept.state for kept in archive.kept()] == ["missing", "kept", "kept"]
    assert archive.tidy(keep_days=9, keep_bytes=100, now_s=0.0) == ["second"]


def test_what_is_too_old_goes_and_the_chain_still_holds(tmp_path: Path) -> None:
    """At day 10 with 4 days kept: sealed on day 1 and 5 go, day 7 stays."""
    archive = Archive(tmp_path)
    for day in (1, 5, 7):
        seal(archive, f"day{day}", day * DAY_S)
    assert archive.tidy(keep_days=4, keep_bytes=10**9, now_s=10 * DAY_S) == ["day1", "day5"]
    assert [(kept.id, kept.state) for kept in archive.kept()] == [
        ("day1", "removed"),
        ("day5", "removed"),
        ("day7", "kept"),
    ]
    assert not (archive.folder / "day1").exists()
    assert faults(archive) == []


def test_the_oldest_goes_until_the_rest_fits(archive: Archive) -> None:
    """Three of 100 bytes in 250: one has to go."""
    assert archive.tidy(keep_days=9, keep_bytes=250, now_s=0.0) == ["first"]
    assert archive.tidy(keep_days=9, keep_bytes=250, now_s=0.0) == []


def test_a_held_incident_is_never_deleted(archive: Archive) -> None:
    archive.hold("first", "legal, case 7")
    assert archive.tidy(keep_days=1, keep_bytes=1, now_s=1000 * DAY_S) == ["second", "third"]
    assert (archive.folder / "first" / "clip.mp4").exists()
    archive.release("first")
    assert archive.tidy(keep_days=1, keep_bytes=1, now_s=1000 * DAY_S) == ["first"]


def test_an_incident_is_held_while_it_is_still_being_written(archive: Archive) -> None:
    """The moment to hold it is while it fires; held it is sealed, and stays."""
    (archive.folder / ".fourth.part").mkdir()
    archive.hold("fourth", "legal, case 8")
    (archive.folder / ".fourth.part").rmdir()
    seal(archive, "fourth")
    assert archive.held("fourth") == "legal, case 8"
    assert archive.tidy(keep_days=1, keep_bytes=1, now_s=1000 * DAY_S) == ["first", "second", "third"]


@pytest.mark.parametrize("incident", ["fifth", "../first", "", "."])
def test_what_is_not_kept_can_not_be_held(archive: Archive, incident: str) -> None:
    with pytest.raises(EvidenceMissing):
        archive.hold(incident, "legal")
    assert not (archive.folder / "held").exists()


def test_two_processes_seal_into_one_chain(tmp_path: Path) -> None:
    """Each of 4 x 10 seals must name the one before it, whoever made that."""
    archives = [Archive(tmp_path) for _ in range(4)]
    threads = [
        threading.Thread(target=lambda n=n: [seal(archives[n], f"w{n}-{m}") for m in range(10)]) for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(archives[0].kept()) == 40
    assert faults(archives[0]) == []


def test_an_export_is_one_zip_that_can_be_checked(archive: Archive, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive.export("second", tmp_path / "case.zip")) as exported:
        assert sorted(exported.namelist()) == [
            "chain.jsonl",
            "second/clip.mp4",
            "second/incident.json",
            "second/manifest.json",
        ]
        assert exported.read("second/clip.mp4") == b"c" * 80


@pytest.mark.parametrize("incident", ["fourth", "../evidence/first", "held", ""])
def test_what_is_not_kept_is_told(archive: Archive, incident: str) -> None:
    with pytest.raises(EvidenceMissing, match="bodywatch evidence ls"):
        archive.manifest(incident)


def test_the_commands_tell_what_is_there_and_what_was_changed(archive: Archive, tmp_path: Path) -> None:
    folder = ["--folder", str(archive.folder)]
    runner = CliRunner()
    listed = runner.invoke(app, ["ls", "--json", *folder])
    assert [json.loads(line)["id"] for line in listed.output.splitlines()] == ["first", "second", "third"]
    assert runner.invoke(app, ["verify", *folder]).output.startswith("3 incidents, 0 faults, last ")
    assert runner.invoke(app, ["hold", "first", "-r", "legal", *folder]).output == "first is held\n"
    assert "first" in runner.invoke(app, ["ls", *folder]).output.split("held")[0]
    shown = runner.invoke(app, ["show", "first", *folder])
    assert shown.exit_code == 0
    assert str(archive.folder / "first" / "clip.mp4") in shown.output
    exported = runner.invoke(app, ["export", "first", "-o", str(tmp_path / "first.zip"), *folder])
    assert exported.output == f"{tmp_path / 'first.zip'}\n"
    change_a_byte(archive.folder / "third" / "clip.mp4")
    changed = runner.invoke(app, ["verify", "--json", *folder])
    assert json.loads(changed.output)["faults"] == [{"id": "third", "file": "clip.mp4", "what": "was changed"}]
    assert isinstance(changed.exception, EvidenceChanged)
    assert changed.exception.exit_code == 8


@pytest.mark.parametrize("command", ["ls", "verify"])
def test_a_mistyped_folder_is_told_and_not_found_faultless(command: str, tmp_path: Path) -> None:
    found = CliRunner().invoke(app, [command, "--folder", str(tmp_path / "evidance")])
    assert isinstance(found.exception, EvidenceMissing)
    assert str(found.exception).startswith(f"{tmp_path}/evidance keeps no files of any incident; ")
