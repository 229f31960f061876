"""Serves a folder of playlists and segments over HTTP, without a word about requests or viewers that leave."""

import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class FolderServer(ThreadingHTTPServer):
    """On 127.0.0.1; port 0 takes a free one. serve_forever() serves, in a thread for each request."""

    daemon_threads = True

    def __init__(self, folder: Path, port: int = 0) -> None:
        """Take the port.

        Raises:
            OSError: somebody else has it.
        """
        super().__init__(("127.0.0.1", port), partial(_Files, directory=str(folder)))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep still about a viewer that went in the middle of a segment: players and tests do."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Files(SimpleHTTPRequestHandler):
    """Files without a line per request; a playlist is never cached."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def guess_type(self, path: Any) -> str:
        """Tell playlists and segments apart."""
        return "application/vnd.apple.mpegurl" if str(path).endswith(".m3u8") else "video/mp2t"

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        super().end_headers()
