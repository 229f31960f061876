"""Recordings by address, from a real web server."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from trainer.data.downloads import download, is_address
from trainer.errors import DownloadFailed
from trainer.puppet.renderer import Camera, Passage, Script, frames
from trainer.puppet.video import record


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A web server, its address and the folder it serves: a clip, and a page with the clip in it."""
    home = tmp_path / "site"
    home.mkdir()
    for _ in record(frames(Script((Passage(0, 0.5),), Camera()), 320, 180, 10), str(home / "clip.mp4"), 320, 180, 10):
        pass
    page = "<html><title>Speech</title><body><video src='/clip.mp4' type='video/mp4'></video></body></html>"
    (home / "speech.html").write_text(page, encoding="utf-8")
    (home / "empty.html").write_text("<html><body>Nothing to see</body></html>", encoding="utf-8")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(home)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}", home
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_address_is_told_from_a_path() -> None:
    assert [is_address(one) for one in ("https://a.example/v", "http://a.example", "a.mp4", "http/a.mp4")] == [
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize("name", ["speech.html", "clip.mp4"])
def test_the_video_of_a_page_or_an_address_is_fetched_once(site: tuple[str, Path], tmp_path: Path, name: str) -> None:
    """What was fetched is there byte by byte, and a second call needs no server."""
    host, home = site
    path = download(f"http://{host}/{name}", tmp_path / "fetched")
    assert path.read_bytes() == (home / "clip.mp4").read_bytes()
    (home / name).unlink()
    assert download(f"http://{host}/{name}", tmp_path / "fetched") == path


@pytest.mark.parametrize("name", ["empty.html", "not_there.mp4"])
def test_what_gives_no_video_is_told_in_one_sentence_without_the_password(
    site: tuple[str, Path], tmp_path: Path, name: str
) -> None:
    with pytest.raises(DownloadFailed, match="gives no recording") as error:
        download(f"http://ada:hunter2@{site[0]}/{name}?key=hunter2", tmp_path / "fetched")
    assert "hunter2" not in str(error.value)
    assert "\n" not in str(error.value)
