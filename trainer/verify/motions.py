"""3D motions (.npz) -> pose tracks as a frontal camera sees them, and the two threats made from one recording.

*Impersonator*: everybody keeps the own build and posture. *Puppeteer*: everybody gets the same bones and the same mean
pose, as when somebody else drives the person's avatar, so that only movement is left to tell people by.
"""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.skeleton import KEYPOINTS, RATE_HZ, WINDOW_POSES
from trainer.data.tracks import Track
from trainer.errors import DataUnusable

Floats = npt.NDArray[np.float32]

BONES = ((1, 0), (1, 2), (2, 3), (3, 4), (1, 5), (5, 6), (6, 7))
"""(from, to) keypoints from the neck outwards, so that a body can be rebuilt bone by bone."""

FOCAL_PX, WIDTH, HEIGHT = 600.0, 640, 480
DISTANCE_M = 2.5
"""How far the neck is from the camera on average: where a person stood in a laboratory is no style."""

BLEND_POSES = 9
"""Short clips that are joined run into each other over 0.3 s."""


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """One recording: joints (T, 8, 3) float32 in metres, keypoints 0..7 of models/skeleton.py in the camera's axes.

    x: the subject's right is positive, y up, z away from the camera. action is what is done, take how or when.
    """

    person: str
    action: str
    take: str
    joints: Floats


def read_motions(path: Path) -> list[Motion]:
    """Read recordings of 3D motion at 30 Hz; clips shorter than a window are joined, see joined().

    Raises:
        DataUnusable: no such format, or arrays that don't fit together.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
            values = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        raise DataUnusable(path, "is no file of 3D motions (.npz with relative_mm, neck_mm, offset, person)") from None
    if missing := {"relative_mm", "neck_mm", "offset", "person", "action", "session"} - values.keys():
        raise DataUnusable(path, f"lacks {sorted(missing)[0]}")
    offset, relative, neck = values["offset"], values["relative_mm"], values["neck_mm"]
    rows = len(relative)
    if relative.shape != (rows, 7, 3) or neck.shape != (rows, 3) or offset[-1] != rows or (np.diff(offset) < 1).any():
        raise DataUnusable(path, f"needs relative_mm (T, 7, 3) and neck_mm (T, 3), has {relative.shape}, {neck.shape}")
    joints = np.repeat(neck[:, None].astype(np.float32), 8, axis=1)
    joints[:, [0, 2, 3, 4, 5, 6, 7]] += relative
    joints /= 1000.0
    names = zip(values["person"], values["action"], values["session"], strict=True)
    motions = [
        Motion(str(person), str(action).replace("_", "-"), str(session), joints[offset[row] : offset[row + 1]])
        for row, (person, action, session) in enumerate(names)
    ]
    return joined(motions) if np.median(np.diff(offset)) < WINDOW_POSES else motions


def joined(motions: Sequence[Motion]) -> list[Motion]:
    """Join a person's clips of one action into two recordings, "first" of every other take and "second" of the rest."""
    takes = sorted({motion.take for motion in motions})
    groups: dict[tuple[str, str, str], list[Floats]] = {}
    for motion in sorted(motions, key=lambda motion: (motion.person, motion.action, motion.take)):
        half = ("first", "second")[takes.index(motion.take) % 2]
        groups.setdefault((motion.person, motion.action, half), []).append(_placed(motion.joints))
    return [Motion(*names, _run_together(clips)) for names, clips in groups.items()]


def project(motions: Sequence[Motion], *, same_body: bool = False) -> list[Track]:
    """See every recording through a frontal pinhole camera at 640x480: u = cx - f x / z, v = cy - f y / z.

    Each recording's mean neck is put before the camera first. Sessions are action_take; eyes, ears and legs are unseen.
    """
    rebuilt = one_body([motion.joints for motion in motions], [m.person for m in motions]) if same_body else None
    tracks = []
    for row, motion in enumerate(motions):
        seen = _placed(motion.joints if rebuilt is None else rebuilt[row])
        seen[..., 2] += DISTANCE_M
        keypoints = np.zeros((len(seen), len(KEYPOINTS), 3), np.float32)
        keypoints[:, :8, 0] = WIDTH / 2 - FOCAL_PX * seen[..., 0] / seen[..., 2]
        keypoints[:, :8, 1] = HEIGHT / 2 - FOCAL_PX * seen[..., 1] / seen[..., 2]
        keypoints[:, :8, 2] = 1.0
        name = f"{motion.person}_{motion.action}_{motion.take}_{row}"
        time_s, shot = np.arange(len(seen)) / RATE_HZ, np.zeros(len(seen), np.int32)
        tracks.append(
            Track(name, motion.person, f"{motion.action}_{motion.take}", time_s, keypoints, shot, WIDTH, HEIGHT)
        )
    return tracks


