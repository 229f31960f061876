"""The error tree of the daemon: every class that crosses a module border, and the exit code of each.

BodywatchError (models/errors.py)      exit code
    ConfigError                        2
    StreamError                        3
        StreamUnreachable
            StreamSilent
        StreamRefused
        StreamNotFound
        StreamWithoutVideo
        StreamUnreadable
        StreamEnded
        TransportRefused
    ModelError (models/errors.py)      4
    RedisAway                          5
    AddressInUse                       6
    MissingPart                        7
    EvidenceMissing                    8
    EvidenceChanged                    8
    GatewayAway                        9
"""

from models.errors import (
    BodywatchError,
    ModelError,
    ModelMismatch,
    ModelNotTrusted,
    ModelUnreadable,
    ThresholdsUnusable,
    WeightsUnreadable,
)

__all__ = [
    "AddressInUse",
    "BodywatchError",
    "ConfigError",
    "EvidenceChanged",
    "EvidenceMissing",
    "GatewayAway",
    "MissingPart",
    "ModelError",
    "ModelMismatch",
    "ModelNotTrusted",
    "ModelUnreadable",
    "RedisAway",
    "StreamEnded",
    "StreamError",
    "StreamNotFound",
    "StreamRefused",
    "StreamSilent",
    "StreamUnreachable",
    "StreamUnreadable",
    "StreamWithoutVideo",
    "ThresholdsUnusable",
    "TransportRefused",
    "WeightsUnreadable",
]


class ConfigError(BodywatchError):
    """The configuration has a key or a value that nothing understands."""

    exit_code = 2

    def __init__(self, source: str, key: str, why: str) -> None:
        self.source, self.key, self.why = source, key, why

    def __str__(self) -> str:
        return f"{self.source}: {self.key}: {self.why}"


class StreamError(BodywatchError):
    """A broadcast can't be watched. url is redacted already; it never holds a password.

    retry tells the ingest whether trying again soon can help.
    """

    exit_code = 3
    retry = True
    rule = "can't be watched"
    advice = "check the address"

    def __init__(self, url: str, why: str = "") -> None:
        self.url, self.why = url, why

    def __str__(self) -> str:
        found = f" ({self.why})" if self.why else ""
        return f"{self.url} {self.rule}{found}; {self.advice}"


class StreamUnreachable(StreamError):
    """No answer: wrong host or port, a network that is down, or a server that says nothing."""

    rule = "does not answer"
    advice = "check the host, the port and the network between"


class StreamSilent(StreamUnreachable):
    """A connection stands and nothing comes over it."""

    def __init__(self, url: str, after_s: float) -> None:
        super().__init__(url, f"silent for {after_s:g} s")


class StreamRefused(StreamError):
    """The server wants another user name or password."""

    retry = False
    rule = "refuses the user name or password"
    advice = "correct the credentials in the URL (rtsp://user:password@host/path)"


class StreamNotFound(StreamError):
    """The server answers, but has no such stream; or there is no such file."""

    rule = "does not exist"
    advice = "check the path behind the host name, or the file's name"


class StreamWithoutVideo(StreamError):
    """The stream opens, but nothing in it can be seen."""

    retry = False
    rule = "has no video"
    advice = "point bodywatch at a stream with a video track"


class StreamUnreadable(StreamError):
    """What arrives is no video that can be decoded: a truncated file, a web page, a broken playlist."""

    rule = "can't be read as video"
    advice = "play it with ffplay to see whether the source is whole"


class StreamEnded(StreamError):
    """The server closed the stream, as a restarting one does."""

    rule = "ended"
    advice = "bodywatch connects again by itself"


class TransportRefused(StreamError):
    """The server does not send RTSP that way; why names the transport."""

    rule = "is not served over this transport"
    advice = "set transport: auto for this channel"


class RedisAway(BodywatchError):
    """Redis doesn't answer. url is redacted."""

    exit_code = 5

    def __init__(self, url: str, why: str = "") -> None:
        self.url, self.why = url, why

    def __str__(self) -> str:
        found = f" ({self.why})" if self.why else ""
        return f"Redis at {self.url} does not answer{found}; start it, or leave redis.url out to use the embedded one"


class AddressInUse(BodywatchError):
    """The gateway's port is taken."""

    exit_code = 6

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port

    def __str__(self) -> str:
        return f"{self.host}:{self.port} is in use; stop what listens there or choose another with --port"


class MissingPart(BodywatchError):
    """A library or program that an option needs is not installed."""

    exit_code = 7

    def __init__(self, part: str, needed_for: str, how: str) -> None:
        self.part, self.needed_for, self.how = part, needed_for, how

    def __str__(self) -> str:
        return f"{self.part} is needed for {self.needed_for}; {self.how}"


class EvidenceMissing(BodywatchError):
    """No evidence is kept of an incident, or not any more."""

    exit_code = 8

    def __init__(self, folder: str, incident: str) -> None:
        self.folder, self.incident = folder, incident

    def __str__(self) -> str:
        return f"{self.folder} keeps no files of {self.incident}; `bodywatch evidence ls` lists what there is"


class EvidenceChanged(BodywatchError):
    """Something in the evidence folder is not as it was sealed."""

    exit_code = 8

    def __init__(self, folder: str, faults: int) -> None:
        self.folder, self.faults = folder, faults

    def __str__(self) -> str:
        return f"{self.folder}: {self.faults} faults; what they name can't be trusted as it lies there"


class GatewayAway(BodywatchError):
    """The gateway doesn't answer, or doesn't let us in. url is redacted."""

    exit_code = 9

    def __init__(self, url: str, why: str) -> None:
        self.url, self.why = url, why

    def __str__(self) -> str:
        return f"the gateway at {self.url} can't be followed ({self.why}); start one with `bodywatch serve`, or name it"
