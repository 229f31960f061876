"""A folder of data: pose tracks held against the conditions, or the paper's CSV."""

from pathlib import Path

from trainer.data.conditions import apply_conditions
from trainer.data.paper_csv import read_csv
from trainer.data.tracks import Track, read_track
from trainer.errors import DataUnusable


def read_tracks(folder: Path) -> list[Track]:
    """Read every track of a folder, or the paper's CSV when it holds poses.csv.

    Raises:
        DataUnusable: as read_track(), or nothing is there.
    """
    if (folder / "poses.csv").is_file():
        return read_csv(folder)
    paths = sorted(folder.glob("*.npz")) if folder.is_dir() else []
    if not paths:
        raise DataUnusable(folder, "holds no pose tracks (*.npz) and no poses.csv; make some with `extract`")
    return apply_conditions([read_track(path) for path in paths])
