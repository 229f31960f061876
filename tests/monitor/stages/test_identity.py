"""The gate: whose face it is decides whether a window is judged, by whose model, and what is thrown away."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from models import artifact
from models import skeleton as sk
from models.artifact import LoadedModel
from models.errors import ModelMismatch
from models.face.embed import FaceNetwork
from models.face.references import FaceReferences
from monitor.records import Claim, Frame, NotJudged, Pose, Quality, Reason, Score, Sighting, Tick, Window
from monitor.stages.identity import Identity
from monitor.stages.person_models import identity_of
from monitor.stages.resample import Resampler
from monitor.stages.scorer import Scorer
from monitor.stages.verdict import Rule, Verdict, Verdicts
from monitor.stages.window import PoseWindow

FPS = 30
IMAGE = np.full((360, 640, 3), 90, np.uint8)
Vector = npt.NDArray[np.float32]


def vector(number: int, distance: float = 0.3) -> Vector:
    """A face so far from person number's references, which lie at 1 on the axis of that number."""
    face = np.zeros(128, np.float32)
    face[number], face[100 + number] = 1.0, distance
    return face


def known(number: int) -> FaceReferences:
    """The references of person number."""
    means = np.zeros((1, 128), np.float32)
    means[0, number] = 1.0
    return FaceReferences("b413", 0.46, means)


ADA, BOB, STRANGER = vector(0), vector(1), vector(2)
NEAR = vector(0, 0.0) + 0.6 * np.eye(1, 128, 105, dtype=np.float32)[0]
"""A stranger 0.6 from Ada's references: the mean of as many looks of each is 0.34 from them."""


def body(*, facing: bool = True) -> npt.NDArray[np.float32]:
    """Keypoints of somebody with eyes 30 pixels apart, or turned away: no eyes."""
    keypoints = np.ones((18, 3), np.float32)
    keypoints[:, :2] = np.arange(18)[:, None] * [3.0, 5.0] + [300.0, 150.0]
    keypoints[sk.RIGHT_EYE, :2], keypoints[sk.LEFT_EYE, :2], keypoints[sk.NOSE, :2] = (305, 90), (335, 90), (320, 105)
    keypoints[sk.RIGHT_EAR, :2], keypoints[sk.LEFT_EAR, :2] = (280, 92), (360, 92)
    keypoints[sk.RIGHT_SHOULDER, :2], keypoints[sk.LEFT_SHOULDER, :2] = (260, 150), (380, 150)
    keypoints[[sk.RIGHT_EYE, sk.LEFT_EYE], 2] = float(facing)
    return keypoints


class Faces:
    """In the face network's place: gives the vector of whoever stands there, and counts."""

    def __init__(self) -> None:
        self.now: Vector = ADA
        self.looks = 0

    def vectors(self, chips: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.float32]:
        self.looks += 1
        return np.stack([self.now for _ in chips])


def play(
    shown: Callable[[float], Vector | None],
    seconds: float,
    *,
    people: Sequence[str] = ("ada",),
    required: bool = True,
    cuts_s: Sequence[float] = (),
    faces: Faces | None = None,
) -> list[Window | NotJudged]:
    """Put frames of somebody whose face is shown(time_s), None for turned away, through identity, grid and window."""
    faces = faces or Faces()
    identity = Identity({name: known(n) for n, name in enumerate(people)}, faces, required=required)
    resampler, window, given = Resampler(), PoseWindow("news"), []
    for number in range(round(seconds * FPS)):
        time_s = number / FPS
        face = shown(time_s)
        faces.now = ADA if face is None else face
        frame = Frame("news", 0, time_s, time_s, IMAGE)
        broken: Reason | None = "cut" if any(abs(time_s - cut_s) < 1e-6 for cut_s in cuts_s) else None
        sighting = Sighting(time_s, Pose(time_s, body(facing=face is not None)), broken)
        claim = identity.look(frame, sighting, due=window.expects(time_s))
        given += [
            out for tick in resampler.advance(frame, sighting) if (out := window.push(tick, 0, claim)) is not None
        ]
    return given


