import { readMark } from "../src/camera/mod.ts";
import { now } from "../src/media/mod.ts";
import { ShmReader } from "../src/shm/mod.ts";

/*
 * shm_reader.ts RING [luma|rgb]: the other process of bench/shm.ts and bench/pipeline.ts. Reads every frame of a ring, and prints
 * at its end their ages, or of marked pictures the numbers that they bear, when they were there, and their ages.
 */

const [name, what] = Deno.args;
const seen: (number | [number, number, number])[] = [];
for await (using frame of await ShmReader.open(name, { mode: "every", wait: 5_000 })) {
  seen.push(what ? [readMark(frame.planes[0], frame.width, what === "rgb" ? 3 : 1), now(), frame.age] : frame.age);
}
console.log(JSON.stringify(seen));
