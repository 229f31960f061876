"""What a client may ask for on its websocket: pictures of a channel, its history, an operator's command."""

import json
import time
from typing import Any

from monitor.bus import connection
from monitor.gateway.handshake import NOT_ALLOWED, TOO_MUCH, Close
from monitor.gateway.operator_commands import CommandHandler, Refused, parse
from monitor.gateway.relay import Relay
from monitor.gateway.tokens import User

MESSAGES_PER_MINUTE = 240
LOOK_MOST = 64


class ClientRequests:
    """Answers one client; look holds the channels whose pictures it wants."""

    def __init__(self, user: User, relay: Relay, commands: CommandHandler, look: frozenset[str]) -> None:
        self.look = look
        self._user, self._relay, self._commands = user, relay, commands
        self._asked_at_s: list[float] = []

    async def answer(self, text: str | bytes) -> dict[str, Any] | None:
        """Do what a message asks and give what to say to it.

        Raises:
            Close: too many messages, or one that this role may not send.
        """
        self._count(time.monotonic())
        ref: object = None
        try:
            message = json.loads(text)
            if not isinstance(message, dict):
                raise Refused("a message is a JSON object with a type")
            ref = message.get("ref")
            return await self._obey(message)
        except (ValueError, RecursionError):
            return {"type": "refused", "ref": ref, "why": "that is no JSON"}
        except Refused as refused:
            return {"type": "refused", "ref": ref, "why": str(refused)}
        except connection.AWAY:
            return {"type": "refused", "ref": ref, "why": "Redis is away; try again"}

    def _count(self, now_s: float) -> None:
        self._asked_at_s = [at_s for at_s in self._asked_at_s if now_s - at_s < 60] + [now_s]
        if len(self._asked_at_s) > MESSAGES_PER_MINUTE:
            raise Close(TOO_MUCH, f"more than {MESSAGES_PER_MINUTE} messages in a minute")

    async def _obey(self, message: dict[str, Any]) -> dict[str, Any] | None:
        if message.get("type") == "look":
            names = message.get("channels")
            if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
                raise Refused("channels: a list of names")
            self.look = frozenset(names[:LOOK_MOST])
            return None
        if message.get("type") == "history":
            return await self._history(message)
        command = parse(message)
        if not self._user.may_act:
            raise Close(NOT_ALLOWED, f"a {self._user.role} may look, not {command.type}")
        await self._commands.execute(command, self._user, time.time())
        return {"type": "done", "ref": command.ref}

    async def _history(self, message: dict[str, Any]) -> dict[str, Any]:
        channel, from_s, to_s = (message.get(key) for key in ("channel", "from_s", "to_s"))
        if not isinstance(channel, str) or not isinstance(from_s, int | float) or not isinstance(to_s, int | float):
            raise Refused("history needs channel, from_s and to_s (Unix seconds)")
        if not (0 <= from_s <= to_s < 1e11):
            raise Refused("history needs 0 <= from_s <= to_s (Unix seconds)")
        rows = await self._relay.store.history(channel, int(from_s * 1000), int(to_s * 1000))
        return {"type": "history", "ref": message.get("ref"), "channel": channel, "rows": rows}
