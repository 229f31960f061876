"""The trainer's own mistakes-of-the-world, beside those of models/errors.py.

BodywatchError (models/errors.py)      exit code
    TrainerError                       8
        DataUnusable
        SplitImpossible
        RecordingLeaked
        RunUnusable
"""

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
    """The data has too little of something for the split that was asked for."""

    def __init__(self, protocol: str, why: str) -> None:
        self.protocol, self.why = protocol, why

    def __str__(self) -> str:
        return f"the split {self.protocol} can't be made: {self.why}"


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
