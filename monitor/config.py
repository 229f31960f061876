"""YAML -> typed configuration; an unknown key is an error, and every default is here."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from monitor.errors import ConfigError

_NAME = re.compile(r"\$\{(\w+)\}")


class Section(BaseModel):
    """A part of the configuration: closed, so that a typo is told and not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RedisConfig(Section):
    """Where alerts go."""

    url: SecretStr | None = Field(None, description="redis://[:password@]host:port/db; absent: an embedded server")
    outbox: Path = Field(Path("var/outbox.sqlite"), description="alerts wait in this file while Redis is away")


class GatewayConfig(Section):
    """The websocket and the page."""

    host: str = Field("127.0.0.1", description="any other address than loopback needs a token")
    port: int = Field(8600, ge=0, le=65535, description="0 picks a free one")
    max_clients: int = Field(1000, ge=1, description="open websockets; one more is closed with 4429")
    origins: tuple[str, ...] = Field((), description="web origins besides our own page that may connect")
    tokens: Path | None = Field(None, description="file of `bodywatch token new`; needed beyond loopback")
    audit: Path | None = Field(Path("var/audit.jsonl"), description="who did what and when is appended to this file")


class PoseConfig(Section):
    """The pose network."""

    backend: str = Field("openpose-thin", description="name of the network; the model file must agree")
    provider: Literal["auto", "openvino", "cpu", "cuda", "tensorrt"] = "auto"
    threads: int = Field(0, ge=0, description="cores for the pose network; 0: all")
    smooth: bool = Field(True, description="steady the keypoints with a causal filter")


class RuleConfig(Section):
    """The rule of a model; what is absent comes from its card, where it was measured.

    Models whose evidence adds up (kind: sequential in the card) know the last five keys alone, all others the rest.
    """

    kind: Literal["live", "paper"] | None = Field(
        None, description="paper: the majority of the latest n windows, 0.5 and over is fake; enter, clear, k rest"
    )
    enter: float | None = Field(None, gt=0, lt=1, description="a window at or over this is suspicious")
    clear: float | None = Field(None, gt=0, lt=1, description="a window under this is not; between: no change")
    hold_s: float | None = Field(None, ge=0, description="suspicion must last this long before it fires")
    k: int | None = Field(None, ge=1, description="suspicious windows needed ...")
    n: int | None = Field(None, ge=1, description="... among the latest n judged")
    alarm: float | None = Field(
        None, allow_inf_nan=False, gt=0, description="evidence against the person that fires, as log odds"
    )
    calm: float | None = Field(None, allow_inf_nan=False, gt=0, description="evidence under this ends an incident")
    most: float | None = Field(
        None, allow_inf_nan=False, gt=0, description="one window says at most so much, less than alarm"
    )
    keep_over_cuts: float | None = Field(
        None, allow_inf_nan=False, ge=0, le=1, description="share of the evidence kept over a cut"
    )
    half_life_s: float | None = Field(
        None, allow_inf_nan=False, gt=0, description="time in which half of the evidence is forgotten"
    )


class EvidenceConfig(Section):
    """What is kept of an incident."""

    folder: Path | None = Field(Path("var/evidence"), description="null keeps nothing")
    before_s: float = Field(10.0, ge=0, le=55)
    after_s: float = Field(10.0, ge=0, le=60)
    keep_days: float = Field(90, gt=0)
    keep_bytes: int = Field(20_000_000_000, gt=0)


class WebhookConfig(Section):
    """One address that is told of every incident change."""

    url: SecretStr
    secret: SecretStr | None = Field(None, description="HMAC-SHA256 key of the Bodywatch-Signature header")
    form: Literal["cloudevents", "slack", "alertmanager"] = "cloudevents"


class IdentityConfig(Section):
    """Whether the face has to be seen."""

    require: bool = Field(True, description="false judges one known person without a face, where it is never visible")


