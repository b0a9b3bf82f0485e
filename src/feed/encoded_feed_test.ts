import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { AccessUnit, EncodedFeed } from "../media/mod.ts";
import type { FileSource } from "../../tests/support/file_source.ts";
import { encodedFeed } from "./mod.ts";
import { clipSource } from "./testing.ts";

/** A keyframe every ten pictures, fifty in all. */
async function camera(): Promise<{ source: FileSource; feed: EncodedFeed }> {
  const source = await clipSource();
  return { source, feed: encodedFeed(source) };
}

async function sequencesOf(feed: EncodedFeed): Promise<number[]> {
  const sequences: number[] = [];
  for await (const unit of feed) sequences.push(unit.sequence);
  return sequences;
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

Deno.test("a branch of access units begins at the newest keyframe, and what went by before is not lost to it", async () => {
  const { source, feed } = await camera();
  source.push(24);
  const branch = feed.branch();
  const reading = sequencesOf(branch);
  source.push(10);
  source.end();
  assertEquals(await reading, range(20, 34));
  assertEquals(branch.stats(), { received: 14, delivered: 14, dropped: 0 });
});

Deno.test("a branch that is read wants every access unit as it comes, and says so as long as it is read", async () => {
  const { source, feed } = await camera();
  const reading = feed.branch()[Symbol.asyncIterator]();
  assertEquals(source.wakesFor("others"), false);
  source.push(1);
  assertEquals((await reading.next()).value?.sequence, 0);
  assertEquals(source.wakesFor("others"), true);
  await reading.return!();
  assertEquals(source.wakesFor("others"), false);
  source.end();
});

Deno.test("a branch that falls behind goes on at a keyframe, and counts what it passed over", async () => {
  const { source, feed } = await camera();
  const branch = feed.branch({ capacity: 12 });
  const reading = branch[Symbol.asyncIterator]();
  source.push(1);
  assertEquals((await reading.next()).value?.sequence, 0);
  source.push(49);
  source.end();
  const sequences: number[] = [];
  for (let unit = await reading.next(); !unit.done; unit = await reading.next()) sequences.push(unit.value.sequence);
  assertEquals(sequences, range(40, 50));
  assertEquals(branch.stats(), { received: 50, delivered: 11, dropped: 39 });
});

Deno.test("a branch passes over a damaged picture and those that build on it", async () => {
  const { source, feed } = await camera();
  const branch = feed.branch();
  const reading = sequencesOf(branch);
  source.push(13);
  source.push(1, { corrupt: true });
  source.push(16);
  source.end();
  assertEquals(await reading, [...range(0, 13), ...range(20, 30)]);
  assertEquals(branch.stats(), { received: 30, delivered: 23, dropped: 7 });
});

Deno.test("branches read at their own pace, each the same bytes, and what they have is theirs", async () => {
  const { source, feed } = await camera();
  const units: AccessUnit[][] = [[], []];
  const reading = units.map(async (list, i) => {
    for await (const unit of feed.branch()) {
      list.push(unit);
      if (i === 1) await new Promise((done) => setTimeout(done, 1));
    }
  });
  source.push(40);
  source.end();
  await Promise.all(reading);
  assertEquals(units[0].length, 40);
  assertEquals(units[0], units[1]);
  units[0][5].data.fill(0);
  assertEquals(units[1][5].data.some((byte) => byte !== 0), true);
});

Deno.test("the failure of a source ends branches that wait, branches that come late, and pipeTo()", async () => {
  const { source, feed } = await camera();
  const error = new Error("the cable was pulled");
  const failing = [
    assertRejects(() => sequencesOf(feed.branch())),
    assertRejects(() => sequencesOf(feed)),
    assertRejects(() => feed.branch().pipeTo({ write() {} })),
  ];
  source.push(3);
  await new Promise((done) => setTimeout(done, 5));
  source.end(error);
  for (const failed of await Promise.all(failing)) assertEquals(failed, error);
  assertEquals(await assertRejects(() => sequencesOf(feed.branch())), error);
});

Deno.test("a branch that waits ends when it is disposed of, left, or its signal aborts", async () => {
  const { source, feed } = await camera();
  const disposed = feed.branch(), left = feed.branch()[Symbol.asyncIterator]();
  const reading = sequencesOf(disposed), next = left.next();
  const controller = new AbortController();
  const piping = assertRejects(() => feed.branch().pipeTo({ write() {} }, { signal: controller.signal }), DOMException);
  await new Promise((done) => setTimeout(done, 5));
  await disposed[Symbol.asyncDispose]();
  await left.return?.();
  controller.abort();
  assertEquals([await reading, await next], [[], { done: true, value: undefined }]);
  await piping;
  assertThrows(() => disposed[Symbol.asyncIterator](), TypeError, "disposed of");
  source.end();
});

Deno.test("a branch that is left before it began is no reader any more", async () => {
  const { source, feed } = await camera();
  source.push(5);
  const branch = feed.branch();
  await branch[Symbol.asyncIterator]().return?.();
  source.push(5);
  assertEquals(branch.stats(), { received: 0, delivered: 0, dropped: 0 });
  source.end();
});
