"""A frame's whole story: from the mailbox to an incident. Each line names the file that tells more."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from monitor.pose import Look
from monitor.records import Frame, Incident, NotJudged, Score, Seen, Window
from monitor.resample import Grid
from monitor.scorer import Scorer
from monitor.speaker import Speaker
from monitor.verdict import Verdict
from monitor.window import PoseWindow


class PoseFinder(Protocol):
    """The pose network, as the loop sees it (pose.py)."""

    def find(self, looks: Sequence[Look]) -> list[npt.NDArray[np.float32]]:
        """Give, for each look, people (P, 18, 3) in pixels of its frame."""


@dataclass(frozen=True, slots=True)
class Channel:
    """What one broadcast's stages remember between frames."""

    speaker: Speaker
    grid: Grid
    window: PoseWindow
    verdict: Verdict


def watch(
    turns: Iterable[Sequence[Frame]], channels: Mapping[str, Channel], network: PoseFinder, scorer: Scorer
) -> Iterator[Seen | Score | NotJudged | Incident]:
    """Follow frames to incidents; a turn holds at most one frame of each channel.

    Gives, in this order within a turn: what was seen in each frame, the scores and the reasons for having none, and
    every change of an incident. There is no clock in here: the same frames give the same scores, live or offline.
    """
    for turn in turns:  # ingest.py decodes, mailbox.py hands over
        frames = [frame for frame in turn if channels[frame.channel].grid.wants(frame)]  # resample.py: 60 fps is halved
        looks = [channels[frame.channel].speaker.look(frame) for frame in frames]  # speaker.py: where to look
        people = network.find(looks)  # pose.py: OpenPose, all channels at once
        due: list[Window | NotJudged] = []
        for frame, found in zip(frames, people, strict=True):
            channel = channels[frame.channel]
            sighting = channel.speaker.pick(frame, found)  # speaker.py: who of them is the speaker
            yield Seen(frame, sighting)
            for tick in channel.grid.advance(frame, sighting):  # resample.py: 30 poses a second, whatever the stream's
                if (window := channel.window.push(tick, frame.epoch)) is not None:  # window.py: 150 poses, or why not
                    due.append(window)
        for judged in scorer.judge(due):  # scorer.py: the LSTM, one batch
            yield judged
            yield from channels[judged.channel].verdict.update(judged)  # verdict.py: pending, firing, resolved
