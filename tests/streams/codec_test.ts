import { assert, assertEquals, assertRejects } from "@std/assert";
import { decode, DecodeError, openRtsp } from "../../mod.ts";
import { VirtualCamera } from "../../src/camera/mod.ts";
import { readVideoFile } from "../../src/file/mod.ts";
import { HAS_FFMPEG, md5, native, picture } from "../../wasm/testing.ts";
import { fileOf, HEVC_STREAMS, MJPEG_STREAMS, nativeFrames, STREAMS } from "./streams.ts";

Deno.test({
  name: "a camera that comes back with another codec goes on in the same feed, as another generation",
  ignore: !HAS_FFMPEG,
  async fn() {
    const hevc = HEVC_STREAMS.find(({ name }) => name === "hevc-slices")!;
    const played = [
      { stream: STREAMS[0], kind: "mp4", native: "mp4" },
      { stream: hevc, kind: "mp4", native: "mp4" },
      { stream: MJPEG_STREAMS[0], kind: "mjpeg", native: "mov" },
    ] as const;
    const files = await Promise.all(
      played.map(async ({ stream, kind }) => await readVideoFile(await fileOf(stream, kind))),
    );
    const frames = await Promise.all(
      played.map(async (one) => await nativeFrames(await fileOf(one.stream, one.native))),
    );
    let server = await VirtualCamera.start({ files: { cam: files[0] } });
    const { port } = server;
    await using camera = await openRtsp(server.url("cam"), {
      transport: "tcp",
      reconnect: { minDelay: 50, maxDelay: 100 },
    });
    await using decoded = camera.video.branch({ capacity: 1_000 }).pipe(decode());
    const pictures = decoded.branch({ capacity: 64, overflow: "block" })[Symbol.asyncIterator]();
    let last = -1;
    for (const [i, file] of files.entries()) {
      if (i > 0) {
        await server[Symbol.asyncDispose]();
        server = await VirtualCamera.start({ files: { cam: file }, port });
      }
      for (let seen = 0; seen < 8;) {
        const { value: frame, done } = await pictures.next();
        if (done) throw new Error("The feed ended");
        // What the codec before still had in its queues comes first.
        const which = frames.findIndex((list) => list.includes(md5(frame.copy())));
        assertEquals(which, frame.generation, `frame ${frame.sequence}`);
        assert(which === i || which === i - 1 && seen === 0);
        assert(frame.pts > last, `pts goes from ${last} to ${frame.pts}`);
        last = frame.pts;
        if (which === i) seen++;
        frame[Symbol.dispose]();
      }
      assertEquals(camera.info.codec, file.codec);
    }
    await pictures.return?.();
    await server[Symbol.asyncDispose]();
  },
});

Deno.test({
  name: "pictures in a pixel format that is not known end the frames with an error that says so",
  ignore: !HAS_FFMPEG,
  async fn() {
    const path = await Deno.makeTempFile({ suffix: ".mp4" });
    await native([...picture(64, 48, { frames: 10 }), "-c:v", "libx264", "-pix_fmt", "yuv422p10le", path]);
    const file = await readVideoFile(path);
    await Deno.remove(path);
    await using server = await VirtualCamera.start({ files: { odd: file } });
    await using camera = await openRtsp(server.url("odd"), { transport: "tcp" });
    await using frames = camera.video.branch().pipe(decode());
    const error = await assertRejects(() => frames[Symbol.asyncIterator]().next(), DecodeError, "its pixel format");
    assertEquals(error.code, "codec");
  },
});
