"""3D motions become what a frontal camera sees; the puppeteer's threat leaves movement alone."""

from pathlib import Path

import numpy as np
import pytest

from models.skeleton import LEFT_WRIST, NECK, RIGHT_ELBOW, RIGHT_SHOULDER, RIGHT_WRIST
from trainer.errors import DataUnusable
from trainer.verify.motions import BONES, Motion, one_body, one_body_tracks, project, read_motions

STANDING = np.array(
    [[0, 0.2, 0], [0, 0, 0], [0.2, 0, 0], [0.25, -0.3, 0], [0.25, -0.5, -0.1],
     [-0.2, 0, 0], [-0.25, -0.3, 0], [-0.25, -0.5, -0.1]], np.float32,
)  # fmt: skip


def motion(person: str = "ada", *, size: float = 1.0, lean: float = 0.0, poses: int = 300) -> Motion:
    """Somebody so large, leaning so far, whose right wrist swings aside and back once a second."""
    joints = np.repeat(STANDING[None] * size, poses, axis=0)
    joints[:, :, 0] += lean * joints[:, :, 1]
    joints[:, RIGHT_WRIST, 0] += 0.1 * size * np.sin(np.arange(poses) / 30 * 2 * np.pi)
    return Motion(person, "wave", "1", joints)


def write(path: Path, *, clips: int, poses: int) -> Path:
    """A file of motions: one person, one action, as many takes as clips, each of so many poses."""
    relative = np.tile(np.delete(STANDING * 1000, 1, axis=0), (clips * poses, 1, 1)).astype(np.int16)
    np.savez(
        path,
        relative_mm=relative,
        neck_mm=np.tile(np.array([100, 1400, 3000], np.int16), (clips * poses, 1)),
        offset=np.arange(clips + 1) * poses,
        person=["ada"] * clips,
        action=["born_"] * clips,
        session=[str(number) for number in range(clips)],
    )
    return path


def test_the_camera_looks_from_the_front() -> None:
    """u = 320 - 600 x / z: a right shoulder at x 0.2 m, 2.5 m away, is at 320 - 48 = 272 px; y down, eyes unseen."""
    still = Motion("ada", "stand", "1", np.repeat(STANDING[None], 200, axis=0))
    track = project([still])[0]
    assert track.keypoints[0, RIGHT_SHOULDER].tolist() == pytest.approx([272, 240, 1])
    assert track.keypoints[0, RIGHT_ELBOW, 1] == pytest.approx(240 + 0.3 / 2.5 * 600)
    assert not track.keypoints[:, 8:].any()
    assert (track.movement, track.take) == ("stand", "1")


def test_where_somebody_stood_does_not_matter() -> None:
    """A metre aside and two back is the laboratory's doing."""
    here, there = motion(), motion()
    there.joints[...] += np.float32([1, 0.3, 2])
    assert np.allclose(project([here])[0].keypoints, project([there])[0].keypoints, atol=0.01)


def test_one_body_gives_a_giant_and_a_dwarf_the_same_bones() -> None:
    """Two thirds and one and a half of a size: both get the median person's."""
    recordings = [motion("ada", size=1.5), motion("bob", size=0.67), motion("eve")]
    rebuilt = one_body([m.joints for m in recordings], [m.person for m in recordings])
    lengths = np.array([[np.linalg.norm(r[:, b] - r[:, a], axis=1).mean() for a, b in BONES] for r in rebuilt])
    assert np.allclose(lengths, lengths[2], rtol=1e-3)


def test_one_body_gives_everybody_the_same_mean_pose_and_leaves_the_movement() -> None:
    """Somebody who leans and somebody upright differ by under 1 cm on average; the wrist still moves 20 cm."""
    recordings = [motion("ada"), motion("bob", lean=0.3)]
    rebuilt = one_body([m.joints for m in recordings], [m.person for m in recordings])
    means = [r.mean(axis=0) - r[:, NECK].mean(axis=0) for r in rebuilt]
    assert np.abs(means[0] - means[1]).max() < 0.01
    assert np.ptp(rebuilt[1][:, RIGHT_WRIST, 0]) == pytest.approx(0.2, abs=0.04)


def test_one_body_in_the_picture_keeps_what_is_unseen_unseen() -> None:
    """Tracks from video have gaps: a lost wrist stays lost, and everybody's upper arm is as long in shoulder widths."""
    tracks = project([motion("ada", size=1.4), motion("bob", lean=0.3)])
    tracks[0].keypoints[:10, LEFT_WRIST] = 0
    ada, bob = one_body_tracks(tracks)
    assert not ada.keypoints[:10, LEFT_WRIST].any()
    width = [np.linalg.norm(t.keypoints[50, 2, :2] - t.keypoints[50, 5, :2]) for t in (ada, bob)]
    arm = [np.linalg.norm(t.keypoints[50, 3, :2] - t.keypoints[50, 2, :2]) for t in (ada, bob)]
    reach = np.divide(arm, width)
    assert reach[0] == pytest.approx(reach[1], rel=0.02)


def test_short_clips_of_an_action_are_joined_to_two_recordings(tmp_path: Path) -> None:
    """Six takes of 100 poses: three and three, each 300 less 2 x 9 poses in which one runs into the next."""
    motions = read_motions(write(tmp_path / "short.npz", clips=6, poses=100))
    assert [(m.action, m.take, len(m.joints)) for m in motions] == [("born-", "first", 282), ("born-", "second", 282)]


def test_long_recordings_stay_as_they_are(tmp_path: Path) -> None:
    """Half a minute is enough for windows."""
    motions = read_motions(write(tmp_path / "long.npz", clips=2, poses=900))
    assert [(m.take, m.joints.shape) for m in motions] == [("0", (900, 8, 3)), ("1", (900, 8, 3))]
    assert motions[0].joints[0, NECK].tolist() == pytest.approx([0.1, 1.4, 3.0])


def test_what_is_no_motion_is_refused_by_name(tmp_path: Path) -> None:
    """Somebody gives a pose track, or a text."""
    (tmp_path / "text.npz").write_text("no")
    np.savez(tmp_path / "track.npz", time_s=np.zeros(3))
    with pytest.raises(DataUnusable, match=r"text.npz: is no file of 3D motions"):
        read_motions(tmp_path / "text.npz")
    with pytest.raises(DataUnusable, match=r"track.npz: lacks action"):
        read_motions(tmp_path / "track.npz")
