import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { AudioUnit, UnitFeed } from "../media/mod.ts";
import { audioRecord, audioUnitOf, createRing, ringBytes, SharedRingMemory } from "../ring/mod.ts";
import { UnitRingFeed } from "./unit_ring_feed.ts";

const SLOTS = 32;

/** A source of sound that a test fills: the n-th unit is one byte, n. */
function soundSource() {
  const options = { kind: "bytes", policy: "variable", slots: SLOTS, arenaBytes: 4096 } as const;
  const ring = new SharedArrayBuffer(ringBytes(options));
  const writer = createRing(new SharedRingMemory(ring), options);
  const ended = Promise.withResolvers<Error | undefined>();
  let count = 0;
  const write = (units = 1) => {
    for (let left = units; left > 0; left--) {
      const format = { codec: "opus", duration: 20_000, sampleRate: 48_000, channels: 2 } as const;
      const flags = { discontinuity: count === 3, corrupt: count === 4 };
      const unit = { ...format, ...flags, pts: count * 20_000, receivedAt: 1_000 + count, wallTime: null };
      writer.write(audioRecord(unit), Uint8Array.of(count++));
    }
  };
  const end = (error?: Error) => {
    ended.resolve(error);
    writer.close();
  };
  return { feed: new UnitRingFeed<AudioUnit>({ ring, unitOf: audioUnitOf, ended: ended.promise }), write, end };
}

async function take(feed: UnitFeed<AudioUnit>, count: number): Promise<AudioUnit[]> {
  const units: AudioUnit[] = [];
  for await (const unit of feed) if (units.push(unit) >= count) break;
  return units;
}

const numbers = (units: readonly AudioUnit[]) => units.map(({ data }) => data[0]);

Deno.test("UnitRingFeed gives units as they were written, from those that are kept on", async () => {
  const { feed, write, end } = soundSource();
  write(6);
  const [first, second] = await take(feed.branch(), 5);
  assertEquals(first, {
    ...{ codec: "opus", data: Uint8Array.of(0), pts: 0, duration: 20_000, sampleRate: 48_000, channels: 2 },
    ...{ sequence: 0, discontinuity: false, corrupt: false, receivedAt: 1_000, wallTime: null },
  });
  assertEquals([second.sequence, second.pts], [1, 20_000]);
  const rest = await take(feed.branch({ capacity: 3 }), 3);
  assertEquals(rest.map(({ sequence, discontinuity, corrupt }) => [sequence, discontinuity, corrupt]), [
    [3, true, false],
    [4, false, true],
    [5, false, false],
  ]);
  end();
});

Deno.test("a branch of a UnitRingFeed that falls behind loses the oldest, says so, and counts them", async () => {
  const { feed, write, end } = soundSource();
  const branch = feed.branch({ capacity: 4 });
  const units = branch[Symbol.asyncIterator]();
  write(10);
  assertEquals((await units.next()).value?.data[0], 6);
  write(3 * SLOTS);
  const { value } = await units.next();
  assertEquals([value?.data[0], value?.discontinuity], [10 + 3 * SLOTS - 4, true]);
  assertEquals((await units.next()).value?.discontinuity, false);
  const { received, delivered, dropped } = branch.stats();
  assertEquals([delivered, received - dropped], [3, 3]);
  assertEquals(dropped, 10 + 3 * SLOTS - 2 - delivered);
  await units.return?.();
  assertEquals(branch.stats().delivered, 3);
  end();
});

Deno.test("a UnitRingFeed wakes its readers for what is new, ends with its source, and fails with it", async () => {
  const { feed, write, end } = soundSource();
  const [some, all] = [take(feed.branch(), 2), take(feed.branch(), 100)];
  write();
  await Promise.resolve();
  write();
  assertEquals(numbers(await some), [0, 1]);
  end();
  assertEquals(numbers(await all), [0, 1]);
  const failing = soundSource();
  failing.write();
  const reading = take(failing.feed, 100);
  failing.end(new Error("the camera is gone"));
  await assertRejects(() => reading, Error, "the camera is gone");
});

Deno.test("a UnitRingFeed that is disposed of, or left, wakes who waits there", async () => {
  const { feed, end } = soundSource();
  const branch = feed.branch();
  const waiting = take(branch, 1);
  await branch[Symbol.asyncDispose]();
  assertEquals(await waiting, []);
  assertThrows(() => branch[Symbol.asyncIterator](), TypeError);
  const units = feed[Symbol.asyncIterator]();
  const next = units.next();
  await units.return?.();
  assertEquals((await next).done, true);
  end();
});

Deno.test("a UnitRingFeed is piped through filters, and to where it ends", async () => {
  const { feed, write, end } = soundSource();
  write(4);
  end();
  const loud = feed.branch().pipe<number>(async function* (units) {
    for await (const { data } of units) if (data[0] % 2 === 0) yield data[0];
  });
  const heard: number[] = [];
  await loud.pipeTo({ write: (number) => void heard.push(number) });
  assertEquals(heard, [0, 2]);
  const written: number[] = [];
  await feed.branch().pipeTo({ write: ({ data }) => void written.push(data[0]) });
  assertEquals(written, [0, 1, 2, 3]);
  for (const capacity of [0, 1.5, -1]) assertThrows(() => feed.branch({ capacity }), RangeError);
  assert(feed.stats().delivered >= 0);
});
