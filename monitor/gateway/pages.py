"""Plain HTTP on the gateway's port: the page, health, metrics and evidence files."""

import asyncio
import http
import json
import mimetypes
import re
import time
from http.cookies import CookieError, SimpleCookie
from importlib import resources
from pathlib import Path
from urllib.parse import unquote, urlsplit

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from monitor.evidence.archive import Archive
from monitor.gateway.access import AccessControl
from monitor.gateway.metrics import Metrics
from monitor.gateway.relay import Relay

PIECE_BYTES = 4_000_000
"""The longest answer to a Range request: a player asks again for the rest."""

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".mp4": "video/mp4",
    ".txt": "text/plain; charset=utf-8",
}

SAFE = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Pages:
    """Answers whatever is not the websocket; files of the page are read once, at the start."""

    def __init__(self, relay: Relay, access: AccessControl, metrics: Metrics, evidence: Path | None) -> None:
        self._relay, self._access, self._metrics = relay, access, metrics
        self._evidence = evidence.resolve() if evidence else None
        self._files = dashboard()

    async def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer an HTTP request, or give None to let a websocket open."""
        address = str(connection.remote_address[0]) if connection.remote_address else ""
        path = unquote(urlsplit(request.path).path)
        if not self._access.host_allowed(request.headers.get("Host")):
            response = text(403, "this address is not for that host name")
        elif path == "/ws":
            return None
        elif request.method != "GET":
            response = text(405, "only GET")
        elif self._access.locked_out(address, time.monotonic()):
            response = text(429, "too many bad tokens; wait a minute")
        else:
            response = await self._find(path, request, address)
        self._metrics.requests.labels(str(response.status_code)).inc()
        return response

    async def _find(self, path: str, request: Request, address: str) -> Response:
        if path in self._files:
            kind, body = self._files[path]
            return reply(200, body, kind)
        if path == "/healthz":
            return text(200, "ok")
        if path == "/readyz":
            return text(503, "Redis is away") if self._relay.away else text(200, "ready")
        if path != "/metrics" and not path.startswith("/evidence/"):
            return text(404, "no such page")
        if await self._access.authenticate(token := _token(request)) is None:
            if token:
                self._access.failed(address, time.monotonic())
            return text(401, "send a token: Authorization: Bearer bw_...")
        if path == "/metrics":
            return reply(200, self._metrics.page(), "text/plain; version=0.0.4; charset=utf-8")
        return await asyncio.to_thread(self._file, path.removeprefix("/evidence/"), request.headers.get("Range"))

    def _file(self, name: str, asked: str | None) -> Response:
        """Give a file of the evidence folder or a piece of it; nothing outside the folder, whatever the name."""
        folder = re.fullmatch(r"[^/\0]+/", name)
        if self._evidence is None or "\0" in name:
            return _listing(None, "") if folder else text(404, "no evidence is kept")
        path = (self._evidence / name).resolve()
        if not path.is_relative_to(self._evidence):
            return text(404, "no such file")
        if folder:
            return _listing(Archive(self._evidence), path.name)
        if not path.is_file():
            return text(404, "no such file")
        size = path.stat().st_size
        kind = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        piece = _piece(asked, size)
        if piece is None:
            return reply(416, b"", kind, {"Content-Range": f"bytes */{size}"})
        start, end = piece
        with path.open("rb") as file:
            file.seek(start)
            body = file.read(end - start)
        if not asked:
            return reply(200, body, kind, {"Accept-Ranges": "bytes"})
        return reply(206, body, kind, {"Accept-Ranges": "bytes", "Content-Range": f"bytes {start}-{end - 1}/{size}"})


def _listing(archive: Archive | None, incident: str) -> Response:
    """Tell what is kept of one incident: its files once it is sealed, how far it is, and why it is held."""
    kept: dict[str, object] = {"state": "off", "files": [], "held": None}
    if archive is not None:
        names = archive.files(incident)
        kept = {"state": archive.stage(incident), "files": names, "held": archive.held(incident)}
    return reply(200, json.dumps(kept).encode(), TYPES[".json"])


def _piece(asked: str | None, size: int) -> tuple[int, int] | None:
    """Read a Range header as (first byte, byte after the last); None when there is no such piece."""
    if not asked:
        return 0, size
    found = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", asked.strip())
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    start = int(first) if first else max(size - int(last), 0)
    end = min(int(last) + 1, size) if first and last else size
    return (start, min(end, start + PIECE_BYTES)) if start < end else None


def _token(request: Request) -> str | None:
    """Find a token in the Authorization header, or in the cookie that the page sets for pictures and clips."""
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return secret.strip()
    try:
        morsel = SimpleCookie(request.headers.get("Cookie", "")).get("bodywatch_token")
    except CookieError:
        return None
    return morsel.value if morsel else None


def dashboard() -> dict[str, tuple[str, bytes]]:
    """Read the files of the page: path -> (type, content)."""
    folder = resources.files("monitor.gateway") / "dashboard"
    files = {
        f"/{file.name}": (TYPES[Path(file.name).suffix], file.read_bytes())
        for file in folder.iterdir()
        if Path(file.name).suffix in TYPES
    }
    return files | ({"/": files["/index.html"]} if "/index.html" in files else {})


def reply(status: int, body: bytes, kind: str, more: dict[str, str] | None = None) -> Response:
    """Make a response that no browser mistakes for anything else."""
    headers = Headers(SAFE | {"Content-Type": kind, "Content-Length": str(len(body)), "Cache-Control": "no-cache"})
    headers.update(more or {})
    headers["Connection"] = "close"
    return Response(status, http.HTTPStatus(status).phrase, headers, body)


def text(status: int, words: str) -> Response:
    """Answer in words."""
    return reply(status, (words + "\n").encode(), TYPES[".txt"])
