"""Which file `pose: {backend: ...}` means."""

import json
from pathlib import Path

import pytest

from models.artifact import WEIGHTS, Card, save
from models.errors import ModelMismatch, ModelNotTrusted, WeightsUnreadable
from models.pose_lstm import Design, PoseLSTM
from models.pose_networks.backends import find_backend
from monitor.config import parse
from monitor.stages.person_models import load_all, load_models
from monitor.stages.pose import PoseNetwork
from monitor.stages.smoothing import filter_name
from tests.support.model_files import untaught

SHA256_OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, appendix B.1


@pytest.fixture
def imported(tmp_path: Path) -> Path:
    """A file of three bytes that its index vouches for."""
    path = tmp_path / "openpose-coco.onnx"
    path.write_bytes(b"abc")
    entry = {"file": path.name, "kind": "pose", "sha256": SHA256_OF_ABC}
    (tmp_path / "index.json").write_text(json.dumps({"openpose-coco": entry}))
    return path


def test_a_name_means_the_network_that_ships() -> None:
    backend = find_backend("openpose-thin")
    assert backend.path == WEIGHTS / "openpose-thin.onnx"
    assert backend.name == "openpose-thin"


def test_a_path_means_an_imported_network(imported: Path) -> None:
    backend = find_backend(str(imported))
    assert (backend.name, backend.path, backend.sha256) == ("openpose-coco", imported, SHA256_OF_ABC)


def test_other_bytes_than_the_index_names_are_refused(imported: Path) -> None:
    imported.write_bytes(b"abd")
    with pytest.raises(WeightsUnreadable, match=f"the index.json beside it says {SHA256_OF_ABC}"):
        find_backend(str(imported))


def test_a_network_without_an_index_is_refused(imported: Path) -> None:
    imported.with_name("index.json").unlink()
    with pytest.raises(WeightsUnreadable, match="import-openpose"):
        find_backend(str(imported))


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    with pytest.raises(WeightsUnreadable, match="openpose-thin"):
        find_backend("openpose-thick")


def test_a_person_made_with_another_network_is_refused_by_name(tmp_path: Path) -> None:
    """Keypoints of another network lie elsewhere: the person would look like a stranger."""
    made_with = {"name": "openpose-coco", "sha256": SHA256_OF_ABC}
    facts = {"features": "body", "normalisation": "", "created": "2026-01-01T00:00:00+00:00", "trainer": "0.1.0"}
    save(tmp_path / "ada.pt", PoseLSTM(Design("body", 16, 2)).eval(), Card("ada", **facts, pose_backend=made_with))
    channel = {"name": "one", "url": "rtsp://127.0.0.1/", "model": str(tmp_path / "ada.pt")}
    config = parse({"channels": [channel]}, "a test")
    with pytest.raises(ModelMismatch, match=r"pose_backend\.name=openpose-coco, this monitor needs openpose-thin"):
        load_models(config.channels[0], PoseNetwork(config.pose.backend))


@pytest.mark.parametrize("smooth", [True, False])
def test_a_person_whose_poses_were_steadied_otherwise_is_refused(tmp_path: Path, smooth: bool) -> None:
    """Steadied poses move less: whoever learned from those would find unsteadied ones strange, and the reverse."""
    path = untaught(tmp_path / "ada.pt", filter=filter_name(smooth))
    config = parse({"channels": [{"name": "one", "url": "rtsp://127.0.0.1/", "model": str(path)}]}, "a test")
    network = PoseNetwork(config.pose.backend)
    [model] = load_models(config.channels[0], network, smooth=smooth).values()
    assert model.card.filter == filter_name(smooth)
    with pytest.raises(ModelMismatch, match="made with filter="):
        load_models(config.channels[0], network, smooth=not smooth)


def test_channels_of_one_model_share_it(tmp_path: Path) -> None:
    """So that the scorer judges them in one batch, and a tenth channel of the same person costs no memory for it."""
    paths = [untaught(tmp_path / name) for name in ("ada.pt", "bob.pt")]
    channels = [
        {"name": name, "url": "rtsp://127.0.0.1/", "model": str(path)}
        for name, path in zip("abc", (*paths, paths[0]), strict=True)
    ]
    config = parse({"channels": channels}, "a test")
    models = load_all(config.channels, PoseNetwork(config.pose.backend))
    [a], [b], [c] = ([*models[name].values()] for name in "abc")
    assert a is c
    assert a is not b


def test_a_digest_is_asked_of_each_channel_that_names_one(tmp_path: Path) -> None:
    """A shared file must not let a wrong digest of the second channel pass."""
    path = untaught(tmp_path / "ada.pt")
    channel = {"url": "rtsp://127.0.0.1/", "model": str(path)}
    channels = [channel | {"name": "one"}, channel | {"name": "two", "sha256": SHA256_OF_ABC}]
    config = parse({"channels": channels}, "a test")
    with pytest.raises(ModelNotTrusted):
        load_all(config.channels, PoseNetwork(config.pose.backend))
