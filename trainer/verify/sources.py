"""Where a background comes from: folders of pose tracks as they are, motion capture as a pose network would see it."""

from pathlib import Path

from trainer.data.folder import read_tracks
from trainer.data.tracks import Track
from trainer.verify.motions import project, read_motions
from trainer.verify.seen import as_seen as degrade


def read_source(path: Path, *, as_seen: bool) -> list[Track]:
    """Read genuine tracks of a folder, or project a file of 3D motions.

    Raises:
        DataUnusable: as read_tracks() and read_motions().
    """
    if path.suffix == ".npz" and path.is_file():
        tracks = project(read_motions(path))
        return [degrade(track, seed) for seed, track in enumerate(tracks)] if as_seen else tracks
    return [track for track in read_tracks(path) if track.genuine]
