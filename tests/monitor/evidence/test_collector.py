"""Evidence of an incident: the clip's times, what lies beside it, a full disk, a crash."""

import itertools
import json
import multiprocessing
import os
import resource
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from monitor.config import EvidenceConfig
from monitor.evidence.clip import Clip, settle
from monitor.evidence.collector import EvidenceCollector
from monitor.evidence.verification import verify
from monitor.records import Frame, Incident, NotJudged, Pose, PosedFrame, Quality, Score, Sighting
from monitor.stream.decoder import Decoder
from monitor.stream.ingest import Ingest
from monitor.stream.mailbox import Mailbox
from monitor.stream.packets import PacketCopier
from tests.support import servers

KEYPOINTS = np.full((18, 3), 1.0, np.float32) * [160.0, 90.0, 1.0]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUALITY = Quality(1.0, 1.0, 1.0)
WHY = {"speeds": {"right_wrist": 1.9}, "normal": {"right_wrist": {"low": 0.4, "mean": 0.8, "high": 1.2}}}


def incident(state: str, *, start_s: float = 30.0, end_s: float = 33.0, name: str = "case-1") -> Incident:
    known = Incident(name, "one", "speaker", "firing", 0, start_s, end_s, end_s, 0.9, 0.95, 7, explanation=WHY)
    return replace(known, state=state)  # type: ignore[arg-type]


class Broadcast:
    """A recording that is noted as a live channel would, faster; arrival is the stream's own time."""

    def __init__(self, path: Path, evidence: EvidenceCollector, epoch: int = 0) -> None:
        self._notes = self._all(path, evidence, epoch)
        self.time_s = 0.0

    def until(self, time_s: float) -> None:
        """Note what comes before time_s."""
        while self.time_s < time_s:
            self.time_s = next(self._notes, time_s)

    @staticmethod
    def _all(path: Path, evidence: EvidenceCollector, epoch: int) -> Iterator[float]:
        with av.open(str(path)) as source:
            video = source.streams.video[0]
            decoder, copier = Decoder(video), PacketCopier(video, "one")
            for packet in source.demux(video):
                if not packet.size:
                    continue
                for picture in decoder.decode(packet):
                    time_s = picture.time_s or 0.0
                    frame = Frame("one", epoch, time_s, time_s, picture.image)
                    evidence.add_pose(PosedFrame(frame, Sighting(time_s, Pose(time_s, KEYPOINTS))))
                    if round(time_s * 25) % 25 == 0:
                        evidence.add_score(Score("one", "speaker", epoch, time_s - 5, time_s, time_s, 0.9, QUALITY))
                for coded in copier.copy(packet, epoch, float((packet.pts or 0) * packet.time_base)):
                    evidence.add_packet(coded)
                    yield coded.time_s


@pytest.fixture
def config(tmp_path: Path) -> EvidenceConfig:
    return EvidenceConfig(folder=tmp_path / "evidence")


