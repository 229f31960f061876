"""The rendered speaker: its truth, its likeness to itself, and what sets an impostor apart."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from models import skeleton as sk
from trainer.errors import DataUnusable
from trainer.puppet.motion import FOREARM_PX, UPPER_ARM_PX, Motion, beat_wave, bend, ease
from trainer.puppet.renderer import Camera, Passage, Script, Studio, frames
from trainer.puppet.style import DEMO_SPEAKER, RANGES, distance, random_style
from trainer.puppet.takes import plan, render


def track(style=DEMO_SPEAKER, seed=1, fps=30.0, seconds=20.0) -> np.ndarray:
    """Collect true keypoints (T, 18, 3) in scene pixels."""
    motion = Motion(style, seed)
    return np.array([motion.at(number / fps).keypoints for number in range(round(seconds * fps))])


def test_any_frame_rate_samples_the_same_movement() -> None:
    """At 25 and at 30 fps the frames at whole seconds are the same moments."""
    np.testing.assert_array_equal(track(fps=25)[::25], track(fps=30)[::30])


def test_the_past_does_not_depend_on_how_far_the_future_was_asked() -> None:
    early, late = Motion(DEMO_SPEAKER, 4), Motion(DEMO_SPEAKER, 4)
    late.at(100.0)
    np.testing.assert_array_equal(early.at(7.3).keypoints, late.at(7.3).keypoints)


def test_another_seed_is_another_speech_by_the_same_person() -> None:
    """Hands are elsewhere at the same moment, but move on average as fast within 15 %."""
    one, other = track(seed=1, seconds=120), track(seed=2, seconds=120)
    wrist = np.s_[:, sk.RIGHT_WRIST, :2]
    assert np.abs(one[wrist] - other[wrist]).mean() > 5
    speed = [np.linalg.norm(np.diff(t[wrist], axis=0), axis=1).mean() for t in (one, other)]
    assert speed[0] == pytest.approx(speed[1], rel=0.15)


def test_arms_keep_their_length_and_reach_no_further() -> None:
    """A wrist 400 px away is pulled in to what upper arm and forearm can reach."""
    shoulder = np.zeros(3)
    elbow, wrist = bend(shoulder, np.array([40.0, 60.0, 30.0]), outward=1.0)
    assert np.linalg.norm(elbow) == pytest.approx(UPPER_ARM_PX)
    assert np.linalg.norm(wrist - elbow) == pytest.approx(FOREARM_PX)
    _, far = bend(shoulder, np.array([0.0, 400.0, 0.0]), outward=1.0)
    assert np.linalg.norm(far) == pytest.approx(0.985 * 166)  # 88 + 78


def test_movement_is_continuous() -> None:
    """Sampled at 300 Hz no keypoint jumps more than 5 px (1500 px/s; the fastest beats reach about 700)."""
    assert np.abs(np.diff(track(fps=300, seconds=30)[..., :2], axis=0)).max() < 5


def test_the_impostor_stands_where_the_speaker_stands() -> None:
    """Over two minutes shoulders, neck and nose of twelve random styles average within 4 px of the speaker's."""
    rng = np.random.default_rng(5)
    means = np.array([track(random_style(rng), seed, 5.0, 120.0).mean(axis=0) for seed in range(12)])
    speaker = track(DEMO_SPEAKER, 1, 5.0, 120.0).mean(axis=0)
    still = [sk.NOSE, sk.NECK, sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER]
    assert np.abs(means[:, still, :2] - speaker[still, :2]).max() < 4


def test_random_styles_keep_their_distance_and_their_ranges() -> None:
    rng = np.random.default_rng(0)
    styles = [random_style(rng, at_least=0.3) for _ in range(50)]
    assert min(distance(style, DEMO_SPEAKER) for style in styles) >= 0.3
    assert all(low <= getattr(style, name) <= high for style in styles for name, (low, high) in RANGES.items())
    assert distance(DEMO_SPEAKER, DEMO_SPEAKER) == 0


def test_ease_and_beat_have_their_ends_where_they_should() -> None:
    assert [ease(share) for share in (-1, 0, 0.5, 1, 2)] == [0, 0, 0.5, 1, 1]
    assert beat_wave(0.0, 0.9)[0] == -1
    assert beat_wave(0.5, 0.0)[0] == pytest.approx(1)  # an even beat is at its lowest after half its time
    assert beat_wave(0.2, 1.0)[0] == pytest.approx(1)  # a sharp one after a fifth


