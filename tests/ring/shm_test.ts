import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Frame, NO_LEASE, ShmError } from "../../src/media/mod.ts";
import { HEADER, RingReader } from "../../src/ring/mod.ts";
import { listRings, ShmReader, ShmRingMemory, ShmWriter } from "../../src/shm/mod.ts";
import { libraryPath, loadLibrary } from "../../ffi/load.ts";
import { cString } from "../../ffi/symbols.ts";

const library = loadLibrary(await libraryPath());
const { symbols } = library;
const fresh = () => `millrace-test-${crypto.randomUUID()}`;
const SHAPE = { width: 32, height: 16, format: "GRAY8" } as const;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function picture(value: number, shape: { width: number; height: number } = SHAPE): Frame {
  const { width, height } = shape;
  const data = new Uint8Array(width * height).fill(value);
  const info = { width, height, format: "GRAY8", pts: value * 1_000, wallTime: null, receivedAt: Date.now() } as const;
  const more = { keyframe: true, corrupt: false, sequence: value, generation: 0, missed: 0, streamId: 9 };
  return new Frame({ ...info, ...more }, [{ data, stride: width, rowBytes: width, rows: height }], NO_LEASE);
}

/** What a killed writer leaves: a whole ring whose lock nobody holds. */
async function leftover(name: string, damage?: (memory: ShmRingMemory) => void): Promise<void> {
  const writer = await ShmWriter.create(name, SHAPE);
  writer.write(picture(1));
  damage?.(writer.memory);
  symbols.mr_close(writer.memory.handle);
}

Deno.test("ShmReader.next() gives the frames of another thread's ring, whole, with what is known of them", async () => {
  const name = fresh();
  await using ring = await ShmWriter.create(name, { ...SHAPE, slots: 3 });
  await using reader = await ShmReader.open(name);
  const waiting = reader.next();
  await pause(20);
  ring.write(picture(7));
  using frame = (await waiting)!;
  assertEquals(frame.copy(), new Uint8Array(32 * 16).fill(7));
  assertEquals([frame.width, frame.height, frame.format, frame.pts, frame.streamId], [32, 16, "GRAY8", 7_000, 9]);
  assertEquals([frame.sequence, frame.missed, frame.keyframe, frame.wallTime], [0, 0, true, null]);
});

Deno.test("ShmReader gives the latest frame, or every one, and says what it missed", async () => {
  const name = fresh();
  await using ring = await ShmWriter.create(name, { ...SHAPE, slots: 4 });
  ring.write(picture(0));
  await using latest = await ShmReader.open(name);
  await using every = await ShmReader.open(name, { mode: "every" });
  for (const reader of [latest, every]) (await reader.next())![Symbol.dispose]();
  for (let i = 1; i <= 9; i++) ring.write(picture(i));
  const get = async (reader: ShmReader) => {
    using frame = (await reader.next())!;
    return [frame.sequence, frame.missed, frame.planes[0].data[0]];
  };
  assertEquals(await get(latest), [9, 8, 9]);
  assertEquals(await get(every), [6, 5, 6]);
  assertEquals(await get(every), [7, 0, 7]);
  assertEquals([latest.stats().missed, every.stats().missed], [8, 5]);
});

Deno.test("a frame of ShmReader keeps its pixels while it is held, and its buffer is used again afterwards", async () => {
  const name = fresh();
  await using ring = await ShmWriter.create(name, { ...SHAPE, slots: 2 });
  await using reader = await ShmReader.open(name, { mode: "every" });
  ring.write(picture(1));
  const first = (await reader.next())!;
  const second = first.clone();
  first[Symbol.dispose]();
  for (let i = 2; i < 20; i++) {
    ring.write(picture(i));
    (await reader.next())![Symbol.dispose]();
  }
  assertEquals(second.planes[0].data[100], 1);
  const { buffer } = second.planes[0].data;
  second[Symbol.dispose]();
  ring.write(picture(20));
  using last = (await reader.next())!;
  assert(last.planes[0].data.buffer === buffer);
});

Deno.test("ShmReader.pull() gives a slot and a size, and each slot is an array", async () => {
  const name = fresh();
  await using ring = await ShmWriter.create(name, { slots: 4, arenaBytes: 4_096, kind: "mp4" });
  await using reader = await ShmReader.open(name, { mode: "every" });
  assertEquals(reader.pull(), null);
  for (let i = 0; i < 10; i++) {
    ring.writeBytes(new Uint8Array(i * 10).fill(i), { pts: i, keyframe: i === 3 }, Uint8Array.of(200 + i));
    const { index, size, meta } = reader.pull()!;
    assertEquals([index, size, meta.pts, meta.keyframe, meta.blobBytes], [i % 4, i * 10, i, i === 3, 1]);
    assertEquals(reader.slots[index].subarray(0, size + 1), Uint8Array.of(...new Uint8Array(i * 10).fill(i), 200 + i));
  }
  assertThrows(() => ring.write(picture(1)), TypeError, "the ring takes mp4");
  await assertRejects(() => reader.next(), TypeError, "it holds mp4");
});

