"""A person's face, from recordings into a model file: made-up vectors for the rules, a drawn face for the way."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from models import artifact
from models.face.align import Unseen
from models.face.cohort import read_cohort
from models.face.embed import FaceNetwork
from models.face.references import LARGEST_LIMIT, from_json
from models.pose_networks.backends import find_backend
from monitor.errors import StreamNotFound
from monitor.stages.smoothing import filter_name
from tests.support.films import film
from tests.support.model_files import untaught
from trainer.cli import app
from trainer.commands import faces as command
from trainer.errors import DataUnusable, FacesDiffer, FaceUnseen
from trainer.faces import LIMIT, Event, Look, event_of, nearest, odd_ones, refer

SMALL = Unseen("it is too small: the eyes are 9 pixels apart, 12 are needed")
SMALLER = Unseen("it is too small: the eyes are 8 pixels apart, 12 are needed")
TURNED = Unseen("it is turned too far away")


def face(*at: float) -> np.ndarray:
    """A vector that begins with these numbers and is 0 from there on."""
    vector = np.zeros(128, np.float32)
    vector[: len(at)] = at
    return vector


def looks(*shots: Sequence[np.ndarray | Unseen]) -> list[Look]:
    """Looks 0.5 s apart, shot after shot."""
    found = [(shot, one) for shot, row in enumerate(shots) for one in row]
    return [Look(number / 2, shot, one) for number, (shot, one) in enumerate(found)]


def event(name: str, *at: float) -> Event:
    return Event(name, face(*at), 8)


def test_an_event_is_the_mean_of_its_looks() -> None:
    """Four at 0.2 and four at 0.4 have a mean of 0.3; what was not seen counts nothing."""
    one = event_of("monday", looks([face(0.2)] * 4 + [TURNED] * 5 + [face(0.4)] * 4))
    assert one.mean == pytest.approx(face(0.3))
    assert (one.looks, one.others, one.why) == (8, 0, "")


def test_somebody_elses_shot_is_in_no_mean() -> None:
    """An interviewer 0.7 away, between two shots of the person: 9 + 3 looks count, and not one of the interviewer's."""
    one = event_of("monday", looks([face(0.1)] * 9, [face(0.8)] * 8, [face(0.3)] * 3))
    assert one.mean == pytest.approx(face((9 * 0.1 + 3 * 0.3) / 12))
    assert (one.looks, one.others) == (12, 8)
    assert one.elsewhere_s == ((4.0, 8.5),)  # from the last look before the cut to the first after the next


def test_a_dissolve_to_somebody_else_leaves_them_out_of_the_mean() -> None:
    """No cut is seen in a dissolve: ten looks of the person and six of who lies 0.6 away stand in one shot."""
    one = event_of("monday", looks([face(0.1)] * 10 + [face(0.7)] * 6))
    assert one.mean == pytest.approx(face(0.1))
    assert (one.looks, one.others) == (10, 6)
    assert one.elsewhere_s == ((4.5, np.inf),)  # from the tenth look on


def test_one_face_that_changes_within_a_shot_stays_one() -> None:
    """Who turns from 0.1 to 0.5 and back is 0.4 apart at most, under the 0.45 of two faces."""
    one = event_of("monday", looks([face(0.1)] * 6 + [face(0.5)] * 4 + [face(0.1)] * 6))
    assert (one.looks, one.others) == (16, 0)


def test_seven_looks_are_too_few_and_the_usual_reason_is_told() -> None:
    """Of twelve looks two were turned and three too small, by 9 pixels and by 8: that is one reason."""
    one = event_of("monday", looks([face(0.2)] * 7 + [TURNED, SMALL, SMALLER, TURNED, SMALL]))
    assert one.mean is None
    assert one.why == f"one face was seen in 7 of 12 looks, 8 are needed; most often {SMALL.why}"


def test_a_recording_that_is_too_short_is_told_so() -> None:
    one = event_of("monday", looks([face(0.2)] * 4))
    assert (
        one.why == "one face was seen in 4 of 4 looks, 8 are needed; the recording is too short, or no shot long enough"
    )


def test_a_recording_without_a_face_is_told_so() -> None:
    assert event_of("monday", looks([TURNED])).why.endswith("in 0 of 1 looks, 8 are needed; most often " + TURNED.why)