def reasons(given: Sequence[Window | NotJudged]) -> list[str]:
    """Tell what became of each due time."""
    return [out.reason if isinstance(out, NotJudged) else "judged" for out in given]


def test_the_persons_own_face_is_judged_as_soon_as_a_window_is_full() -> None:
    """The face is known after 2 s, the window full after 5: nothing waits for the face."""
    told = reasons(play(lambda time_s: ADA, 7))
    assert told[-4:] == ["judged"] * 4
    assert set(told) == {"filling", "judged"}


def test_somebody_else_is_never_judged() -> None:
    """An anchor may speak for an hour; the first two seconds nobody knows whose face it is."""
    told = reasons(play(lambda time_s: STRANGER, 20))
    assert set(told) == {"filling", "someone_else"}
    assert told[5:] == ["someone_else"] * (len(told) - 5)


def test_a_face_that_is_not_seen_is_not_judged() -> None:
    """Turned away, masked, too small: it claims to be nobody."""
    assert reasons(play(lambda time_s: None, 8))[-3:] == ["face_unseen"] * 3


def test_a_face_that_need_not_be_seen_is_judged_without_and_the_claim_says_so() -> None:
    """For a broadcast in which it is never large enough, by the operator's word."""
    last = play(lambda time_s: None, 8, required=False)[-1]
    assert isinstance(last, Window)
    assert last.claim is not None
    assert last.claim.as_record() == {
        "who": "unseen", "person": "", "distance": None, "limit": None, "why": "its right eye is not seen",
    }  # fmt: skip


def test_somebody_elses_face_is_not_judged_even_where_none_is_asked_for() -> None:
    """That the face may be unseen doesn't mean that any will do."""
    assert reasons(play(lambda time_s: STRANGER, 8, required=False))[-3:] == ["someone_else"] * 3


def test_a_channel_that_knows_no_face_judges_whoever_is_there() -> None:
    """A file without references has no gate."""
    claim = Identity().look(Frame("news", 0, 0.0, 0.0, IMAGE), Sighting(0.0, Pose(0.0, body())), due=True)
    assert claim == Claim("not_asked")
    assert claim.judged


@pytest.mark.parametrize("at_s", [8.0, 8.1, 8.23, 8.37, 8.49])
def test_no_window_holds_two_people_when_one_takes_the_others_place_without_a_cut(at_s: float) -> None:
    """Whatever the moment between two looks: each window that ends after it is withheld; it is noticed in 1.5 s."""
    given = play(lambda time_s: ADA if time_s < at_s else STRANGER, 16)
    after = [out for out in given if out.end_s > at_s]
    assert [out for out in after if isinstance(out, Window)] == []
    noticed_s = next(out.end_s for out in after if isinstance(out, NotJudged) and out.reason == "someone_else")
    assert noticed_s - at_s <= 1.5 + 0.5  # told at the next due time
    assert any(isinstance(out, Window) and out.end_s > at_s - 0.6 for out in given)


def test_the_person_is_judged_again_when_back_in_the_place() -> None:
    """After the stranger's three seconds the window fills anew: no window begins before the person was seen again."""
    given = play(lambda time_s: STRANGER if 8 <= time_s < 11 else ADA, 22)
    again = [out for out in given if isinstance(out, Window) and out.end_s > 8]
    assert again
    assert min(out.start_s for out in again) >= 11


def test_after_a_cut_to_somebody_else_nothing_is_judged() -> None:
    """Of the same size in the same place: the window starts anew with the shot, and the face is found out in 2 s."""
    given = play(lambda time_s: ADA if time_s < 8 else STRANGER, 20, cuts_s=(8.0,))
    assert [out for out in given if isinstance(out, Window) and out.end_s >= 8] == []