Deno.test("a writer that closes ends the reading, after what it has written", async () => {
  const name = fresh();
  const ring = await ShmWriter.create(name, SHAPE);
  const reader = await ShmReader.open(name, { mode: "every" });
  for (let i = 0; i < 3; i++) ring.write(picture(i));
  await ring[Symbol.asyncDispose]();
  await ring[Symbol.asyncDispose]();
  const seen = [];
  for await (using frame of reader) seen.push(frame.sequence);
  assertEquals(seen, [0, 1, 2]);
  assertThrows(() => ring.write(picture(1)), TypeError, "it was closed");
  assertThrows(() => reader.pull(), ShmError, "it was closed");
  await assertRejects(() => ShmReader.open(name), ShmError, "there is no ring of that name");
});

Deno.test("more readers than there are threads to wait on see the frame, and that the writer died", async () => {
  const name = fresh();
  const ring = await ShmWriter.create(name, SHAPE);
  const readers = await Promise.all(Array.from({ length: 40 }, () => ShmReader.open(name, { reconnect: false })));
  const waiting = readers.map((reader) => reader.next());
  await pause(20);
  ring.write(picture(3));
  for (const frame of await Promise.all(waiting)) {
    assertEquals(frame!.pts, 3_000);
    frame![Symbol.dispose]();
  }
  const orphaned = readers.map((reader) => assertRejects(() => reader.next(), ShmError, "its writer died"));
  await pause(20);
  symbols.mr_close(ring.memory.handle);
  await Promise.all(orphaned);
  await Promise.all(readers.map((reader) => reader[Symbol.asyncDispose]()));
  symbols.mr_shm_unlink(cString(name));
});

Deno.test("while nothing comes the few first waits of a thread take no turn of it, and those beyond give their threads to others", async () => {
  const name = fresh();
  await using _ring = await ShmWriter.create(name, SHAPE);
  const handle = symbols.mr_shm_open(cString(name), 0);
  const calls = new Map<ShmRingMemory, number>();
  const memories = Array.from({ length: 9 }, () => {
    const wait: typeof symbols.mr_shm_wait_async = (...parameters) => {
      calls.set(memory, (calls.get(memory) ?? 0) + 1);
      return symbols.mr_shm_wait_async(...parameters);
    };
    const memory: ShmRingMemory = new ShmRingMemory(
      { ...library, symbols: { ...symbols, mr_shm_wait_async: wait } },
      handle,
    );
    return memory;
  });
  const signal = memories[0].load32(HEADER.signal);
  const waits = memories.map((memory) => memory.waitAsync(HEADER.signal, signal, 450));
  assertEquals(new Set(await Promise.all(waits)), new Set(["timed-out"]));
  const counts = memories.map((memory) => calls.get(memory)!);
  assertEquals(counts.slice(0, 8), Array(8).fill(1));
  assert(counts[8] >= 2, `${counts[8]}`);
  symbols.mr_close(handle);
});

Deno.test("ShmReader.open() waits for a writer that is not there yet", async () => {
  const name = fresh();
  const opening = ShmReader.open(name, { wait: 60_000 });
  await pause(60);
  await using ring = await ShmWriter.create(name, SHAPE);
  await using reader = await opening;
  ring.write(picture(5));
  using frame = await reader.next();
  assertEquals(frame?.pts, 5_000);
});

Deno.test("an abort ends ShmReader's waits with its reason, a close with null", async () => {
  const name = fresh(), reason = new Error("enough");
  const stop = new AbortController(), early = new AbortController();
  const opening = ShmReader.open(name, { wait: 60_000, signal: early.signal });
  early.abort(reason);
  assert(await opening.catch((error) => error) === reason);
  await using _ring = await ShmWriter.create(name, SHAPE);
  await using aborted = await ShmReader.open(name, { signal: stop.signal });
  const closed = await ShmReader.open(name);
  const waits = [aborted.next().catch((error) => error), closed.next()];
  await assertRejects(() => closed.next(), TypeError, "still under way");
  await pause(20);
  stop.abort(reason);
  await closed[Symbol.asyncDispose]();
  await closed[Symbol.asyncDispose]();
  assertEquals(await Promise.all(waits), [reason, null]);
  assertEquals(closed.stats(), { delivered: 0, missed: 0, torn: 0, writers: 1 });
});

