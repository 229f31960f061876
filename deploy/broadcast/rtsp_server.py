"""An RTSP server in front of an MPEG-TS stream that arrives by UDP: `python3 rtsp_server.py RTSP_PORT UDP_PORT`.

Needs GStreamer's Python binding, which comes with the system's Python and not from a package index; so this file
imports nothing of bodywatch. Prints the RTSP port once it listens. Viewers get TCP or UDP, as they ask.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

PIPELINE = (
    "( udpsrc address=127.0.0.1 port={port} buffer-size=4194304 caps=video/mpegts,systemstream=true,packetsize=188"
    " ! tsdemux latency=100 ! h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96 )"
)


def main(rtsp_port: str, udp_port: str) -> None:
    """Serve rtsp://127.0.0.1:RTSP_PORT/live until the process is ended; port 0 takes a free one."""
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(rtsp_port)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(PIPELINE.format(port=udp_port))
    factory.set_shared(True)
    server.get_mount_points().add_factory("/live", factory)
    if not server.attach(None):
        sys.exit(f"port {rtsp_port} is in use")
    print(server.get_bound_port(), flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(*sys.argv[1:3])
