/*
 * share_frames.ts URL [RING]: the server of libValkka's lesson 4. Takes a camera, and once a second writes a picture of
 * 480x270 RGB into shared memory, for any number of other processes.
 */
import { decode, interval, openRtsp, scale, ShmWriter } from "../mod.ts";

const [url, name = "lesson_4"] = Deno.args;
const small = { width: 1920 / 4, height: 1080 / 4, format: "RGB24" } as const;

const stop = new AbortController();
Deno.addSignalListener("SIGINT", () => stop.abort());

await using camera = await openRtsp(url);
await using frames = camera.video.branch().pipe(decode());
await using ring = await ShmWriter.create(name, { slots: 10, ...small });
console.log(`writing ${small.width}x${small.height} pictures into ring "${name}"; Ctrl-C ends this`);
try {
  await frames.branch().pipe(interval(1_000)).pipe(scale(small)).pipeTo(ring, { signal: stop.signal });
} catch (error) {
  if (!stop.signal.aborted) throw error;
}
console.log("bye");
