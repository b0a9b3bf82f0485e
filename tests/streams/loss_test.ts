import { assert } from "@std/assert";
import { decode, openRtsp } from "../../mod.ts";
import { VirtualCamera } from "../../src/camera/mod.ts";
import { readVideoFile } from "../../src/file/mod.ts";
import { HAS_FFMPEG, md5 } from "../../wasm/testing.ts";
import { faster, fileOf, HEVC_STREAMS, MJPEG_STREAMS, nativeFrames, STREAMS } from "./streams.ts";

const PLAYED = [
  { stream: STREAMS.find(({ name }) => name === "b-pyramid")!, kind: "mp4", native: "mp4" },
  ...HEVC_STREAMS.map((stream) => ({ stream, kind: "mp4", native: "mp4" } as const)),
  ...MJPEG_STREAMS.slice(0, 1).map((stream) => ({ stream, kind: "mjpeg", native: "mov" } as const)),
] as const;
const FRAMES = 60;
/** Share of packets that do not come. */
const DROP = 0.01;

for (const transport of ["tcp", "udp"] as const) {
  for (const { stream, kind, native } of PLAYED) {
    Deno.test({
      name: `with ${
        DROP * 100
      } % of packets lost over ${transport} every frame of ${stream.name} is right, or not shown`,
      ignore: !HAS_FFMPEG,
      async fn() {
        const file = faster(await readVideoFile(await fileOf(stream, kind)), 2);
        const frames = new Set(await nativeFrames(await fileOf(stream, native)));
        await using server = await VirtualCamera.start({
          files: { [stream.name]: file },
          faults: { drop: DROP },
          seed: 3,
        });
        await using camera = await openRtsp(server.url(stream.name), { transport });
        await using decoded = camera.video.branch({ capacity: 1_000 }).pipe(decode());
        let shown = 0, last = -1;
        for await (using frame of decoded.branch({ capacity: 16, overflow: "block" })) {
          assert(frames.has(md5(frame.copy())), `frame ${frame.sequence} is none that native FFmpeg decodes`);
          assert(frame.pts > last && !frame.corrupt);
          last = frame.pts;
          if (++shown === FRAMES) break;
        }
        const { lost, skipped, accessUnits } = camera.stats();
        assert(lost > 0, "nothing was lost");
        console.log(`${stream.name}: ${lost} packets lost, ${skipped} of ${skipped + accessUnits} pictures held back`);
      },
    });
  }
}
