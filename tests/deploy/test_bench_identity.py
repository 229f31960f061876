"""What `bodywatch bench identity` counts: whom the monitor's stage would take for whom, in one's own recordings."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from deploy.bench.commands import app
from deploy.bench.face_manifest import Recording, read_manifest
from deploy.bench.identity import Faces, Pair, compare, count_shots, summary
from deploy.bench.identity import told as as_text
from models.face.align import Unseen
from models.face.cohort import Cohort
from monitor.errors import ConfigError, StreamNotFound
from monitor.stages.face_track import START_S
from trainer.faces import LIMIT, Look, event_of

TURNED = Unseen("it is turned too far away")


def face(at: float) -> np.ndarray:
    vector = np.zeros(128, np.float32)
    vector[0] = at
    return vector


def seen(person: str, *at: float | None, session: str = "one", shots: int = 1) -> Faces:
    """A recording whose looks lie so far along a line, None where the face is turned, in shots of equal length."""
    name = f"{person} {session}"
    found = [TURNED if one is None else face(one) for one in at]
    looks = [Look(number * START_S, number * shots // len(at), one) for number, one in enumerate(found)]
    return Faces(Recording(Path(name), person, session), looks, event_of(name, looks))


def pairs(shown: Faces, known: Faces) -> list[Pair]:
    return list(compare(shown, known, "b413", 0.46))


def test_a_shot_is_judged_by_its_first_eight_looks() -> None:
    """Eight looks at 0.3 are 0.3 from a mean of 0: the person. What comes after, far away, was not waited for."""
    [pair] = pairs(seen("ada", *[0.3] * 8, *[9.0] * 8), seen("ada", *[0.0] * 8, session="two"))
    assert (pair.same, pair.who) == (True, "person")
    assert pair.distance == pytest.approx(0.3)


def test_between_the_limits_a_shot_gets_sixteen_looks() -> None:
    """Eight at 0.49 lie between 0.46 and 0.52; four more at 0.385 bring the mean to 0.455: the person."""
    [pair] = pairs(seen("ada", *[0.49] * 8, *[0.385] * 8), seen("ada", *[0.0] * 8, session="two"))
    assert pair.who == "person"
    assert pair.distance == pytest.approx(0.455)


def test_who_stays_between_the_limits_is_neither() -> None:
    [pair] = pairs(seen("ada", *[0.49] * 20), seen("ada", *[0.0] * 8, session="two"))
    assert (pair.who, pair.distance) == ("unseen", pytest.approx(0.49))


def test_the_cohort_decides_as_in_the_monitor() -> None:
    """0.40 is under the limit of 0.46, but ten of the cohort lie 0.40 from the one face and 0.566 from the other, in
    the mean 0.483: 0.403 and no more. At 0.41 they lie at 0.573: 0.406, so 0.41 is not the person's."""
    crowd = Cohort("c0de", np.eye(10, 128, 64, dtype=np.float32) * 0.4)
    known = seen("ada", *[0.0] * 8, session="two")
    inside = compare(seen("ada", *[0.40] * 16), known, "b413", 0.46, crowd)
    outside = compare(seen("ada", *[0.41] * 16), known, "b413", 0.46, crowd)
    assert [pair.who for pair in (*inside, *outside)] == ["person", "unseen"]


def test_a_turned_face_is_waited_for() -> None:
    [pair] = pairs(seen("bob", *[None, 0.6] * 8), seen("ada", *[0.0] * 8))
    assert (pair.same, pair.who) == (False, "somebody_else")


def test_seven_looks_are_no_shot_and_no_reference() -> None:
    """A mean of fewer lies 0.05 further away: it would tell of the looks and not of the faces."""
    short, long = seen("ada", *[0.3] * 7), seen("ada", *[0.0] * 8, session="two")
    assert pairs(short, long) == pairs(long, short) == []


def test_every_shot_is_a_pair_and_one_event_is_none() -> None:
    """Two shots of eight looks against the other event; the same event's other recording shows the same evening."""
    two = seen("ada", *[0.3] * 16, shots=2)
    assert len(pairs(two, seen("ada", *[0.0] * 8, session="two"))) == 2
    assert pairs(two, seen("ada", *[0.0] * 8, session="one")) == []
    assert len(pairs(two, seen("bob", *[0.0] * 8, session="one"))) == 2


def test_shares_are_of_the_pairs_of_their_kind() -> None:
    """Of four pairs of one person 3 are accepted and 1 refused; of two pairs of two people 1 is accepted."""
    of_one = [Pair(True, "person", apart) for apart in (0.1, 0.2, 0.4)] + [Pair(True, "somebody_else", 0.6)]
    of_two = [Pair(False, "person", 0.45), Pair(False, "unseen", 0.5)]
    assert summary(of_one + of_two, 0.46) == {
        "limit": 0.46,
        "same": {"pairs": 4, "median": 0.3, "accepted": 0.75, "refused": 0.25, "undecided": 0.0},
        "other": {"pairs": 2, "median": 0.475, "least": 0.45, "accepted": 0.5, "undecided": 0.5},
    }


