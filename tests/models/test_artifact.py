"""The model file: what goes in comes out, and nothing runs that nobody vouches for."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from models import artifact
from models.artifact import Card
from models.errors import ModelMismatch, ModelNotTrusted, ModelUnreadable
from models.pose_lstm import Design, PoseLSTM

CARD = Card(
    person="ada",
    features="body",
    normalisation="neck-centred",
    created="2026-01-01T00:00:00+00:00",
    trainer="0.1.0",
    pose_backend={"name": "openpose-thin", "sha256": "ab"},
    thresholds={"enter": 0.8, "clear": 0.5, "hold_s": 2.0, "k": 3, "n": 4, "false_alerts_per_hour": 0.5},
    normal={"right_wrist": {"low": 0.4, "mean": 0.8, "high": 1.2}},
)


@pytest.fixture(scope="module")
def network() -> PoseLSTM:
    torch.manual_seed(1)
    return PoseLSTM(Design("body", 16, 2)).eval()


@pytest.fixture
def model_file(tmp_path: Path, network: PoseLSTM) -> Path:
    artifact.save(tmp_path / "ada.pt", network, CARD)
    return tmp_path / "ada.pt"


def windows(count: int) -> npt.NDArray[np.float32]:
    return np.random.default_rng(3).uniform(50, 400, (count, 150, 18, 3)).astype(np.float32)


def rewrite_card(source: Path, target: Path, *, leave_out: str) -> None:
    """Copy a model file as it was before its card had a field."""
    with zipfile.ZipFile(source) as now, zipfile.ZipFile(target, "w") as older:
        for name in now.namelist():
            content = now.read(name)
            if name.endswith("card.json"):
                content = json.dumps({k: v for k, v in json.loads(content).items() if k != leave_out}).encode()
            older.writestr(name, content)


def test_the_file_scores_as_the_network_it_was_made_from(model_file: Path, network: PoseLSTM) -> None:
    """Eager and TorchScript agree to 1e-5, one at a time and in a batch."""
    batch = windows(5)
    with torch.no_grad():
        eager = network(torch.from_numpy(batch)).numpy()
    model = artifact.load(model_file)
    assert model.score(batch) == pytest.approx(eager, abs=1e-5)
    assert model.score(batch[3:4]) == pytest.approx(eager[3:4], abs=1e-5)


def test_a_rate_that_could_not_be_told_is_said_in_words() -> None:
    """None in thresholds and metrics is neither 0 nor "None": the recordings were too short to tell."""
    metrics = {"by_session live false_alerts": 0, "by_session live false_alerts_per_hour": None}
    page = replace(CARD, thresholds={**CARD.thresholds, "false_alerts_per_hour": None}, metrics=metrics).page()
    assert "n 4, false_alerts_per_hour too short to tell" in page
    assert "by_session live false_alerts_per_hour    too short to tell" in page
    assert "None" not in page


def test_scoring_twice_gives_the_same_bits(model_file: Path) -> None:
    """Replay is exact."""
    model = artifact.load(model_file)
    assert np.array_equal(model.score(windows(3)), model.score(windows(3)))


def test_the_card_comes_back_whole_and_without_running_the_file(model_file: Path) -> None:
    assert artifact.read_card(model_file) == CARD
    assert artifact.load(model_file).card == CARD
    assert artifact.load(model_file).person == "ada"


def test_a_file_from_before_cards_had_a_normal_range_is_read(model_file: Path, tmp_path: Path) -> None:
    """What a card does not tell is empty."""
    rewrite_card(model_file, tmp_path / "older.pt", leave_out="normal")
    assert artifact.read_card(tmp_path / "older.pt") == replace(CARD, normal={})


FACES = {
    "network_sha256": "8b61a0d2f3c4" + "0" * 52,
    "limit": 0.46,
    "means": [[0.25] * 128, [-0.125] * 128, [0.5] * 128],
}


def test_a_persons_face_comes_back_from_the_file(tmp_path: Path, network: PoseLSTM) -> None:
    """The monitor holds every speaker's face against these numbers: not one may be rounded."""
    artifact.save(tmp_path / "ada.pt", network, replace(CARD, faces=FACES))
    assert artifact.read_card(tmp_path / "ada.pt").faces == FACES
    assert artifact.load(tmp_path / "ada.pt").card.faces == FACES