def test_after_a_cut_to_a_hidden_face_nothing_is_judged() -> None:
    """A cut is what says that it may be somebody else: who was seen before it says nothing of who is there now."""
    given = play(lambda time_s: ADA if time_s < 8 else None, 20, cuts_s=(8.0,))
    assert [out for out in given if isinstance(out, Window) and out.end_s >= 8] == []


def test_after_a_cut_the_page_names_nobody_until_the_face_is_seen() -> None:
    """For HOLD_S within a shot it would: over a cut that is somebody else's name on whoever is there."""
    faces = Faces()
    identity, faces.now = Identity({"ada": known(0)}, faces), ADA
    for number in range(4 * FPS):
        frame = Frame("news", 0, number / FPS, number / FPS, IMAGE)
        claim = identity.look(frame, Sighting(frame.time_s, Pose(frame.time_s, body(facing=True))), due=False)
    assert claim.who == "person"
    cut = Sighting(4.0, Pose(4.0, body(facing=False)), "cut")
    assert identity.look(Frame("news", 0, 4.0, 4.0, IMAGE), cut, due=False).who == "unseen"


def test_a_single_strange_look_costs_one_window_and_no_more() -> None:
    """A hand before the face, a blink: what was begun stays."""
    told = reasons(play(lambda time_s: STRANGER if abs(time_s - 9.0) < 0.01 else ADA, 12))
    assert told.count("face_unseen") <= 1
    assert told[-4:] == ["judged"] * 4


def test_looks_are_few() -> None:
    """8 to be sure, one a second, then one for each window: 8 + 3 + 14 of 7 ms in 12 s, 1.5 % of a core."""
    faces = Faces()
    play(lambda time_s: ADA, 12, faces=faces)
    assert faces.looks <= 8 + 3 + 2 * 7 + 1


def test_looks_stay_few_when_one_a_second_is_strange() -> None:
    """Each brings one more at once: four a second of 7 ms are 2.8 % of a core."""
    faces = Faces()
    play(lambda time_s: STRANGER if time_s > 3 and time_s % 1 < 0.034 else ADA, 23, faces=faces)
    assert faces.looks <= 8 + 4 * 21


@pytest.mark.parametrize("phase_s", [0.0, 0.1, 0.27, 0.4])
def test_one_strange_picture_in_fifteen_keeps_nobody_from_being_judged(phase_s: float) -> None:
    """At the very frame where a window is due too: in 20 s 31 windows are, and at least 28 of them are judged."""
    told = reasons(play(lambda time_s: STRANGER if time_s > 3 and (time_s + phase_s) % 0.5 < 0.034 else ADA, 20))
    assert told.count("judged") >= 28


