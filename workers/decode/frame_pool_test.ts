import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { FrameInfo } from "../../src/media/mod.ts";
import { testModule } from "../../wasm/testing.ts";
import type { Decoded } from "./decoded.ts";
import { FramePool } from "./frame_pool.ts";
import { Instance } from "./instance.ts";

const INFO: FrameInfo = {
  ...{ width: 2, height: 2, format: "GRAY8", pts: 0, wallTime: null, receivedAt: 0, keyframe: true, corrupt: false },
  ...{ sequence: 0, generation: 0, missed: 0, streamId: 0 },
};

Deno.test("FramePool gives each picture back once, when its last hold is gone, and no entry to two pictures", () => {
  const ops = fc.array(fc.tuple(fc.constantFrom("take", "hold", "release", "reap"), fc.nat(1_000)), { maxLength: 200 });
  fc.assert(fc.property(ops, (ops) => {
    const pool = new FramePool();
    const out = new Map<number, { number: number; holds: number }>();
    const released: number[] = [];
    let made = 0;
    for (const [op, pick] of ops) {
      const entries = [...out.keys()];
      const entry = entries[pick % Math.max(1, entries.length)];
      if (op === "take") {
        const number = made++;
        const taken = pool.take({ ...INFO, sequence: number }, [], () => released.push(number));
        assertEquals(out.has(taken), false);
        pool.table.hold(taken);
        out.set(taken, { number, holds: 1 });
      } else if (op === "hold" && entry !== undefined) {
        pool.table.hold(entry);
        out.get(entry)!.holds++;
      } else if (op === "release" && entry !== undefined) {
        pool.table.release(entry);
        out.get(entry)!.holds--;
        if (out.get(entry)!.holds > 0) continue;
        pool.reap();
        assertEquals(released.at(-1), out.get(entry)!.number);
        out.delete(entry);
      } else pool.reap();
      for (const [at, { number }] of out) assertEquals(pool.table.info(at).sequence, number);
      assertEquals(released.length, made - out.size);
    }
    assertEquals(new Set(released).size, released.length);
  }));
});

Deno.test("FramePool has no entry where all are held, and one again when one is given back", () => {
  const pool = new FramePool();
  for (let i = 0; i < pool.table.entries; i++) pool.table.hold(pool.take(INFO, [], () => {}));
  assertEquals(pool.take(INFO, [], () => {}), -1);
  pool.table.release(77);
  assertEquals(pool.take(INFO, [], () => {}), 77);
});

Deno.test("a picture that no queue took is there until all that is made of it was made, though the table is full", async () => {
  const instance = await Instance.create(await testModule(), 1);
  let released = 0;
  const picture: Decoded = {
    ...{ info: INFO, planes: [], fullRange: false, lost: 0, matrix: 2, entry: -1 },
    release: () => released++,
  };
  const entry = instance.entryOf(picture);
  assertEquals(instance.entryOf(picture), entry);
  const { pool } = instance;
  for (let i = 1; i < pool.table.entries; i++) pool.table.hold(pool.take(INFO, [], () => {}));
  assertEquals([pool.take(INFO, [], () => {}), released], [-1, 0]);
  instance.done(picture);
  assertEquals([pool.take(INFO, [], () => {}), released], [entry, 1]);
  // One that no queue wanted has no entry to be given back with.
  instance.done({ ...picture, entry: -1 });
  assertEquals(released, 2);
});
