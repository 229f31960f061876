"""Real servers of real H.264 on loopback, each a context manager that gives its address.

python -m tests.support.servers rtsp|rtmp|udp runs some of them in a process of their own, so that they can be killed.
"""

import contextlib
import functools
import http.server
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import PictureType

TESTS = Path(__file__).parent
SYSTEM_PYTHON = "/usr/bin/python3"
NGINX_RTMP = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Find a port of loopback that nobody listens on."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def picture(number: int, width: int, height: int) -> np.ndarray:
    """Draw the test pattern: a ramp, a bar that moves 4 pixels a frame, the frame's number as 16 squares."""
    image = np.tile(np.linspace(40, 200, width, dtype=np.uint8)[None, :, None], (height, 1, 3))
    left = 4 * number % (width - 20)
    image[height // 3 : height // 2, left : left + 20] = 255
    for bit in range(16):
        image[:16, 16 * bit : 16 * bit + 16] = 255 if number >> bit & 1 else 0
    return image


def number_of(image: np.ndarray) -> int:
    """Read the frame's number back from its squares."""
    return sum(int(image[8, 16 * bit + 8].mean() > 128) << bit for bit in range(16))


def encode(
    output: av.container.OutputContainer,
    *,
    width: int = 320,
    height: int = 180,
    fps: str = "25",
    frames: int = 100,
    first: int = 0,
    gop: int = 25,
    keys: Callable[[int], bool] = lambda number: False,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    draw: Callable[[int, int, int], np.ndarray] = picture,
    wait: Callable[[float], object] = lambda time_s: None,
) -> None:
    """Encode the pattern into a container; wait(time_s) is called before each frame, so that it can be real time.

    keys tells, with an option such as forced-idr, which pictures are key frames besides every gop-th.
    """
    stream = output.add_stream(codec, rate=Fraction(fps))
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.codec_context.gop_size = gop
    stream.options = {"preset": "ultrafast", "tune": "zerolatency"} if options is None else options
    for number in range(first, first + frames):
        wait(float((number - first) / Fraction(fps)))
        frame = av.VideoFrame.from_ndarray(draw(number, width, height), format="bgr24")
        frame.pts, frame.time_base = number, 1 / Fraction(fps)
        frame.pict_type = PictureType.I if keys(number) else PictureType.NONE
        output.mux(stream.encode(frame))
    output.mux(stream.encode())


def clip(path: Path, *, format: str | None = None, container: dict[str, str] | None = None, **pattern: object) -> Path:
    """Write the pattern to a file; see encode() for what it can be."""
    with av.open(str(path), "w", format=format, options=container or {}) as output:
        encode(output, **pattern)  # type: ignore[arg-type]
    return path


def sound(path: Path) -> Path:
    """Write a second of silence: a stream with no video."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("aac", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 48000), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 48000
        output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return path


def until(true: Callable[[], object], within_s: float = 60.0) -> None:
    """Wait for something that another thread or process does; fail when it doesn't."""
    end_s = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end_s, "it did not happen in time"
        threading.Event().wait(0.01)


def need_gstreamer() -> None:
    """Skip where the RTSP server can't run."""
    typelib = Path("/usr/lib").glob("*/girepository-1.0/GstRtspServer-1.0.typelib")
    if not shutil.which(SYSTEM_PYTHON) or not any(typelib):
        pytest.skip("no gst-rtsp-server: apt install gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good python3-gi")


class Server:
    """A process that serves; url is where. Killing is what a power cut does: no word to the clients."""

    def __init__(self, command: list[str], url: str) -> None:
        self._command, self.url = command, url
        self._process: subprocess.Popen[str] | None = None
        self.start()

    def start(self) -> None:
        """Run it, and wait for the line that says that it listens."""
        environment = os.environ | {"PYTHONPATH": str(TESTS.parent)}
        if self._command[0] == SYSTEM_PYTHON:
            environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "listening\n", f"{self._command} does not start"

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def freeze(self) -> None:
        """Let it hang: connections stay open and say nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)


@contextlib.contextmanager
def gst_rtsp(file: Path, *, transport: str = "any", login: str = "none") -> Iterator[Server]:
    """Serve an MP4 by gst-rtsp-server over tcp, udp or any; login basic or digest wants desk and s3cret."""
    need_gstreamer()
    port = free_port()
    command = [SYSTEM_PYTHON, str(TESTS / "gst_server.py"), str(file), str(port), transport, login]
    with contextlib.closing(_Running(Server(command, f"rtsp://127.0.0.1:{port}/clip"))) as running:
        yield running.server


@contextlib.contextmanager
def toolkit_rtsp(file: Path) -> Iterator[Server]:
    """Serve an MP4 by aio-rtsp-toolkit, over TCP only, again and again with rising time stamps."""
    port = free_port()
    command = _ours("rtsp", str(file.parent), str(port))
    url = f"rtsp://127.0.0.1:{port}/{file.name}?play_count=0"
    with contextlib.closing(_Running(Server(command, url))) as running:
        yield running.server


@contextlib.contextmanager
def rtmp(file: Path, folder: Path) -> Iterator[Server]:
    """Publish a file to nginx over RTMP in real time, again and again; killing the server kills nginx."""
    if not NGINX_RTMP.exists():
        pytest.skip("no nginx with RTMP: apt install nginx-light libnginx-mod-rtmp")
    port = free_port()
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log; load_module {NGINX_RTMP};\n"
        "events {}\n"
        f"rtmp {{ server {{ listen 127.0.0.1:{port}; application live {{ live on; }} }} }}\n"
    )
    url = f"rtmp://127.0.0.1:{port}/live/key"
    nginx = ["sh", "-c", f"echo listening; exec nginx -p {folder} -c {folder}/nginx.conf"]
    with (
        contextlib.closing(_Running(Server(nginx, url))) as running,
        contextlib.closing(_Running(Server(_ours("rtmp", str(file), url), url))),
    ):
        yield running.server


@contextlib.contextmanager
def udp(file: Path) -> Iterator[Server]:
    """Send a file as MPEG-TS over UDP in real time, whether somebody listens or not."""
    url = f"udp://127.0.0.1:{free_port(socket.SOCK_DGRAM)}"
    with contextlib.closing(_Running(Server(_ours("udp", str(file), url), url))) as running:
        yield running.server


def _ours(*words: str) -> list[str]:
    return [sys.executable, "-m", "tests.support.servers", *words]


class _Running:
    def __init__(self, server: Server) -> None:
        self.server = server

    def close(self) -> None:
        self.server.kill()


class _Files(http.server.SimpleHTTPRequestHandler):
    """Files with Range, which an MP4 whose index is at the end needs; no word on standard error."""

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path.partition("?")[0]))
        span = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        try:
            data = path.read_bytes()
        except OSError:
            return self.send_error(404)
        first = int(span[1]) if span else 0
        last = min(int(span[2] or len(data) - 1) if span else len(data) - 1, len(data) - 1)
        self.send_response(206 if span else 200)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(last - first + 1))
        if span:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(data[first : last + 1])
        return None


@contextlib.contextmanager
def web(folder: Path) -> Iterator[str]:
    """Serve a folder over HTTP."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Files, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Encoder:
    """Writes live HLS segments of one second into a folder, in real time, until stopped."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.started_s = 0.0  # Unix time of picture 0

    def start(self, **pattern: object) -> None:
        """Begin at media sequence 0, as a restarted encoder does, and wait for the first playlist."""
        self.stop()
        for old in self._folder.iterdir():
            old.unlink()
        self._stop.clear()
        self._thread = threading.Thread(target=self._write, kwargs=pattern)
        self._thread.start()
        while not (self._folder / "live.m3u8").exists():
            self._thread.join(0.02)
            assert self._thread.is_alive()

    def stop(self) -> None:
        """Write no more; the playlist stays as it is, without an end."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _write(self, **pattern: object) -> None:
        options = {
            "hls_time": "1",
            "hls_list_size": "5",
            "hls_flags": "delete_segments+program_date_time+independent_segments+omit_endlist+temp_file",
        }
        started_s, self.started_s = time.monotonic(), time.time()

        class Stopped(Exception):
            pass

        def wait(time_s: float) -> None:
            if self._stop.wait(max(0.0, started_s + time_s - time.monotonic())):
                raise Stopped

        with (
            contextlib.suppress(Stopped),
            av.open(str(self._folder / "live.m3u8"), "w", format="hls", options=options) as output,
        ):
            encode(output, frames=10**6, wait=wait, **pattern)  # type: ignore[arg-type]


@contextlib.contextmanager
def hls(folder: Path, **pattern: object) -> Iterator[tuple[str, Encoder]]:
    """Serve live HLS; gives the playlist's address and the encoder behind it."""
    encoder = Encoder(folder)
    encoder.start(**pattern)
    try:
        with web(folder) as address:
            yield f"{address}/live.m3u8", encoder
    finally:
        encoder.stop()


@contextlib.contextmanager
def silent() -> Iterator[str]:
    """Listen, accept and say nothing; gives host:port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def _serve_rtsp(folder: str, port: str) -> None:
    import asyncio

    from aio_rtsp_toolkit import server

    async def run() -> None:
        served = server.RtspServer(folder, "127.0.0.1", int(port))
        served.logger = _Quiet()
        await served.start()
        print("listening", flush=True)
        await served.serve_forever()

    asyncio.run(run())


class _Quiet:
    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args, **kwargs: None


def _play(file: str, url: str, format: str, options: dict[str, str], *, again: bool) -> None:
    """Send a file's packets in real time, without encoding."""
    with av.open(url, "w", format=format, options=options) as output:
        shift_s, started_s = 0.0, time.monotonic()
        stream = None
        while True:
            with av.open(file) as source:
                stream = stream or output.add_stream_from_template(source.streams.video[0])
                length_s = float(source.duration or 0) / 1e6
                for packet in source.demux(source.streams.video[0]):
                    if packet.dts is None:
                        continue
                    time.sleep(max(0.0, started_s + shift_s + float(packet.dts * packet.time_base) - time.monotonic()))
                    shift = int(shift_s / packet.time_base)
                    packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, stream
                    output.mux(packet)
            if not again:
                return
            shift_s += length_s


def _publish_rtmp(file: str, url: str) -> None:
    print("listening", flush=True)
    while True:  # nginx may not listen yet, or be gone for a while
        try:
            _play(file, url, "flv", {}, again=True)
        except av.FFmpegError:
            time.sleep(0.1)


def _serve_udp(file: str, url: str) -> None:
    print("listening", flush=True)
    _play(file, f"{url}?pkt_size=1316", "mpegts", {}, again=True)


if __name__ == "__main__":
    {"rtsp": _serve_rtsp, "rtmp": _publish_rtmp, "udp": _serve_udp}[sys.argv[1]](*sys.argv[2:])