@pytest.fixture(scope="module")
def minute(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute at 25 fps, a key frame every 2 s."""
    return servers.clip(tmp_path_factory.mktemp("minute") / "minute.ts", frames=1500, gop=50)


def keep_one(evidence: EvidenceCollector, path: Path, *, start_s: float = 30.0, end_s: float = 35.0) -> Path:
    """Play an incident to its sealing: it fires 3 s after its start and is resolved 2 s after its end."""
    broadcast = Broadcast(path, evidence)
    broadcast.until(start_s + 3)
    evidence.update_incident(incident("firing", start_s=start_s))
    evidence.turn(start_s + 3)
    broadcast.until(end_s + 2)
    evidence.update_incident(incident("resolved", start_s=start_s, end_s=end_s))
    evidence.turn(end_s + 2)
    broadcast.until(end_s + 14)
    evidence.turn(end_s + 14.1)
    return evidence.archive.folder / "case-1"


HEVC = {"preset": "ultrafast", "x265-params": "log-level=none"}
FORMATS = {
    "ts": {"name": "a.ts", "gop": 50},
    "mp4": {"name": "a.mp4", "gop": 50},
    "b-frames": {"name": "a.ts", "gop": 50, "options": {"preset": "ultrafast", "bf": "3", "b_strategy": "0"}},
    "hevc": {"name": "a.ts", "gop": 50, "codec": "libx265", "options": HEVC},
}


@pytest.mark.parametrize("form", FORMATS)
def test_the_clip_runs_from_ten_seconds_before_to_ten_after_and_its_pictures_are_the_streams(
    form: str, config: EvidenceConfig, tmp_path: Path
) -> None:
    """Asked: 3 s to 25 s. A key frame every 2 s: it begins at 1 to 3 s and ends with the last picture before 25 s.

    Each picture's number is its place at 25 fps, so the pictures tell their own time.
    """
    pattern = dict(FORMATS[form])
    path = servers.clip(tmp_path / str(pattern.pop("name")), frames=750, **pattern)
    folder = keep_one(EvidenceCollector(config, ["one"], digests={}), path, start_s=13.0, end_s=15.0)
    facts = json.loads((folder / "incident.json").read_text())["clip"]
    with av.open(str(folder / "clip.mp4")) as clip:
        pictures = [(frame.time, servers.number_of(frame.to_ndarray(format="bgr24"))) for frame in clip.decode(video=0)]
    times_s = np.array([number / 25 for _, number in pictures])
    assert 1.0 <= times_s[0] <= 3.0
    assert times_s[-1] == pytest.approx(25.0, abs=0.16)  # three B-frames may still wait for their reference
    assert np.diff(times_s[times_s <= 25.0]) == pytest.approx(0.04)
    shift_s = times_s - [time for time, _ in pictures]
    stream_starts_s = facts["offset_s"] - shift_s[0]
    assert shift_s == pytest.approx(shift_s[0], abs=0.002)
    assert facts["start_s"] == pytest.approx(times_s[0] + stream_starts_s, abs=0.002)
    assert facts["end_s"] == pytest.approx(times_s[-1] + stream_starts_s, abs=0.002)


def test_beside_the_clip_lie_poses_scores_facts_and_a_filmstrip(config: EvidenceConfig, minute: Path) -> None:
    """Poses of 20 s to 45 s at 25 fps are 626; a score each second whose 5 s touch that time."""
    evidence = EvidenceCollector(config, ["one"], digests={("one", "speaker"): {"model_sha256": "ab" * 32}})
    folder = keep_one(evidence, minute)
    assert sorted(path.name for path in folder.iterdir()) == [
        "clip.mp4", "filmstrip.jpg", "incident.json", "manifest.json", "poses.npz", "scores.json",
    ]  # fmt: skip
    with np.load(folder / "poses.npz", allow_pickle=False) as track:
        assert track["keypoints"].shape == (626, 18, 3)
        assert (track["time_s"][0], track["time_s"][-1]) == (pytest.approx(20.0), pytest.approx(45.0))
        assert (str(track["person"]), int(track["width"]), int(track["height"])) == ("speaker", 320, 180)
    scores = json.loads((folder / "scores.json").read_text())
    assert (scores[0]["end_s"], scores[-1]["end_s"]) == (pytest.approx(20.0), pytest.approx(49.0))
    facts = json.loads((folder / "incident.json").read_text())
    assert facts["incident"]["state"] == "resolved"
    assert facts["incident"]["explanation"] == WHY
    assert facts["digests"] == {"model_sha256": "ab" * 32}
    assert facts["interrupted"] is False
    assert facts["clock"]["arrived_unix_s"] == facts["clock"]["stream_s"]  # this broadcast's arrival is its own time
    assert list(verify(evidence.archive)) == []


def test_the_filmstrip_shows_the_skeleton_where_the_body_was(config: EvidenceConfig, minute: Path) -> None:
    """All keypoints at the middle of a 320 x 180 picture, which is drawn 480 x 270: its middle is white, 4 to a row."""
    import cv2

    strip = cv2.imread(str(keep_one(EvidenceCollector(config, ["one"], digests={}), minute) / "filmstrip.jpg"))
    assert strip.shape == (2 * 270, 4 * 480, 3)
    assert strip[135, 240].min() > 230


def test_an_incident_that_never_fires_leaves_nothing(config: EvidenceConfig, minute: Path) -> None:
    evidence = EvidenceCollector(config, ["one"], digests={})
    evidence.update_incident(incident("pending"))
    evidence.update_incident(incident("resolved"))
    evidence.turn(100.0)
    assert evidence.archive.kept() == []


def test_another_epoch_ends_the_clip_but_not_the_incident(config: EvidenceConfig, minute: Path) -> None:
    evidence = EvidenceCollector(config, ["one"], digests={})
    Broadcast(minute, evidence).until(33.0)
    evidence.update_incident(incident("firing"))
    evidence.turn(33.0)
    evidence.add_score(NotJudged("one", 1, 0.0, 5.0, 40.0, "filling"))
    evidence.update_incident(incident("resolved", end_s=33.0))
    evidence.turn(40.0)
    evidence.turn(60.0)
    facts = json.loads((evidence.archive.folder / "case-1" / "incident.json").read_text())
    assert facts["clip"]["end_s"] == pytest.approx(33.0, abs=0.05)
    scores = json.loads((evidence.archive.folder / "case-1" / "scores.json").read_text())
    assert {score["epoch"] for score in scores} == {0}


def test_an_incident_that_ends_after_a_reconnect_keeps_what_came_before_it(
    config: EvidenceConfig, minute: Path
) -> None:
    """The stream's clock begins at 0 again 40 s in, the incident ends 25 s later: 20 s to 40 s are one clock's."""
    evidence = EvidenceCollector(config, ["one"], digests={})
    Broadcast(minute, evidence).until(40.0)
    evidence.update_incident(incident("firing"))
    evidence.turn(40.0)
    again = Broadcast(minute, evidence, epoch=1)
    again.until(25.0)
    evidence.update_incident(replace(incident("resolved", start_s=0.0, end_s=25.0), epoch=1))
    evidence.turn(65.0)
    again.until(40.0)
    evidence.turn(80.0)
    folder = evidence.archive.folder / "case-1"
    facts = json.loads((folder / "incident.json").read_text())
    assert (facts["clip"]["end_s"], facts["clip_fault"]) == (pytest.approx(40.0, abs=0.1), "")
    assert (facts["incident"]["state"], facts["asked"]) == ("resolved", {"epoch": 0, "start_s": 20.0, "end_s": None})
    assert {score["epoch"] for score in json.loads((folder / "scores.json").read_text())} == {0}
    with np.load(folder / "poses.npz", allow_pickle=False) as track:
        assert (track["time_s"][0], track["time_s"][-1]) == pytest.approx((20.0, 40.0), abs=0.1)


def test_a_full_disk_stops_evidence_and_says_so_and_the_next_incident_tries_again(
    config: EvidenceConfig, minute: Path
) -> None:
    room = [0]
    evidence = EvidenceCollector(config, ["one"], digests={}, free_bytes=lambda folder: room[0])
    Broadcast(minute, evidence).until(33.0)
    evidence.update_incident(incident("firing"))
    evidence.turn(33.0)
    assert evidence.state == f"no evidence is kept in {config.folder}: No space left on device"
    room[0] = 10**12
    evidence.update_incident(incident("firing", name="case-2"))
    evidence.turn(34.0)
    assert evidence.state == ""
    evidence.update_incident(incident("resolved", name="case-2"))
    evidence.turn(35.0)
    evidence.turn(50.0)
    assert [kept.id for kept in evidence.archive.kept()] == ["case-2"]


def test_a_disk_that_refuses_in_the_middle_costs_that_incident_only(config: EvidenceConfig, minute: Path) -> None:
    """Files may grow to 20 kB: the clip of 13 s needs more. (The system's limit, not ours.)"""
    evidence = EvidenceCollector(config, ["one"], digests={})
    Broadcast(minute, evidence).until(33.0)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        evidence.update_incident(incident("firing"))
        evidence.turn(33.0)
        evidence.update_incident(incident("resolved"))
        evidence.turn(34.0)
        evidence.turn(60.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert evidence.state == f"no evidence is kept in {config.folder}: File too large"
    assert evidence.archive.kept() == []
    assert list(evidence.archive.folder.glob(".*.part")) == []


def test_an_error_of_our_own_costs_one_incident_and_is_told(config: EvidenceConfig, minute: Path) -> None:
    """An incident of a channel that this worker doesn't carry can only be our mistake."""
    evidence = EvidenceCollector(config, ["one"], digests={})
    evidence.update_incident(replace(incident("firing"), channel="two"))
    evidence.turn(33.0)
    assert evidence.state == "evidence of case-1 is incomplete: bodywatch itself failed, its log tells how"
    evidence.update_incident(incident("firing", name="case-2"))
    evidence.update_incident(incident("resolved", name="case-2"))
    evidence.turn(34.0)
    evidence.turn(60.0)
    assert [kept.id for kept in evidence.archive.kept()] == ["case-2"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    evidence = EvidenceCollector(EvidenceConfig(folder=tmp_path / "file" / "evidence"), ["one"], digests={})
    evidence.update_incident(incident("firing"))
    evidence.turn(33.0)
    assert evidence.state == f"no evidence is kept in {tmp_path}/file/evidence: Not a directory"


def test_noting_never_waits_for_the_disk(config: EvidenceConfig, minute: Path) -> None:
    """The disk hangs until the broadcast has been noted: if noting waited, this would not end."""
    mends, asked, stop = threading.Event(), threading.Event(), threading.Event()

    def hanging_disk(folder: Path) -> int:
        asked.set()
        mends.wait()
        return 10**12

    evidence = EvidenceCollector(config, ["one"], digests={}, free_bytes=hanging_disk)
    evidence.update_incident(incident("firing"))
    thread = threading.Thread(target=evidence.run, args=(stop,))
    thread.start()
    assert asked.wait(20.0)
    Broadcast(minute, evidence).until(40.0)
    mends.set()
    stop.set()
    thread.join()
    facts = json.loads((evidence.archive.folder / "case-1" / "incident.json").read_text())
    assert facts["interrupted"] is True  # the daemon was stopped before the incident ended
    assert facts["clip"]["end_s"] == pytest.approx(40.0, abs=0.05)


def crash(folder: Path, path: Path) -> None:
    """Open an incident, write a while, and die without a word."""
    evidence = EvidenceCollector(EvidenceConfig(folder=folder), ["one"], digests={})
    broadcast = Broadcast(path, evidence)
    broadcast.until(33.0)
    evidence.update_incident(incident("firing"))
    evidence.turn(33.0)
    broadcast.until(40.0)
    evidence.turn(44.0)
    os._exit(9)


def test_what_a_crash_leaves_is_sealed_at_the_next_start(config: EvidenceConfig, minute: Path) -> None:
    """Killed at 40 s: the clip is there to its last key frame but one, the poses to the last saving."""
    assert config.folder is not None
    process = multiprocessing.get_context("spawn").Process(target=crash, args=(config.folder, minute))
    process.start()
    process.join()
    assert process.exitcode == 9
    stop = threading.Event()
    stop.set()
    evidence = EvidenceCollector(config, ["one"], digests={})
    evidence.run(stop)
    assert [kept.id for kept in evidence.archive.kept()] == ["case-1"]
    assert list(verify(evidence.archive)) == []
    folder = config.folder / "case-1"
    assert json.loads((folder / "incident.json").read_text())["interrupted"] is True
    with av.open(str(folder / "clip.mp4")) as clip:
        last = [servers.number_of(frame.to_ndarray(format="bgr24")) for frame in clip.decode(video=0)][-1]
    assert 36.0 <= last / 25 <= 40.0
    with np.load(folder / "poses.npz") as track:
        assert track["time_s"][-1] == pytest.approx(40.0, abs=0.1)


def test_keeping_evidence_of_a_live_stream_costs_it_no_frame(tmp_path: Path) -> None:
    """RTSP, mailbox and evidence together: from before the incident until its folder is sealed every frame is taken.

    The sender's clock comes with the stream (RTCP), and agrees with ours on the same machine.
    """
    evidence = EvidenceCollector(
        EvidenceConfig(folder=tmp_path / "evidence", before_s=1, after_s=1), ["one"], digests={}
    )
    mailbox, stop, numbers = Mailbox(["one"], capacity=15), threading.Event(), []
    with servers.toolkit_rtsp(servers.clip(tmp_path / "clip.mp4", frames=500)) as server:
        ingest = Ingest("one", server.url, deliver=mailbox.put, on_packet=evidence.add_packet)
        threads = [threading.Thread(target=work.run, args=(stop,)) for work in (ingest, evidence)]
        for thread in threads:
            thread.start()
        while not evidence.archive.kept():
            for frame in mailbox.take(10.0):
                numbers.append(servers.number_of(frame.image))
                evidence.add_pose(PosedFrame(frame, Sighting(frame.time_s, Pose(frame.time_s, KEYPOINTS))))
                if len(numbers) == 50:
                    fired = incident("firing", start_s=frame.time_s, end_s=frame.time_s)
                    evidence.update_incident(fired)
                if len(numbers) == 75:
                    evidence.update_incident(replace(fired, state="resolved", end_s=frame.time_s))
        stop.set()
        for thread in threads:
            thread.join()
    assert mailbox.dropped("one") == 0
    assert np.diff(numbers).tolist() == [1] * (len(numbers) - 1)
    facts = json.loads((tmp_path / "evidence" / "case-1" / "incident.json").read_text())
    assert facts["clip"]["start_s"] <= fired.start_s - 1.0 + 0.001
    assert facts["clip"]["end_s"] == pytest.approx(fired.start_s + 1.0 + 1.0, abs=0.1)
    assert facts["clock"]["sender"] == "RTCP"
    assert facts["clock"]["sender_unix_s"] == pytest.approx(facts["clock"]["arrived_unix_s"], abs=5.0)


def test_a_packet_that_comes_twice_spoils_no_clip(minute: Path, tmp_path: Path) -> None:
    """Picture 10 comes again after picture 20, as a bad network sends it: the clip keeps the first of both."""
    with av.open(str(minute)) as source:
        video = source.streams.video[0]
        copier = PacketCopier(video, "one")
        packets = [
            coded for packet in itertools.islice(source.demux(video), 75) for coded in copier.copy(packet, 0, 0.0)
        ]
    packets.insert(20, packets[10])
    clip = Clip(tmp_path / "growing.mp4", packets[0])
    for packet in packets:
        clip.add(packet)
    clip.close()
    settle(tmp_path / "growing.mp4", tmp_path / "clip.mp4")
    with av.open(str(tmp_path / "clip.mp4")) as played:
        numbers = [servers.number_of(frame.to_ndarray(format="bgr24")) for frame in played.decode(video=0)]
    assert numbers == list(range(75))


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt install chromium)")
def test_the_clip_plays_and_seeks_in_a_browser(config: EvidenceConfig, minute: Path) -> None:
    """18 s to 45 s are kept: 27 s of 320 x 180; the browser goes to its middle and shows a picture there."""
    from playwright.sync_api import sync_playwright

    folder = keep_one(EvidenceCollector(config, ["one"], digests={}), minute)
    (folder / "page.html").write_text("<video src=clip.mp4 preload=auto muted></video>")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with servers.web(folder) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=quiet)
        page = browser.new_page()
        page.goto(f"{address}/page.html")
        found = page.evaluate(
            """async () => {
                const video = document.querySelector("video");
                await video.play();
                const seeked = new Promise(done => video.addEventListener("seeked", done, { once: true }));
                video.currentTime = 13.5;
                await seeked;
                return [video.duration, video.videoWidth, video.videoHeight, video.currentTime, video.error];
            }"""
        )
        browser.close()
    duration_s, width, height, at_s, error = found
    assert (width, height, error) == (320, 180, None)
    assert 25.0 <= duration_s <= 27.1
    assert at_s >= 13.5
