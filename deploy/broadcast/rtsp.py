"""Starts the RTSP server of rtsp_server.py with a Python that has GStreamer's binding."""

import contextlib
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from monitor.errors import AddressInUse, MissingPart

SERVER = Path(__file__).with_name("rtsp_server.py")
PROBE = (
    "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import Gst, GstRtspServer;"
    "Gst.init(None); assert all(map(Gst.ElementFactory.find, ('udpsrc', 'tsdemux', 'h264parse', 'rtph264pay')))"
)


@cache
def interpreter() -> str | None:
    """Find a Python with GStreamer's RTSP server; None where there is none."""
    for python in (sys.executable, "/usr/bin/python3", shutil.which("python3")):
        if python and Path(python).exists():
            found = subprocess.run([python, "-c", PROBE], capture_output=True, check=False)
            if found.returncode == 0:
                return python
    return None


def check_installed() -> None:
    """Raise MissingPart where RTSP can't be served."""
    if interpreter() is None:
        raise MissingPart(
            "GStreamer's RTSP server",
            "broadcasting by RTSP",
            "on Debian or Ubuntu: apt install gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base "
            "gstreamer1.0-plugins-good gstreamer1.0-plugins-bad python3-gi; or leave --rtsp out to use HLS",
        )


@contextlib.contextmanager
def serving(port: int) -> Iterator[tuple[str, str]]:
    """Run the server: the URL for viewers, and the UDP target that an encoder sends MPEG-TS to."""
    check_installed()
    udp_port = _free_udp_port()
    command = [str(interpreter()), str(SERVER), str(port), str(udp_port)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    ) as server:
        assert server.stdout is not None
        try:
            bound = server.stdout.readline().strip()
            if not bound:
                raise AddressInUse("127.0.0.1", port)
            yield f"rtsp://127.0.0.1:{bound}/live", f"udp://127.0.0.1:{udp_port}?pkt_size=1316"
        finally:
            server.terminate()


def _free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