class ByName:
    """A model that says which person's it is by its score."""

    def __init__(self, person: str, value: float) -> None:
        self.person, self._value = person, value

    def score(self, windows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.full(len(windows), self._value, np.float32)


def test_the_face_picks_whose_model_judges() -> None:
    """Two ministers on one channel, one after the other."""
    given = play(lambda time_s: ADA if time_s < 8 else BOB, 20, people=("ada", "bob"), cuts_s=(8.0,))
    scorer = Scorer({"news": {"ada": ByName("ada", 0.1), "bob": ByName("bob", 0.2)}})
    scores = [score for score in scorer.judge(given) if isinstance(score, Score)]
    assert {(score.person, round(score.value, 1), score.end_s > 8) for score in scores} == {
        ("ada", 0.1, False), ("bob", 0.2, True),
    }  # fmt: skip


def test_one_known_person_takes_anothers_place_without_a_cut() -> None:
    """Both are known, and still no window is of both."""
    given = play(lambda time_s: ADA if time_s < 8.3 else BOB, 20, people=("ada", "bob"))
    windows = [out for out in given if isinstance(out, Window)]
    assert [out for out in windows if out.start_s < 8.3 < out.end_s] == []
    assert {out.claim.person for out in windows if out.claim and out.start_s > 8.3} == {"bob"}


def test_among_several_known_people_the_face_is_always_needed() -> None:
    """Without it nobody could tell whose model to ask."""
    told = reasons(play(lambda time_s: None, 8, people=("ada", "bob"), required=False))
    assert told[-1] == "face_unseen"


def test_without_a_model_a_window_says_so() -> None:
    """A newcomer's own stream: everything is seen, nobody is judged."""
    [judged] = Scorer({"news": {}}).judge([play(lambda time_s: ADA, 6)[-1]])
    assert isinstance(judged, NotJudged)
    assert judged.reason == "no_model"


def rows(person: str, values: Sequence[float], start_s: float) -> Iterator[Score]:
    claim = Claim("person", person, 0.31, 0.46)
    for number, value in enumerate(values):
        end_s = start_s + 0.5 * number
        yield Score("news", person, 0, end_s - 5, end_s, end_s, value, Quality(1, 1, 1), 0, claim)


def test_one_persons_windows_neither_raise_nor_end_anothers_incident() -> None:
    """Ada's incident stays open while Bob, who is genuine, speaks; it tells how sure the face was."""
    names = iter(("first", "second"))
    verdicts = Verdicts({name: Verdict(Rule(0.8, 0.4, 1.0), lambda: next(names)) for name in ("ada", "bob")})
    told = [i for score in rows("ada", [0.9] * 8, 5.0) for i in verdicts.update(score)]
    told += [i for score in rows("bob", [0.1] * 20, 9.0) for i in verdicts.update(score)]
    assert [(incident.person, incident.state) for incident in told] == [("ada", "pending"), ("ada", "firing")]
    assert told[-1].face == {"who": "person", "person": "ada", "distance": 0.31, "limit": 0.46, "why": ""}
    assert verdicts.open_incident is not None
    assert verdicts.open_incident.id == "first"


class Watched:
    """An identity stage whose faces and frames are told one by one."""

    def __init__(self, people: Sequence[str] = ("ada",)) -> None:
        self.faces = Faces()
        self._identity = Identity({name: known(n) for n, name in enumerate(people)}, self.faces)

    def look(
        self, time_s: float, face: Vector | None = ADA, *, epoch: int = 0, due: bool = False, there: bool = True
    ) -> Claim:
        self.faces.now = ADA if face is None else face
        pose = Pose(time_s, body(facing=face is not None)) if there else None
        return self._identity.look(Frame("news", epoch, time_s, time_s, IMAGE), Sighting(time_s, pose), due=due)

    def show(self, face: Vector, from_s: float, until_s: float) -> Claim:
        """Show a face at 30 fps; give the last claim."""
        return [self.look(n / FPS, face) for n in range(round(from_s * FPS), round(until_s * FPS))][-1]


def test_a_new_epoch_starts_anew_on_its_own_clock() -> None:
    """PTS at 0 after 100 s: whose face it is is open again, and every due frame is looked at."""
    watched = Watched()
    assert watched.show(ADA, 100, 103).who == "person"
    looks = watched.faces.looks
    claims = [watched.look(time_s, epoch=1, due=True) for time_s in (0.0, 0.1, 0.2)]
    assert {claim.who for claim in claims} == {"unseen"}
    assert watched.faces.looks == looks + 3


@pytest.mark.parametrize(("away_s", "who"), [(0.17, "person"), (0.23, "unseen")])
def test_whoever_comes_back_after_a_pause_is_asked_anew(away_s: float, who: str) -> None:
    """Over 0.2 s without a body the window starts anew, and nothing says that it is the same person."""
    watched = Watched()
    watched.show(ADA, 0, 3)
    watched.look(3.0 - 1 / FPS + away_s / 2, there=False)
    assert watched.look(3.0 - 1 / FPS + away_s).who == who


def test_one_look_at_the_persons_face_does_not_unsay_that_it_is_somebody_elses() -> None:
    """somebody_else throws away what was begun; unseen would keep it."""
    watched = Watched()
    assert watched.show(STRANGER, 0, 4).who == "somebody_else"
    assert watched.look(4.0, ADA, due=True).who == "somebody_else"


def test_a_strange_look_after_a_replacement_does_not_throw_the_window_away() -> None:
    """Bob took Ada's place, one replacement; a hand before his face is none, and its claim counts as many."""
    watched = Watched(("ada", "bob"))
    watched.show(ADA, 0, 3)
    assert watched.show(BOB, 3, 10).faces == 1
    odd = watched.look(10.0, STRANGER, due=True)
    assert (odd.who, odd.why, odd.faces) == ("unseen", "it is unlike the one seen before", 1)


@pytest.mark.parametrize("every_s", [1.0, 0.5, 0.2])
def test_a_shot_that_mixes_two_faces_from_its_start_is_nobodys(every_s: float) -> None:
    """A mean of both lies near the person; the looks themselves fall into two groups."""
    given = play(lambda time_s: NEAR if int(time_s / every_s) % 2 else ADA, 30)
    assert [out for out in given if isinstance(out, Window)] == []


@pytest.mark.parametrize("at_s", [0.7, 1.0, 1.3, 1.7])
def test_a_stranger_who_takes_the_place_before_the_face_is_known_is_not_the_person(at_s: float) -> None:
    """A dissolve after a cut: the first looks are the person's, and the body that is judged is not."""
    given = play(lambda time_s: ADA if time_s < at_s else NEAR, 30)
    assert [out for out in given if isinstance(out, Window)] == []


def test_the_person_who_comes_by_a_dissolve_is_judged_without_what_was_before() -> None:
    """The first second was a stranger's: windows begin after it."""
    given = play(lambda time_s: NEAR if time_s < 1 else ADA, 16)
    windows = [out for out in given if isinstance(out, Window)]
    assert windows
    assert min(out.start_s for out in windows) >= 1


def test_who_turns_round_after_five_seconds_is_asked_anew_and_no_window_is_of_both() -> None:
    """Ada turns away at 9 s; at 13 s Bob stands there, and he turns round at 14.5 s."""
    given = play(lambda time_s: ADA if time_s < 9 else None if time_s < 14.5 else BOB, 26, people=("ada", "bob"))
    bobs = [out for out in given if isinstance(out, Window) and out.claim and out.claim.person == "bob"]
    assert bobs
    assert min(out.start_s for out in bobs) >= 13


@pytest.mark.parametrize("late_s", [0.0003, -0.0003])
def test_a_window_is_looked_at_though_frames_come_a_breath_early_or_late(late_s: float) -> None:
    """A stream's clock is rounded: the grid takes a frame for its tick when it is a millisecond early."""
    window = PoseWindow("news")
    for number in range(161):
        time_s = number / FPS
        window.push(Tick(number, time_s, time_s, body(), True), 0)
    assert window.expects(165 / FPS + late_s)
    assert not window.expects(164 / FPS)


def test_persons_whose_faces_were_cut_out_otherwise_share_no_channel() -> None:
    """One chip is cut a look; references made before there was a placing need another one."""
    demo, network = artifact.load(artifact.find("demo-speaker")), FaceNetwork()
    values = FaceReferences(network.sha256, 0.48, np.zeros((1, 128), np.float32)).to_json()
    new = LoadedModel(Path("ada.pt"), "", replace(demo.card, person="ada", faces=values), demo.module)
    assert isinstance(identity_of({"demo-speaker": demo}, network, required=True), Identity)
    with pytest.raises(ModelMismatch, match=r"ada\.pt was made with face_placing=dlib, this monitor needs wide"):
        identity_of({"demo-speaker": demo, "ada": new}, network, required=True)
