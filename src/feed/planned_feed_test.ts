import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { decode, scale } from "../decode/mod.ts";
import { interval } from "../filter/mod.ts";
import { type Frame, type FrameFeed, RtspError } from "../media/mod.ts";
import type { FileSource } from "../../tests/support/file_source.ts";
import { encodedFeed } from "./mod.ts";
import type { PlannedFeed } from "./planned_feed.ts";
import { clipSource, heldFrames, until } from "./testing.ts";

/** A camera of which the test pushes pictures, and its decoded feed. */
async function decodedClip(times = 1): Promise<{ source: FileSource; decoded: PlannedFeed }> {
  const source = await clipSource(times);
  return { source, decoded: encodedFeed(source).branch({ capacity: 2_000 }).pipe(decode()) as PlannedFeed };
}

/** Pushes pictures until every feed has had one. */
async function flows(source: FileSource, feeds: readonly FrameFeed[]): Promise<void> {
  while (feeds.some((feed) => feed.stats().received === 0)) {
    assert(source.push(1), "the clip is at its end, and not every feed has had a picture");
    await new Promise((done) => setTimeout(done, 30));
  }
}

async function numbersOf(feed: FrameFeed): Promise<number[]> {
  const numbers: number[] = [];
  for await (using frame of feed) numbers.push(frame.sequence);
  return numbers;
}

/** `count` numbers up to and without `end`. */
const lastOf = (end: number, count: number) => Array.from({ length: count }, (_, i) => end - count + i);

Deno.test("branches of a decoder see the same memory, each on a lease of its own, and all of it is given back", async () => {
  const { source, decoded } = await decodedClip();
  const iterators = [decoded.branch(), decoded.branch()].map((branch) => branch[Symbol.asyncIterator]());
  const [first, second] = iterators.map((iterator) => iterator.next());
  source.push(10);
  let frames = await Promise.all([first, second]).then((results) => results.map(({ value }) => value as Frame));
  while (frames[0].sequence !== frames[1].sequence) {
    // One of them began to read before the other.
    const behind = frames[0].sequence < frames[1].sequence ? 0 : 1;
    frames[behind][Symbol.dispose]();
    frames = frames.with(behind, (await iterators[behind].next()).value);
  }
  const [a, b] = frames.map((frame) => frame.planes[0].data);
  assertEquals([a.buffer === b.buffer, a.byteOffset === b.byteOffset], [true, true]);
  frames[0][Symbol.dispose]();
  assertEquals(frames[1].copy().length, 320 * 240 * 1.5);
  frames[1][Symbol.dispose]();
  for (const iterator of iterators) await iterator.return?.();
  assertEquals(await heldFrames(decoded), 0);
  await decoded[Symbol.asyncDispose]();
  source.end();
});

Deno.test("a branch that is behind drops by its policy, counts, and tells each frame how many came between", async () => {
  const { source, decoded } = await decodedClip(2);
  const branches = [decoded.branch({ capacity: 4 }), decoded.branch({ capacity: 4, overflow: "drop-newest" })];
  const witness = decoded.branch({ capacity: 200 });
  const iterators = branches.map((branch) => branch[Symbol.asyncIterator]());
  const firsts = iterators.map((iterator) => iterator.next());
  const witnessed = numbersOf(witness);
  await flows(source, [...branches, witness]);
  const starts = (await Promise.all(firsts)).map(({ value }) => {
    const { sequence } = value as Frame;
    (value as Frame)[Symbol.dispose]();
    return sequence;
  });
  while (source.push(10));
  source.end();
  const seen = await witnessed;
  assertEquals(seen, lastOf(100, seen.length));
  for (const [i, iterator] of iterators.entries()) {
    const rest: number[] = [];
    let missed = 0;
    for (let result = await iterator.next(); !result.done; result = await iterator.next()) {
      using frame = result.value;
      rest.push(frame.sequence);
      missed += frame.missed;
    }
    const { received, delivered, dropped } = branches[i].stats();
    assertEquals([received, delivered, dropped], [100 - starts[i], 5, 95 - starts[i]]);
    // The latest wins, or the earliest: then nothing is missed before the end.
    assertEquals(rest, i === 0 ? [96, 97, 98, 99] : lastOf(starts[1] + 5, 4));
    assertEquals(missed, i === 0 ? dropped : 0);
  }
  assertEquals(await heldFrames(decoded), 0);
  await decoded[Symbol.asyncDispose]();
});

Deno.test('a branch with "block" gets every frame, however slow it is', async () => {
  const { source, decoded } = await decodedClip();
  const slow = decoded.branch({ capacity: 1, overflow: "block" });
  const numbers: number[] = [];
  const reading = (async () => {
    for await (using frame of slow) {
      numbers.push(frame.sequence);
      await new Promise((done) => setTimeout(done, 4));
    }
  })();
  await flows(source, [slow]);
  while (source.push(10));
  source.end();
  await reading;
  assertEquals(numbers, lastOf(50, numbers.length));
  assertEquals(slow.stats().dropped, 0);
  await decoded[Symbol.asyncDispose]();
});

