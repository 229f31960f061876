"""The imported pose networks: same numbers in PyTorch and in ONNX Runtime, wrong files refused by name."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import pytest
import torch
from typer.testing import CliRunner

from models.artifact import read_index
from models.errors import WeightsUnreadable
from models.pose_networks.caffe import read_caffemodel
from models.pose_networks.importing import Imported, import_openpose
from models.pose_networks.openpose import HEATMAPS, LIMB_FIELDS, OpenPoseVGG, vgg_layers
from models.pose_networks.published import Published, body25, coco
from models.skeleton import LIMBS, UPPER_BODY
from monitor.cli import app
from monitor.stages.pose import Crop, PoseNetwork
from tests.support.published_weights import Tensors, random_tensors, write_caffemodel


@pytest.fixture(scope="module")
def picture() -> npt.NDArray[np.float32]:
    """A picture (1, 3, 64, 72): small, and its sides differ."""
    return np.random.default_rng(2).uniform(0, 255, (1, 3, 64, 72)).astype(np.float32)


@pytest.fixture(scope="module")
def coco_tensors() -> Tensors:
    return random_tensors(coco().tensors())


@pytest.fixture(scope="module")
def body25_tensors() -> Tensors:
    return random_tensors(body25().tensors())


@pytest.fixture(scope="module")
def from_pth(tmp_path_factory: pytest.TempPathFactory, coco_tensors: Tensors) -> Iterator[Imported]:
    """Import a body_pose_model.pth of full size (209 MB), and leave nothing of it."""
    folder = tmp_path_factory.mktemp("coco")
    file = folder / "body_pose_model.pth"
    torch.save({name: torch.from_numpy(values) for name, values in coco_tensors.items()}, file)
    imported = import_openpose(file, folder / "out")
    file.unlink()
    yield imported
    imported.path.unlink()


@pytest.fixture(scope="module")
def from_caffe(tmp_path_factory: pytest.TempPathFactory, body25_tensors: Tensors) -> Iterator[dict[str, Any]]:
    """Import a BODY_25 caffemodel of full size (105 MB) by the command, and leave nothing of it."""
    folder = tmp_path_factory.mktemp("body25")
    file = folder / "pose_iter_584000.caffemodel"
    write_caffemodel(file, body25_tensors)
    done = CliRunner().invoke(app, ["models", "import-openpose", str(file), "-o", str(folder / "out"), "--json"])
    file.unlink()
    yield json.loads(done.stdout)
    (folder / "out" / "openpose-body25.onnx").unlink()


@pytest.fixture
def write_pth(tmp_path: Path) -> Callable[[dict[str, tuple[int, ...]]], Path]:
    """Write a .pth of given names and shapes, all zeros, in which a tensor of any size takes four bytes."""

    def write(shapes: dict[str, tuple[int, ...]]) -> Path:
        file = tmp_path / "body_pose_model.pth"
        torch.save({name: torch.zeros(1).expand(shape) for name, shape in shapes.items()}, file)
        return file

    return write


def maps_of(file: Path, picture: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    maps: npt.NDArray[np.float32] = session.run(None, {"image": picture})[0]
    return maps


def test_an_imported_coco_network_gives_the_maps_that_pytorch_gives(
    from_pth: Imported, coco_tensors: Tensors, picture: npt.NDArray[np.float32]
) -> None:
    """OpenPoseVGG is written by hand, the ONNX file from a plan: both follow the published layers or one is wrong."""
    with torch.device("meta"):
        network = OpenPoseVGG().eval()
    values = {f"layers.{name}": torch.from_numpy(values) for name, values in coco_tensors.items()}
    network.load_state_dict(values, assign=True)
    with torch.inference_mode():
        expected = network(torch.from_numpy(picture)).numpy()
    found = maps_of(from_pth.path, picture)
    assert found.shape == (1, 57, 8, 9)
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_an_imported_body_25_network_gives_the_maps_that_pytorch_gives(
    from_caffe: dict[str, Any], body25_tensors: Tensors, picture: npt.NDArray[np.float32]
) -> None:
    network = Published(body25(), {name: torch.from_numpy(values) for name, values in body25_tensors.items()})
    with torch.inference_mode():
        expected = network(torch.from_numpy(picture)).numpy()
    found = maps_of(Path(from_caffe["path"]), picture)
    assert found.shape == (1, 57, 8, 9)
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_opencv_reads_an_imported_network_to_the_same_maps(
    from_caffe: dict[str, Any], picture: npt.NDArray[np.float32]
) -> None:
    """The paper's Figure 5 compares engines on the same weights; OpenCV 5 reads no caffemodel any more, but ONNX."""
    network = cv2.dnn.readNetFromONNX(from_caffe["path"])
    network.setInput(picture, "image")
    np.testing.assert_allclose(network.forward(), maps_of(Path(from_caffe["path"]), picture), atol=1e-3)


