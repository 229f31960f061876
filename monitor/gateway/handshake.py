"""How a session begins: the first message, who sent it, and the codes with which a session may end."""

import asyncio
import time
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from websockets.asyncio.server import ServerConnection

from monitor.gateway.access import AccessControl
from monitor.gateway.operator_commands import Name
from monitor.gateway.tokens import User

HELLO_S = 5.0

NO_TOKEN, NOT_ALLOWED, HELLO_LATE, SLOW, FULL, TOO_MUCH = 4401, 4403, 4408, 4413, 4429, 1008


class Hello(BaseModel):
    """The first message of a client."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    type: Literal["hello"]
    token: Annotated[str, Field(max_length=200)] | None = None
    resume: Annotated[str, Field(pattern=r"^\d{1,18}-\d{1,18}$")] | None = None
    channels: tuple[Name, ...] = ()
    look: tuple[Name, ...] = ()


class Close(Exception):
    """Ends a session with a close code. Stays in the gateway."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code, self.why = code, why


async def receive_hello(socket: ServerConnection) -> Hello:
    """Wait for the first message.

    Raises:
        Close: it came too late or is none.
    """
    try:
        async with asyncio.timeout(HELLO_S):
            text = await socket.recv()
        return Hello.model_validate_json(text)
    except TimeoutError:
        raise Close(HELLO_LATE, f"the first message must come within {HELLO_S:.0f} s") from None
    except ValidationError:
        raise Close(NO_TOKEN, 'the first message must be {"type":"hello","token":...}') from None


async def admit(socket: ServerConnection, hello: Hello, access: AccessControl) -> User:
    """Tell who a client is.

    Raises:
        Close: from another origin, with a bad token or none, or after too many bad ones.
    """
    headers = socket.request.headers if socket.request else {}
    if not access.origin_allowed(headers.get("Origin"), headers.get("Host")):
        raise Close(NOT_ALLOWED, "this origin may not connect; name it in gateway.origins")
    address = str(socket.remote_address[0]) if socket.remote_address else ""
    if access.locked_out(address, time.monotonic()):
        raise Close(NO_TOKEN, "too many bad tokens; wait a minute")
    user = await access.authenticate(hello.token)
    if user is None:
        access.failed(address, time.monotonic())
        raise Close(NO_TOKEN, "no or bad token")
    return user
