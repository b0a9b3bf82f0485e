"""Runs a GStreamer pipeline until its end: gst_client.py PIPELINE. Exits with 1 where it fails, or after 30 s."""
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

Gst.init(None)
pipeline = Gst.parse_launch(sys.argv[1])
pipeline.set_state(Gst.State.PLAYING)
message = pipeline.get_bus().timed_pop_filtered(30 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
if message is None:
    sys.stderr.write("it did not come to its end in 30 s\n")
elif message.type == Gst.MessageType.ERROR:
    sys.stderr.write(f"{message.parse_error()}\n")
pipeline.set_state(Gst.State.NULL)
sys.exit(0 if message is not None and message.type == Gst.MessageType.EOS else 1)
