import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { FrameOverflow } from "../media/mod.ts";
import { LeaseQueue } from "./lease_queue.ts";

/** What the queue must do, in a few lines and on one thread. */
class Model {
  readonly items: { entry: number; number: number }[] = [];
  held = 0;
  last = 0;
  number = 0;
  received = 0;
  delivered = 0;
  dropped = 0;
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  push(entry: number, overflow: FrameOverflow, maxHeld: number, missing: number): number | null {
    const item = { entry, number: this.number += 1 + missing };
    this.received++;
    if (this.held >= maxHeld || this.items.length === this.#capacity && overflow !== "drop-oldest") {
      this.dropped++;
      return entry;
    }
    this.items.push(item);
    if (this.items.length <= this.#capacity) return null;
    this.dropped++;
    return this.items.shift()!.entry;
  }

  pop(): { entry: number; missed: number } | null {
    const item = this.items.shift();
    if (!item) return null;
    this.delivered++;
    this.held++;
    const missed = item.number - this.last - 1;
    this.last = item.number;
    return { entry: item.entry, missed };
  }
}

type Op = { op: "push"; overflow: FrameOverflow; maxHeld: number; missing: number } | {
  op: "pop" | "give back" | "discard";
};

const ops: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant("push" as const),
      overflow: fc.constantFrom<FrameOverflow>("drop-oldest", "drop-newest", "block"),
      maxHeld: fc.constantFrom(2, 5, 1_000),
      missing: fc.constantFrom(0, 0, 3),
    }),
  },
  { weight: 4, arbitrary: fc.constant({ op: "pop" } as const) },
  { weight: 2, arbitrary: fc.constant({ op: "give back" } as const) },
  { weight: 1, arbitrary: fc.constant({ op: "discard" } as const) },
);

Deno.test("LeaseQueue does what its model does, wherever its counts stand, and hands on each lease once", () => {
  const starts = fc.constantFrom(0, 1, 2 ** 31 - 3, -3);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), starts, fc.array(ops, { maxLength: 80 }), (capacity, start, ops) => {
      const writer = new LeaseQueue({ capacity }), reader = new LeaseQueue(writer.buffer), model = new Model(capacity);
      // As after a year of frames: head and tail wrap.
      new Int32Array(writer.buffer).fill(start, 0, 2);
      const out: number[] = [];
      let pushed = 0;
      for (const op of ops) {
        if (op.op === "push") {
          const { overflow, maxHeld, missing } = op;
          const lost = writer.push({ entry: pushed, epoch: 7 }, { overflow, maxHeld, missing });
          assertEquals(lost?.entry ?? null, model.push(pushed, overflow, maxHeld, missing));
          if (lost) out.push(lost.entry);
          pushed++;
        } else if (op.op === "pop") {
          assertEquals(reader.peekEpoch(), model.items.length > 0 ? 7 : null);
          const lease = reader.pop(), expected = model.pop();
          assertEquals(lease, expected && { ...expected, epoch: 7 });
          if (lease) out.push(lease.entry);
        } else if (op.op === "give back" && model.held > 0) {
          reader.giveBack();
          model.held--;
        } else if (op.op === "discard") {
          reader.discard(({ entry }) => out.push(entry));
          model.items.length = 0;
        }
        assertEquals([writer.empty, writer.full], [model.items.length === 0, model.items.length === capacity]);
        const { received, delivered, dropped } = model;
        assertEquals([writer.stats(), writer.held], [{ received, delivered, dropped }, model.held]);
      }
      reader.discard(({ entry }) => out.push(entry));
      assertEquals(out.sort((a, b) => a - b), Array.from({ length: pushed }, (_, i) => i));
    }),
  );
});

Deno.test("LeaseQueue tells the writer that blocks when there is room, and only then", () => {
  const writer = new LeaseQueue({ capacity: 1 }), reader = new LeaseQueue(writer.buffer);
  const push = (entry: number) => writer.push({ entry, epoch: 1 }, { overflow: "block" });
  assertEquals([writer.waitsForRoom(), reader.takeWait()], [false, false]);
  push(0);
  assertEquals([writer.waitsForRoom(), reader.pop()?.entry, reader.takeWait(), reader.takeWait()], [
    true,
    0,
    true,
    false,
  ]);
  // A reader that holds too many is as good as one that takes nothing out.
  assertEquals([writer.waitsForRoom(1), reader.takeWait()], [true, true]);
  reader.giveBack();
  assertEquals([writer.waitsForRoom(1), reader.takeWait()], [false, false]);
});

Deno.test("LeaseQueue ends from the writer's side with what is queued, and from the reader's side at once", () => {
  const queue = new LeaseQueue({ capacity: 2 });
  queue.push({ entry: 3, epoch: 1 }, { overflow: "drop-oldest" });
  queue.end();
  assertEquals([queue.over, queue.closed, queue.pop()?.entry, queue.pop()], [true, false, 3, null]);
  queue.close();
  queue.end();
  assertEquals([queue.over, queue.closed], [false, true]);
});

Deno.test("LeaseQueue refuses a capacity that is none", () => {
  for (const capacity of [0, -1, 1.5, NaN, Infinity, 4097]) {
    assertThrows(() => new LeaseQueue({ capacity }), RangeError, `capacity is ${capacity}`);
  }
  for (const capacity of [1, 4096]) assert(!new LeaseQueue({ capacity }).full);
});

Deno.test("LeaseQueue loses and doubles no lease between two threads, while the writer drops the oldest", async () => {
  const total = 300_000;
  const queue = new LeaseQueue({ capacity: 3 });
  const source = `import { LeaseQueue } from ${JSON.stringify(new URL("./lease_queue.ts", import.meta.url).href)};
    self.onmessage = ({ data }) => {
      const queue = new LeaseQueue(data), lost = [];
      for (let i = 0; i < ${total}; i++) {
        const lease = queue.push({ entry: i, epoch: i }, { overflow: "drop-oldest" });
        if (lease) lost.push(lease.entry, lease.epoch);
      }
      queue.end();
      self.postMessage(lost);
    };`;
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(source)}`, { type: "module" });
  const lost = new Promise<number[]>((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => (event.preventDefault(), reject(new Error(event.message)));
  });
  worker.postMessage(queue.buffer);
  const seen = new Uint8Array(total);
  let before = -1, missed = 0;
  while (!queue.over || !queue.empty) {
    const lease = queue.pop();
    if (!lease) {
      await new Promise((done) => setTimeout(done, 0));
      continue;
    }
    assert(lease.entry > before && lease.epoch === lease.entry, "in order, and whole");
    missed += lease.missed;
    assertEquals(missed, lease.entry - queue.stats().delivered + 1);
    seen[before = lease.entry]++;
  }
  const dropped = await lost;
  worker.terminate();
  for (let i = 0; i < dropped.length; i += 2) {
    assertEquals(dropped[i], dropped[i + 1]);
    seen[dropped[i]]++;
  }
  assertEquals(seen.findIndex((count) => count !== 1), -1);
  const stats = queue.stats();
  assertEquals([stats.received, stats.delivered + stats.dropped], [total, total]);
});