def test_a_file_from_before_cards_had_faces_is_read(model_file: Path, tmp_path: Path) -> None:
    """It says of no face that it is the person's, so whoever is on screen is judged, as before."""
    rewrite_card(model_file, tmp_path / "older.pt", leave_out="faces")
    assert artifact.read_card(tmp_path / "older.pt") == CARD
    assert "face             none; whoever is on screen is judged" in artifact.read_card(tmp_path / "older.pt").page()


def test_a_card_tells_of_a_face_in_words_and_never_its_numbers() -> None:
    """A face's numbers are a person's biometrics: they are for the monitor, not for a terminal or a log."""
    card = replace(CARD, faces=FACES)
    assert "  face             3 events, limit 0.46, network sha256 8b61a0d2f3c4\n" in card.page()
    assert "0.125" not in card.page()
    assert card.facts()["faces"] == {"events": 3, "limit": 0.46, "network_sha256": FACES["network_sha256"]}


def test_one_event_is_told_as_one() -> None:
    assert "face             1 event, limit" in replace(CARD, faces=FACES | {"means": [[0.25] * 128]}).page()


@pytest.mark.parametrize("faces", [{"limit": 0.46}, {"means": 3, "limit": 0.46}, [0.46], "ada"])
def test_face_references_that_are_not_whole_are_called_so(faces: Any) -> None:
    """`models show` is what somebody looks at to find out why the monitor refuses a file."""
    assert "face             not readable" in replace(CARD, faces=faces).page()


def members(path: Path) -> dict[str, bytes]:
    """Give what a model file's archive holds but its card."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("card.json")}


def test_a_copy_with_another_card_is_the_same_model(model_file: Path, tmp_path: Path) -> None:
    """Code and weights byte by byte, so what was measured of the model holds of its copy; the original stays."""
    before, model = model_file.read_bytes(), artifact.load(model_file)
    sha256 = artifact.save_copy(tmp_path / "new" / "ada-face.pt", model, replace(CARD, faces=FACES))
    copy = artifact.load(tmp_path / "new" / "ada-face.pt")
    assert (copy.sha256, copy.card) == (sha256, replace(CARD, faces=FACES))
    assert members(copy.path) == members(model_file)
    assert np.array_equal(copy.score(windows(3)), model.score(windows(3)))
    assert model_file.read_bytes() == before
    index = json.loads((tmp_path / "new" / "index.json").read_text())
    assert index["ada-face"] == {
        "file": "ada-face.pt",
        "kind": "person",
        "person": "ada",
        "sha256": sha256,
        "note": "",
    }


def test_a_file_that_was_changed_since_it_was_opened_is_not_copied(model_file: Path, tmp_path: Path) -> None:
    """A copy is vouched for by the index beside it, so nothing may get into it that nobody vouched for."""
    model = artifact.load(model_file)
    model_file.write_bytes(model_file.read_bytes() + b"more")
    with pytest.raises(ModelNotTrusted, match="was expected; fetch the file again"):
        artifact.save_copy(tmp_path / "new" / "ada.pt", model, CARD)
    assert not (tmp_path / "new").exists()


def test_a_changed_byte_is_refused(model_file: Path) -> None:
    """The index beside the file holds the sha256 from when it was saved."""
    content = bytearray(model_file.read_bytes())
    content[len(content) // 2] ^= 1
    model_file.write_bytes(content)
    with pytest.raises(ModelNotTrusted, match="was expected; fetch the file again"):
        artifact.load(model_file)


def test_a_file_that_nobody_vouches_for_is_refused_until_its_sha256_is_named(model_file: Path) -> None:
    (model_file.parent / "index.json").unlink()
    with pytest.raises(ModelNotTrusted, match="name its sha256") as refused:
        artifact.load(model_file)
    assert artifact.load(model_file, sha256=refused.value.found_sha256).person == "ada"


def test_a_given_sha256_outranks_the_index(model_file: Path) -> None:
    with pytest.raises(ModelNotTrusted):
        artifact.load(model_file, sha256="0" * 64)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"window": 90}, "window=90"),
        ({"rate_hz": 25.0}, "rate_hz=25.0"),
        ({"keypoints": ("nose",)}, "keypoints="),
        ({"schema": "bodywatch-model/9"}, "schema=bodywatch-model/9"),
    ],
)
def test_a_file_made_for_something_else_is_refused(
    tmp_path: Path, network: PoseLSTM, change: dict[str, object], field: str
) -> None:
    artifact.save(tmp_path / "other.pt", network, replace(CARD, **change))  # type: ignore[arg-type]
    with pytest.raises(ModelMismatch, match=field):
        artifact.load(tmp_path / "other.pt")


def test_a_file_made_with_another_pose_network_is_refused(model_file: Path) -> None:
    """The same body reads differently through another network."""
    artifact.load(model_file, pose_backend={"name": "openpose-thin", "sha256": "ab"})
    with pytest.raises(ModelMismatch, match=r"pose_backend\.sha256=ab"):
        artifact.load(model_file, pose_backend={"name": "openpose-thin", "sha256": "cd"})


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"PK\x03\x04 cut short"])
def test_what_is_no_model_file_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "page.pt").write_bytes(content)
    with pytest.raises(ModelUnreadable, match="is not a bodywatch model file"):
        artifact.load(tmp_path / "page.pt")


def test_a_card_nested_to_exhaustion_is_refused(tmp_path: Path) -> None:
    """100,000 brackets fit into a small file, and Python's reader follows each."""
    with zipfile.ZipFile(tmp_path / "deep.pt", "w") as archive:
        archive.writestr("ada/extra/card.json", "[" * 100_000)
    with pytest.raises(ModelUnreadable, match="no whole zip archive with a card"):
        artifact.read_card(tmp_path / "deep.pt")


