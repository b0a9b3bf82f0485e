/*
 * share_and_read.ts URL [COUNT]: server and client of libValkka's lesson 4 in one program. The frames go through shared memory
 * all the same, so that other processes can read them too.
 */
import { decode, interval, openRtsp, scale, ShmReader, ShmWriter } from "../mod.ts";

const [url, count = "5"] = Deno.args;
const small = { width: 480, height: 270, format: "RGB24" } as const;

await using camera = await openRtsp(url);
await using frames = camera.video.branch().pipe(decode());
await using ring = await ShmWriter.create("lesson_4_b", { slots: 10, ...small });
const written = frames.branch().pipe(interval(200)).pipe(scale(small)).pipeTo(ring);

let left = Number(count);
for await (using frame of await ShmReader.open(ring.name, { mode: "every" })) {
  console.log(`${frame.width}x${frame.height}, ${frame.age.toFixed(1)} ms after its last packet`);
  if (--left <= 0) break;
}
await frames[Symbol.asyncDispose]();
await written;
