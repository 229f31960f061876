"""The trainer's own mistakes-of-the-world, beside those of models/errors.py.

BodywatchError (models/errors.py)      exit code
    TrainerError                       8
        DataUnusable
        SplitImpossible
        RecordingLeaked
        RunUnusable
        FaceUnseen
        FacesDiffer
        DownloadFailed
        EnrolmentRefused
        ClipUnavailable
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from models.errors import BodywatchError


class TrainerError(BodywatchError):
    """Training, evaluation or export can't go on."""

    exit_code = 8


class DataUnusable(TrainerError):
    """A file of the data breaks a rule; row is the line in the file, counted from 1, where there is one."""

    def __init__(self, path: Path, why: str, *, row: int | None = None) -> None:
        self.path, self.why, self.row = path, why, row

    def __str__(self) -> str:
        where = f", row {self.row}" if self.row is not None else ""
        return f"{self.path}{where}: {self.why}"


class SplitImpossible(TrainerError):
    """The data has too little of something for the split that was asked for.

    instead is a sentence on what conditions have left out and how to keep it, where that would make the split.
    """

    def __init__(self, protocol: str, why: str, *, instead: str = "") -> None:
        self.protocol, self.why, self.instead = protocol, why, instead

    def __str__(self) -> str:
        return f"the split {self.protocol} can't be made: {self.why}" + (f". {self.instead}" if self.instead else "")


class RecordingLeaked(TrainerError):
    """A recording stands on both sides of a split, so the test would measure memory."""

    def __init__(self, protocol: str, recordings: list[str]) -> None:
        self.protocol, self.recordings = protocol, recordings

    def __str__(self) -> str:
        named = ", ".join(self.recordings[:3]) + (" ..." if len(self.recordings) > 3 else "")
        return (
            f"the split {self.protocol} has {len(self.recordings)} recording(s) in two parts ({named}); "
            "give one recording one name, and each recording to one part"
        )


class RunUnusable(TrainerError):
    """A run's folder can't be used for what was asked."""

    def __init__(self, path: Path, why: str) -> None:
        self.path, self.why = path, why

    def __str__(self) -> str:
        return f"{self.path}: {self.why}"


class FaceUnseen(TrainerError):
    """No recording shows a face often enough; whys is why, by recording."""

    def __init__(self, whys: Mapping[str, str]) -> None:
        self.whys = whys

    def __str__(self) -> str:
        told = "; ".join(f"{name}: {why}" for name, why in self.whys.items())
        return (
            f"no face was found to take into the model file ({told}); give recordings in which it is larger or longer"
        )


class FacesDiffer(TrainerError):
    """Recordings that should be of one person show several faces.

    odd maps each recording that isn't of the most frequent face, or all where none is, to its distance from the
    nearest other of the recordings; up to limit is one person.
    """

    def __init__(self, odd: Mapping[str, float], *, of: int, limit: float) -> None:
        self.odd, self.of, self.limit = odd, of, limit

    def __str__(self) -> str:
        told = ", ".join(f"{name} ({apart:.2f} from the nearest other)" for name, apart in self.odd.items())
        whose = "none is the most frequent" if len(self.odd) == self.of else "the others are of another"
        return (
            f"the recordings are not of one face: {told}: {whose}; up to {self.limit:.2f} is one person. "
            "Leave out what shows somebody else, or say --anyway if they are all the person"
        )


class DownloadFailed(TrainerError):
    """A recording that is named by an address doesn't come; address is redacted already."""

    exit_code = 3

    def __init__(self, address: str, why: str) -> None:
        self.address, self.why = address, why

    def __str__(self) -> str:
        return f"{self.address} gives no recording ({self.why}); fetch it yourself and name the file"


class EnrolmentRefused(TrainerError):
    """What was gathered of a person is too weak; reasons are sentences, left_out is why, by recording."""

    def __init__(self, person: str, reasons: Sequence[str], left_out: Mapping[str, str]) -> None:
        self.person, self.reasons, self.left_out = person, reasons, left_out

    def __str__(self) -> str:
        lines = [f"{self.person} is not enrolled:", *(f"  - {reason}" for reason in self.reasons)]
        lines += [f"  left out: {name}: {why}" for name, why in self.left_out.items()]
        if any("can be judged" in reason and reason.startswith("no recording") for reason in self.reasons):
            return "\n".join(lines)
        return "\n".join([*lines, "--anyway makes the file nonetheless, and its card says what is doubtful"])


class ClipUnavailable(TrainerError):
    """A public clip can't be had any more, or not now."""

    def __init__(self, url: str, why: str) -> None:
        self.url, self.why = url, why

    def __str__(self) -> str:
        return f"{self.url}: {self.why}"