@pytest.mark.parametrize(
    ("at", "odd"),
    [
        ([0.0], []),
        ([0.0, 0.5], []),
        ([0.0, 0.6], [0, 1]),
        ([0.0, 0.3, 1.0], [2]),
        ([0.0, 0.4, 0.8], []),  # the ends are 0.8 apart, but each is near the middle one
        ([0.8, 0.0, 0.4], []),  # in any order
        ([0.0, 0.3, 1.0, 1.2], [0, 1, 2, 3]),  # two faces, two recordings each: who is to say
        ([1.0, 0.0, 1.2, 0.3, 0.1], [0, 2]),  # two strangers who are one person are still strangers
    ],
)
def test_who_is_not_of_the_largest_group_is_odd(at: list[float], odd: list[int]) -> None:
    """Up to the limit is one person."""
    assert odd_ones(np.stack([face(one) for one in at]), 0.52) == odd


def test_the_nearest_other_event_counts() -> None:
    assert nearest(np.stack([face(0.0), face(0.3), face(1.0)])) == pytest.approx([0.3, 0.3, 0.7])


def test_a_recording_of_another_face_is_named_and_refused() -> None:
    """0.62 from Friday's mean, and 0.46 at most is one person."""
    events = [event("monday", 0.0), event("friday", 0.3), event("party", 0.92)]
    with pytest.raises(
        FacesDiffer, match=r"party \(0\.62 from the nearest other\): the others are of another; up to 0\.46"
    ):
        refer(events, "b413", limit=0.46)


def test_a_recording_of_another_face_is_taken_when_its_user_insists() -> None:
    """A beard, or twenty years."""
    taken = refer([event("monday", 0.0), event("party", 0.92)], "b413", limit=0.46, anyway=True)
    assert taken.means == pytest.approx(np.stack([face(0.0), face(0.92)]))
    assert (taken.network_sha256, taken.limit) == ("b413", 0.46)


def test_a_recording_over_the_limit_is_refused_or_else_taken_by_its_users_word_and_called_doubtful() -> None:
    """0.50 is how near 5 % of strangers come, and further than 95 % of one person's events: its user has to look."""
    events = [event("monday", 0.0), event("friday", 0.3), event("party", 0.8)]
    with pytest.raises(FacesDiffer):
        refer(events, "b413", limit=0.46)
    facts = command._facts(events, refer(events, "b413", limit=0.46, anyway=True))
    assert facts["doubtful"] == {"party": 0.5}
    assert [one["nearest"] for one in facts["events"]] == [0.3, 0.3, 0.5]


def test_without_any_face_every_recording_is_told_of() -> None:
    events = [Event("monday", None, 0, why="too dark"), Event("friday", None, 2, why="too small")]
    with pytest.raises(FaceUnseen, match=r"\(monday: too dark; friday: too small\)"):
        refer(events, "b413", limit=0.46)


def test_the_commands_limits_are_the_measured_ones() -> None:
    """They stand twice so that --help need not load a network."""
    assert command.LIMIT == LIMIT == 0.48
    assert command.LARGEST_LIMIT == LARGEST_LIMIT == 0.6


# The command itself, on a drawn speaker: two drawings of them lie 0.05 to 0.2 apart.


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file, two events of the drawn speaker, one in which they are too small, one that is too short."""
    folder = tmp_path_factory.mktemp("faces")
    untaught(folder / "ada.pt", person="ada", filter=filter_name(True))
    film(folder / "monday.mp4", seed=3, seconds=4.6)
    film(folder / "friday.mp4", seed=4, seconds=4.6)
    film(folder / "far.mp4", seed=5, seconds=2, zoom=0.4)
    return folder


def call(*words: str | Path) -> tuple[str, str]:
    """Call `trainer faces`; give what it printed, (standard output, standard error)."""
    told = CliRunner().invoke(app, ["faces", *map(str, words)], catch_exceptions=False)
    assert told.exit_code == 0, told.output
    return told.stdout, told.stderr


def test_two_events_become_the_models_face(home: Path) -> None:
    """The copy's card holds two means that the monitor can read; the third recording is left out, in words."""
    out = home / "out" / "ada-face.pt"
    files = [home / f"{name}.mp4" for name in ("monday", "friday", "far")]
    told, _ = call(home / "ada.pt", *files, "-o", out, "--json", "--threads", "1")
    *each, last = [json.loads(line) for line in told.splitlines()]
    copy, original = artifact.load(out), artifact.load(home / "ada.pt")
    network = FaceNetwork().sha256
    read = from_json(copy.card.faces, out, network_sha256=network, cohort=read_cohort(network_sha256=network))
    assert read.means.shape == (2, 128)
    assert (read.limit, read.placing.name) == (0.48, "dlib")
    assert read.cohort is not None
    assert 0.01 < np.linalg.norm(read.means[0] - read.means[1]) < 0.3
    assert [one["recording"] for one in each] == [str(path) for path in files]
    assert min(one["looks"] for one in last["events"]) >= 8
    assert "it is too small" in last["left_out"][str(files[2])]
    assert (last["sha256"], last["person"], last["doubtful"]) == (copy.sha256, "ada", {})
    assert (original.card.faces, copy.card.note) == ({}, original.card.note)


