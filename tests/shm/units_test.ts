import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { encodedFeed } from "../../src/feed/mod.ts";
import { type GapOptions, ShmReader, type ShmUnit, ShmWriter } from "../../src/shm/mod.ts";
import { clipSource } from "../../src/feed/testing.ts";
import { VirtualCamera } from "../../src/camera/mod.ts";
import { openRtsp } from "../../src/ingest/mod.ts";
import { shortClip } from "../support/clips.ts";
import { freshName, grey, pause, unit } from "./rings.ts";

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

const equal = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((byte, i) => byte === b[i]);

/** The numbers of what comes until the ring is over, and how many were missed before each. */
async function numbersOf(reader: ShmReader, options?: GapOptions): Promise<[number, number][]> {
  const numbers: [number, number][] = [];
  for await (const { pts, missed } of reader.units(options)) numbers.push([pts / 40_000, missed]);
  return numbers;
}

Deno.test("a feed of access units ends in a ring, and another reader has them byte by byte", async () => {
  const name = freshName();
  const source = await clipSource();
  const feed = encodedFeed(source);
  const sent: Uint8Array[] = [];
  const ring = await ShmWriter.create(name, { kind: "access-units" });
  const reader = await ShmReader.open(name);
  const read: ShmUnit[] = [];
  const reading = (async () => {
    for await (const unit of reader.units()) read.push(unit);
  })();
  const listening = (async () => {
    for await (const { data } of feed.branch()) sent.push(data);
  })();
  const writing = feed.branch().pipeTo(ring);
  source.push(50);
  source.end();
  await Promise.all([writing, listening]);
  await ring[Symbol.asyncDispose]();
  await reading;
  assertEquals([read.length, sent.length], [50, 50]);
  for (const [i, { data }] of read.entries()) assert(equal(data, sent[i]), `unit ${i}`);
  assertEquals(read.map(({ sequence }) => sequence), range(0, 50));
  assertEquals(read.map(({ keyframe }) => keyframe), range(0, 50).map((i) => i % 10 === 0));
  assertEquals(new Set(read.map(({ codec }) => codec)), new Set(["h264"]));
});

Deno.test("an access unit keeps all that is known of it, and its user's blob", async () => {
  const name = freshName();
  await using ring = await ShmWriter.create(name, { kind: "access-units", slots: 4 });
  await using reader = await ShmReader.open(name);
  const sent = unit(20, 1_000, { codec: "hevc" });
  ring.write(sent, { streamId: 8, blob: Uint8Array.of(1, 2, 3) });
  const { value } = await reader.units().next();
  const { sequence: _, ...rest } = sent;
  assertEquals(value, { ...rest, sequence: 0, missed: 0, streamId: 8, blob: Uint8Array.of(1, 2, 3) } as ShmUnit);
});

Deno.test("units() begins at the newest keyframe, and goes on at the next one where it fell behind", async () => {
  const name = freshName();
  const ring = await ShmWriter.create(name, { kind: "access-units", slots: 16 });
  for (let i = 0; i < 25; i++) ring.writeUnit(unit(i));
  const reader = await ShmReader.open(name);
  const units = reader.units();
  const pts = async () => {
    const { value } = await units.next();
    return value && [value.pts / 40_000, value.missed];
  };
  assertEquals([await pts(), await pts()], [[20, 0], [21, 0]]);
  // 22 to 28 are overwritten; 29 has nothing to build on.
  for (let i = 25; i < 45; i++) ring.writeUnit(unit(i));
  assertEquals([await pts(), await pts()], [[30, 8], [31, 0]]);
  assertEquals(reader.stats().missed, 8);
  await ring[Symbol.asyncDispose]();
  for (let i = 32; i < 45; i++) assertEquals(await pts(), [i, 0]);
  assertEquals(await pts(), undefined);
});

