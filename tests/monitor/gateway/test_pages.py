"""Evidence files over HTTP: read-only, nothing outside their folder, and in pieces for players."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.bus import embedded_server
from monitor.config import parse
from monitor.gateway.pages import dashboard
from tests.monitor.gateway.test_server import get
from tests.support.gateway import serving

CLIP = bytes(range(256)) * 4  # 1,024 bytes


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("desk")
    (folder / "evidence" / "inc-1").mkdir(parents=True)
    (folder / "evidence" / "inc-1" / "clip.mp4").write_bytes(CLIP)
    (folder / "evidence" / "inc-1" / ".half-written").write_bytes(b"x")
    (folder / "secret.txt").write_text("secret")
    (folder / "evidence" / "inc-1" / "link").symlink_to(folder / "secret.txt")
    values = {
        "channels": [{"name": "one", "url": "rtsp://camera/one"}],
        "gateway": {"port": 0, "audit": None},
        "evidence": {"folder": str(folder / "evidence")},
    }
    with embedded_server.running() as server, serving(parse(values, "test"), server.url) as address:
        yield address


def test_a_clip_comes_whole_with_its_type(address: str) -> None:
    """A browser plays what is called video/mp4."""
    with urllib.request.urlopen(f"http://{address}/evidence/inc-1/clip.mp4", timeout=10) as answer:
        assert answer.headers["Content-Type"] == "video/mp4"
        assert answer.headers["Accept-Ranges"] == "bytes"
        assert answer.read() == CLIP


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-9", 0, 9), ("bytes=1000-", 1000, 1023), ("bytes=-24", 1000, 1023), ("bytes=1020-5000", 1020, 1023)],
)
def test_a_piece_comes_as_asked(address: str, asked: str, first: int, last: int) -> None:
    """A player that seeks asks for the bytes it needs."""
    request = urllib.request.Request(f"http://{address}/evidence/inc-1/clip.mp4", headers={"Range": asked})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 206
        assert answer.headers["Content-Range"] == f"bytes {first}-{last}/1024"
        assert answer.read() == CLIP[first : last + 1]


@pytest.mark.parametrize("asked", ["bytes=1024-", "bytes=9-1", "bytes=-", "lines=1-2", "bytes=0-1,5-6"])
def test_a_piece_that_is_not_there_is_416(address: str, asked: str) -> None:
    """Several pieces at once are not given either."""
    assert get(f"http://{address}/evidence/inc-1/clip.mp4", Range=asked)[0] == 416


@pytest.mark.parametrize(
    "path",
    ["../secret.txt", "%2e%2e/secret.txt", "inc-1/../../secret.txt", "inc-1/link", "/etc/passwd", "inc-1/%00", ""],
)
def test_nothing_outside_the_folder_can_be_read(address: str, path: str) -> None:
    """Dots, encoded dots, links and absolute paths."""
    assert get(f"http://{address}/evidence/{path}")[0] == 404


def test_the_files_of_an_incident_are_listed(address: str) -> None:
    """None while nothing is kept; a file that is being written is not shown."""
    assert json.loads(get(f"http://{address}/evidence/inc-1/")[1]) == {
        "state": "sealed",
        "files": ["clip.mp4", "link"],
        "held": None,
    }
    assert json.loads(get(f"http://{address}/evidence/inc-9/")[1]) == {
        "state": "none",
        "files": [],
        "held": None,
    }
    assert get(f"http://{address}/evidence/%2e%2e/")[0] == 404


def test_only_get_is_answered(address: str) -> None:
    """The page changes nothing by HTTP."""
    request = urllib.request.Request(f"http://{address}/evidence/inc-1/clip.mp4", method="DELETE")
    with pytest.raises(urllib.error.HTTPError, match="405"):
        urllib.request.urlopen(request, timeout=10)


def test_every_file_of_the_page_is_served() -> None:
    """And each names only files that exist, none elsewhere."""
    served = set(dashboard())
    folder = Path(__file__).parents[3] / "monitor" / "gateway" / "dashboard"
    assert served == {"/"} | {f"/{path.name}" for path in folder.iterdir()}
    assert not [
        path for path in folder.glob("*.js") if "://" in path.read_text().replace("http://www.w3.org/2000/svg", "")
    ]
