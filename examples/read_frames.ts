/*
 * read_frames.ts [RING [COUNT]]: the client of libValkka's lesson 4 at level 2. Reads pictures out of shared memory. It needs
 * the ring's name alone: sizes and formats are in the ring, and it may be started before the server or after.
 */
import { ShmReader } from "../mod.ts";

const [name = "lesson_4", count = "Infinity"] = Deno.args;
let left = Number(count);

for await (using frame of await ShmReader.open(name, { wait: 30_000 })) {
  const { width, height, format, planes: [{ data }] } = frame;
  console.log(`${width}x${height} ${format}, ${frame.missed} missed, first bytes ${data.subarray(0, 10)}`);
  if (--left <= 0) break;
}
