"""What operators tell the desk: acknowledge, dismiss, note, silence, hold; checked, applied, written down."""

import asyncio
import json
import logging
import os
from pathlib import Path
from typing import Annotated, Any, Literal

import redis.asyncio
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from monitor import keys
from monitor.archive import Archive
from monitor.errors import EvidenceMissing
from monitor.messages import dumps
from monitor.tokens import Visitor

log = logging.getLogger(__name__)

Words = Annotated[str, Field(min_length=1, max_length=2_000)]
Name = Annotated[str, Field(min_length=1, max_length=64)]


class Refused(Exception):
    """An order that can't be carried out, in one sentence for the client. Stays in the gateway."""


class Order(BaseModel):
    """A message from a client; ref comes back with the answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ref: str | int | None = None


class About(Order):
    """An order about one incident."""

    incident: Annotated[str, Field(max_length=200)]


class Ack(About):
    """Somebody looks into an incident."""

    type: Literal["ack"]


class Dismiss(About):
    """An incident is a false alarm, and why."""

    type: Literal["dismiss"]
    reason: Words


class Note(About):
    """Something to remember about an incident."""

    type: Literal["note"]
    text: Words


class Hold(About):
    """What is kept of an incident must never be deleted, and why."""

    type: Literal["hold"]
    reason: Words


class Release(About):
    """It may be deleted again when its time is over, and why."""

    type: Literal["release"]
    reason: Words


class Silence(Order):
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
    """Check an order.

    Raises:
        Refused: says which field is wrong.
    """
    try:
        return ORDERS.validate_python(message)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"][1:])
        raise Refused(f"{field}: {first['msg']}" if field else first["msg"]) from None


class Desk:
    """Applies orders to Redis, tells every page through the commands stream, and keeps the audit log.

    evidence is the folder that incidents are held in, None when nothing is kept.
    """

    def __init__(self, client: "redis.asyncio.Redis", audit: Path | None, evidence: Path | None = None) -> None:
        self._redis, self._audit = client, audit
        self._archive = Archive(evidence) if evidence else None

    async def carry_out(self, order: Known, who: Visitor, now_s: float) -> dict[str, Any]:
        """Do it, and give what was written down.

        Raises:
            Refused: there is no such incident, or nothing is kept of it that could be held.
        """
        command = {
            "command": order.type,
            **order.model_dump(exclude={"ref", "type"}, exclude_none=True),
            "who": who.name,
            "role": who.role,
            "at": round(now_s, 3),
        }
        if isinstance(order, Silence):
            await self._silence(order, command, now_s)
        else:
            if isinstance(order, Hold | Release):
                await self._keep(order, who)
            await self._handle(order, command, now_s)
        await asyncio.to_thread(self._write_down, command)
        return command

    async def _silence(self, order: Silence, command: dict[str, Any], now_s: float) -> None:
        async with self._redis.pipeline(transaction=True) as pipe:
            if order.until_s > now_s:
                pipe.hset(keys.SILENCES, order.key, str(order.until_s))
            else:
                pipe.hdel(keys.SILENCES, order.key)
            _tell(pipe, command)
            await pipe.execute()

    async def _keep(self, order: Hold | Release, who: Visitor) -> None:
        """Hold what is kept of an incident, or let retention have it; done twice it is done once."""
        if not await self._redis.hexists(keys.INCIDENTS, order.incident):
            raise Refused(f"there is no incident {order.incident}")
        if self._archive is None:
            raise Refused("no evidence is kept here (evidence.folder)")
        try:
            if isinstance(order, Hold):
                why = f"{order.reason} ({who.name})"
                await asyncio.to_thread(self._archive.hold, order.incident, why)
            else:
                await asyncio.to_thread(self._archive.release, order.incident)
        except EvidenceMissing:
            raise Refused(f"nothing is kept of {order.incident}; evidence begins when an incident fires") from None
        except OSError as error:
            raise Refused(f"the evidence folder can't be written ({error.strerror})") from None

    async def _handle(self, order: About, command: dict[str, Any], now_s: float) -> None:
        """Fold the order into what is known of the incident; two operators at once both get their word in."""
        async with self._redis.pipeline(transaction=True) as pipe:
            while True:
                try:
                    await pipe.watch(keys.HANDLING)
                    if not await pipe.hexists(keys.INCIDENTS, order.incident):
                        raise Refused(f"there is no incident {order.incident}")
                    before = await pipe.hget(keys.HANDLING, order.incident)
                    command["handling"] = fold(json.loads(before) if before else {}, command)
                    pipe.multi()  # type: ignore[no-untyped-call]
                    pipe.hset(keys.HANDLING, order.incident, dumps(command["handling"]))
                    _tell(pipe, command)
                    await pipe.execute()
                    return
                except redis.WatchError:
                    continue

    def _write_down(self, command: dict[str, Any]) -> None:
        """Append one line to the audit log and see it to the disk."""
        if self._audit is None:
            return
        try:
            self._audit.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(self._audit, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640), "wb") as file:
                file.write(dumps({k: v for k, v in command.items() if k != "handling"}).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            log.warning("%s can't be written (%s); %s stands only in Redis", self._audit, error.strerror, keys.COMMANDS)


def fold(handling: dict[str, Any], command: dict[str, Any]) -> dict[str, Any]:
    """Give what operators did about an incident after one more command; time and name come with it."""
    by = {"by": command["who"], "at": command["at"]}
    after = {"acknowledged": None, "dismissed": None, "notes": [], "held": None, "released": None, **handling}
    if command["command"] == "ack":
        after["acknowledged"] = after["acknowledged"] or by
    elif command["command"] == "dismiss":
        after["dismissed"] = by | {"reason": command["reason"]}
    elif command["command"] == "hold":
        after |= {"held": by | {"reason": command["reason"]}, "released": None}
    elif command["command"] == "release":
        after["released"] = by | {"reason": command["reason"]}
    else:
        after["notes"] = [*after["notes"], by | {"text": command["text"]}]
    return after


def _tell(pipe: "redis.asyncio.client.Pipeline", command: dict[str, Any]) -> None:
    pipe.xadd(keys.COMMANDS, {"command": dumps(command)}, maxlen=keys.COMMANDS_KEPT, approximate=True)