Deno.test("units() passes over what is damaged or follows a gap in the source, and with `deliver` over nothing", async () => {
  const name = freshName();
  const ring = await ShmWriter.create(name, { kind: "access-units" });
  const careful = numbersOf(await ShmReader.open(name));
  const all = numbersOf(await ShmReader.open(name), { gaps: "deliver" });
  for (const i of range(0, 36)) {
    if (i === 5 || i === 20) continue; // lost on the way to the writer: 20 was a keyframe
    ring.writeUnit(unit(i, 100, { corrupt: i === 13 }));
  }
  await pause(50);
  await ring[Symbol.asyncDispose]();
  const plain = (numbers: number[]) => numbers.map((number) => [number, 0]);
  assertEquals(await careful, [
    ...plain(range(0, 5)),
    [10, 4], // 6 to 9 build on 5; 5 itself was never in the ring
    ...plain([11, 12]),
    [30, 16], // 13 is damaged, 14 to 19 build on it, 20 was never in the ring, 21 to 29 build on it
    ...plain(range(31, 36)),
  ] as [number, number][]);
  assertEquals((await all).map(([number]) => number), range(0, 36).filter((i) => i !== 5 && i !== 20));
});

Deno.test("units() begins anew at a keyframe when another writer has the name", async () => {
  const name = freshName();
  const first = await ShmWriter.create(name, { kind: "access-units" });
  for (let i = 0; i < 3; i++) first.writeUnit(unit(i));
  await using reader = await ShmReader.open(name);
  const units = reader.units();
  for (let i = 0; i < 3; i++) assertEquals((await units.next()).value?.sequence, i);
  // As a kill leaves it: the lock is gone, the name is there.
  const { symbols } = await import("../../ffi/load.ts").then(async (m) => m.loadLibrary(await m.libraryPath()));
  symbols.mr_close(first.memory.handle);
  await using second = await ShmWriter.create(name, { kind: "access-units" });
  for (let i = 8; i < 12; i++) second.writeUnit(unit(i));
  const { value } = await units.next();
  assertEquals([value?.pts, value?.generation, value?.missed], [400_000, 4, 2]);
  assertEquals(reader.stats().writers, 2);
});

Deno.test("records() gives copies to keep of what any ring holds, with their blobs", async () => {
  const name = freshName();
  const ring = await ShmWriter.create(name, { kind: "mp4", slots: 2, arenaBytes: 4_096 });
  const reader = await ShmReader.open(name);
  const records = reader.records();
  const seen = [];
  for (let i = 0; i < 6; i++) {
    ring.writeBytes(new Uint8Array(i * 100).fill(i), { pts: i, keyframe: i % 3 === 0 }, Uint8Array.of(i, 200 + i));
    seen.push((await records.next()).value!);
  }
  await ring[Symbol.asyncDispose]();
  assertEquals((await records.next()).done, true);
  for (const [i, { meta, data, blob }] of seen.entries()) {
    assertEquals([meta.sequence, meta.pts, meta.keyframe, meta.bytes, meta.missed], [i, i, i % 3 === 0, i * 100, 0]);
    assertEquals(data, new Uint8Array(i * 100).fill(i), "a later record did not overwrite it");
    assertEquals(blob, Uint8Array.of(i, 200 + i));
  }
});

Deno.test("records() of MP4 fragments begins where a player can, and goes on there after a loss, if it is told to", async () => {
  const name = freshName();
  await using ring = await ShmWriter.create(name, { kind: "mp4", slots: 8 });
  for (let i = 0; i < 6; i++) ring.writeBytes(Uint8Array.of(i), { keyframe: i % 4 === 0 });
  await using reader = await ShmReader.open(name);
  const records = reader.records({ gaps: "skip-to-keyframe" });
  const next = async () => {
    const { value } = await records.next();
    return [value!.data[0], value!.meta.missed];
  };
  assertEquals([await next(), await next()], [[4, 0], [5, 0]]);
  for (let i = 6; i < 19; i++) ring.writeBytes(Uint8Array.of(i), { keyframe: i % 4 === 0 });
  assertEquals(await next(), [12, 6]);
});