def test_what_is_printed_is_for_people_and_holds_no_number_of_the_face(home: Path) -> None:
    """File, events and distances; what is left out stands in one line, so that its path can be copied."""
    far = home / "far.mp4"
    out, told = call(home / "ada.pt", home / "monday.mp4", far, "-o", home / "alone.pt", "--threads", "1")
    result = json.loads(out)
    assert set(result) == {"file", "sha256", "person", "limit", "events", "doubtful", "left_out"}
    assert result["events"] == [{"recording": str(home / "monday.mp4"), "looks": 10, "others": 0, "nearest": None}]
    assert f"{far} is left out: {result['left_out'][str(far)]}\n" in told


def refused(home: Path, *words: str | Path, out: str = "never.pt") -> None:
    """Call with what should be refused; the mistake is raised as main() would catch it."""
    CliRunner().invoke(app, ["faces", *map(str, words), "-o", str(home / out)], catch_exceptions=False)


def test_a_recording_that_is_missing_is_told_before_minutes_of_looking(home: Path) -> None:
    with pytest.raises(StreamNotFound, match=r"nowhere\.mp4 does not exist"):
        refused(home, home / "ada.pt", home / "monday.mp4", home / "nowhere.mp4")


def test_a_model_that_is_missing_is_told_by_name(home: Path) -> None:
    with pytest.raises(artifact.ModelUnreadable, match=r"nobody.*no model of this name ships"):
        refused(home, "nobody", home / "monday.mp4")


def test_a_model_of_another_pose_network_is_refused(home: Path) -> None:
    """Its eyes would stand elsewhere in the picture."""
    backend = {"name": "body25", "sha256": find_backend("openpose-thin").sha256}
    untaught(home / "other" / "bob.pt", pose_backend=backend)
    with pytest.raises(artifact.ModelMismatch, match=r"pose_backend\.name=body25"):
        refused(home, home / "other" / "bob.pt", home / "monday.mp4")


def test_a_model_that_nobody_vouches_for_is_not_copied(home: Path) -> None:
    """The copy would be vouched for by its own index.json."""
    (home / "strange").mkdir()
    (home / "strange" / "ada.pt").write_bytes((home / "ada.pt").read_bytes())
    with pytest.raises(artifact.ModelNotTrusted, match="name its sha256"):
        refused(home, home / "strange" / "ada.pt", home / "monday.mp4")
    assert not (home / "never.pt").exists()


def test_a_file_that_is_there_is_not_written_over(home: Path) -> None:
    with pytest.raises(DataUnusable, match="is there already; name another file with -o"):
        refused(home, home / "ada.pt", home / "monday.mp4", out="ada.pt")


def test_one_recording_given_twice_is_no_two_events(home: Path) -> None:
    with pytest.raises(DataUnusable, match="is given twice"):
        refused(home, home / "ada.pt", home / "monday.mp4", home / ".." / home.name / "monday.mp4")


def test_recordings_without_a_face_write_nothing(home: Path) -> None:
    with pytest.raises(FaceUnseen, match=r"far\.mp4: one face was seen in 0 of .* most often it is too small"):
        refused(home, home / "ada.pt", home / "far.mp4")
    assert not (home / "never.pt").exists()
