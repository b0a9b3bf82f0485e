import { assert, assertEquals } from "@std/assert";
import { decode } from "../decode/mod.ts";
import type { Frame } from "../media/mod.ts";
import { encodedFeed } from "./mod.ts";
import type { PlannedFeed } from "./planned_feed.ts";
import { clipSource, heldFrames } from "./testing.ts";

Deno.test("a reader that never gives frames back gets no more of them, and takes nothing from the other branches", async () => {
  const source = await clipSource(20);
  const decoded = encodedFeed(source).branch({ capacity: 2_000 }).pipe(decode()) as PlannedFeed;
  const hoard: Frame[] = [];
  const greedy = decoded.branch();
  const hoarding = (async () => {
    for await (const frame of greedy) hoard.push(frame);
  })();
  const others = [decoded.branch({ overflow: "block" }), decoded.branch({ capacity: 2_000 })];
  const reading = others.map(async (branch) => {
    const sequences: number[] = [];
    for await (using frame of branch) sequences.push(frame.sequence);
    return sequences;
  });
  // The first pictures may go by before all three have begun to read.
  while ([greedy, ...others].some((branch) => branch.stats().received === 0)) {
    source.push(10);
    await new Promise((done) => setTimeout(done, 100));
  }
  while (source.push(20)) await new Promise((done) => setTimeout(done, 5));
  source.end();
  for (const sequences of await Promise.all(reading)) {
    assert(sequences.length > 700, `it got ${sequences.length} frames`);
    assertEquals(sequences, Array.from(sequences, (_, i) => 1_000 - sequences.length + i));
  }
  await hoarding;
  const { received, delivered, dropped } = greedy.stats();
  assertEquals(delivered, hoard.length);
  assert(hoard.length < 200, `it got ${hoard.length} frames`);
  assertEquals(dropped, received - delivered);
  assertEquals(await heldFrames(decoded), hoard.length);
  for (const frame of hoard) frame[Symbol.dispose]();
  assertEquals(await heldFrames(decoded), 0);
  await decoded[Symbol.asyncDispose]();
});