def test_the_pose_stage_runs_an_imported_network(from_caffe: dict[str, Any]) -> None:
    """`pose: {backend: PATH}`: name and digest are those that a person's model must have been made with."""
    image = np.random.default_rng(3).integers(0, 256, (64, 72, 3), np.uint8)
    network = PoseNetwork(from_caffe["path"], threads=1)
    assert (network.name, network.sha256) == ("openpose-body25", from_caffe["sha256"])
    planes = image.transpose(2, 0, 1)[None].astype(np.float32)
    np.testing.assert_allclose(network.maps(Crop(image)), maps_of(Path(from_caffe["path"]), planes)[0], atol=1e-3)


def test_body_25_fills_the_maps_of_the_upper_body_and_leaves_the_rest_empty() -> None:
    """12 keypoints and the background, and both fields of the 13 limbs between them."""
    picks = body25().picks
    assert tuple(k for k in range(18) if picks[k] is not None) == UPPER_BODY
    upper = [fields for limb, fields in zip(LIMBS, LIMB_FIELDS, strict=True) if set(limb) <= set(UPPER_BODY)]
    filled = {HEATMAPS + field for fields in upper for field in fields}
    assert {number for number in range(HEATMAPS, 57) if picks[number] is not None} == filled
    assert len(filled) == 26


def test_the_plans_have_the_published_numbers_of_layers_and_weights() -> None:
    """Four bytes a weight: the published files are 209 MB and 105 MB."""
    plans = coco(), body25()
    assert [len(plan.layers) for plan in plans] == [92, 114]
    weights = [sum(int(np.prod(shape)) for shape in plan.tensors().values()) for plan in plans]
    assert weights == [52_311_446, 26_166_084]


def test_the_index_names_the_file_its_digests_and_the_licence(from_pth: Imported) -> None:
    entry = read_index(from_pth.path.parent)["openpose-coco"]
    assert entry["file"] == "openpose-coco.onnx"
    assert entry["kind"] == "pose"
    assert entry["sha256"] == from_pth.sha256
    assert entry["source"] == {"file": "body_pose_model.pth", "sha256": from_pth.source_sha256}
    assert "non-commercial" in entry["licence"]


def test_the_onnx_file_is_of_opset_17_and_passes_onnx_own_check(from_caffe: dict[str, Any]) -> None:
    model = onnx.load(from_caffe["path"])
    onnx.checker.check_model(model)
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 17)]


@pytest.mark.parametrize("old", [False, True], ids=["shape", "four sides"])
def test_a_caffemodel_of_either_age_gives_its_tensors(tmp_path: Path, old: bool) -> None:
    """Caffe wrote num, channels, height, width until 2014: a bias of 5 is 1 x 1 x 1 x 5 there."""
    tensors = random_tensors({"conv.weight": (5, 300, 3, 3), "conv.bias": (5,), "slopes.weight": (5,)})
    write_caffemodel(tmp_path / "net.caffemodel", tensors, old=old)
    found = read_caffemodel(tmp_path / "net.caffemodel")
    assert found.keys() == tensors.keys()
    np.testing.assert_array_equal(found["conv.weight"], tensors["conv.weight"])
    assert found["conv.bias"].shape == (5,)


