"""Where a stream comes from: its address without secrets, what FFmpeg is asked for, and what its errors mean."""

import errno
import re
import socket
import urllib.parse
from pathlib import Path
from typing import Literal

import av

from monitor.errors import (
    StreamEnded,
    StreamError,
    StreamNotFound,
    StreamRefused,
    StreamSilent,
    StreamUnreachable,
    StreamUnreadable,
    TransportRefused,
)

Transport = Literal["auto", "tcp", "udp"]

ANALYSE_S = 2.0
"""FFmpeg may look at so much of a stream before it says what is in it; its own default is 5 s."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_STREAM_KEY = re.compile(r"([^/]*/+[^/?# ]+[/?# ]+).+", re.DOTALL)
_VALUE = re.compile(r"([?&;/][^=?&;/#]*)=[^&;/#]*")


def scheme_of(url: str) -> str:
    """Give the scheme in small letters; "file" for a path."""
    match = _SCHEME.fullmatch(url)
    return match[1].lower() if match else "file"


def is_file(url: str) -> bool:
    """Tell whether url is a path or a file:// address: something that is played once."""
    return scheme_of(url) == "file"


def path_of(url: str) -> str:
    """Turn file:///a%20b into /a b; leave everything else as it is."""
    if is_file(url) and "://" in url:
        return urllib.parse.unquote(urllib.parse.urlsplit(url).path)
    return url


def redact(url: str) -> str:
    """Hide user, password, every key=value and RTMP's stream key; what is left of an address is safe to log and show.

    A password that was written with a bare / or ? in it is hidden too: when in doubt, everything up to the last @ goes.
    Of rtmp://host/app/KEY all behind the application goes: whoever knows the key may broadcast in its owner's name.
    """
    match = _SCHEME.fullmatch(url)
    if match is None or is_file(url):
        return url
    scheme, rest = match.groups()
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    _, colon, port = authority.rpartition(":")
    if "@" in rest and ("@" in authority or (colon and not port.isdigit())):
        credentials, _, rest = rest.rpartition("@")
        rest = ("***@" if credentials else "@") + rest
    if scheme.lower().startswith("rtmp"):
        return f"{scheme}://" + _STREAM_KEY.sub(r"\1***", rest)
    rest, hash_, _ = rest.partition("#")
    before, question, query = rest.partition("?")
    if question and "=" not in query:
        rest = f"{before}?***"
    return f"{scheme}://" + _VALUE.sub(r"\1=***", rest) + ("#***" if hash_ else "")


def options_of(url: str, transport: Transport, timeout_s: float) -> dict[str, str]:
    """Give FFmpeg's options for an address; timeout_s is for one word of the server, not for opening as a whole."""
    micros = str(int(timeout_s * 1e6))
    options = {"analyzeduration": str(int(ANALYSE_S * 1e6)), "rw_timeout": micros}
    match scheme_of(url):
        case "rtsp" | "rtsps":
            return options | {"rtsp_transport": transport, "timeout": micros}
        case "http" | "https":
            return options | {"timeout": micros, "live_start_index": "-1"}
        case "udp":
            return options | {"timeout": micros, "overrun_nonfatal": "1", "fifo_size": "50000"}
        case _:  # rtmp reads "timeout" as "listen for a publisher", so it must not be given to others
            return options


def explain(error: Exception, url: str, transport: Transport, *, timeout_s: float, opened: bool) -> StreamError:
    """Turn what FFmpeg raised into a sentence for the operator; FFmpeg's own text may hold the password."""
    safe = redact(url)
    number = getattr(error, "errno", None)
    match error:
        case StreamError():
            return error
        case av.error.HTTPUnauthorizedError() | av.error.HTTPForbiddenError():
            return StreamRefused(safe)
        case av.error.HTTPNotFoundError() | av.error.FileNotFoundError():
            return StreamNotFound(safe)
        case av.error.HTTPError() | av.error.HTTPClientError():
            return StreamUnreadable(safe, "the server answers with an error of its own")
        case av.error.EOFError():
            return StreamEnded(safe) if opened else StreamUnreadable(safe, "it is empty")
        case av.error.TimeoutError() | av.error.ExitError():
            return StreamSilent(safe, timeout_s)
        case av.error.ProtocolNotFoundError():
            return StreamUnreadable(safe, "FFmpeg knows no such protocol")
    if number == errno.EPROTONOSUPPORT:
        return TransportRefused(safe, transport.upper())
    if number in (errno.EISDIR, errno.EACCES, errno.EPERM):
        return StreamUnreadable(safe, "it is a folder" if number == errno.EISDIR else "permission denied")
    if isinstance(error, OSError) and is_file(url):
        return StreamUnreadable(safe, "it can't be read from the disk")
    if isinstance(error, OSError):
        return StreamUnreachable(safe, "connection lost") if opened else _network(safe, url, number)
    return StreamUnreadable(safe, "damaged, cut short, or no video at all")


def _network(safe: str, url: str, number: int | None) -> StreamError:
    """Tell what is wrong with the way to a server; FFmpeg calls an unknown host an input/output error."""
    if number == errno.ECONNREFUSED:
        return StreamUnreachable(safe, "connection refused")
    try:
        socket.getaddrinfo(urllib.parse.urlsplit(url).hostname, None)
    except (OSError, ValueError, UnicodeError):
        return StreamUnreachable(safe, "host name unknown")
    return StreamUnreachable(safe, "no way to the host")


def exists(url: str) -> bool:
    """Tell whether a path names something; always true for a network address."""
    return not is_file(url) or Path(path_of(url)).exists()
