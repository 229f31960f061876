"""Pose tracks on disk, the paper's conditions on them, and Table 2."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.tracks import make_track
from trainer.data.conditions import apply_conditions, summary
from trainer.data.folder import read_tracks
from trainer.data.tracks import digest, read_track, write_track
from trainer.errors import DataUnusable
from trainer.recipe import PAPERS


def test_a_track_comes_back_as_it_was(tmp_path: Path) -> None:
    backend = {"name": "thin", "sha256": "ab"}
    track = replace(make_track("one", "ada", genuine=False), pose_backend=backend, recording_sha256="cd")
    write_track(tmp_path / "one.npz", track)
    again = read_track(tmp_path / "one.npz")
    assert np.array_equal(again.keypoints, track.keypoints)
    assert (again.person, again.genuine, again.source) == ("ada", False, "made up")
    assert (again.pose_backend, again.recording_sha256) == (backend, "cd")


def test_real_motion_reads_as_tracks(shared_data: Path) -> None:
    """Ten people's 198 recordings, in the design's format without our extras; s03 has no m03."""
    tracks = read_tracks(shared_data / "bodies")
    assert len(tracks) == 198
    assert {track.take for track in tracks} == {"cor", "inc"}
    assert len({track.movement for track in tracks}) == 10


def test_the_digest_names_the_data_whatever_the_order() -> None:
    one, two = make_track("one", "ada"), make_track("two", "bob")
    changed = replace(two, keypoints=two.keypoints + 1)
    assert digest([one, two]) == digest([two, one])
    assert digest([one, two]) != digest([one, changed])


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"time_s": np.zeros(3)}, "lacks keypoints"),
        ({"time_s": np.arange(3.0), "keypoints": np.zeros((2, 18, 3)), "person": "ada"}, r"needs time_s \(T,\)"),
        ({"time_s": np.arange(3.0), "keypoints": np.zeros((3, 17, 3)), "person": "ada"}, r"needs time_s \(T,\)"),
        (
            {"time_s": np.arange(3.0), "keypoints": np.full((3, 18, 3), np.nan), "person": "ada"},
            "row 1: holds a number",
        ),
        ({"time_s": np.zeros(3), "keypoints": np.zeros((3, 18, 3)), "person": "ada"}, "needs time_s that rises"),
    ],
)
def test_a_track_that_breaks_a_rule_is_told_by_file(
    tmp_path: Path, arrays: dict[str, np.ndarray], sentence: str
) -> None:
    np.savez(tmp_path / "bad.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(DataUnusable, match=rf"bad\.npz.*{sentence}"):
        read_track(tmp_path / "bad.npz")


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04cut short"])
def test_a_file_that_is_no_track_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.npz").write_bytes(content)
    with pytest.raises(DataUnusable, match="is no pose track"):
        read_track(tmp_path / "bad.npz")


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataUnusable, match="holds no pose tracks"):
        read_tracks(tmp_path)


def test_a_folder_of_both_formats_is_not_guessed_at(tmp_path: Path) -> None:
    """`to-csv` into the tracks' own folder: one of the two would be trained on, and nobody said which."""
    write_track(tmp_path / "one.npz", make_track("one", "ada"))
    (tmp_path / "poses.csv").write_text("0\n")
    with pytest.raises(DataUnusable, match=r"holds both pose tracks \(\*\.npz\) and poses\.csv"):
        read_tracks(tmp_path)


def test_segments_that_break_the_papers_conditions_are_counted_and_kept_out() -> None:
    """20 s are 4 segments; the second has company, the third a moving camera and the fourth stands aside."""
    track = make_track("one", "ada", seconds=20)
    people, camera = np.ones(600, np.int16), np.zeros(600, np.float32)
    people[150:300], camera[300:450] = 2, 0.05
    keypoints = track.keypoints.copy()
    keypoints[450:, :, 0] += 250  # the neck at 570 of 640 px
    track = replace(track, people=people, camera=camera, keypoints=keypoints, measured=np.ones(600, bool))
    [row] = summary([track])
    assert (row["videos"], row["segments"], row["dropped"]) == (1, 1, 3)
    assert (row["dropped_alone"], row["dropped_camera"], row["dropped_middle"], row["dropped_rate"]) == (1, 1, 1, 0)
    assert apply_conditions([track], PAPERS)[0].stretches() == [(0, 150)]


def test_table_2_counts_real_and_fake_apart() -> None:
    rows = summary([make_track("a", "ada"), make_track("b", "ada", genuine=False), make_track("c", "bob")])
    assert [(row["kind"], row["person"], row["segments"]) for row in rows] == [
        ("real", "ada", 4),
        ("real", "bob", 4),
        ("fake", "ada", 4),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"recording": "other"},
        {"person": "eve"},
        {"genuine": False},
        {"session": "walk_tuesday"},
        {"part": "test"},
        {"shot": np.repeat([0, 1], 300).astype(np.int32)},
        {"time_s": np.arange(600) / 30 + (np.arange(600) >= 300)},
        {"kept": np.arange(600) >= 150},
        {"measured": np.arange(600) >= 150},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_digest_covers_all_that_decides_a_split_or_a_label(change: dict[str, Any]) -> None:
    """Sessions, parts and names give recordings to train or test; shots, gaps in time and conditions cut windows."""
    one, two = make_track("one", "ada"), make_track("two", "bob")
    assert digest([one, replace(two, **change)]) != digest([one, two])


def test_the_digest_leaves_out_what_decides_nothing() -> None:
    """A licence looked up later does not make other data of it, nor does an array of "all" where none told as much."""
    track, every = make_track("one", "ada"), np.ones(600, bool)
    named = replace(track, licence="MIT", source="studio 2", recording_sha256="cd")
    assert digest([replace(named, kept=every, measured=every)]) == digest([track])


def test_tracks_come_in_the_order_of_their_names_whatever_the_files_are_called(tmp_path: Path) -> None:
    """A split draws by place in the list: it must not change where the digest does not."""
    write_track(tmp_path / "b.npz", make_track("one", "ada"))
    write_track(tmp_path / "a.npz", make_track("two", "bob"))
    assert [track.recording for track in read_tracks(tmp_path)] == ["one", "two"]