Deno.test("a writer that died is noticed: the reader goes on with the next one, or ends with an error, as it is told", async () => {
  const name = fresh();
  await leftover(name);
  await using patient = await ShmReader.open(name);
  await using other = await ShmReader.open(name, { reconnect: false });
  using before = await patient.next();
  assertEquals([before?.generation, patient.alive], [0, false]);
  (await other.next())![Symbol.dispose]();
  const error = await assertRejects(() => other.next(), ShmError, "its writer died");
  assertEquals(error.code, "closed");
  const waiting = patient.next();
  await pause(20);
  await using ring = await ShmWriter.create(name, { width: 8, height: 8, format: "GRAY8" });
  ring.write(picture(3, { width: 8, height: 8 }));
  using after = await waiting;
  assertEquals([after?.generation, after?.width, after?.planes[0].data[0], patient.alive], [1, 8, 3, true]);
  assertEquals(patient.stats().writers, 2);
});

Deno.test("what stands in a ring's way is told in one sentence with a code", async () => {
  const name = fresh();
  const refused = async (code: ShmError["code"], words: string, run: () => Promise<unknown>) => {
    const error = await assertRejects(run, ShmError, words);
    assertEquals(error.code, code, error.message);
    assert(!/[.\n]$/.test(error.message), error.message);
  };
  await refused("not-found", `Cannot open ring "${name}": there is no ring of that name`, () => ShmReader.open(name));
  await refused("invalid", "not beginning with a dot", () => ShmReader.open("a/b"));
  await refused("invalid", "not beginning with a dot", () => ShmWriter.create(".a", SHAPE));
  await refused("full", "--shm-size", () => ShmWriter.create(name, { slots: 60_000, cellBytes: 2 ** 36 }));
  {
    await using _ring = await ShmWriter.create(name, SHAPE);
    await refused("in-use", `process ${Deno.pid} has that name`, () => ShmWriter.create(name, SHAPE));
  }
  await leftover(name, (memory) => memory.store32(HEADER.version, 2));
  await refused("version", `Cannot read ring "${name}": its layout version is 2`, () => ShmReader.open(name));
  await leftover(name, (memory) => memory.store32(0, 0));
  await refused("invalid", "it is not a Millrace ring", () => ShmReader.open(name));
  assertEquals(symbols.mr_shm_reap(cString(name)), 1);
});

Deno.test("ShmWriter takes only frames of its size and format, and says which", async () => {
  await using ring = await ShmWriter.create(fresh(), SHAPE);
  const words = "the frame is 8x8 GRAY8, the ring takes 32x16 GRAY8";
  assertThrows(() => ring.write(picture(1, { width: 8, height: 8 })), TypeError, words);
  assertThrows(() => ring.writeBytes(new Uint8Array(1)), TypeError, "it takes frames");
  assertEquals(ring.records, 0);
});

Deno.test("a reader's mapping cannot be written to", async () => {
  const name = fresh();
  await using _ring = await ShmWriter.create(name, SHAPE);
  const memory = new ShmRingMemory(library, symbols.mr_shm_open(cString(name), 0));
  for (
    const write of [
      () => memory.store32(144, 1),
      () => memory.store64(128, 1),
      () => memory.write(0, new Uint8Array(1)),
    ]
  ) {
    assertEquals(assertThrows(write, ShmError).code, "permission");
  }
  new RingReader(memory);
  symbols.mr_close(memory.handle);
});

Deno.test("listRings() tells the living from the dead, and takes nothing away", async () => {
  const alive = fresh(), dead = fresh();
  await using ring = await ShmWriter.create(alive, { ...SHAPE, slots: 8 });
  for (let i = 0; i < 5; i++) {
    ring.write(picture(i));
    await pause(5);
  }
  await leftover(dead);
  for (let turn = 0; turn < 2; turn++) {
    const rings = await listRings();
    const [one, other] = [alive, dead].map((name) => rings.find((ring) => ring.name === name)!);
    assertEquals([one.writer, one.pid, one.kind, one.width, one.height, one.format, one.slots, one.records], [
      "alive",
      Deno.pid,
      "frames",
      32,
      16,
      "GRAY8",
      8,
      5,
    ]);
    assert(one.rate > 0 && one.rate <= 200 && one.age! >= 0, `${one.rate} a second, ${one.age} ms ago`);
    assertEquals([other.writer, other.records, other.rate], ["dead", 1, 0]);
  }
  assertEquals(symbols.mr_shm_reap(cString(dead)), 1);
});

