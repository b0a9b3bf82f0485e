"""An RTSP server by GStreamer, for tests: an independent implementation of the other end."""
import argparse
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

parser = argparse.ArgumentParser()
parser.add_argument("--launch", required=True, help="pipeline whose payloader is called pay0")
parser.add_argument("--user")
parser.add_argument("--password")
parser.add_argument("--auth", choices=["basic", "digest"], default="digest")
parser.add_argument("--protocols", default="udp+tcp")
parser.add_argument("--port", default="0")
parser.add_argument("--certificate", help="PEM of a certificate and its key: TLS alone")
arguments = parser.parse_args()

Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(arguments.port)

factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(arguments.launch)
factory.set_shared(True)
protocols = {
    "udp": GstRtsp.RTSPLowerTrans.UDP,
    "tcp": GstRtsp.RTSPLowerTrans.TCP,
    "multicast": GstRtsp.RTSPLowerTrans.UDP_MCAST,
}
wanted = GstRtsp.RTSPLowerTrans(0)
for name in arguments.protocols.split("+"):
    wanted |= protocols[name]
factory.set_protocols(wanted)

if "multicast" in arguments.protocols:
    pool = GstRtspServer.RTSPAddressPool()
    pool.add_range("239.255.77.1", "239.255.77.20", 47000, 47100, 1)
    factory.set_address_pool(pool)

auth = GstRtspServer.RTSPAuth() if arguments.user or arguments.certificate else None
if arguments.certificate:
    auth.set_tls_certificate(Gio.TlsCertificate.new_from_file(arguments.certificate))
    if not arguments.user:
        anyone = GstRtspServer.RTSPToken()
        anyone.set_string("media.factory.role", "viewer")
        auth.set_default_token(anyone)
if arguments.user:
    method = GstRtsp.RTSPAuthMethod.BASIC if arguments.auth == "basic" else GstRtsp.RTSPAuthMethod.DIGEST
    auth.set_supported_methods(method)
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    if arguments.auth == "basic":
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(arguments.user, arguments.password), token)
    else:
        auth.add_digest(arguments.user, arguments.password, token)
if auth:
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("viewer", "media.factory.access", True)
    permissions.add_permission_for_role("viewer", "media.factory.construct", True)
    factory.set_permissions(permissions)

server.get_mount_points().add_factory("/stream", factory)
if server.attach(None) == 0:
    sys.exit("cannot listen")
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
