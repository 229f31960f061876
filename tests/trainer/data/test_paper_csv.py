"""The paper's CSV: exact both ways, and one sentence for everything that is wrong with one."""

from pathlib import Path

import numpy as np
import pytest

from models.skeleton import UPPER_BODY
from tests.support.tracks import make_track
from trainer.data.folder import read_tracks
from trainer.data.paper_csv import Segment, read_csv, write_csv
from trainer.errors import DataUnusable


def segments() -> list[Segment]:
    """Two movements of 150 poses with all digits that float32 has; the left wrist is never seen in the second."""
    first, second = (make_track(name, "ada", seed=7).keypoints[:150].copy() for name in ("one", "two"))
    second[:, 7] = 0
    return [Segment(first, "one", "ada", 0.0, 0, "train"), Segment(second, "two", "ada", 2.5, 1, "test")]


def test_a_written_csv_reads_back_to_the_same_numbers(tmp_path: Path) -> None:
    """Every float32 comes back bit for bit; a keypoint not seen is 0,0 in the file and confidence 0 again."""
    write_csv(tmp_path, segments())
    first, second = read_csv(tmp_path)
    assert np.array_equal(first.keypoints[:, UPPER_BODY], segments()[0].poses[:, UPPER_BODY])
    assert not second.keypoints[:, 7].any()
    assert (first.genuine, second.genuine) == (True, False)
    assert (first.recording, second.recording, second.time_s[0]) == ("one", "two", 2.5)


def test_a_csv_that_was_read_is_written_to_the_same_bytes(tmp_path: Path) -> None:
    """300 rows of 24 columns, 2 labels; what came in goes out."""
    write_csv(tmp_path / "a", segments())
    again = [
        Segment(track.keypoints, track.recording, track.person, float(track.time_s[0]), int(not track.genuine), part)
        for track, part in zip(read_csv(tmp_path / "a"), ("train", "test"), strict=True)
    ]
    write_csv(tmp_path / "b", again)
    names = ("poses.csv", "labels.csv", "segments.csv")
    assert [(tmp_path / "a" / n).read_bytes() for n in names] == [(tmp_path / "b" / n).read_bytes() for n in names]
    assert len((tmp_path / "a" / "poses.csv").read_text().splitlines()) == 300


def test_a_folder_with_the_papers_two_files_alone_is_enough(tmp_path: Path) -> None:
    """Without segments.csv every movement counts as a recording of its own."""
    write_csv(tmp_path, segments())
    (tmp_path / "segments.csv").unlink()
    assert [track.recording for track in read_tracks(tmp_path)] == ["movement-00000", "movement-00001"]


ROW = ",".join(["1.5"] * 24) + "\n"


@pytest.mark.parametrize(
    ("poses", "labels", "sentence"),
    [
        (ROW * 149, "0\n", "poses.csv, row 149: has 149 rows, which is no multiple of 150"),
        (ROW * 150 + ROW, "0\n", "poses.csv, row 151: has 151 rows"),
        (ROW * 3 + "1,2,3\n" + ROW * 146, "0\n", "poses.csv, row 4: has 3 columns, a pose has 24"),
        (ROW * 9 + ROW.replace("1.5", "nan", 1) + ROW * 140, "0\n", "poses.csv, row 10: holds a number that is NaN"),
        (ROW * 9 + ROW.replace("1.5", "inf", 1) + ROW * 140, "0\n", "row 10: holds a number that is NaN or infinite"),
        (ROW * 9 + ROW.replace("1.5", "left", 1) + ROW * 140, "0\n", "row 10: holds a cell that is no number"),
        (ROW * 150, "0\n1\n", "labels.csv: has 2 labels for 1 movements"),
        (ROW * 150, "2\n", "labels.csv, row 1: a label is 0 .genuine. or 1 .fake."),
        ("", "", "poses.csv: is empty"),
    ],
)
def test_a_csv_that_breaks_a_rule_is_told_by_file_and_row(
    tmp_path: Path, poses: str, labels: str, sentence: str
) -> None:
    (tmp_path / "poses.csv").write_text(poses)
    (tmp_path / "labels.csv").write_text(labels)
    with pytest.raises(DataUnusable, match=sentence):
        read_tracks(tmp_path)


def test_a_missing_labels_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "poses.csv").write_text(ROW * 150)
    with pytest.raises(DataUnusable, match=r"labels\.csv: can't be read as text \(No such file"):
        read_tracks(tmp_path)