Deno.test("scale() and interval() run beside the decoder, whatever their order, and say what they made", async () => {
  const { source, decoded } = await decodedClip();
  const small = scale({ width: 32, height: 24, format: "RGB24" });
  const feeds = [
    decoded.branch().pipe(small).pipe(interval(80)),
    decoded.branch({ capacity: 16 }).pipe(interval(80)).pipe(small),
  ];
  const reading = feeds.map(async (feed) => {
    const times: number[] = [];
    for await (using frame of feed) {
      const { width, height, format, streamId } = frame;
      assertEquals([width, height, format, streamId, frame.copy().length], [32, 24, "RGB24", 7, 32 * 24 * 3]);
      times.push(frame.pts);
    }
    return times;
  });
  await flows(source, feeds);
  while (source.push(5)) await new Promise((done) => setTimeout(done, 10));
  source.end();
  for (const times of await Promise.all(reading)) {
    assert(times.length >= 4);
    for (let i = 1; i < times.length; i++) assertEquals(times[i] - times[i - 1], 80_000);
  }
  assertEquals(await heldFrames(decoded), 0);
  await decoded[Symbol.asyncDispose]();
});

Deno.test("the failure of a source ends every branch with the same error, and those that begin to read later", async () => {
  const { source, decoded } = await decodedClip();
  const error = new RtspError("closed", "The camera closed the connection");
  const feeds = [
    decoded.branch({ capacity: 50 }),
    decoded.branch().pipe(scale({ width: 16, height: 12, format: "GRAY8" })),
    decoded.branch().pipe(async function* (frames: AsyncIterable<Frame>) {
      yield* frames;
    }),
  ] as FrameFeed[];
  const failing = feeds.map((feed) => assertRejects(() => numbersOf(feed)));
  const piped = decoded.branch();
  failing.push(assertRejects(() => piped.pipeTo({ write() {} })));
  await flows(source, [feeds[0], feeds[1], piped]);
  source.end(error);
  for (const failed of await Promise.all(failing)) assertEquals(failed, error);
  assertEquals(await assertRejects(() => numbersOf(decoded.branch())), error);
  assertEquals(await assertRejects(() => numbersOf(encodedFeed(source).pipe(decode()))), error);
  assertEquals(await heldFrames(decoded), 0);
  await decoded[Symbol.asyncDispose]();
});

Deno.test("a reader that leaves early gives back what waits for it; the decoder goes on for the others", async () => {
  const { source, decoded } = await decodedClip();
  const left = decoded.branch({ capacity: 40 }), stays = decoded.branch({ capacity: 50 });
  const leaving = (async () => {
    for await (using _frame of left) return;
  })();
  const rest = numbersOf(stays);
  await flows(source, [left, stays]);
  await leaving;
  const before = left.stats().received;
  while (source.push(10));
  source.end();
  const numbers = await rest;
  assertEquals(numbers, lastOf(50, numbers.length));
  assertEquals([left.stats().received, left.stats().delivered], [before, 1]);
  assertEquals(await heldFrames(decoded), 0);
  await decoded[Symbol.asyncDispose]();
});

Deno.test("frames that are held outlive their branch, their decoder and its thread, unchanged", async () => {
  const { source, decoded } = await decodedClip();
  const held: Frame[] = [], copies: Uint8Array[] = [];
  const reading = (async () => {
    for await (const frame of decoded.branch({ capacity: 50 })) {
      held.push(frame);
      copies.push(frame.copy());
      if (held.length === 12) break;
    }
  })();
  while (held.length < 12 && source.push(1)) await new Promise((done) => setTimeout(done, 30));
  await reading;
  source.end();
  await decoded[Symbol.asyncDispose]();
  await new Promise((done) => setTimeout(done, 50));
  for (const [i, frame] of held.entries()) {
    assertEquals(frame.copy(), copies[i], `frame ${i}`);
    frame[Symbol.dispose]();
  }
});

Deno.test("pipeTo() rejects with the signal's reason while no picture comes, and its reader is gone", async () => {
  const { source, decoded } = await decodedClip();
  const controller = new AbortController(), reason = new Error("enough");
  const branch = decoded.branch();
  let written = 0;
  const piping = assertRejects(
    () => branch.pipeTo({ write: () => void written++ }, { signal: controller.signal }),
    Error,
    "enough",
  );
  await flows(source, [branch]);
  await until(() => written === branch.stats().received);
  controller.abort(reason);
  assertEquals(await piping, reason);
  await until(async () => await heldFrames(decoded) === 0);
  await decoded[Symbol.asyncDispose]();
  source.end();
});

Deno.test("disposing of a feed while its decoder is being started ends its readers", async () => {
  const { source, decoded } = await decodedClip();
  const reading = numbersOf(decoded.branch());
  await Promise.all([decoded[Symbol.asyncDispose](), decoded[Symbol.asyncDispose]()]);
  assertEquals(await reading, []);
  await assertRejects(() => numbersOf(decoded.branch()), TypeError, "disposed of");
  source.end();
});

Deno.test("branch() refuses a capacity that is none, where it was written", async () => {
  const { source, decoded } = await decodedClip();
  for (const capacity of [0, -1, 1.5, 4097]) {
    assertThrows(() => decoded.branch({ capacity }), RangeError, `capacity is ${capacity}`);
  }
  assertThrows(() => encodedFeed(source).branch({ capacity: 0 }), RangeError, "capacity is 0");
  source.end();
});
