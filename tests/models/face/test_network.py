"""The face network's two forms, and where its weights are from."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from models.artifact import WEIGHTS, read_index
from models.errors import WeightsUnreadable
from models.face.align import Chip, align
from models.face.convert import MANIFEST_FILE, WEIGHTS_FILE, build, main, read_arrays, read_source, rename
from models.face.embed import FaceNetwork, distance
from models.face.network import BLOCKS, STEM, FaceResNet
from monitor.stages.pose import PoseNetwork
from monitor.stages.speaker import SpeakerTracker
from monitor.stream.ingest import read_recording

FACE = WEIGHTS / "dlib-face.onnx"
MADE_UP = (np.arange(150 * 150 * 3) % 251).astype(np.uint8).reshape(150, 150, 3)


def stored() -> dict[str, np.ndarray]:
    """Read the tensors out of the file that ships."""
    return {w.name: numpy_helper.to_array(w) for w in onnx.load(FACE).graph.initializer}


def chip_of(path: Path) -> Chip:
    """Cut the speaker's face out of a clip's first frame."""
    frame, speaker = next(iter(read_recording(str(path), "a test"))), SpeakerTracker()
    [people] = PoseNetwork(threads=1).find([speaker.crop(frame)])
    pose = speaker.pick(frame, people).pose
    assert pose is not None
    chip = align(frame.image, pose.keypoints)
    assert isinstance(chip, np.ndarray), chip
    return chip


@pytest.fixture(scope="module")
def faces(shared_data: Path) -> list[Chip]:
    """Two men of whom nothing else is known, and the first of them mirrored."""
    first, second = (chip_of(shared_data / "videos" / f"latentsync_demo{number}.mp4") for number in (2, 3))
    return [first, second, np.ascontiguousarray(first[:, ::-1])]


def test_pytorch_and_onnx_runtime_agree_to_a_thousandth_on_faces(faces: list[Chip]) -> None:
    """Vectors are about 1.4 long and people 0.5 apart, so 1e-3 moves no decision."""
    with torch.no_grad():
        ours = FaceResNet(stored()).eval()(torch.from_numpy(np.stack(faces))).numpy()
    assert FaceNetwork().vectors(faces) == pytest.approx(ours, abs=1e-3)


def test_the_vectors_are_those_of_the_published_package() -> None:
    """face-api 1.7.15 gave these under Node.js; it divides by 255 where dlib has 256, which moves them by 2e-4."""
    [vector] = FaceNetwork().vectors([MADE_UP])
    assert vector[:6] == pytest.approx([-0.0892, 0.1148, 0.1097, 0.0066, -0.0876, -0.0673], abs=5e-4)


def test_a_face_lies_nearer_to_its_mirror_image_than_to_another_face(faces: list[Chip]) -> None:
    """Wrong colours, wrong padding or one wrong layer bring all faces together or drive mirror images apart."""
    first, second, mirrored = FaceNetwork().vectors(faces)
    apart = distance(first[None], np.stack([mirrored, second]))[0]
    assert apart[0] < 0.35
    assert apart[1] > 0.5


def test_no_faces_give_no_vectors() -> None:
    """A caller with nobody on screen need not ask first."""
    assert FaceNetwork().vectors([]).shape == (0, 128)


def test_the_shipped_face_network_is_the_one_that_index_and_notice_name() -> None:
    """A person's references name the network by this digest."""
    digest = hashlib.sha256(FACE.read_bytes()).hexdigest()
    assert read_index(WEIGHTS)["dlib-face"]["sha256"] == digest
    assert digest in (WEIGHTS / "NOTICE.md").read_text()
    assert (FaceNetwork().name, FaceNetwork().sha256) == ("dlib-face", digest)


def test_the_face_network_stays_small() -> None:
    """6.5 MB with a byte for most weights; as float32 it would be 22.5 MB."""
    assert FACE.stat().st_size < 6_600_000


def test_building_the_face_network_from_its_own_tensors_gives_the_same_bytes() -> None:
    """A conversion that is repeated must give the digest that people's references name."""
    assert build(stored()) == FACE.read_bytes()


@pytest.mark.by_hand
def test_converting_the_published_package_gives_the_shipped_face_network(tmp_path: Path) -> None:
    """Needs the package, 12 MB, from `npm pack @vladmandic/face-api@1.7.15`."""
    source = os.environ.get("BODYWATCH_FACE_SOURCE")
    if source is None:
        pytest.skip("BODYWATCH_FACE_SOURCE does not name vladmandic-face-api-1.7.15.tgz or its weights")
    main(source, str(tmp_path / "dlib-face.onnx"))
    assert (tmp_path / "dlib-face.onnx").read_bytes() == FACE.read_bytes()
    assert read_index(tmp_path)["dlib-face"] == read_index(WEIGHTS)["dlib-face"]


