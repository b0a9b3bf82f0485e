import { Frame, NO_LEASE } from "../../src/media/mod.ts";
import { ShmReader, ShmWriter } from "../../src/shm/mod.ts";
import { fillPattern, hasPattern } from "./pattern.ts";

/* A process to be killed: `write NAME` or `read NAME`, for ever. */

const [role, name] = Deno.args;
const words = new Uint32Array(128 * 64);
const data = new Uint8Array(words.buffer);
const shape = { width: 256, height: 128, format: "GRAY8" } as const;

if (role === "write") {
  const ring = await ShmWriter.create(name, { slots: 4, ...shape });
  console.log("ready");
  for (let sequence = 0;; sequence++) {
    fillPattern(words, sequence);
    const times = { pts: sequence, wallTime: null, receivedAt: Date.now(), sequence };
    const plane = { data, stride: 256, rowBytes: 256, rows: 128 };
    ring.write(
      new Frame(
        { ...shape, ...times, keyframe: false, corrupt: false, generation: 0, missed: 0, streamId: 0 },
        [plane],
        NO_LEASE,
      ),
    );
    if (sequence % 100 === 99) await new Promise((resolve) => setTimeout(resolve, 1));
  }
} else {
  console.log("ready");
  for await (using frame of await ShmReader.open(name, { wait: 60_000 })) {
    const { data } = frame.planes[0];
    if (!hasPattern(new Uint32Array(data.buffer, data.byteOffset, data.length / 4), frame.sequence)) Deno.exit(9);
  }
}
