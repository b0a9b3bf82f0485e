import { assert, assertEquals } from "@std/assert";
import { IntervalGate } from "../../src/filter/interval.ts";
import { interval } from "../../mod.ts";
import { HAS_FFMPEG } from "../../wasm/testing.ts";
import { assertAddsUp, assertExact, begin, cameraOf, stream } from "../support/partial_decoding.ts";
import { fileOf, HEVC_STREAMS, MJPEG_STREAMS, STREAMS } from "./streams.ts";

const CASES = [
  ...STREAMS.map((made) => ({ made, kind: "mp4" as const })),
  ...HEVC_STREAMS.map((made) => ({ made, kind: "mp4" as const })),
  ...MJPEG_STREAMS.slice(0, 1).map((made) => ({ made, kind: "mjpeg" as const })),
];
/** Streams of which some pictures are never referred to, so that there is something to leave out between keyframes. */
const WITH_DISPOSABLE = [
  "b-frames",
  "b-pyramid",
  "temporal-direct",
  "slices",
  "interlaced",
  "hevc-open-gop",
  "hevc-slices",
];

for (const { made, kind } of CASES) {
  Deno.test({
    name:
      `what is decoded in part is the same to the bit, for an interval long or short and for keyframes: ${made.name}`,
    ignore: !HAS_FFMPEG,
    async fn() {
      const all = await stream(await fileOf(made, kind), 4);
      const pictureMs = 1_000 / all.file.frameRate;
      const keyframes = all.file.units.flatMap(({ keyframe }, n) => keyframe ? [n] : []);
      for (const pictures of [0, 3, 5, 24]) {
        const { source, decoded, play } = cameraOf(all, { frames: pictures === 0 ? "keyframes" : "wanted" });
        const branch = decoded.branch({ capacity: 1_000 });
        const seen = await begin(decoded, pictures === 0 ? branch : branch.pipe(interval(pictures * pictureMs)));
        await play();
        source.end();
        const frames = await seen();
        assertExact(frames, all);
        const { accessUnits } = await assertAddsUp(decoded, all.file.units.length);
        if (pictures === 0) assertEquals([...frames.keys()], keyframes);
        else assert(frames.size >= all.file.units.length / pictures / 2 - 1, `${frames.size}`);
        if (pictures === 3 && kind === "mp4" && keyframes[1] - keyframes[0] > 6) {
          // Keyframes are rare: the pictures are those that come where all is decoded.
          const gate = new IntervalGate(3 * pictureMs);
          const shown = [...all.expected.keys()].filter((n) => gate.pass(all.file.units[n].pts));
          assertEquals([...frames.keys()], shown);
          const less = accessUnits < all.file.units.length;
          assertEquals(less || !WITH_DISPOSABLE.includes(made.name), true, `${accessUnits}`);
        }
        await decoded[Symbol.asyncDispose]();
      }
    },
  });
}
