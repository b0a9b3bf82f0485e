import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ShmError } from "../../src/media/mod.ts";
import { type ShmReader, ShmSelector, type ValkkaReader } from "../../src/shm/mod.ts";
import { pause, sequenceOf } from "../valkka/pattern.ts";
import { freshRing, objectsOf } from "../valkka/peer.ts";
import { SHAPE, SLOTS, WAYS } from "./protocols.ts";

/*
 * What a reader of ours promises, whoever writes and in whichever layout: the same sentences over every way from a writer to a
 * reader.
 */

const limit = () => AbortSignal.timeout(20_000);
type Reader = ShmReader | ValkkaReader;

/** The next picture's number by its pixels, which must be those of one picture, with its time. */
async function next(reader: Reader): Promise<number | null> {
  using frame = await reader.next();
  if (!frame) return null;
  const sequence = sequenceOf(frame.planes[0].data);
  assertEquals(
    [frame.width, frame.height, frame.format, frame.streamId, frame.wallTime],
    [SHAPE.width, SHAPE.height, "RGB24", 7, 1_700_000_000_000 + sequence],
  );
  return sequence;
}

/** All that a reader finds now. */
function pullAll(reader: Reader): number[] {
  const found: number[] = [];
  for (let pulled = reader.pull(); pulled; pulled = reader.pull()) {
    found.push(sequenceOf(reader.slots[pulled.index].subarray(0, pulled.size)));
  }
  return found;
}

