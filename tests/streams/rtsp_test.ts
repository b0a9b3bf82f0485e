import { assertEquals } from "@std/assert";
import { VirtualCamera } from "../../src/camera/mod.ts";
import { readVideoFile, type VideoFile } from "../../src/file/mod.ts";
import { HAS_FFMPEG } from "../../wasm/testing.ts";
import { assertFramesOf, play } from "./played.ts";
import { faster, fileOf, nativeFrames, REAL_CLIPS, STREAMS } from "./streams.ts";

/** Steps that run at once cannot be told apart by what they leave behind; the test around them can. */
const AT_ONCE = { sanitizeOps: false, sanitizeResources: false, sanitizeExit: false };

for (const transport of ["tcp", "udp"] as const) {
  Deno.test({
    name: `every frame of ${STREAMS.length} cameras at once over ${transport} is native FFmpeg's to the bit`,
    ignore: !HAS_FFMPEG,
    async fn(test) {
      const files: Record<string, VideoFile> = {};
      const expected: Record<string, string[]> = {};
      for (const stream of STREAMS) {
        // A stream without times is played by the order that its pictures tell.
        files[stream.name] = await readVideoFile(await fileOf(stream, transport === "tcp" ? "h264" : "mp4"));
        expected[stream.name] = await nativeFrames(await fileOf(stream, "mp4"));
        assertEquals(expected[stream.name].length, files[stream.name].units.length, stream.name);
      }
      await using server = await VirtualCamera.start({ files });
      await Promise.all(STREAMS.map(({ name }, streamId) =>
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