Deno.test("ShmReader.waitSync() blocks until there is a record, the ring is closed, or the time is over", async () => {
  const name = `wait-sync-${Deno.pid}`;
  const program = `
    import { ShmWriter } from "${new URL("../../src/shm/mod.ts", import.meta.url)}";
    const ring = await ShmWriter.create("${name}", { cellBytes: 64 });
    console.log("there");
    const line = () => Deno.stdin.read(new Uint8Array(1));
    await line();
    await new Promise((done) => setTimeout(done, 150));
    ring.writeBytes(new Uint8Array([1, 2, 3]));
    await new Promise((done) => setTimeout(done, 150));
    await ring[Symbol.asyncDispose]();`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", "--no-lock", program],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const output = child.stdout.getReader();
  await output.read();
  await using reader = await ShmReader.open(name);
  const began = performance.now();
  assert(reader.waitSync(50), "nothing is wrong where nothing comes");
  assert(performance.now() - began >= 45 && reader.pull() === null);

  const writer = child.stdin.getWriter();
  await writer.write(new Uint8Array([10]));
  while (reader.stats().delivered === 0) {
    assert(reader.waitSync(5_000));
    reader.pull();
  }
  assert(!reader.waitSync(5_000), "the writer closed the ring");
  await writer.close();
  await output.cancel();
  await child.status;
});

Deno.test("ShmReader.pullSync() copies a record the moment that it comes, from one writer after the other, and ends with the ring", async () => {
  const name = fresh();
  const writer = new Worker(new URL("./pull_sync_writer.ts", import.meta.url), { type: "module" });
  const said = (expected: string) =>
    new Promise<void>((resolve, reject) => {
      writer.onmessage = ({ data }) => data === expected && resolve();
      writer.onerror = ({ message }) => reject(new Error(message));
    });
  try {
    await said("ready");
    const wanted = new Int32Array(new SharedArrayBuffer(4));
    writer.postMessage([name, wanted]);
    await said("made");
    await using reader = await ShmReader.open(name, { mode: "every" });
    const into = new Uint8Array(32 * 16);
    const seen: number[] = [];
    for (;;) {
      Atomics.add(wanted, 0, 1);
      Atomics.notify(wanted, 0);
      const meta = reader.pullSync(into, 60_000);
      if (!meta) break;
      assert(into.every((byte) => byte === meta.pts / 1_000));
      seen.push(meta.pts / 1_000);
    }
    // The first ring was left by its writer as a crash does, the second one was closed.
    assertEquals(seen, [1, 2, 3, 11, 12, 13]);
    assertEquals([reader.stats().writers, reader.pullSync(into)], [2, null]);
  } finally {
    writer.terminate();
  }
});

Deno.test("ShmReader.pullSync() ends with its time, with an error where the writer died for good, and once it is closed", async () => {
  const name = fresh();
  const ring = await ShmWriter.create(name, SHAPE);
  const reader = await ShmReader.open(name, { mode: "every", reconnect: false });
  const into = new Uint8Array(32 * 16);
  const began = performance.now();
  assertEquals(reader.pullSync(into, 250), null);
  assert(performance.now() - began >= 249);
  assertEquals(reader.pullSync(into, 0), null);
  symbols.mr_close(ring.memory.handle);
  assertThrows(() => reader.pullSync(into), ShmError, "its writer died");
  await reader[Symbol.asyncDispose]();
  assertThrows(() => reader.pullSync(into), ShmError, "it was closed");
  symbols.mr_shm_unlink(cString(name));
});

Deno.test("ShmReader.pullSync() follows a ring that its frames outgrew, and leaves a record that does not fit where it is", async () => {
  const name = fresh();
  const ring = await ShmWriter.create(name, { maxBytes: 32 * 16, larger: "remake" });
  await using reader = await ShmReader.open(name, { mode: "every" });
  const small = new Uint8Array(32 * 16), large = new Uint8Array(64 * 48);
  ring.write(picture(1));
  ring.write(picture(2, { width: 64, height: 48 }));
  ring.write(picture(3, { width: 64, height: 48 }));
  assertEquals([reader.pullSync(small)?.pts, small[0]], [1_000, 1]);
  assertThrows(() => reader.pullSync(small), RangeError, "it has 3072 bytes, the buffer has 512");
  assertEquals([reader.pullSync(large)?.pts, large[3071]], [2_000, 2]);
  assertEquals([reader.pullSync(large, 0)?.pts, large[3071]], [3_000, 3]);
  assertEquals(reader.stats(), { delivered: 3, missed: 0, torn: 0, writers: 1 });
  await ring[Symbol.asyncDispose]();
  assertEquals(reader.pullSync(large), null);
});
