"""What `bodywatch bench pose` measures with: the figures must be able to be wrong."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deploy.bench.coco import COCO_UPPER, OURS, read_coco, similarity
from deploy.bench.opencv_network import OpenCVNetwork
from deploy.bench.pose import PLAIN_HEIGHT, PLAIN_WIDTH, Way, jitter, pck, plain, puppet_clips
from monitor.errors import ConfigError
from monitor.stages.pose import PoseNetwork
from monitor.stages.speaker import usual_crops


def annotated() -> tuple[np.ndarray, float]:
    """A person of 100 x 100 px whose eleven upper keypoints are labelled."""
    truth = np.zeros((17, 3), np.float32)
    truth[list(COCO_UPPER)] = [(10 * n, 5 * n, 2) for n in range(11)]
    return truth, 10_000.0


def found(shift_px: float) -> np.ndarray:
    """The same person as the network would give them, off to the right."""
    person = np.zeros((18, 3), np.float32)
    person[list(OURS)] = [(10 * n + shift_px, 5 * n, 0.9) for n in range(11)]
    return person


def test_a_person_found_exactly_has_similarity_one_and_the_best_of_all_found_counts() -> None:
    """A second, worse person beside must not lower it."""
    assert similarity([found(30), found(0)], annotated()) == pytest.approx(1)


def test_similarity_falls_with_distance_and_nobody_found_is_zero() -> None:
    """An eye 10 px off in a person of 100 px: exp(-100 / (2 * 10000 * 0.05^2)) = 0.135; shoulders forgive more."""
    assert 0.135 < similarity([found(10)], annotated()) < 0.9
    assert similarity([], annotated()) == 0


def test_the_plain_way_sees_the_whole_frame_at_432_by_368() -> None:
    """Whatever the picture's shape: wide, tall and just so."""
    for height, width in ((720, 1280), (1920, 1080), (368, 432)):
        look = plain(np.zeros((height, width, 3), np.uint8))
        assert look.image.shape == (PLAIN_HEIGHT, PLAIN_WIDTH, 3)
        assert look.scale * PLAIN_HEIGHT >= height - 1e-6
        assert look.scale * PLAIN_WIDTH >= width - 1e-6


def test_a_file_that_is_no_coco_file_is_refused_in_a_sentence(tmp_path: Path) -> None:
    """A missing key is named."""
    path = tmp_path / "people.json"
    path.write_text('{"images": []}')
    with pytest.raises(ConfigError, match=r"people.json: is no COCO keypoint file \(KeyError: 'annotations'\)"):
        read_coco(path)


def test_following_finds_the_rendered_keypoints_and_keeps_them_still() -> None:
    """The issue's targets: at least 0.97 within 0.2 shoulder widths; a still speaker strays by 0.01 at most."""
    clips = [clip[:8] for clip in puppet_clips(1280, 720)[:2]]
    way = Way("following", PoseNetwork())
    assert pck(way, clips) >= 0.97
    assert jitter(way, clips[0][0], 16) <= 0.01


def test_opencv_gives_the_maps_that_onnx_runtime_gives() -> None:
    """`bench pose --provider opencv` compares engines, so it has to run the same network; both stages, two sizes."""
    opencv, onnx_runtime = OpenCVNetwork(provider="cpu"), PoseNetwork(provider="cpu")
    rng = np.random.default_rng(0)
    followed, _, search, *_ = usual_crops()
    seen, searched = (
        replace(look, image=rng.integers(0, 256, look.image.shape, np.uint8)) for look in (followed, search)
    )
    np.testing.assert_allclose(opencv.maps(seen), onnx_runtime.maps(seen), atol=1e-3)
    np.testing.assert_allclose(opencv.maps(searched), onnx_runtime.maps(searched), atol=1e-3)
