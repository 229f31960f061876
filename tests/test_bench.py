"""The benchmark's own parts: copies on the air, and what /proc says of a process."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import av
import pytest

from deploy import processes
from deploy.air_copies import copies_on_air
from monitor.errors import StreamNotFound, StreamUnreadable
from trainer.puppet import Passage, Script, frames
from trainer.puppet_video import record

SECONDS = 3


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds at 10 fps with a key frame every second."""
    file = tmp_path_factory.mktemp("bench") / "speech.ts"
    script = Script((Passage(0, SECONDS),))
    assert sum(1 for _ in record(frames(script, 160, 96, 10), str(file), 160, 96, 10)) == 10 * SECONDS
    return file


def test_copies_go_on_beyond_the_end_of_the_file_with_rising_times(speech: Path) -> None:
    """Five seconds of a file of three: it starts again, and no picture stands before its predecessor."""
    times: list[list[float]] = []
    with copies_on_air(speech, 2) as air:
        for url in air.urls:
            with av.open(url, timeout=10) as stream:
                first = next(stream.decode(video=0)).time
                assert first is not None
                taken = [first]
                for picture in stream.decode(video=0):
                    assert picture.time is not None
                    taken.append(picture.time)
                    if picture.time > first + SECONDS + 2:
                        break
                times.append(taken)
    for taken in times:
        assert [after - before for before, after in pairwise(taken)] == pytest.approx(
            [0.1] * (len(taken) - 1), abs=0.01
        )


def test_no_copy_goes_on_the_air_of_a_file_that_is_no_video(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<!doctype html>")
    with pytest.raises(StreamUnreadable), copies_on_air(tmp_path / "page.html", 1):
        pass
    with pytest.raises(StreamNotFound), copies_on_air(tmp_path / "nowhere.mp4", 1):
        pass


def test_processor_time_and_memory_of_a_process_are_those_it_tells_itself() -> None:
    """A child burns half a second and holds 64 MB beside Python's 10; /proc counts in hundredths of a second."""
    program = (
        "import sys, time\n"
        "held = b'x' * 64_000_000\n"
        "while time.process_time() < 0.5: pass\n"
        "print(time.process_time(), flush=True)\n"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as p:
        assert p.stdout is not None
        cpu_s = float(p.stdout.readline())
        assert p.pid in processes.children_of(os.getpid())
        assert processes.cpu_s(p.pid) == pytest.approx(cpu_s, abs=0.05)
        assert 64 < processes.rss_mb(p.pid) < 100
        p.communicate()
    assert processes.rss_mb(p.pid) == 0
