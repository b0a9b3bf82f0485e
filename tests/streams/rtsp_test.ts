import { assert, assertEquals } from "@std/assert";
import { VirtualCamera } from "../../src/camera/mod.ts";
import { readVideoFile, type VideoFile } from "../../src/file/mod.ts";
import { HAS_FFMPEG } from "../../wasm/testing.ts";
import { assertFramesOf, play } from "./played.ts";
import { faster, fileOf, HEVC_STREAMS, MJPEG_STREAMS, nativeFrames, REAL_CLIPS, STREAMS } from "./streams.ts";

/** Steps that run at once cannot be told apart by what they leave behind; the test around them can. */
const AT_ONCE = { sanitizeOps: false, sanitizeResources: false, sanitizeExit: false };

/** Every stream, in the containers that it is played from over TCP and over UDP, and what native FFmpeg reads it from. */
const PLAYED = [
  ...STREAMS.map((stream) => ({ stream, tcp: "h264", udp: "mp4", native: "mp4" } as const)),
  // Who joins an open group of pictures does not see all of it: that one is played below.
  ...HEVC_STREAMS.filter(({ name }) => name !== "hevc-open-gop").map((stream) =>
    ({ stream, tcp: "hevc", udp: "mp4", native: "mp4" }) as const
  ),
  ...MJPEG_STREAMS.map((stream) => ({ stream, tcp: "mjpeg", udp: "mjpeg", native: "mov" } as const)),
];

for (const transport of ["tcp", "udp"] as const) {
  Deno.test({
    name: `every frame of ${PLAYED.length} cameras at once over ${transport} is native FFmpeg's to the bit`,
    ignore: !HAS_FFMPEG,
    async fn(test) {
      const files: Record<string, VideoFile> = {};
      const expected: Record<string, string[]> = {};
      for (const { stream, native, [transport]: kind } of PLAYED) {
        // A stream without times is played by the order that its pictures tell.
        files[stream.name] = await readVideoFile(await fileOf(stream, kind));
        expected[stream.name] = await nativeFrames(await fileOf(stream, native));
        assertEquals(expected[stream.name].length, files[stream.name].units.length, stream.name);
      }
      await using server = await VirtualCamera.start({ files });
      await Promise.all(PLAYED.map(({ stream: { name } }, streamId) =>
        test.step({
          name,
          ...AT_ONCE,
          async fn() {
            const frames = expected[name];
            // Past the end of the file, and on from its begin.
            const count = frames.length + 6;
            assertFramesOf(await play(server.url(name), count, { transport, streamId }), frames, streamId);
          },
        })
      ));
    },
  });
}

Deno.test({
  name: "who joins an open group of pictures (H.265) gets none of those that lead it, and every other frame to the bit",
  ignore: !HAS_FFMPEG,
  async fn() {
    const stream = HEVC_STREAMS.find(({ name }) => name === "hevc-open-gop")!;
    const file = await readVideoFile(await fileOf(stream, "mp4"));
    const frames = await nativeFrames(await fileOf(stream, "mp4"));
    await using server = await VirtualCamera.start({ files: { [stream.name]: file } });
    let joined = 0;
    // At the file's begin, too, the picture is a keyframe, and nothing leads that one: who comes just then tries again.
    for (let attempt = 0; attempt < 10 && joined === 0; attempt++) {
      const played = await play(server.url(stream.name), 30, { transport: "tcp", streamId: 7, skips: 1 });
      assertFramesOf(played, frames, 7);
      joined = frames.indexOf(played[0].md5);
    }
    assert(joined > 0);
  },
});

Deno.test({
  name: "every frame of both real clips over TCP is native FFmpeg's to the bit",
  ignore: !HAS_FFMPEG || REAL_CLIPS === null,
  async fn(test) {
    const files: Record<string, VideoFile> = {};
    for (const [name, path] of Object.entries(REAL_CLIPS!)) files[name] = faster(await readVideoFile(path), 20);
    await using server = await VirtualCamera.start({ files });
    await Promise.all(
      Object.entries(REAL_CLIPS!).map(([name, path], streamId) =>
        test.step({
          name,
          ...AT_ONCE,
          async fn() {
            const [frames, played] = await Promise.all([
              nativeFrames(path),
              play(server.url(name), files[name].units.length, { transport: "tcp", streamId }),
            ]);
            assertFramesOf(played, frames, streamId);
          },
        })
      ),
    );
  },
});