Deno.test("a frame's blob goes along, through the reader's frame, its clone, records() and pull()", async () => {
  const name = freshName();
  await using ring = await ShmWriter.create(name, { width: 8, height: 4, format: "GRAY8", blobBytes: 16 });
  await using reader = await ShmReader.open(name, { mode: "every" });
  const blob = Uint8Array.of(9, 8, 7);
  ring.write(grey(1, 8, 4), { blob });
  let kept;
  {
    using frame = (await reader.next())!;
    using clone = frame.clone();
    assertEquals([frame.blob, clone.blob], [blob, blob]);
    kept = frame.blob;
    await using onward = await ShmWriter.create(`${name}-2`, { maxBytes: 32 });
    await using next = await ShmReader.open(onward.name, { mode: "every" });
    onward.write(frame);
    onward.write(frame, { blob: null });
    using passed = (await next.next())!;
    using without = (await next.next())!;
    assertEquals([passed.blob, without.blob], [blob, null]);
  }
  ring.write(grey(2, 8, 4));
  const { index, size, meta } = reader.pull()!;
  assertEquals([reader.slots[index].subarray(0, size), meta.blobBytes], [new Uint8Array(32).fill(2), 0]);
  assertEquals(kept, blob, "it outlives the frame, whose buffer is used again");
  ring.write(grey(3, 8, 4, { blob: Uint8Array.of(5) }));
  const { value } = await reader.records().next();
  assertEquals([value!.data, value!.blob, value!.meta.width], [new Uint8Array(32).fill(3), Uint8Array.of(5), 8]);
});

Deno.test("what a ring does not take is refused in words", async () => {
  const name = freshName();
  await using frames = await ShmWriter.create(name, { width: 8, height: 4, format: "GRAY8", blobBytes: 16 });
  await using units = await ShmWriter.create(`${name}-2`, { kind: "access-units", arenaBytes: 4_096 });
  assertThrows(() => frames.write(unit(0)), TypeError, "Cannot write an access unit to ring");
  assertThrows(() => units.write(grey(1, 8, 4)), TypeError, "the frame is 8x4 GRAY8, the ring takes access-units");
  assertThrows(
    () => frames.write(grey(1, 8, 4), { blob: new Uint8Array(100) }),
    RangeError,
    "the blob has 100 bytes, beside 32 there is room for 32",
  );
  assertThrows(() => units.write(unit(0, 5_000)), RangeError, "5000 bytes are to go where 4096 have room");
  assertEquals([frames.records, units.records], [0, 0]);
  const reader = await ShmReader.open(frames.name);
  await assertRejects(() => reader.units().next(), TypeError, "Cannot read access units of ring");
  const other = await ShmReader.open(units.name);
  await assertRejects(() => other.next(), TypeError, "it holds access-units");
  await other[Symbol.asyncDispose]();
  assert(!other.alive);
});

Deno.test("a camera's stream goes into a ring as it comes, and what is read of it plays by itself", async () => {
  const name = freshName();
  await using server = await VirtualCamera.start({ files: { street: await shortClip() } });
  await using camera = await openRtsp(server.url("street"));
  await using ring = await ShmWriter.create(name, { kind: "access-units" });
  const reader = await ShmReader.open(name);
  const stop = new AbortController();
  const writing = camera.video.branch().pipeTo(ring, { signal: stop.signal }).catch(() => {});
  const path = await Deno.makeTempFile({ suffix: ".h264" });
  try {
    using file = Deno.openSync(path, { write: true });
    let units = 0, lastPts = -Infinity;
    for await (const unit of reader.units()) {
      assert(units > 0 || unit.keyframe);
      assert(unit.pts > lastPts && unit.missed === 0);
      lastPts = unit.pts;
      file.writeSync(unit.data);
      if (++units === 60) break;
    }
    stop.abort();
    await writing;
    const args = ["-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", path];
    const { stdout, stderr } = await new Deno.Command("ffprobe", { args }).output();
    assertEquals([new TextDecoder().decode(stdout).trim(), new TextDecoder().decode(stderr)], ["60", ""]);
  } finally {
    await Deno.remove(path);
  }
});
