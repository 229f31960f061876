"""Windows of many channels share one call of their model."""

import numpy as np
import numpy.typing as npt

from monitor.records import Claim, NotJudged, Quality, Score, Window
from monitor.stages.scorer import Scorer


class MeanModel:
    """Scores a window by the mean of its first coordinate and keeps the size of each call."""

    person = "p"

    def __init__(self) -> None:
        self.calls: list[int] = []

    def score(self, windows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        self.calls.append(len(windows))
        return windows[:, :, 0, 0].mean(1)


def window(channel: str, value: float) -> Window:
    poses = np.full((150, 18, 3), value, np.float32)
    return Window(channel, 0, 0.0, 5.0, 1.0, poses, Quality(1.0, 1.0, 1.0))


def test_channels_that_share_a_model_share_a_call_and_keep_their_order() -> None:
    """Three channels, two models, one of them not judged: two calls of one window each, the answer in order."""
    one, other = MeanModel(), MeanModel()
    waiting = NotJudged("b", 0, 0.0, 1.0, 1.0, "filling")
    judged = Scorer({"a": {"p": one}, "b": {"p": one}, "c": {"p": other}, "d": {"p": one}}).judge(
        [window("a", 0.25), waiting, window("c", 0.5), window("d", 0.75)]
    )
    assert (one.calls, other.calls) == ([2], [1])
    assert judged[1] is waiting
    assert [(s.channel, s.value) for s in judged if isinstance(s, Score)] == [("a", 0.25), ("c", 0.5), ("d", 0.75)]


def test_a_score_is_of_its_windows_shot() -> None:
    """Without it the verdict would join the scores of two people."""
    late = Window("a", 0, 0.0, 5.0, 1.0, np.zeros((150, 18, 3), np.float32), Quality(1.0, 1.0, 1.0), shot=7)
    (judged,) = Scorer({"a": {"p": MeanModel()}}).judge([late])
    assert judged.shot == 7


def test_without_a_face_to_go_by_two_models_are_none() -> None:
    """Nobody can tell whom of two to ask; what is told instead is of the same shot and the same claim."""
    claim = Claim("not_asked")
    late = Window("a", 0, 0.0, 5.0, 1.0, np.zeros((150, 18, 3), np.float32), Quality(1.0, 1.0, 1.0), 7, claim)
    (judged,) = Scorer({"a": {"p": MeanModel(), "q": MeanModel()}}).judge([late])
    assert isinstance(judged, NotJudged)
    assert (judged.reason, judged.shot, judged.claim) == ("no_model", 7, claim)
