"""Where a background comes from: folders of pose tracks as they are, motion capture as a pose network would see it."""

from dataclasses import replace
from pathlib import Path

from trainer.data.folder import read_tracks
from trainer.data.tracks import Track
from trainer.verify.background import AS_SEEN
from trainer.verify.motions import project, read_motions
from trainer.verify.seen import as_seen as degrade
from trainer.verify.seen import half_rate


def read_source(path: Path, *, as_seen: bool) -> list[Track]:
    """Read genuine tracks of a folder, or project a file of 3D motions.

    as_seen adds every motion once more as a pose network might see it, at half the frame rate for every other: what the
    sensor does becomes part of what varies within a person, and whitening takes it away.

    Raises:
        DataUnusable: as read_tracks() and read_motions().
    """
    if path.suffix == ".npz" and path.is_file():
        tracks = project(read_motions(path))
        return tracks + [_again(track, seed) for seed, track in enumerate(tracks)] if as_seen else tracks
    return [track for track in read_tracks(path) if track.genuine]


def _again(track: Track, seed: int) -> Track:
    seen = degrade(track, seed)
    if seed % 2:
        seen = half_rate(seen)
    return replace(seen, recording=track.recording + AS_SEEN)
