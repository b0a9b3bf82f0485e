import { ShmWriter } from "../../src/shm/mod.ts";

/* A process that writes a ring of bytes: `ring_child.ts NAME PAUSE`, a record of four bytes every so many milliseconds, 0 for as fast as it
 * can; each is its number. */

const [name, ms] = Deno.args;
const ring = await ShmWriter.create(name, { cellBytes: 64, slots: 16 });
const record = new Uint32Array(1);
const pause = (time: number) => new Promise((done) => setTimeout(done, time));
for (let i = 1;; i++) {
  record[0] = i;
  ring.writeBytes(new Uint8Array(record.buffer));
  if (i === 1) console.log("ready");
  if (Number(ms) > 0) await pause(Number(ms));
  else if (i % 10_000 === 0) await pause(0);
}