def test_truth_is_in_pixels_of_the_picture_at_any_size() -> None:
    """At 1280x720 everything lies at twice the coordinates of 640x360."""
    body = Motion(DEMO_SPEAKER, 1).at(2.0)
    small, large = (Studio(*size, Camera()).truth("lectern", body) for size in ((640, 360), (1280, 720)))
    np.testing.assert_allclose(large[:, :2], 2 * small[:, :2], atol=1e-3)
    assert set(np.flatnonzero(small[:, 2])) == set(sk.UPPER_BODY)  # the lectern hides hips and legs


def test_a_close_up_hides_the_arms() -> None:
    truth = Studio(640, 360, Camera()).truth("close", Motion(DEMO_SPEAKER, 1).at(2.0))
    assert truth[list(sk.ARMS), 2].max() == 0
    assert truth[[sk.NOSE, sk.RIGHT_EYE, sk.LEFT_EYE], 2].min() == 1


def test_only_what_moves_differs_between_speaker_and_impostor() -> None:
    """Curtain, flag and lectern are the same pixels; the arms are not."""
    style = random_style(np.random.default_rng(3))
    shots = (Passage(0, 1), Passage(0, 1, who="impostor", style=style))
    speaker, impostor = (next(frames(Script((shot,)), 640, 360, 30)).image for shot in shots)
    np.testing.assert_array_equal(speaker[:, 460:], impostor[:, 460:])
    assert (speaker[150:270, 200:440] != impostor[150:270, 200:440]).any()


def test_a_script_is_rendered_shot_by_shot() -> None:
    """One second each at 10 fps: ten frames a shot, truth only where somebody is to be judged."""
    script = Script((Passage(0, 1), Passage(1, 2, "audience", who=None), Passage(2, 3, "still")))
    shown = list(frames(script, 320, 180, 10))
    assert [frame.time_s for frame in shown] == pytest.approx([number / 10 for number in range(30)])
    assert [frame.truth is not None for frame in shown] == [True] * 10 + [False] * 10 + [True] * 10
    assert {frame.image.shape for frame in shown} == {(180, 320, 3)}
    assert all((a.image == b.image).all() for a, b in itertools.pairwise(shown[20:]))


def rendered(out: Path, seed: int, *, video: bool = True) -> Path:
    """Plan one second of the speaker and render it into out; where its video lies, if there is one."""
    plans = list(plan(1, 0, speaker_s=1, impostor_s=1, takes=1, seed=seed))
    list(render(plans, out, width=320, height=180, video=video))
    return out / "speaker-000.mp4"


def test_a_video_of_another_plan_is_rendered_anew(tmp_path: Path) -> None:
    """Its truth is written anew whatever lies there, so that the video must be of the same speech."""
    one = rendered(tmp_path / "a", seed=1).read_bytes()
    assert rendered(tmp_path / "b", seed=0).read_bytes() != one
    assert rendered(tmp_path / "b", seed=1).read_bytes() == one


@pytest.mark.parametrize("lost", ["manifest.csv", "truth/speaker-000.npz"])
def test_a_truth_alone_is_not_put_beside_a_video_of_another_plan(lost: str, tmp_path: Path) -> None:
    """Kept, the video would pass for one of the new truth ever after; deleted, an hour of rendering would be gone."""
    before = rendered(tmp_path, seed=1).read_bytes()
    (tmp_path / lost).unlink()
    left = {path.name for path in tmp_path.rglob("*")}
    with pytest.raises(DataUnusable, match=r"speaker-000\.mp4: is a video of another plan.*choose another folder"):
        rendered(tmp_path, seed=0, video=False)
    assert (tmp_path / "speaker-000.mp4").read_bytes() == before
    assert {path.name for path in tmp_path.rglob("*")} == left


def test_a_truth_alone_leaves_the_video_of_its_own_plan(tmp_path: Path) -> None:
    before = rendered(tmp_path, seed=1).stat().st_mtime_ns
    assert rendered(tmp_path, seed=1, video=False).stat().st_mtime_ns == before


def test_a_video_of_the_same_plan_is_not_rendered_again(tmp_path: Path) -> None:
    before = rendered(tmp_path, seed=1).stat().st_mtime_ns
    assert rendered(tmp_path, seed=1).stat().st_mtime_ns == before