class ChannelConfig(Section):
    """One broadcast."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    url: SecretStr
    person: str | None = Field(None, description="who is expected; must be the model's person when given")
    model: str | None = Field(
        None, description="name of a shipped model, or path of a model file; none: nobody is judged"
    )
    persons: tuple[str, ...] = Field((), description="models of several persons: the face picks whose model judges")
    identity: IdentityConfig = IdentityConfig()
    sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$", description="digest the model file must have")
    region: tuple[float, float, float, float] | None = Field(
        None, description="where the speaker stands: left, top, right, bottom as shares of the picture"
    )
    transport: Literal["auto", "tcp", "udp"] = "auto"
    rule: RuleConfig = RuleConfig()

    @field_validator("region")
    @classmethod
    def _ordered(cls, region: tuple[float, float, float, float] | None) -> tuple[float, float, float, float] | None:
        if region is not None:
            left, top, right, bottom = region
            if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
                raise ValueError("must be left, top, right, bottom, each pair rising within 0..1")
        return region

    @model_validator(mode="after")
    def _one_way(self) -> "ChannelConfig":
        if self.model is not None and self.persons:
            raise ValueError("has both model and persons; name several models under persons")
        if len(self.persons) > 1 and not self.identity.require:
            raise ValueError("names several persons, among whom the face picks; identity.require can't be false")
        if (self.person is not None or self.sha256 is not None) and self.model is None:
            raise ValueError("has person or sha256 without model; name the model that they are of")
        if twice := {file for file in self.persons if self.persons.count(file) > 1}:
            raise ValueError(f"persons names {sorted(twice)[0]} twice")
        return self

    @property
    def models(self) -> tuple[str, ...]:
        """The files of all whom this channel knows."""
        return self.persons or (() if self.model is None else (self.model,))


class Config(Section):
    """Everything `bodywatch run CONFIG` needs."""

    redis: RedisConfig = RedisConfig()
    gateway: GatewayConfig = GatewayConfig()
    pose: PoseConfig = PoseConfig()
    evidence: EvidenceConfig = EvidenceConfig()
    rule: RuleConfig = RuleConfig()
    webhooks: tuple[WebhookConfig, ...] = ()
    score_every_s: float = Field(
        0.5, ge=1 / 30, le=60, description="between two verdicts; each looks at the face once, 7 ms"
    )
    queue_frames: int = Field(15, ge=1, le=300, description="frames that may wait per channel before one is dropped")
    timeout_s: float = Field(5.0, gt=0, le=120, description="a stream silent for so long, HLS a segment more, is down")
    retry_max_s: float = Field(30.0, gt=0, description="longest pause between two attempts to reach a stream")
    channels_per_worker: int = Field(8, ge=1)
    channels: tuple[ChannelConfig, ...] = Field(min_length=1)

    @field_validator("channels")
    @classmethod
    def _distinct(cls, channels: tuple[ChannelConfig, ...]) -> tuple[ChannelConfig, ...]:
        names = [channel.name for channel in channels]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two channels are called {sorted(twice)[0]}")
        return channels


def parse(values: Mapping[str, Any], source: str) -> Config:
    """Check values against the schema.

    Raises:
        ConfigError: names source, the first wrong key and the rule it breaks.
    """
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        first = min(found, key=lambda e: e["type"] != "extra_forbidden")  # a typo explains the key that is missing
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        why = "no such key" if first["type"] == "extra_forbidden" else first["msg"].removeprefix("Value error, ")
        raise ConfigError(source, key, why) from None


def load(path: Path) -> Config:
    """Read a YAML file; ${NAME} anywhere in a value is taken from the environment, so secrets can stay outside.

    Raises:
        ConfigError: the file is missing, is no YAML, or breaks the schema.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(str(path), "the file", error.strerror or "can't be read") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark else "the file"
        raise ConfigError(str(path), where, "is not YAML") from None
    if not isinstance(values, dict):
        raise ConfigError(str(path), "the file", "must hold keys and values, such as channels:")
    return parse(_expand(values, str(path)), str(path))


def _expand(value: Any, source: str) -> Any:
    """Replace ${NAME} in every string of a YAML tree; an error names no more of the string, which may be an address."""
    if isinstance(value, dict):
        return {key: _expand(inner, source) for key, inner in value.items()}
    if isinstance(value, list):
        return [_expand(inner, source) for inner in value]
    if not isinstance(value, str):
        return value
    for name in _NAME.findall(value):
        if name not in os.environ:
            raise ConfigError(source, f"${{{name}}}", "is not set in the environment")
    if "${" in _NAME.sub("", value):
        raise ConfigError(source, "${", "must go on with a NAME and }")
    return _NAME.sub(lambda found: os.environ[found[1]], value)
