"""The benchmark's own parts: copies on the air, and what /proc says of a process."""

import os
import subprocess
import sys
from itertools import islice, pairwise
from pathlib import Path

import av
import pytest
import torch

from deploy.bench import processes
from deploy.bench.pipeline import Load, run, told
from deploy.broadcast.copies import copies_on_air
from models import artifact
from models.card import Card
from models.pose_lstm import Design, PoseLSTM
from models.pose_networks.backends import find_backend
from monitor.errors import StreamNotFound, StreamUnreadable
from trainer.puppet.renderer import Passage, Script, frames
from trainer.puppet.video import record

SECONDS = 3
THRESHOLDS = {"enter": 0.8, "clear": 0.5, "hold_s": 2.0, "k": 3, "n": 4, "false_alerts_per_hour": 0.5}


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds at 10 fps with a key frame every second."""
    file = tmp_path_factory.mktemp("bench") / "speech.ts"
    script = Script((Passage(0, SECONDS),))
    assert sum(1 for _ in record(frames(script, 160, 96, 10), str(file), 160, 96, 10)) == 10 * SECONDS
    return file


def test_copies_go_on_beyond_the_end_of_the_file_with_rising_times(speech: Path) -> None:
    """Five seconds of a file of three: it starts again, and every picture stands 0.1 s after its predecessor."""
    with copies_on_air(speech, 2) as air:
        with av.open(air.urls[0], timeout=10) as stream:
            times = [picture.time or 0.0 for picture in islice(stream.decode(video=0), 10 * (SECONDS + 2))]
        with av.open(air.urls[1], timeout=10) as stream:
            assert next(stream.decode(video=0)).width == 160
    steps_s = [after - before for before, after in pairwise(times)]
    assert steps_s == pytest.approx([0.1] * (10 * (SECONDS + 2) - 1), abs=0.01)


def test_the_pipeline_bench_counts_poses_windows_and_what_they_cost(tmp_path: Path) -> None:
    """Three seconds of a live stream of 25 fps: 25 poses a second when the machine is idle, never many more."""
    script = Script((Passage(0, 8),))
    file = tmp_path / "speech.ts"
    assert sum(1 for _ in record(frames(script, 320, 180, 25), str(file), 320, 180, 25)) == 200
    torch.manual_seed(1)
    backend = find_backend("openpose-thin")
    made_with = {"name": backend.name, "sha256": backend.sha256}
    card = Card("ada", "body", "", "2026-01-01T00:00:00+00:00", "0.1.0", made_with, thresholds=THRESHOLDS)
    artifact.save(tmp_path / "ada.pt", PoseLSTM(Design("body", 16, 2)).eval(), card)
    load = Load(1, 3.0, "320x180", 25, str(file), str(tmp_path / "ada.pt"), "hls", settle_s=0.0)
    result = run(load)
    (channel,) = result["channels"]
    assert channel["name"] == "stream-1"
    assert 0 < channel["poses_per_s"] < 35
    assert channel["windows_judged"] + channel["windows_not_judged"] > 0
    assert channel["dropped"] >= 0
    assert set(result["cpu_s"]) == {"worker-0", "gateway", "redis", "sender"}
    daemon_s = sum(result["cpu_s"][part] for part in ("worker-0", "gateway", "redis"))
    assert result["cpu_s_per_stream_s"] == pytest.approx(daemon_s / 3.0, abs=0.02)
    assert result["cpu_s"]["worker-0"] > result["cpu_s"]["sender"]
    assert result["rss_mb"] > 200
    assert "stream-1" in told(result)


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
