import { assert, assertEquals } from "@std/assert";
import { shortClip } from "../../tests/support/clips.ts";
import { FileSource } from "../../tests/support/file_source.ts";
import { decode } from "../decode/mod.ts";
import { readVideoFile } from "../file/mod.ts";
import { gate } from "../filter/mod.ts";
import type { Frame, FrameFeed } from "../media/mod.ts";
import { encodedFeed } from "./mod.ts";
import type { PlannedFeed } from "./planned_feed.ts";
import { repeated, until } from "./testing.ts";

/** Keeps no more than so many access units, of which there is a keyframe every ten, and no picture comes out of order. */
const SLOTS = 40;

async function clip(capacity: number) {
  const source = new FileSource(repeated(await readVideoFile(await shortClip()), 8), SLOTS);
  const decoded = encodedFeed(source).branch({ capacity }).pipe(decode()) as PlannedFeed;
  return { source, decoded };
}

/** Reads a branch from when its decoder reads it on. */
async function begin(source: FileSource, branch: FrameFeed) {
  const frames = branch[Symbol.asyncIterator]();
  const first = frames.next();
  await until(() => source.wakesFor("others"));
  const next = async (result = frames.next()) => {
    using frame = (await result).value as Frame;
    return { sequence: frame.sequence, missed: frame.missed };
  };
  return { first: () => next(first), next };
}

for (const [capacity, what] of [[12, "than it may be"], [2_000, "than its camera's ring keeps"]] as const) {
  Deno.test(`a decoder that is behind by more ${what} goes on at the newest keyframe, and its reader hears how many it missed`, async () => {
    const { source, decoded } = await clip(capacity);
    const reader = await begin(source, decoded.branch({ capacity: 1, overflow: "block" }));
    source.push(3);
    assertEquals(await reader.first(), { sequence: 0, missed: 0 });
    // The second picture waits in the branch, and the third for room there.
    await until(() => decoded.decoderStats().frames === 2);
    source.push(3 * SLOTS + 5);
    let { sequence: last } = await reader.next(), gaps = 0, missed = 0;
    const newest = Math.floor((source.pushed - 1) / 10) * 10;
    while (last < source.pushed - 1) {
      const frame = await reader.next();
      assertEquals(frame.missed, frame.sequence - last - 1);
      if (frame.missed > 0) assertEquals([++gaps, frame.sequence], [1, newest]);
      missed += frame.missed;
      last = frame.sequence;
    }
    await until(() => decoded.decoderStats().frames === source.pushed - missed);
    const { accessUnits, skipped, unwanted, shed } = decoded.decoderStats();
    assertEquals({ accessUnits, skipped, unwanted, shed }, {
      ...{ accessUnits: source.pushed - missed, skipped: 0, unwanted: 0, shed: missed },
    });
    assert(missed > 2 * SLOTS);
    await decoded[Symbol.asyncDispose]();
    source.end();
  });
}

Deno.test("frame.missed says what a branch lost and what its decoder did, and nothing that was not asked for", async () => {
  const { source, decoded } = await clip(30);
  const branches = [decoded.branch({ capacity: 2 }), decoded.branch({ capacity: 100 }).pipe(gate<Frame>())];
  const [all, some] = await Promise.all(branches.map((branch) => begin(source, branch)));
  // Each reader begins when its decoder hears of it.
  while (branches.some((branch) => branch.stats().received === 0)) {
    source.push(1);
    await until(() => decoded.decoderStats().frames === source.pushed);
  }
  source.push(20 - source.pushed);
  await until(() => decoded.decoderStats().frames === 20);
  for (const reader of [all, some]) for (let at = await reader.first(); at.sequence < 19;) at = await reader.next();

  // What it has dropped is out of the queue, and what it keeps is in it or on the way.
  const { dropped } = branches[0].stats();
  source.push(6);
  await until(() => branches[0].stats().dropped === dropped + 4);
  assertEquals(await all.next(), { sequence: 24, missed: 4 });
  // Something is wrong with the seventh: it and the three that build on it are held back.
  source.push(1, { corrupt: true });
  source.push(6);
  await until(() => branches[0].stats().dropped === dropped + 6);
  const { skipped, shed } = decoded.decoderStats();
  assertEquals([skipped, shed], [4, 0]);
  // Of 25 to 32 the branch kept the last two, and 26 to 29 never came to it.
  assertEquals([await all.next(), await all.next()], [{ sequence: 31, missed: 6 }, { sequence: 32, missed: 0 }]);
  const seen = [];
  for (let i = 0; i < 9; i++) seen.push(await some.next());
  assertEquals(seen, [20, 21, 22, 23, 24, 25, 30, 31, 32].map((sequence) => ({ sequence, missed: 0 })));
  await decoded[Symbol.asyncDispose]();
  source.end();
});
