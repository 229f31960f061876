"""Who may come in: tokens with a role, kept as hashes."""

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from monitor.errors import ConfigError

Role = Literal["viewer", "operator", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)

SCRYPT = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}
"""About 16 MB and 50 ms a guess, so that a stolen file is of little use."""


@dataclass(frozen=True, slots=True)
class Token:
    """One line of the tokens file; the secret itself is not in it. Times are Unix seconds."""

    id: str
    name: str
    role: Role
    salt: str
    hash: str
    created_s: float


@dataclass(frozen=True, slots=True)
class User:
    """Who somebody turned out to be."""

    name: str
    role: Role
    token_id: str = ""

    @property
    def may_act(self) -> bool:
        """Tell whether they may acknowledge, dismiss, note and silence."""
        return self.role in ("operator", "admin")


class Tokens:
    """The tokens file, read again whenever it has changed.

    A token is `bw_<id>_<secret>`: the id finds its line, so one hash is computed per attempt however many there are.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._known: dict[str, Token] = {}
        self._proved: dict[str, str] = {}

    def __iter__(self) -> Iterator[Token]:
        return iter(list(self._read().values()))

    def authenticate(self, secret: str) -> User | None:
        """Tell whose token this is, or None; the first time takes about 50 ms of one core.

        Raises:
            ConfigError: the file can't be read.
        """
        prefix, _, rest = secret.partition("_")
        token = self._read().get(rest.partition("_")[0])
        if prefix != "bw" or token is None:
            return None
        digest = hashlib.sha256(secret.encode()).hexdigest()
        if self._proved.get(digest) != token.hash:
            if not hmac.compare_digest(_hash(secret, token.salt), token.hash):
                return None
            self._proved[digest] = token.hash
        return User(token.name, token.role, token.id)

    def valid(self, user: User) -> bool:
        """Tell whether the user's token has not been revoked since."""
        return user.token_id in self._read()

    def new(self, name: str, role: Role, now_s: float) -> str:
        """Add a token and give its secret, the only time that it can be seen."""
        known = dict(self._read())
        token_id = secrets.token_hex(4)
        secret = f"bw_{token_id}_{secrets.token_urlsafe(24)}"
        salt = secrets.token_hex(16)
        known[token_id] = Token(token_id, name, role, salt, _hash(secret, salt), now_s)
        self._write(known)
        return secret

    def revoke(self, which: str) -> list[Token]:
        """Remove the token with this id, or all with this name; give what was removed."""
        known = dict(self._read())
        gone = [token for token in known.values() if which in (token.id, token.name)]
        for token in gone:
            del known[token.id]
        if gone:
            self._write(known)
        return gone

    def _read(self) -> dict[str, Token]:
        try:
            stat = self._path.stat()
            if (stamp := (stat.st_mtime_ns, stat.st_ino)) != self._stamp:
                lines = json.loads(self._path.read_text(encoding="utf-8"))["tokens"]
                self._known = {line["id"]: Token(**line) for line in lines}
                self._stamp = stamp
        except FileNotFoundError:
            self._known, self._stamp = {}, None
        except (OSError, ValueError, TypeError, KeyError):
            raise ConfigError(
                str(self._path), "the file", "holds no tokens; make some with `bodywatch token new`"
            ) from None
        return self._known

    def _write(self, known: dict[str, Token]) -> None:
        """Replace the file in one step, readable by its owner alone."""
        text = json.dumps({"tokens": [asdict(token) for token in known.values()]}, indent=2)
        beside = self._path.with_name(self._path.name + ".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(
                os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
            ) as file:
                file.write(text)
            beside.replace(self._path)
        except OSError as error:
            raise ConfigError(str(self._path), "the file", f"can't be written ({error.strerror})") from None
        self._stamp = None


def _hash(secret: str, salt: str) -> str:
    return hashlib.scrypt(secret.encode(), salt=bytes.fromhex(salt), **SCRYPT).hex()
