import { HAS_FFMPEG } from "../../wasm/testing.ts";
import { HAS_GSTREAMER, startGstServer } from "../support/gst_server.ts";
import { assertFramesOf, play } from "./played.ts";
import { fileOf, HEVC_STREAMS, MJPEG_STREAMS, nativeFrames, STREAMS } from "./streams.ts";

/** Of these the server's payloader and parser make other packets than ours. */
const PLAYED = ["cavlc", "b-pyramid", "interlaced-slices", "8x8dct"];
const credentials = { username: "viewer", password: "p@ss/w#rd ?" };

for (const transport of ["tcp", "udp"] as const) {
  for (const auth of [undefined, "digest"] as const) {
    Deno.test({
      name: `frames of GStreamer's server over ${transport}, ${
        auth ?? "no"
      } credentials, are native FFmpeg's to the bit`,
      ignore: !HAS_GSTREAMER || !HAS_FFMPEG,
      async fn() {
        for (const stream of STREAMS.filter(({ name }) => PLAYED.includes(name))) {
          const path = await fileOf(stream, "mp4");
          const frames = await nativeFrames(path);
          await using server = await startGstServer({
            launch: `( filesrc location=${path} ! qtdemux ! h264parse ! rtph264pay name=pay0 pt=96 mtu=1200 )`,
            ...(auth && { user: credentials.username, password: credentials.password, auth }),
          });
          // It plays the file once. What the decoder holds back for the order comes out with what follows: not the last ones.
          const played = await play(server.url, 8, { transport, streamId: 5, ...(auth && credentials) });
          assertFramesOf(played, frames, 5);
        }
      },
    });
  }
}

const OTHERS = [
  { codec: "H.265", streams: HEVC_STREAMS, kind: "mp4", payload: "h265parse ! rtph265pay name=pay0 pt=96" },
  { codec: "MJPEG", streams: MJPEG_STREAMS, kind: "mov", payload: "jpegparse ! rtpjpegpay name=pay0 pt=26" },
] as const;

for (const transport of ["tcp", "udp"] as const) {
  for (const { codec, streams, kind, payload } of OTHERS) {
    Deno.test({
      name: `frames of ${codec} from GStreamer's server over ${transport} are native FFmpeg's to the bit`,
      ignore: !HAS_GSTREAMER || !HAS_FFMPEG,
      async fn() {
        for (const stream of streams) {
          const path = await fileOf(stream, kind);
          const frames = await nativeFrames(path);
          await using server = await startGstServer({
            launch: `( filesrc location=${path} ! qtdemux ! ${payload} mtu=1200 )`,
          });
          assertFramesOf(await play(server.url, 14, { transport, streamId: 5 }), frames, 5);
        }
      },
    });
  }
}
