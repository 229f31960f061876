"""The error tree of models/, which monitor/errors.py continues.

BodywatchError
    ModelError
        ModelNotTrusted
        ModelMismatch
        ModelUnreadable
        ThresholdsUnusable
    WeightsUnreadable
"""

from pathlib import Path


class BodywatchError(Exception):
    """A user's or the world's mistake, told in one sentence; no traceback is shown for it.

    exit_code is what the command line ends with.
    """

    exit_code = 1


class ModelError(BodywatchError):
    """A model file can't be used."""

    exit_code = 4


class ModelNotTrusted(ModelError):
    """A TorchScript file runs code, and nobody has vouched for this one."""

    def __init__(self, path: Path, found_sha256: str, expected_sha256: str | None) -> None:
        self.path, self.found_sha256, self.expected_sha256 = path, found_sha256, expected_sha256

    def __str__(self) -> str:
        if self.expected_sha256 is None:
            return (
                f"{self.path} is in no index.json beside it and the config names no sha256 for it; a model file runs "
                f"code, so if you trust it, name its sha256 ({self.found_sha256})"
            )
        return (
            f"{self.path} has sha256 {self.found_sha256}, but {self.expected_sha256} was expected; "
            "fetch the file again, or correct the sha256 if you changed the model on purpose"
        )


class ModelMismatch(ModelError):
    """A model file was made for another pose format, window or pose network."""

    def __init__(self, path: Path, field: str, *, expected: object, found: object) -> None:
        self.path, self.field, self.expected, self.found = path, field, expected, found

    def __str__(self) -> str:
        return (
            f"{self.path} was made with {self.field}={self.found}, this monitor needs {self.expected}; "
            "pick another model, or make this one again with `bodywatch trainer export`"
        )


class ModelUnreadable(ModelError):
    """A file is no model file, or is cut short."""

    def __init__(self, path: Path, why: str) -> None:
        self.path, self.why = path, why

    def __str__(self) -> str:
        return f"{self.path} is not a bodywatch model file ({self.why}); `bodywatch models ls` lists those at hand"


class ThresholdsUnusable(ModelError):
    """A card's thresholds are no rule to judge by."""

    def __init__(self, path: Path, key: str, rule: str, found: object) -> None:
        self.path, self.key, self.rule, self.found = path, key, rule, found

    def __str__(self) -> str:
        found = "it is missing" if self.found is None else f"it is {self.found!r:.60}"
        return f"{self.path}: {self.key} {self.rule}, and {found}; make the file again, or pick another model"


class WeightsUnreadable(BodywatchError):
    """A file with a pose network's weights lacks something or isn't what its name says."""

    exit_code = 4

    def __init__(self, path: Path, why: str) -> None:
        self.path, self.why = path, why

    def __str__(self) -> str:
        return f"{self.path} does not hold the weights it should: {self.why}"
