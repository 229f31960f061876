"""The list of clips: what a row says, and which rows are refused by name."""

from collections import defaultdict
from pathlib import Path

import pytest

from trainer.backgrounds.clips import EVENTS, SPEAKERS, read_clips
from trainer.errors import DataUnusable

HEAD = "speaker,kind,repository,commit,path,sha256,bytes,licence,terms,start_s,end_s"
ROW = f"g001,generated,ada/talks,{'c' * 40},docs/a talk.mp4,{'5' * 64},1200,MIT,ship,,10"


def listed(folder: Path, *rows: str) -> Path:
    path = folder / "clips.csv"
    path.write_text("\n".join([HEAD, *rows]), encoding="utf-8")
    return path


def test_a_row_names_a_file_at_a_commit_and_the_part_that_is_taken(tmp_path: Path) -> None:
    """Two clips of one speaker must not take each other's name, so the digest's first eight digits are in it."""
    [clip] = read_clips(listed(tmp_path, ROW))
    assert (clip.name, clip.suffix, clip.size_bytes) == ("g001_55555555", ".mp4", 1200)
    assert (clip.start_s, clip.end_s, clip.is_part) == (0.0, 10.0, True)
    assert clip.source == f"ada/talks@{'c' * 40}:docs/a talk.mp4"


def test_a_row_without_times_is_the_whole_file(tmp_path: Path) -> None:
    [clip] = read_clips(listed(tmp_path, ROW.removesuffix(",,10") + ",,"))
    assert not clip.is_part


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (ROW.replace("ship", "maybe"), "terms"),
        (ROW.replace("generated", "painted"), "kind"),
        (ROW.replace("1200", "many"), "bytes"),
        (ROW.replace("5" * 64, "5" * 63), "sha256"),
        (ROW.replace("c" * 40, "main"), "commit"),
        (ROW.replace("ada/talks", "../talks"), "repository"),
        (ROW.replace("g001", "../g001"), "speaker"),
        (ROW.removesuffix(",,10") + ",10,10", "end_s"),
    ],
)
def test_a_row_that_breaks_a_rule_is_refused_by_its_column(tmp_path: Path, wrong: str, told: str) -> None:
    """A branch's name would fetch another file tomorrow; dots in a name would write, or ask, elsewhere."""
    with pytest.raises(DataUnusable, match=rf"row 3: {told} "):
        read_clips(listed(tmp_path, ROW, wrong))


def test_a_list_without_a_column_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clips.csv"
    path.write_text(HEAD.replace(",sha256", "") + "\n", encoding="utf-8")
    with pytest.raises(DataUnusable, match="lacks the column sha256"):
        read_clips(path)


def test_a_list_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataUnusable, match=r"nowhere\.csv: can't be read"):
        read_clips(tmp_path / "nowhere.csv")


def test_no_person_of_the_events_is_in_the_background() -> None:
    """Who is measured across events must be a stranger to the background, or the measure flatters."""
    assert not {clip.speaker for clip in read_clips(EVENTS)} & {clip.speaker for clip in read_clips(SPEAKERS)}


def test_no_file_is_listed_twice_nor_for_two_speakers() -> None:
    digests = [clip.sha256 for clip in (*read_clips(SPEAKERS), *read_clips(EVENTS))]
    assert len(digests) == len(set(digests))


def test_everybody_of_the_events_has_two_and_stands_on_one_side() -> None:
    """One event tells nothing across events; a person on both sides would be tuned on and reported."""
    events, sides = defaultdict(set), defaultdict(set)
    for clip in read_clips(EVENTS):
        events[clip.speaker].add(clip.event)
        sides[clip.speaker].add(clip.side)
    assert min(map(len, events.values())) >= 2
    assert set(map(len, sides.values())) == {1}
    assert {side for one in sides.values() for side in one} == {"tune", "report"}
