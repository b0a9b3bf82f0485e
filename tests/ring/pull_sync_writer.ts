/// <reference lib="deno.worker" />
import { Frame } from "../../src/media/mod.ts";
import { ShmWriter } from "../../src/shm/mod.ts";
import { libraryPath, loadLibrary } from "../../ffi/load.ts";

/*
 * Two writers of one name, one after the other: the first leaves its ring as a crash does, the second one closes it. Each record is
 * written a moment after its reader said, in the word that comes with the name, that it wants so many.
 */

const SHAPE = { width: 32, height: 16, format: "GRAY8" } as const;
const { symbols } = loadLibrary(await libraryPath());

self.onmessage = async ({ data: [name, wanted] }: MessageEvent<[string, Int32Array]>) => {
  let records = 0;
  const untilWanted = () => {
    for (let seen = Atomics.load(wanted, 0); seen <= records; seen = Atomics.load(wanted, 0)) {
      Atomics.wait(wanted, 0, seen);
    }
  };
  for (const values of [[1, 2, 3], [11, 12, 13]]) {
    const ring = await ShmWriter.create(name, SHAPE);
    self.postMessage("made");
    for (const value of values) {
      untilWanted();
      await new Promise((resolve) => setTimeout(resolve, 20)); // the reader mostly sleeps by then
      ring.write(Frame.of(new Uint8Array(32 * 16).fill(value), { ...SHAPE, pts: value * 1_000, sequence: value }));
      records++;
    }
    untilWanted();
    if (values[0] === 1) symbols.mr_close(ring.memory.handle);
    else await ring[Symbol.asyncDispose]();
  }
};
self.postMessage("ready");