def test_other_weights_than_the_published_ones_are_refused(tmp_path: Path) -> None:
    """Changed weights would silently give vectors that no limit was measured on."""
    (tmp_path / WEIGHTS_FILE).write_bytes(b"not the published weights")
    with pytest.raises(WeightsUnreadable, match=r"has sha256 [0-9a-f]{64}, the published one has b413e420d684"):
        read_source(tmp_path / WEIGHTS_FILE)


def test_a_package_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "face-api.tgz").write_bytes(b"a web page, perhaps")
    with pytest.raises(WeightsUnreadable, match=f"there is no package/model/{WEIGHTS_FILE} in it"):
        read_source(tmp_path / "face-api.tgz")


def test_published_values_are_a_byte_times_the_step_plus_the_least() -> None:
    """2 values: byte 3 is 3 * 0.5 - 1 = 0.5, byte 0 is -1; what has no quantisation stays float32."""
    entries = [
        {"name": "a", "shape": [2], "dtype": "float32", "quantization": {"dtype": "uint8", "scale": 0.5, "min": -1}},
        {"name": "b", "shape": [1], "dtype": "float32"},
    ]
    content = bytes([3, 0]) + np.array([7], "<f4").tobytes()
    arrays = read_arrays({WEIGHTS_FILE: content, MANIFEST_FILE: json.dumps([{"weights": entries}]).encode()})
    assert arrays["a"] * arrays["a.scale"] + arrays["a.min"] == pytest.approx([0.5, -1])
    assert arrays["b"] == pytest.approx([7])
    assert "b.scale" not in arrays


def copied(folder: Path, file: Path, **entry: str) -> Path:
    """Copy a network with an index.json that vouches for it as a face network; entry replaces parts of its line."""
    path = Path(shutil.copy(file, folder))
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    line = {"file": path.name, "kind": "face", "sha256": digest} | entry
    (folder / "index.json").write_text(json.dumps({"a": line}))
    return path


def test_a_face_network_of_other_bytes_than_the_index_names_is_refused(tmp_path: Path) -> None:
    path = copied(tmp_path, FACE, sha256="b413e420")
    with pytest.raises(WeightsUnreadable, match=r"its sha256 is [0-9a-f]{64}, and the index.json beside it says b413"):
        FaceNetwork(path)


def test_a_pose_network_in_a_face_networks_place_is_refused(tmp_path: Path) -> None:
    """Its size would otherwise be told by ONNX Runtime, at the first face, in words about tensors."""
    path = copied(tmp_path, WEIGHTS / "openpose-thin.onnx")
    with pytest.raises(WeightsUnreadable, match=r"it reads \[\[1, 3, .*, and a face network \[1, 150, 150, 3\]"):
        FaceNetwork(path)


def test_a_file_that_is_no_network_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = copied(tmp_path, WEIGHTS / "NOTICE.md")
    with pytest.raises(WeightsUnreadable, match="ONNX Runtime can't open it"):
        FaceNetwork(path)


def test_a_face_network_that_no_index_names_is_refused(tmp_path: Path) -> None:
    path = copied(tmp_path, FACE, kind="pose")
    with pytest.raises(WeightsUnreadable, match="no face network of this name stands in the index"):
        FaceNetwork(path)


def test_shipped_tensors_have_the_names_that_the_network_reads() -> None:
    """29 convolutions of four tensors, the matrix of three, and the graph's own six."""
    names = set(stored())
    assert len([name for name in names if name.endswith(".bias")]) == 29
    assert len(names) == 29 * 4 + 3 + 6


def published(name: str) -> dict[str, np.ndarray]:
    """A convolution of one number as the package has it: w 2, b 1, gain 3, offset 5, each a byte 1 times its scale."""
    parts = {"conv/filters": 2, "conv/bias": 1, "scale/weights": 3, "scale/biases": 5}
    ones = {f"{name}/{part}": np.ones((1,) * (4 if part == "conv/filters" else 1), np.uint8) for part in parts}
    scales = {f"{name}/{part}.scale": np.float64(value) for part, value in parts.items()}
    return ones | scales | {f"{name}/{part}.min": np.float64(0) for part in parts}


def test_dlibs_scale_behind_a_convolution_is_multiplied_into_it() -> None:
    """(x * w + b) * gain + offset is x * (w * gain) + (b * gain + offset): w 2 * 3 = 6 and b 1 * 3 + 5 = 8."""
    arrays = {"fc": np.zeros((1, 1), np.uint8), "fc.scale": np.float64(1), "fc.min": np.float64(0)}
    for name in (STEM, *(f"{block.name}/conv{number}" for block in BLOCKS for number in (1, 2))):
        arrays |= published(name)
    named = rename(arrays)
    weight = named["conv32_down.stored"] * named["conv32_down.step"] + named["conv32_down.offset"]
    assert (weight.item(), named["conv32_down.bias"].item()) == (6, 8)