def one_body_tracks(tracks: Sequence[Track]) -> list[Track]:
    """Do in the picture what project(same_body=True) does in space; the face moves along with the nose."""
    around = [_upright(track.keypoints) for track in tracks]
    rebuilt = one_body([joints for joints, _ in around], [track.person for track in tracks])
    out = []
    for track, (joints, scale_px), new in zip(tracks, around, rebuilt, strict=True):
        keypoints = track.keypoints.copy()
        seen = keypoints[..., 2:] > 0
        moved = (new - joints) * scale_px
        keypoints[:, :8, :2] += np.where(seen[:, :8] & seen[:, 1:2], moved, 0)
        keypoints[:, 14:18, :2] += np.where(seen[:, 14:18] & seen[:, :1] & seen[:, 1:2], moved[:, :1], 0)
        out.append(replace(track, keypoints=keypoints))
    return out


def one_body(recordings: Sequence[Floats], people: Sequence[str]) -> list[Floats]:
    """Give everybody the same bones and mean pose; recordings are (T, 8, D), the neck's own way is kept.

    Every bone is set to the median person's length and turned by the smallest rotation that takes the person's mean
    direction of it to everybody's; a bone's own foreshortening in a picture (D = 2) is kept as a share.
    """
    names = sorted(set(people))
    lengths = [[_length(r, bone) for bone in BONES] for r in recordings]
    mine = {n: np.median([row for row, p in zip(lengths, people, strict=True) if p == n], axis=0) for n in names}
    usual = np.median(list(mine.values()), axis=0)
    mean = {n: _mean_directions([r for r, p in zip(recordings, people, strict=True) if p == n]) for n in names}
    common = np.mean(list(mean.values()), axis=0)
    out = []
    for joints, person in zip(recordings, people, strict=True):
        new = np.empty_like(joints)
        new[:, 1] = joints[:, 1]
        for number, (a, b) in enumerate(BONES):
            bone = joints[:, b] - joints[:, a]
            if joints.shape[2] == 3:  # in space a bone has one length; what varies is the sensor's error
                bone = bone / np.maximum(np.linalg.norm(bone, axis=1, keepdims=True), 1e-6) * usual[number]
            else:
                bone = bone * (usual[number] / max(mine[person][number], 1e-6))
            new[:, b] = new[:, a] + bone @ _rotation(mean[person][number], common[number]).T
        out.append(new)
    return out


def _length(joints: Floats, bone: tuple[int, int]) -> float:
    """Length of a bone: in space the median, in the picture nearly the longest that it is seen."""
    lengths = np.linalg.norm(joints[:, bone[1]] - joints[:, bone[0]], axis=1)
    return float(np.median(lengths) if joints.shape[2] == 3 else np.quantile(lengths, 0.95))


def _mean_directions(recordings: Sequence[Floats]) -> npt.NDArray[np.float64]:
    """(7, D) mean over recordings of every bone's mean direction, unit vectors."""
    means = []
    for joints in recordings:
        bones = np.stack([joints[:, b] - joints[:, a] for a, b in BONES], axis=1).astype(np.float64)
        means.append(bones.mean(axis=0) / np.maximum(np.linalg.norm(bones.mean(axis=0), axis=1, keepdims=True), 1e-9))
    mean = np.mean(means, axis=0)
    return np.asarray(mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-9))


def _rotation(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> Floats:
    """Smallest rotation (D, D) that takes direction a to direction b, in any number of dimensions."""
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    turn = np.outer(b, a) - np.outer(a, b)
    return np.asarray(np.eye(len(a)) + turn + turn @ turn / max(1.0 + float(a @ b), 1e-3), np.float32)


def _upright(keypoints: Floats) -> tuple[Floats, float]:
    """Keypoints 0..7 in shoulder widths (T, 8, 2), and that width in pixels; unseen ones lie where the neck does."""
    xy, seen = keypoints[:, :8, :2], keypoints[:, :8, 2:] > 0
    both = seen[:, 2, 0] & seen[:, 5, 0]
    width = float(np.median(np.linalg.norm(xy[both, 2] - xy[both, 5], axis=1))) if both.any() else 1.0
    width = max(width, 1.0)
    return np.asarray(np.where(seen, xy, xy[:, 1:2]) / width, np.float32), width


def _placed(joints: Floats) -> Floats:
    """Move a recording so that its mean neck lies at the origin."""
    return np.asarray(joints - joints[:, 1].mean(axis=0), np.float32)


def _run_together(clips: Sequence[Floats]) -> Floats:
    """Lay clips end to end, each blended into the next over BLEND_POSES."""
    whole = clips[0]
    for clip in clips[1:]:
        n = min(BLEND_POSES, len(whole), len(clip))
        share = np.linspace(0, 1, n + 2, dtype=np.float32)[1:-1, None, None]
        mixed = whole[-n:] * (1 - share) + clip[:n] * share
        whole = np.concatenate([whole[:-n], mixed, clip[n:]])
    return whole
