"""What operators ask for: acknowledge, dismiss, note, silence, hold; checked, applied, written down."""

import asyncio
import json
import logging
import os
from pathlib import Path
from typing import Annotated, Any, Literal

import redis.asyncio
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from monitor.bus import keys
from monitor.bus.messages import dumps
from monitor.errors import EvidenceMissing
from monitor.evidence.archive import Archive
from monitor.gateway.tokens import User

log = logging.getLogger(__name__)

Words = Annotated[str, Field(min_length=1, max_length=2_000)]
Name = Annotated[str, Field(min_length=1, max_length=64)]


class Refused(Exception):
    """A command that can't be carried out, in one sentence for the client. Stays in the gateway."""


class OperatorCommand(BaseModel):
    """A message from a client; ref comes back with the answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ref: str | int | None = None


class IncidentCommand(OperatorCommand):
    """A command about one incident."""

    incident: Annotated[str, Field(max_length=200)]


class Ack(IncidentCommand):
    """Somebody looks into an incident."""

    type: Literal["ack"]


class Dismiss(IncidentCommand):
    """An incident is a false alarm, and why."""

    type: Literal["dismiss"]
    reason: Words


class Note(IncidentCommand):
    """Something to remember about an incident."""

    type: Literal["note"]
    text: Words


class Hold(IncidentCommand):
    """What is kept of an incident must never be deleted, and why."""

    type: Literal["hold"]
    reason: Words


class Release(IncidentCommand):
    """It may be deleted again when its time is over, and why."""

    type: Literal["release"]
    reason: Words


class Silence(OperatorCommand):
    """Raise nothing of a channel or a person until a time (Unix seconds); a time in the past ends the silence."""

    type: Literal["silence"]
    channel: Name | None = None
    person: Name | None = None
    until_s: float = Field(ge=0, lt=1e11)

    @model_validator(mode="after")
    def _one(self) -> "Silence":
        if (self.channel is None) == (self.person is None):
            raise ValueError("name either a channel or a person")
        return self

    @property
    def key(self) -> str:
        """Name the silence in keys.SILENCES."""
        return f"person:{self.person}" if self.channel is None else f"channel:{self.channel}"


Known = Ack | Dismiss | Note | Hold | Release | Silence
ORDERS: TypeAdapter[Known] = TypeAdapter(Annotated[Known, Field(discriminator="type")])


def parse(message: dict[str, Any]) -> Known:
    """Check a command.

    Raises:
        Refused: says which field is wrong.
    """
    try:
        return ORDERS.validate_python(message)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"][1:])
        raise Refused(f"{field}: {first['msg']}" if field else first["msg"]) from None


class CommandHandler:
    """Applies commands to Redis, tells every page through the commands stream, and keeps the audit log.

    evidence is the folder that incidents are held in, None when nothing is kept.
    """

    def __init__(self, client: "redis.asyncio.Redis", audit: Path | None, evidence: Path | None = None) -> None:
        self._redis, self._audit = client, audit
        self._archive = Archive(evidence) if evidence else None

    async def execute(self, command: Known, who: User, now_s: float) -> dict[str, Any]:
        """Do it, and give what was written down.

        Raises:
            Refused: there is no such incident, or nothing is kept of it that could be held.
        """
        entry = {
            "command": command.type,
            **command.model_dump(exclude={"ref", "type"}, exclude_none=True),
            "who": who.name,
            "role": who.role,
            "at": round(now_s, 3),
        }
        if isinstance(command, Silence):
            await self._silence(command, entry, now_s)
        else:
            if isinstance(command, Hold | Release):
                await self._keep(command, who)
            await self._handle(command, entry, now_s)
        await asyncio.to_thread(self._write_down, entry)
        return entry

    async def _silence(self, command: Silence, entry: dict[str, Any], now_s: float) -> None:
        async with self._redis.pipeline(transaction=True) as pipe:
            if command.until_s > now_s:
                pipe.hset(keys.SILENCES, command.key, str(command.until_s))
            else:
                pipe.hdel(keys.SILENCES, command.key)
            _tell(pipe, entry)
            await pipe.execute()

    async def _keep(self, command: Hold | Release, who: User) -> None:
        """Hold what is kept of an incident, or let retention have it; done twice it is done once."""
        if not await self._redis.hexists(keys.INCIDENTS, command.incident):
            raise Refused(f"there is no incident {command.incident}")
        if self._archive is None:
            raise Refused("no evidence is kept here (evidence.folder)")
        try:
            if isinstance(command, Hold):
                why = f"{command.reason} ({who.name})"
                await asyncio.to_thread(self._archive.hold, command.incident, why)
            else:
                await asyncio.to_thread(self._archive.release, command.incident)
        except EvidenceMissing:
            raise Refused(f"nothing is kept of {command.incident}; evidence begins when an incident fires") from None
        except OSError as error:
            raise Refused(f"the evidence folder can't be written ({error.strerror})") from None

    async def _handle(self, command: IncidentCommand, entry: dict[str, Any], now_s: float) -> None:
        """Fold the command into what is known of the incident; two operators at once both get their word in."""
        async with self._redis.pipeline(transaction=True) as pipe:
            while True:
                try:
                    await pipe.watch(keys.HANDLING)
                    if not await pipe.hexists(keys.INCIDENTS, command.incident):
                        raise Refused(f"there is no incident {command.incident}")
                    before = await pipe.hget(keys.HANDLING, command.incident)
                    entry["handling"] = fold(json.loads(before) if before else {}, entry)
                    pipe.multi()  # type: ignore[no-untyped-call]
                    pipe.hset(keys.HANDLING, command.incident, dumps(entry["handling"]))
                    _tell(pipe, entry)
                    await pipe.execute()
                    return
                except redis.WatchError:
                    continue

    def _write_down(self, entry: dict[str, Any]) -> None:
        """Append one line to the audit log and see it to the disk."""
        if self._audit is None:
            return
        try:
            self._audit.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(self._audit, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640), "wb") as file:
                file.write(dumps({k: v for k, v in entry.items() if k != "handling"}).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            log.warning("%s can't be written (%s); %s stands only in Redis", self._audit, error.strerror, keys.COMMANDS)


def fold(handling: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    """Give what operators did about an incident after one more command; time and name come with it."""
    by = {"by": entry["who"], "at": entry["at"]}
    after = {"acknowledged": None, "dismissed": None, "notes": [], "held": None, "released": None, **handling}
    if entry["command"] == "ack":
        after["acknowledged"] = after["acknowledged"] or by
    elif entry["command"] == "dismiss":
        after["dismissed"] = by | {"reason": entry["reason"]}
    elif entry["command"] == "hold":
        after |= {"held": by | {"reason": entry["reason"]}, "released": None}
    elif entry["command"] == "release":
        after["released"] = by | {"reason": entry["reason"]}
    else:
        after["notes"] = [*after["notes"], by | {"text": entry["text"]}]
    return after


def _tell(pipe: "redis.asyncio.client.Pipeline", entry: dict[str, Any]) -> None:
    pipe.xadd(keys.COMMANDS, {"command": dumps(entry)}, maxlen=keys.COMMANDS_KEPT, approximate=True)