def test_what_there_is_no_pair_for_is_not_called_none_of_them() -> None:
    """A share of no pairs is neither 0 % nor 100 %."""
    result = summary([], 0.46)
    assert (result["same"]["accepted"], result["other"]["least"]) == (None, None)
    text = as_text(
        result | {"ms_per_face": None, "looks": 0, "recordings": 2, "unseen": [], "shots": count_shots([]), "mixed": {}}
    )
    assert "0 pairs, median distance -, accepted -, refused as somebody else -" in text


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("path\na.mp4\n", "row 1: lacks the column person"),
        ("path,person\na.mp4,\n", "row 2: person is empty"),
        ("path,person\na.mp4,ada\n", "fewer than two recordings"),
        ("", "lacks the column path"),
        ("path;person\na.mp4;ada\n", "lacks the column path, it has path;person"),
        ("path,person,sesion\na.mp4,ada,gala\n", "has the column sesion"),
        ("path,person\na.mp4,ada,gala\n", "row 2: has more fields"),
        ("path,person\na.mp4,ada\nb.mp4,ada\n./a.mp4,bob\n", "row 4: names the file of row 2 again"),
        ("path,person\na.mp4,Ada\nb.mp4,ada\n", "row 3: is of ada, another row of Ada"),
    ],
)
def test_a_wrong_manifest_is_told_by_row(tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / "a.mp4").touch()
    (tmp_path / "b.mp4").touch()
    (tmp_path / "faces.csv").write_text(content)
    with pytest.raises(ConfigError, match=sentence):
        read_manifest(tmp_path / "faces.csv")


def test_a_missing_recording_is_told_before_any_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "faces.csv").write_text("path,person\nnowhere.mp4,ada\n")
    with pytest.raises(StreamNotFound, match=r"nowhere\.mp4 does not exist"):
        read_manifest(tmp_path / "faces.csv")


def test_a_recording_without_a_session_is_an_event_of_its_own(tmp_path: Path) -> None:
    """Paths are relative to the manifest, so that a folder can be moved."""
    (tmp_path / "a.mp4").touch()
    (tmp_path / "b.mp4").touch()
    (tmp_path / "faces.csv").write_text("\ufeffpath,person,session\na.mp4,ada,\nb.mp4,ada,gala\n", encoding="utf-8")
    first, second = read_manifest(tmp_path / "faces.csv")
    assert first == Recording(tmp_path / "a.mp4", "ada", "a.mp4")
    assert second.session == "gala"


def test_recordings_of_one_name_in_two_folders_are_two_events(tmp_path: Path) -> None:
    for folder in ("monday", "friday"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "speech.mp4").touch()
    (tmp_path / "faces.csv").write_text("path,person\nmonday/speech.mp4,ada\nfriday/speech.mp4,ada\n")
    first, second = read_manifest(tmp_path / "faces.csv")
    assert first.session != second.session


def test_every_shot_is_counted_and_why_it_is_in_no_pair() -> None:
    """Ten looks are 2.25 s: of four shots one is told, one turned away throughout, one seven looks long, one mixed."""
    turned, short = seen("ada", *[None] * 10), seen("ada", *[0.3] * 7)
    told = seen("ada", *[0.3] * 16, shots=2)
    assert count_shots([turned, short, told]) == {"all": 4, "told": 2, "too_short": 1, "face_unseen": 1}


def test_looks_of_somebody_else_in_a_recording_are_reported() -> None:
    """Half of ada's recording shows who lies 0.7 away: in her mean they are not, among the shots held against others
    they are."""
    faces = seen("ada", *[0.0] * 9, *[0.7] * 9, shots=2)
    assert faces.event.others == 9


@pytest.mark.slow
def test_one_person_is_known_at_another_event_and_four_are_told_apart(shared_data: Path, tmp_path: Path) -> None:
    """Real clips, the real stage: two events of one person, a desk and a dinner, and three other men.

    5 recordings are 20 ordered pairs, 2 of them of one person. Five seconds are all that two of them have.
    """
    people = {
        "obama_weekly_address": "one",
        "obama_whcd_lectern": "one",
        "biden_whitehouse_lectern": "two",
        "latentsync_demo2": "three",
        "latentsync_demo3": "four",
    }
    rows = [f"{shared_data / 'videos' / name}.mp4,{person}" for name, person in people.items()]
    (tmp_path / "faces.csv").write_text("\n".join(["path,person", *rows]))
    told = CliRunner().invoke(app, ["identity", str(tmp_path / "faces.csv"), "--seconds", "5", "--json"])
    result = json.loads(told.stdout)
    assert (result["limit"], result["unseen"]) == (LIMIT, [])
    assert (result["same"]["pairs"], result["same"]["accepted"], result["same"]["refused"]) == (2, 1.0, 0.0)
    assert (result["other"]["pairs"], result["other"]["accepted"]) == (18, 0.0)
    assert result["same"]["median"] < 0.46 < 0.52 < result["other"]["least"]
    assert result["looks"] >= 5 * 8
    assert result["ms_per_face"] > 0
