"""A frame's whole story: from the mailbox to an incident. Each line names the file that tells more."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from monitor.records import Frame, Incident, NotJudged, PosedFrame, Score, Window
from monitor.stages.identity import Identity
from monitor.stages.pose import Crop
from monitor.stages.resample import Resampler
from monitor.stages.scorer import Judge
from monitor.stages.speaker import SpeakerTracker
from monitor.stages.verdict import Verdicts
from monitor.stages.window import PoseWindow


class PoseFinder(Protocol):
    """The pose network, as the loop sees it (pose.py)."""

    def find(self, crops: Sequence[Crop]) -> list[npt.NDArray[np.float32]]:
        """Give, for each crop, people (P, 18, 3) in pixels of its frame."""


@dataclass(frozen=True, slots=True)
class Channel:
    """What one broadcast's stages remember between frames."""

    speaker: SpeakerTracker
    identity: Identity
    resampler: Resampler
    window: PoseWindow
    verdict: Verdicts


def watch(
    turns: Iterable[Sequence[Frame]], channels: Mapping[str, Channel], network: PoseFinder, scorer: Judge
) -> Iterator[PosedFrame | Score | NotJudged | Incident]:
    """Follow frames to incidents; a turn holds at most one frame of each channel.

    Gives, in this order within a turn: what was seen in each frame, the scores and the reasons for having none, and
    every change of an incident. There is no clock in here: the same frames give the same scores, live or offline.
    """
    for turn in turns:  # ingest.py decodes, mailbox.py hands over
        frames = [frame for frame in turn if channels[frame.channel].resampler.wants(frame)]  # 60 fps is halved
        crops = [channels[frame.channel].speaker.crop(frame) for frame in frames]  # speaker.py: where to look
        people = network.find(crops)  # pose.py: OpenPose, all channels at once
        due: list[Window | NotJudged] = []
        for frame, found in zip(frames, people, strict=True):
            channel = channels[frame.channel]
            sighting = channel.speaker.pick(frame, found)  # speaker.py: who of them is the speaker
            due_now = channel.window.expects(frame.time_s)
            claim = channel.identity.look(frame, sighting, due=due_now)  # identity.py: whose face they have
            yield PosedFrame(frame, sighting, claim)
            for tick in channel.resampler.advance(frame, sighting):  # resample.py: 30 poses a second
                if (window := channel.window.push(tick, frame.epoch, claim)) is not None:
                    due.append(window)  # window.py: 150 poses under that face, or why not
        for judged in scorer.judge(due):  # scorer.py: the LSTM, one batch
            verdict = channels[judged.channel].verdict
            changes = list(verdict.update(judged))  # verdict.py: pending, firing, resolved
            yield verdict.weighed(judged)  # rules/evidence_sum.py: what has added up by this window
            yield from changes