def test_a_missing_tensor_is_named(write_pth: Callable[..., Path], tmp_path: Path) -> None:
    shapes = coco().tensors()
    del shapes["Mconv7_stage6_L2.bias"]
    with pytest.raises(WeightsUnreadable, match=r"Mconv7_stage6_L2\.bias is missing"):
        import_openpose(write_pth(shapes), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_misshapen_tensor_is_named_with_both_shapes(write_pth: Callable[..., Path], tmp_path: Path) -> None:
    """MPI's network has COCO's names and 28 fields."""
    shapes = coco().tensors() | {"conv5_5_CPM_L1.weight": (28, 512, 1, 1)}
    sentence = r"conv5_5_CPM_L1\.weight must have shape \(38, 512, 1, 1\) .*, and has \(28, 512, 1, 1\)"
    with pytest.raises(WeightsUnreadable, match=sentence):
        import_openpose(write_pth(shapes), tmp_path / "out")


def test_values_that_are_no_numbers_are_named(tmp_path: Path) -> None:
    file = tmp_path / "body_pose_model.pth"
    tensors = {name: torch.zeros(1).expand(shape) for name, shape in coco().tensors().items()}
    torch.save(tensors | {"conv1_2.bias": torch.full((64,), torch.nan)}, file)
    with pytest.raises(WeightsUnreadable, match=r"conv1_2\.bias holds values that are no finite numbers"):
        import_openpose(file, tmp_path / "out")


@pytest.mark.parametrize("name", ["body_pose_model.pth", "net.caffemodel"])
def test_a_file_that_is_cut_short_is_refused(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    tensors = random_tensors({"conv1_1.weight": (64, 3, 3, 3)})
    if name.endswith("pth"):
        torch.save({"conv1_1.weight": torch.from_numpy(tensors["conv1_1.weight"])}, file)
    else:
        write_caffemodel(file, tensors)
    file.write_bytes(file.read_bytes()[:-500])
    with pytest.raises(WeightsUnreadable, match=r"it is (cut short|no whole caffemodel)"):
        import_openpose(file, tmp_path / "out")


@pytest.mark.parametrize(
    "content", [b"Not Found\n", b"", b"<!doctype html>", b"PK\x03\x04zip", b"\x80\x02pickle"], ids=repr
)
def test_any_other_file_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "weights"
    file.write_bytes(content)
    with pytest.raises(WeightsUnreadable):
        import_openpose(file, tmp_path / "out")


def test_another_network_is_refused(write_pth: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(WeightsUnreadable, match="none of its 1 tensors is a layer of OpenPose's body"):
        import_openpose(write_pth({"features.0.weight": (64, 3, 11, 11)}), tmp_path / "out")


def test_a_pickle_that_would_run_code_is_not_run(tmp_path: Path) -> None:
    """torch.load with weights_only=True refuses every callable that is not on its list."""
    file = tmp_path / "body_pose_model.pth"
    torch.save({"conv1_1.weight": vgg_layers}, file)
    with pytest.raises(WeightsUnreadable, match="holds more than tensors"):
        import_openpose(file, tmp_path / "out")


def test_the_command_tells_what_it_found_and_on_what_terms(write_pth: Callable[..., Path], tmp_path: Path) -> None:
    """PyTorch-OpenPose's own module calls a tensor model0.conv1_1.weight; the published file omits the first word."""
    file = write_pth({f"model0.{name}": shape for name, shape in coco().tensors().items()} | {"extra.weight": (1,)})
    result = CliRunner().invoke(app, ["models", "import-openpose", str(file), "-o", str(tmp_path / "out")])
    assert result.exit_code == 0
    assert "all 184 tensors are there, 1 more not used" in result.stdout
    assert "non-commercial" in result.stdout
    assert f"backend: {tmp_path / 'out' / 'openpose-coco.onnx'}" in result.stdout


def test_the_command_prints_json_on_request(from_caffe: dict[str, Any]) -> None:
    assert from_caffe["name"] == "openpose-body25"
    assert from_caffe["path"].endswith("out/openpose-body25.onnx")
    assert from_caffe["tensors"] == 2 * 114 + 6 * 16 + 3  # each convolution's two; slopes in six stages and before


def test_a_missing_file_is_told_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(WeightsUnreadable, match="no such file or directory"):
        import_openpose(tmp_path / "nowhere.pth", tmp_path)
