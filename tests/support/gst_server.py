"""A real RTSP server out of GStreamer, run by the system's Python: FILE PORT tcp|udp|any none|basic|digest.

Plays FILE (MP4 with H.264) from its start for every client at /clip; the user is "desk", the password "s3cret".
Prints one line when it listens.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

file, port, transport, login = sys.argv[1:5]
Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(port)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(f"( filesrc location={file} ! qtdemux ! h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96 )")
ways = {"tcp": GstRtsp.RTSPLowerTrans.TCP, "udp": GstRtsp.RTSPLowerTrans.UDP}
factory.set_protocols(ways.get(transport, ways["tcp"] | ways["udp"]))
if login != "none":
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "desk")
    if login == "basic":
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic("desk", "s3cret"), token)
    else:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest("desk", "s3cret", token)
    server.set_auth(auth)
    grants = Gst.Structure.new_empty("desk")
    grants.set_value("media.factory.access", True)
    grants.set_value("media.factory.construct", True)
    factory.add_role_from_structure(grants)
server.get_mount_points().add_factory("/clip", factory)
server.attach(None)
print("listening", flush=True)
GLib.MainLoop().run()