def with_card(source: Path, target: Path, **changed: Any) -> Path:
    """Copy a model file with other words in its card."""
    with zipfile.ZipFile(source) as now, zipfile.ZipFile(target, "w") as other:
        for name in now.namelist():
            content = now.read(name)
            if name.endswith("card.json"):
                content = json.dumps(json.loads(content) | changed).encode()
            other.writestr(name, content)
    return target


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"person": ["ada"]}, "person: input should be a valid string"),
        ({"person": None}, "person: input should be a valid string"),
        ({"person": " "}, "person: is empty"),
        ({"person": "ada\nbob"}, "person: holds a control character"),
        ({"note": "\x1b]0;owned\x07"}, "note: holds a control character"),
        ({"thresholds": None}, "thresholds: input should be a valid dictionary"),
        ({"pose_backend": ["openpose-thin"]}, "pose_backend: input should be a valid dictionary"),
        ({"keypoints": None}, "keypoints: input should be a valid tuple"),
        ({"window": "long"}, "window: input should be a valid integer"),
        ({"data": {"x": json.loads("[" * 20 + "]" * 20)}}, "nests deeper than 16"),
    ],
)
def test_a_card_with_a_field_of_another_kind_is_refused_by_name(
    model_file: Path, tmp_path: Path, changed: dict[str, Any], why: str
) -> None:
    """A card comes from outside: a list for a name, or a name that a terminal obeys, must not get further than here."""
    with pytest.raises(ModelUnreadable, match=f"its card is not whole: {why}"):
        artifact.read_card(with_card(model_file, tmp_path / "other.pt", **changed))


def test_a_note_may_have_lines(model_file: Path, tmp_path: Path) -> None:
    assert artifact.read_card(with_card(model_file, tmp_path / "other.pt", note="one\ntwo")).note == "one\ntwo"


def test_an_index_nested_to_exhaustion_is_refused(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(ModelUnreadable, match="its index can't be read"):
        artifact.read_index(tmp_path)


def test_a_file_cut_short_is_refused(model_file: Path) -> None:
    model_file.write_bytes(model_file.read_bytes()[:-500])
    with pytest.raises(ModelUnreadable):
        artifact.load(model_file)


def test_a_missing_file_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(ModelUnreadable, match=r"nobody\.pt"):
        artifact.load(tmp_path / "nobody.pt")
    with pytest.raises(ModelUnreadable, match="no model of this name ships"):
        artifact.find("nobody")


def test_a_window_of_another_length_is_an_error_of_the_caller(model_file: Path) -> None:
    """This model was trained for 150 poses and nothing else."""
    with pytest.raises(ValueError, match="judges 150 to 150 poses, not 90"):
        artifact.load(model_file).score(windows(1)[:, :90])


def test_saving_a_second_model_keeps_the_first_in_the_index(model_file: Path, network: PoseLSTM) -> None:
    artifact.save(model_file.parent / "bob.pt", network, replace(CARD, person="bob"))
    assert sorted(json.loads((model_file.parent / "index.json").read_text())) == ["ada", "bob"]
    assert artifact.load(model_file).person == "ada"
