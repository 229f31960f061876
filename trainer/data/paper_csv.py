"""The paper's CSV (its section 3.1): poses.csv, labels.csv, and our segments.csv beside them.

poses.csv has one pose a row and 24 columns, x and y of Table 1's keypoints in its order; every 150 rows are one
movement; a keypoint not seen is 0,0. labels.csv has one row a movement: 1 = fake, 0 = genuine. No headers.
segments.csv (segment, source, person, start_s, label, split) tells where a movement is from; without it the data
can't be split by recording.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.skeleton import RATE_HZ, UPPER_BODY, WINDOW_POSES
from trainer.data.splits import PARTS, make_split
from trainer.data.tracks import Track
from trainer.data.windows import judged
from trainer.errors import DataUnusable

COLUMNS = 2 * len(UPPER_BODY)
SEGMENT_COLUMNS = ("segment", "source", "person", "start_s", "label", "split")
SOMEBODY = "unknown"


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """One movement: poses (150, 18, 3) as in Track; label 1 = fake."""

    poses: npt.NDArray[np.float32]
    source: str
    person: str
    start_s: float
    label: int
    split: str = ""


def write_csv(folder: Path, segments: Iterable[Segment]) -> int:
    """Write the three files; numbers are the shortest that read back as the same float32. Returns the count."""
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    with (
        (folder / "poses.csv").open("w", newline="") as poses_file,
        (folder / "labels.csv").open("w", newline="") as labels_file,
        (folder / "segments.csv").open("w", newline="") as segments_file,
    ):
        poses, labels, table = (
            csv.writer(file, lineterminator="\n") for file in (poses_file, labels_file, segments_file)
        )
        table.writerow(SEGMENT_COLUMNS)
        for segment in segments:
            poses.writerows([[_text(value) for value in row] for row in _coordinates(segment.poses)])
            labels.writerow([segment.label])
            start = _text(segment.start_s)
            table.writerow([count, segment.source, segment.person, start, segment.label, segment.split])
            count += 1
    return count


def segments_of(tracks: Sequence[Track], person: str, protocol: str = "paper") -> Iterator[Segment]:
    """Cut tracks into the paper's segments, one after the other without overlap, split part by split part.

    Those that the monitor would not judge are left out: the files can't say which poses were measured.
    """
    split = make_split(protocol, tracks, person)
    for part in PARTS:
        for span in split.part(part):
            track = tracks[span.track]
            starts = np.arange(span.first, span.last - WINDOW_POSES + 1, WINDOW_POSES)
            for first in starts[judged(track, starts)].tolist():
                poses = track.keypoints[first : first + WINDOW_POSES]
                start_s = float(track.time_s[first])
                label = int(track.is_fake_of(person))
                yield Segment(poses, track.recording, track.person, start_s, label, part)


def read_csv(folder: Path) -> list[Track]:
    """Read the paper's files: one Track of 150 poses for each movement; confidence is 1 where (x, y) is not (0, 0).

    Raises:
        DataUnusable: names the file, the row and the rule.
    """
    rows = _read_rows(folder / "poses.csv")
    labels = _read_labels(folder / "labels.csv")
    if len(rows) % WINDOW_POSES:
        why = f"has {len(rows)} rows, which is no multiple of {WINDOW_POSES}; the last movement is cut short"
        raise DataUnusable(folder / "poses.csv", why, row=len(rows))
    count = len(rows) // WINDOW_POSES
    if len(labels) != count:
        raise DataUnusable(folder / "labels.csv", f"has {len(labels)} labels for {count} movements in poses.csv")
    origins = _read_segments(folder / "segments.csv", count)
    return [
        _track(rows[i * WINDOW_POSES : (i + 1) * WINDOW_POSES], labels[i], origins[i] if origins else None, i)
        for i in range(count)
    ]


def _coordinates(poses: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """(150, 18, 3) -> (150, 24), not seen = 0."""
    upper = poses[:, UPPER_BODY]  # (150, 12, 3)
    return np.where(upper[..., 2:] > 0, upper[..., :2], 0).reshape(len(poses), COLUMNS).astype(np.float32)


def _text(value: float | np.floating) -> str:
    return np.format_float_positional(value, unique=True, trim="-")


def _read_rows(path: Path) -> npt.NDArray[np.float32]:
    """Read poses.csv -> (N, 24) float32."""
    rows: list[list[float]] = []
    for number, cells in _lines(path):
        if len(cells) != COLUMNS:
            raise DataUnusable(path, f"has {len(cells)} columns, a pose has {COLUMNS}", row=number)
        rows.append(_numbers(path, number, cells))
    if not rows:
        raise DataUnusable(path, "is empty")
    return np.asarray(rows, np.float32)


def _read_labels(path: Path) -> list[int]:
    labels = []
    for number, cells in _lines(path):
        if len(cells) != 1 or cells[0].strip() not in ("0", "1", "0.0", "1.0"):
            raise DataUnusable(path, "a label is 0 (genuine) or 1 (fake)", row=number)
        labels.append(int(float(cells[0])))
    return labels


def _read_segments(path: Path, count: int) -> list[dict[str, str]] | None:
    if not path.is_file():
        return None
    with path.open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    if len(table) != count or (table and not set(SEGMENT_COLUMNS) <= table[0].keys()):
        raise DataUnusable(path, f"needs the columns {','.join(SEGMENT_COLUMNS)} and {count} rows, has {len(table)}")
    return table


def _lines(path: Path) -> Iterable[tuple[int, Sequence[str]]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for number, cells in enumerate(csv.reader(file), start=1):
                if cells:
                    yield number, cells
    except (OSError, UnicodeDecodeError) as error:
        raise DataUnusable(path, f"can't be read as text ({getattr(error, 'strerror', None) or 'not UTF-8'})") from None


def _numbers(path: Path, row: int, cells: Sequence[str]) -> list[float]:
    try:
        values = [float(cell) for cell in cells]
    except ValueError:
        raise DataUnusable(path, "holds a cell that is no number", row=row) from None
    if not np.isfinite(values).all():
        raise DataUnusable(path, "holds a number that is NaN or infinite; write 0,0 for a keypoint not seen", row=row)
    return values


def _track(rows: npt.NDArray[np.float32], label: int, origin: dict[str, str] | None, number: int) -> Track:
    """Make a track of one movement's rows (150, 24)."""
    keypoints = np.zeros((WINDOW_POSES, 18, 3), np.float32)
    xy = rows.reshape(WINDOW_POSES, len(UPPER_BODY), 2)
    keypoints[:, UPPER_BODY, :2] = xy
    keypoints[:, UPPER_BODY, 2] = (xy != 0).any(axis=2)
    start_s = float(origin["start_s"]) if origin else 0.0
    source = origin["source"] if origin else f"movement-{number:05d}"
    return Track(
        recording=source,
        person=origin["person"] if origin else SOMEBODY,
        session=source,
        time_s=start_s + np.arange(WINDOW_POSES) / RATE_HZ,
        keypoints=keypoints,
        shot=np.zeros(WINDOW_POSES, np.int32),
        width=0,
        height=0,
        genuine=label == 0,
        part=origin["split"] if origin else "",
    )
