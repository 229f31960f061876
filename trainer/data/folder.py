"""A folder of data: pose tracks, or the paper's CSV; whole, since which conditions hold a recipe says."""

from pathlib import Path

from trainer.data.paper_csv import read_csv
from trainer.data.tracks import Track, by_name, read_track
from trainer.errors import DataUnusable


def read_tracks(folder: Path) -> list[Track]:
    """Read every track of a folder, or the paper's CSV when it holds poses.csv, in the order of the recordings' names.

    Splits draw by place in this order, and it is the digest's: what a file is called must not move a recording from
    one part to another.

    Raises:
        DataUnusable: as read_track(), or nothing is there, or both formats.
    """
    paths = sorted(folder.glob("*.npz")) if folder.is_dir() else []
    if (folder / "poses.csv").is_file():
        if paths:
            raise DataUnusable(folder, "holds both pose tracks (*.npz) and poses.csv; give each a folder of its own")
        return by_name(read_csv(folder))
    if not paths:
        raise DataUnusable(folder, "holds no pose tracks (*.npz) and no poses.csv; make some with `extract`")
    return by_name(read_track(path) for path in paths)
