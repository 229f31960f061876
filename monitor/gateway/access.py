"""Who may connect to the gateway: host and origin, tokens, and how often somebody may try."""

import asyncio
import ipaddress
from collections import defaultdict, deque
from urllib.parse import urlsplit

from monitor.config import GatewayConfig
from monitor.errors import ConfigError
from monitor.gateway.tokens import Tokens, User

ATTEMPTS = 10
ATTEMPTS_IN_S = 60.0
"""So many bad tokens from one address within a minute, and it is turned away until the minute is over."""

ADDRESSES = 10_000

LOCAL_ADMIN = User("this machine", "admin")
"""Whoever is on the machine itself, while no tokens file is configured."""


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class AccessControl:
    """Decides who comes in; time is an argument.

    Without a tokens file everybody on this machine may do everything, which is why no other address is allowed then.

    Raises:
        ConfigError: an address beyond loopback without a tokens file, or one without a token in it.
    """

    def __init__(self, config: GatewayConfig) -> None:
        self._loopback = is_loopback(config.host)
        self._origins = frozenset(origin.rstrip("/") for origin in config.origins)
        self.tokens = Tokens(config.tokens) if config.tokens else None
        self._failed: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=ATTEMPTS))
        how = "make one with `bodywatch token new`"
        if self.tokens is None and not self._loopback:
            raise ConfigError("gateway.tokens", config.host, f"an address beyond loopback needs a tokens file; {how}")
        if self.tokens is not None and not list(self.tokens):
            raise ConfigError("gateway.tokens", str(config.tokens), f"has no token yet; {how}")

    def host_allowed(self, host: str | None) -> bool:
        """Tell whether a Host header is ours: a page elsewhere whose name points at loopback is not."""
        if self.tokens is not None or host is None:
            return True
        return is_loopback(urlsplit(f"//{host}").hostname or "")

    def origin_allowed(self, origin: str | None, host: str | None) -> bool:
        """Tell whether a web page may connect: ours, one that the config names, or no web page at all."""
        if origin is None or origin in self._origins:
            return True
        return urlsplit(origin).netloc == host

    async def authenticate(self, token: str | None) -> User | None:
        """Tell who shows this token, or None."""
        if self.tokens is None:
            return LOCAL_ADMIN
        return await asyncio.to_thread(self.tokens.authenticate, token) if token else None

    def still_valid(self, user: User) -> bool:
        """Tell whether a user's token has not been revoked."""
        return self.tokens is None or self.tokens.valid(user)

    def failed(self, address: str, now_s: float) -> None:
        """Remember a bad token; now_s is a monotonic clock."""
        if len(self._failed) >= ADDRESSES:
            self._failed.clear()
        self._failed[address].append(now_s)

    def locked_out(self, address: str, now_s: float) -> bool:
        """Tell whether an address has tried too often of late."""
        tries = self._failed.get(address)
        return tries is not None and len(tries) == ATTEMPTS and now_s - tries[0] < ATTEMPTS_IN_S