for (const way of WAYS) {
  const test = (name: string, fn: () => Promise<void>) => Deno.test(`${name} [${way.name}]`, fn);

  test("each picture comes once, in order, whole, with what is known of it", async () => {
    const name = freshRing();
    await using pen = await way.pen(name);
    await using reader = await way.open(name, { mode: "every", signal: limit() });
    for (let i = 0; i < 3 * SLOTS; i += 3) {
      await pen.write(i, 3);
      assertEquals([await next(reader), await next(reader), await next(reader)], [i, i + 1, i + 2]);
    }
    assertEquals(reader.pull(), null);
    const { delivered, missed, writers } = reader.stats();
    assertEquals({ delivered, missed, writers }, { delivered: 3 * SLOTS, missed: 0, writers: 1 });
  });

  test("in mode latest the newest comes, and what was passed over is counted", async () => {
    const name = freshRing();
    await using pen = await way.pen(name);
    await using reader = await way.open(name, { mode: "latest", signal: limit() });
    await pen.write(0, 1);
    assertEquals(await next(reader), 0);
    await pen.write(1, SLOTS - 1);
    assertEquals(await next(reader), SLOTS - 1);
    assertEquals(reader.stats().missed, SLOTS - 2);
    assertEquals(reader.pull(), null);
  });

  test("a reader that fell behind by more than the ring gets whole pictures in order, and knows that it missed some", async () => {
    const name = freshRing();
    await using pen = await way.pen(name);
    await using reader = await way.open(name, { mode: "every", signal: limit() });
    await pen.write(0, 1);
    assertEquals(await next(reader), 0);
    await pen.write(1, 5 * SLOTS);
    await pause(20);
    const found = pullAll(reader);
    assert(found.length <= SLOTS && found.every((sequence, i) => sequence > (found[i - 1] ?? 0)), `${found}`);
    // Then it goes on with what comes next.
    await pen.write(100, 1);
    assertEquals(await next(reader), 100);
    const { delivered, missed } = reader.stats();
    if (way.exact) assertEquals(delivered + missed, 5 * SLOTS + 2);
    else assert(missed > 0, `${delivered} delivered, ${missed} missed`);
  });

  test("level 1: a slot's index, a size, and each slot is an array", async () => {
    const name = freshRing();
    await using pen = await way.pen(name);
    await using reader = await way.open(name, { mode: "every", signal: limit() });
    for (let i = 0; i < 2 * SLOTS; i++) {
      assertEquals(reader.pull(), null);
      await pen.write(i, 1);
      const { index, size, meta } = reader.pull()!;
      assert(index >= 0 && index < SLOTS);
      assertEquals([size, meta.width, meta.height], [SHAPE.width * SHAPE.height * 3, SHAPE.width, SHAPE.height]);
      assertEquals(sequenceOf(reader.slots[index].subarray(0, size)), i);
    }
  });

  test("a reader may come before the writer, and waits for it no longer than it is told", async () => {
    const name = freshRing();
    const error = await assertRejects(() => way.open(name, { mode: "every", wait: 120 }), ShmError);
    assertEquals([error.code, objectsOf(name)], ["not-found", []]);
    const opening = way.open(name, { mode: "every", wait: 20_000, signal: limit() });
    await pause(70);
    await using pen = await way.pen(name);
    await using reader = await opening;
    await pen.write(3, 1);
    assertEquals(await next(reader), 3);
  });

  test("an abort ends a wait with its reason, a close with the end", async () => {
    const name = freshRing();
    await using _pen = await way.pen(name);
    const abort = new AbortController();
    await using aborted = await way.open(name, { mode: "every", signal: abort.signal });
    const first = assertRejects(() => aborted.next(), Error, "enough");
    await pause(30);
    abort.abort(new Error("enough"));
    await first;
    await using reader = await way.open(name, { mode: "every", signal: limit() });
    const waiting = reader.next();
    await pause(30);
    await reader[Symbol.asyncDispose]();
    assertEquals(await waiting, null);
    assertEquals(assertThrows(() => reader.pull(), ShmError).code, "closed");
  });

  test("a writer that ends takes everything with it; its reader gets the end, or goes on with the next one", async () => {
    const name = freshRing();
    const first = await way.pen(name);
    await using reader = await way.open(name, { mode: "every", signal: limit() });
    await first.write(0, 2);
    assertEquals([await next(reader), await next(reader)], [0, 1]);
    const waiting = next(reader);
    await first[Symbol.asyncDispose]();
    assertEquals(objectsOf(name), []);
    if (way.tellsEnd) return assertEquals(await waiting, null);
    await using second = await way.pen(name);
    // Until the reader is there, which a server of libValkka's does not know.
    for (let i = 100; reader.stats().delivered < 3; i++) {
      await second.write(i, 1);
      await pause(20);
    }
    assert((await waiting)! >= 100);
    assertEquals(reader.stats().writers, 2);
  });

  test("a selector tells of it", async () => {
    const name = freshRing();
    await using pen = await way.pen(name);
    await using reader = await way.open(name, { mode: "every", signal: limit() });
    await using selector = new ShmSelector();
    selector.add(reader);
    assertEquals(await selector.wait(30), []);
    const waiting = selector.wait(10_000);
    await pen.write(5, 1);
    assertEquals(await waiting, [reader]);
    assertEquals(pullAll(reader), [5]);
    assertEquals(await selector.wait(30), []);
  });

  if (!way.exact) continue;

  test("readers come and go, each at its own pace, and take nothing from one another", async () => {
    const name = freshRing();
    await using pen = await way.pen(name);
    await using early = await way.open(name, { mode: "every", signal: limit() });
    await pen.write(0, 2);
    const late = await way.open(name, { mode: "every", signal: limit() });
    assertEquals([pullAll(early), pullAll(late)], [[0, 1], [1]], "who comes late begins with the newest");
    await pen.write(2, 1);
    assertEquals(await next(late), 2);
    await late[Symbol.asyncDispose]();
    await pen.write(3, 2);
    assertEquals(pullAll(early), [2, 3, 4]);
    assertEquals(early.stats().missed, 0);
  });

  test("what a writer wrote before it closed the ring is read to the end", async () => {
    const name = freshRing();
    const pen = await way.pen(name);
    await using reader = await way.open(name, { mode: "every", signal: limit() });
    await pen.write(0, 3);
    await pen[Symbol.asyncDispose]();
    assertEquals([await next(reader), await next(reader), await next(reader), await next(reader)], [0, 1, 2, null]);
    assertEquals(objectsOf(name), []);
  });
}
