import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { FrameOverflow } from "../media/mod.ts";
import { BranchQueue } from "./branch_queue.ts";

function queueOf(capacity: number, overflow: FrameOverflow) {
  const discarded: number[] = [];
  const queue = new BranchQueue<number>({ capacity, overflow, discard: (item) => void discarded.push(item) });
  return { queue, discarded };
}

Deno.test("BranchQueue hands on or discards each item once, in order, and counts them", async () => {
  const overflows = fc.constantFrom<FrameOverflow>("drop-oldest", "drop-newest");
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5 }),
      overflows,
      fc.array(fc.boolean(), { maxLength: 60 }),
      async (capacity, overflow, ops) => {
        const { queue, discarded } = queueOf(capacity, overflow);
        const model: number[] = [], out: number[] = [];
        let pushed = 0;
        for (const push of ops) {
          if (push) {
            assertEquals(queue.push(pushed), undefined);
            if (model.length < capacity) model.push(pushed);
            else if (overflow === "drop-oldest") model.splice(0, 1), model.push(pushed);
            pushed++;
          } else if (model.length > 0) {
            const { value } = await queue.next();
            assertEquals(value, model.shift());
            out.push(value!);
          }
          const dropped = pushed - out.length - model.length;
          assertEquals(queue.stats(), { received: pushed, delivered: out.length, dropped });
          assertEquals(discarded.length, dropped);
        }
        queue.close();
        assertEquals([...out, ...discarded].sort((a, b) => a - b), Array.from({ length: pushed }, (_, i) => i));
      },
    ),
  );
});

Deno.test("BranchQueue tells of each item how much was lost before it, beside what the item says itself", async () => {
  const overflows = fc.constantFrom<FrameOverflow>("drop-oldest", "drop-newest");
  type Numbered = { number: number; missed: number };
  await fc.assert(
    fc.asyncProperty(overflows, fc.array(fc.integer({ min: -1, max: 3 }), { maxLength: 60 }), async (overflow, ops) => {
      const queue = new BranchQueue<Numbered>({
        ...{ capacity: 3, overflow, discard: () => {} },
        losses: {
          weigh: ({ missed }) => 1 + missed,
          tell: (item, missed) => ({ ...item, missed: item.missed + missed }),
        },
      });
      let number = 0, last = -1;
      for (const missed of ops) {
        const { received, delivered, dropped } = queue.stats();
        if (missed >= 0) queue.push({ number: number += missed, missed }), number++;
        else if (received > delivered + dropped) {
          const { value } = await queue.next();
          assertEquals(value!.missed, value!.number - last - 1);
          last = value!.number;
        }
      }
    }),
  );
});

Deno.test('BranchQueue with "block" makes the writer wait until there is room, or nobody reads', async () => {
  const { queue, discarded } = queueOf(1, "block");
  assertEquals(queue.push(1), undefined);
  let written = 0;
  const writing = (async () => {
    for (const item of [2, 3]) {
      await queue.push(item);
      written++;
    }
  })();
  const settle = () => new Promise((done) => setTimeout(done, 5));
  await settle();
  assertEquals(written, 0);
  assertEquals((await queue.next()).value, 1);
  await settle();
  assertEquals(written, 1);
  queue.close();
  await writing;
  assertEquals([written, discarded, queue.stats().dropped], [2, [2, 3], 0]);
});

Deno.test("BranchQueue.end() lets what is queued be read, then tells the error once", async () => {
  const { queue, discarded } = queueOf(4, "drop-oldest");
  queue.push(1);
  queue.push(2);
  queue.end(new RangeError("the source is gone"));
  queue.end(new TypeError("and again"));
  queue.push(3);
  assertEquals([(await queue.next()).value, (await queue.next()).value, discarded], [1, 2, [3]]);
  await assertRejects(() => queue.next(), RangeError, "the source is gone");
  assertEquals(await queue.next(), { done: true, value: undefined });
});

Deno.test("BranchQueue.next() may be called again before it is answered", async () => {
  const { queue } = queueOf(4, "drop-oldest");
  const waiting = [queue.next(), queue.next(), queue.next()];
  queue.push(1);
  queue.push(2);
  queue.end();
  assertEquals((await Promise.all(waiting)).map(({ value }) => value), [1, 2, undefined]);
});

Deno.test("BranchQueue.close() wakes who waits, and tells once", async () => {
  let closed = 0;
  const queue = new BranchQueue<number>({ capacity: 1, overflow: "block", discard: () => {}, onClose: () => closed++ });
  const waiting = queue.next();
  await queue.return();
  queue.close();
  assertEquals([await waiting, closed], [{ done: true, value: undefined }, 1]);
});

Deno.test("BranchQueue refuses a capacity that is none", () => {
  for (const capacity of [0, -1, 1.5, NaN]) assertThrows(() => queueOf(capacity, "block"), RangeError, `${capacity}`);
});
