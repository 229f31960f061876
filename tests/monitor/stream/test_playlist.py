"""How long the segments of an HLS playlist may be, and when the newest was filmed."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.stream.playlist import Playlist, last_timed, longest_s, read_playlist
from tests.support import servers

NOON_S = datetime(2026, 1, 2, 12, tzinfo=UTC).timestamp()
NOON = "#EXT-X-PROGRAM-DATE-TIME:2026-01-02T12:00:00Z\n"


@pytest.mark.parametrize(
    ("playlist", "found"),
    [
        (f"#EXTM3U\n{NOON}#EXTINF:2,\na.ts\n", ("a.ts", NOON_S)),
        (f"#EXTM3U\n#EXTINF:2,\n{NOON}a.ts\n#EXTINF:4.5,title\nb.ts\n#EXTINF:4,\nc.ts\n", ("c.ts", NOON_S + 6.5)),
        (f"{NOON}#EXTINF:2,\na.ts\n{NOON.replace('Z', '+01:00')}#EXTINF:2,\nb.ts\n", ("b.ts", NOON_S - 3600)),
        (f"{NOON}#EXTINF:2,\na.ts\n#EXT-X-DISCONTINUITY\n#EXTINF:2,\nb.ts\n", None),
        ("#EXTM3U\n#EXTINF:2,\na.ts\n", None),
        ("", None),
    ],
)
def test_the_last_segment_counts_on_from_the_newest_time(playlist: str, found: tuple[str, float] | None) -> None:
    """Before c.ts lie 2 s and 4.5 s; after a discontinuity nothing can be counted on."""
    assert last_timed(playlist) == found


@pytest.mark.parametrize(
    ("playlist", "longest"),
    [("#EXTM3U\n#EXT-X-TARGETDURATION:6\n", 6.0), ("#EXTM3U\n#EXT-X-TARGETDURATION:3600\n", 30.0), ("#EXTM3U\n", 10.0)],
)
def test_the_longest_segment_is_the_target_within_reason(playlist: str, longest: float) -> None:
    """An hour of silence is no pause between segments, whatever a playlist says."""
    assert longest_s(playlist) == longest


def test_the_time_is_found_behind_a_list_of_sizes(tmp_path: Path) -> None:
    (tmp_path / "low.m3u8").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n{NOON}#EXTINF:2,\na.ts\n")
    (tmp_path / "all.m3u8").write_text("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000\nlow.m3u8\n")
    with servers.web(tmp_path) as address:
        assert read_playlist(f"{address}/all.m3u8?token=7", 5.0) == Playlist(2.0, ("a.ts", NOON_S))


def test_what_cannot_be_read_tells_no_time_and_does_no_harm(tmp_path: Path) -> None:
    """A list that names a file of this machine, a broken time, nothing there, nobody answering, another kind."""
    secret = tmp_path / "secret.m3u8"
    secret.write_text(f"{NOON}#EXTINF:2,\na.ts\n")
    (tmp_path / "all.m3u8").write_text(f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nfile://{secret}\n")
    (tmp_path / "broken.m3u8").write_text("#EXT-X-PROGRAM-DATE-TIME:noon\n#EXTINF:2,\na.ts\n")
    with servers.web(tmp_path) as address, servers.silent() as silent:
        assert read_playlist(f"{address}/all.m3u8", 5.0) is None
        assert read_playlist(f"{address}/broken.m3u8", 5.0) is None
        assert read_playlist(f"{address}/nothing.m3u8", 5.0) is None
        assert read_playlist(f"http://{silent}/live.m3u8", 0.2) is None
        assert read_playlist("rtsp://127.0.0.1/live.m3u8", 5.0) is None
