import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { makeClip } from "../../src/camera/mod.ts";
import { cacheFolder } from "../../src/cli/cache_folder.ts";
import { decode } from "../../src/decode/mod.ts";
import { encodedFeed } from "../../src/feed/mod.ts";
import { readVideoFile } from "../../src/file/mod.ts";
import { type Frame, packedBytes, type PixelFormat, ShmError } from "../../src/media/mod.ts";
import { type AnyRingOptions, listRings, ShmReader, ShmSelector, ShmWriter } from "../../src/shm/mod.ts";
import { FileSource } from "../support/file_source.ts";
import { freshName, grey, isAll, pause, unit } from "./rings.ts";

/** What is worth comparing of a frame whose pixels are all its number. */
function seen({ width, height, generation, missed, planes }: Frame) {
  const [{ data, rows, rowBytes }] = planes;
  assertEquals([rowBytes, rows, data.length], [width, height, width * height]);
  assert(isAll(data, data[0]));
  return { value: data[0], size: `${width}x${height}`, generation, missed };
}

async function next(reader: ShmReader) {
  using frame = (await reader.next())!;
  return seen(frame);
}

Deno.test("a ring of any frames takes each size and format up to its room, and each change is a new generation", async () => {
  const name = freshName();
  await using ring = await ShmWriter.create(name, { maxBytes: 64 * 48 });
  await using reader = await ShmReader.open(name, { mode: "every" });
  const sizes = [[64, 48], [64, 48], [32, 16], [1, 1], [48, 64], [64, 48]];
  for (const [i, [width, height]] of sizes.entries()) ring.write(grey(i, width, height));
  const generations = [0, 0, 1, 2, 3, 4];
  for (const [i, [width, height]] of sizes.entries()) {
    const size = `${width}x${height}`;
    assertEquals(await next(reader), { value: i, size, generation: generations[i], missed: 0 });
  }
  // A source that counts itself is believed, unless it would go back.
  for (const generation of [7, 7, 8, 2, 3]) ring.write(grey(1, 4, 4, { generation }));
  const counted = [];
  for (let i = 0; i < 5; i++) counted.push((await next(reader)).generation);
  // It is ahead of the first by four already.
  assertEquals(counted, [11, 11, 12, 13, 14]);
  assertEquals([ring.shape, reader.stats().writers], [null, 1]);
});

Deno.test("a frame that is larger than the room is refused, both being named", async () => {
  await using ring = await ShmWriter.create(freshName(), { maxBytes: 1_000, blobBytes: 0 });
  const words = "the frame is 64x48 GRAY8, 3072 bytes, the ring has room for 1024";
  assertThrows(() => ring.write(grey(1, 64, 48)), TypeError, words);
  ring.write(grey(1, 8, 8));
  assertThrows(() => ring.write(grey(1, 64, 48)), TypeError, words);
  assertEquals(ring.records, 1);
});

Deno.test("a ring that is made anew for a larger frame is followed by its readers, whichever way they read", async () => {
  const name = freshName();
  const ring = await ShmWriter.create(name, { maxBytes: 100, slots: 4, larger: "remake", blobBytes: 0 });
  ring.write(grey(1, 10, 10));
  const [every, latest, puller, told, strict] = await Promise.all(
    (["every", "latest", "every", "every", "every"] as const).map((mode, i) =>
      ShmReader.open(name, { mode, reconnect: i !== 4 })
    ),
  );
  const selector = new ShmSelector();
  selector.add(told);
  assertEquals((await next(latest)).value, 1);
  const waiting = (async () => [await next(strict), await next(strict), await next(strict)])();
  await pause(20);
  ring.write(grey(2, 20, 10));
  ring.write(grey(3, 10, 10));
  const expected = [
    { value: 1, size: "10x10", generation: 0, missed: 0 },
    { value: 2, size: "20x10", generation: 1, missed: 0 },
    { value: 3, size: "10x10", generation: 2, missed: 0 },
  ];
  assertEquals([await next(every), await next(every), await next(every)], expected);
  assertEquals(await waiting, expected, "who wants no other writer follows the same one");
  assertEquals(await next(latest), { ...expected[2], missed: 1 });
  const pulled = [1, 2, 3].map(() => {
    const { index, size, meta } = puller.pull()!;
    return [puller.slots[index][0], size, meta.missed];
  });
  assertEquals(pulled, [[1, 100, 0], [2, 200, 0], [3, 100, 0]]);
  const values: number[] = [];
  for await (const reader of selector) {
    const record = reader.pull();
    if (record) values.push(reader.slots[record.index][0]);
    if (values.length === 3) break;
  }
  assertEquals(values, [1, 2, 3]);
  await selector[Symbol.asyncDispose]();

  assertEquals(ring.records, 3);
  const listed = (await listRings()).filter((info) => info.name === name);
  assertEquals(listed.map(({ writer, records }) => [writer, records]), [["alive", 3]]);
  await ring[Symbol.asyncDispose]();
  for (const reader of [every, latest, strict]) assertEquals(await reader.next(), null);
  for (const reader of [every, latest, puller, told, strict]) {
    assertEquals(reader.stats().writers, 1);
    await reader[Symbol.asyncDispose]();
  }
  await assertRejects(() => ShmReader.open(name), ShmError, "there is no ring of that name");
});

Deno.test("a reader that follows late knows what it missed in the new ring", async () => {
  const name = freshName();
  await using ring = await ShmWriter.create(name, { maxBytes: 100, slots: 4, larger: "remake", blobBytes: 0 });
  ring.write(grey(0, 10, 10));
  await using reader = await ShmReader.open(name, { mode: "every" });
  await using other = await ShmReader.open(name, { mode: "every" });
  await next(reader);
  for (let i = 1; i <= 10; i++) ring.write(grey(i, 20, 10));
  assertEquals(await next(reader), { value: 7, size: "20x10", generation: 1, missed: 6 });
  // Twice, before the other one looks: what the ring in between held is gone.
  for (let i = 11; i <= 12; i++) ring.write(grey(i, 30, 10));
  assertEquals([await next(other), await next(other)], [
    { value: 0, size: "10x10", generation: 0, missed: 0 },
    { value: 11, size: "30x10", generation: 2, missed: 10 },
  ]);
  await ring[Symbol.asyncDispose]();
  const rest = [];
  for await (using frame of reader) rest.push(seen(frame).value);
  assertEquals(rest, [8, 9, 10], "the ring in between is read to its end");
});

Deno.test("a reader that waits blocked follows, too", async () => {
  const name = freshName();
  const program = `
    import { Frame, ShmWriter } from "${new URL("../../mod.ts", import.meta.url)}";
    const ring = await ShmWriter.create("${name}", { maxBytes: 4, slots: 4, larger: "remake", blobBytes: 0 });
    console.log("there");
    await Deno.stdin.read(new Uint8Array(1));
    for (let side = 1; side <= 12; side++) {
      ring.write(Frame.of(new Uint8Array(side * 40).fill(side), { width: 40, height: side, format: "GRAY8" }));
      await new Promise((done) => setTimeout(done, 15));
    }
    await ring[Symbol.asyncDispose]();`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", "--no-lock", program],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const output = child.stdout.getReader();
  await output.read();
  await using reader = await ShmReader.open(name, { mode: "every" });
  const stdin = child.stdin.getWriter();
  await stdin.write(new Uint8Array([10]));
  const values: number[] = [];
  while (reader.waitSync(20_000)) {
    for (let record = reader.pull(); record; record = reader.pull()) values.push(reader.slots[record.index][0]);
  }
  await stdin.close();
  await child.status;
  await output.cancel();
  assertEquals(values, Array.from({ length: 12 }, (_, i) => i + 1));
});

Deno.test("a ring of access units is made anew for a larger one, and its readers lose none", async () => {
  const name = freshName();
  const ring = await ShmWriter.create(name, { kind: "access-units", arenaBytes: 1_024, larger: "remake" });
  const reader = await ShmReader.open(name);
  const sizes = [500, 300, 3_000, 100, 40_000, 10];
  const read: number[] = [];
  const units = reader.units();
  for (const [i, size] of sizes.entries()) {
    ring.writeUnit(unit(i, size));
    const { value } = await units.next();
    assert(isAll(value!.data, i) && value!.missed === 0);
    read.push(value!.data.length);
  }
  assertEquals(read, sizes);
  await ring[Symbol.asyncDispose]();
  assertEquals((await units.next()).done, true);
});

Deno.test("a ring that there is no room to make anew stays as it is", async () => {
  const name = freshName();
  await using ring = await ShmWriter.create(name, { maxBytes: 4, slots: 60_000, larger: "remake", blobBytes: 0 });
  await using reader = await ShmReader.open(name, { mode: "every" });
  ring.write(grey(1, 2, 2));
  const huge = { ...grey(2, 2, 2), width: 65_536, height: 65_536, format: "RGBA" as PixelFormat };
  const error = assertThrows(() => ring.write(Object.assign(huge, { planes: [] }) as unknown as Frame), ShmError);
  assertEquals(error.code, "full");
  ring.write(grey(3, 2, 2));
  assertEquals([(await next(reader)).value, (await next(reader)).value], [1, 3]);
});

Deno.test("a feed whose camera changes its size goes on in the ring that it is written to", async () => {
  const clips = await Promise.all([[160, 96], [320, 240], [64, 64]].map(async ([width, height]) => {
    const options = { width, height, rate: 25, seconds: 1, bitRate: 500_000, gop: 25 };
    return await readVideoFile(await makeClip({ cacheDir: cacheFolder(), ...options }));
  }));
  const units = clips.flatMap((clip, round) =>
    clip.units.map((unit) => ({ ...unit, pts: unit.pts + round * 1e6, dts: unit.dts + round * 1e6 }))
  );
  const name = freshName();
  const run = async (options: AnyRingOptions) => {
    const source = new FileSource({ ...clips[0], units });
    await using frames = encodedFeed(source).branch({ capacity: 200 }).pipe(decode());
    const ring = await ShmWriter.create(name, options);
    const reader = await ShmReader.open(name, { mode: "every" });
    const sizes: string[] = [], generations = new Set<number>();
    let missed = 0;
    const reading = (async () => {
      for await (using frame of reader) {
        const size = `${frame.width}x${frame.height}`;
        if (sizes.at(-1) !== size) sizes.push(size);
        generations.add(frame.generation);
        missed += frame.missed;
      }
    })();
    const branch = frames.branch({ capacity: 64, overflow: "block" });
    const writing = branch.pipeTo(ring).catch((error) => error);
    while (branch.stats().received < 75 && source.push(1)) await pause(10);
    source.end();
    const error = await writing;
    const { records } = ring;
    await ring[Symbol.asyncDispose]();
    await reading;
    return { error, records, sizes, generations: generations.size, read: reader.stats().delivered + missed };
  };
  const sizes = ["160x96", "320x240", "64x64"];
  const good = { error: undefined, records: 75, sizes, generations: 3, read: 75 };
  assertEquals(await run({ maxBytes: packedBytes("I420", 320, 240), slots: 90 }), good);
  assertEquals(await run({ maxBytes: packedBytes("I420", 160, 96), larger: "remake", slots: 90 }), good);
  const refused = await run({ maxBytes: packedBytes("I420", 160, 96), slots: 90 });
  assert(refused.error instanceof TypeError, String(refused.error));
  assert(refused.error.message.includes("the frame is 320x240 I420"), refused.error.message);
  assertEquals([refused.records, refused.sizes], [25, ["160x96"]]);
  const fixed = await run({ width: 320, height: 240, format: "I420", slots: 90 });
  assert(fixed.error instanceof TypeError && fixed.error.message.includes("160x96"), String(fixed.error));
});

Deno.test("a writer that is killed while it makes its ring anew leaves what can be read, and a name that can be taken", async () => {
  const name = freshName();
  const program = `
    import { Frame, ShmWriter } from "${new URL("../../mod.ts", import.meta.url)}";
    const ring = await ShmWriter.create("${name}", { maxBytes: 4, slots: 3, larger: "remake", blobBytes: 0 });
    console.log("there");
    // Each frame is larger than the one before, and so each has a ring of its own.
    for (let size = 1; size < 20_000; size++) {
      ring.write(Frame.of(new Uint8Array(size * 64).fill(size), { width: 64, height: size, format: "GRAY8" }));
      if (size % 10 === 0) await new Promise((done) => setTimeout(done, 0));
    }`;
  const stop = new AbortController();
  let frames = 0;
  let reading: Promise<void> | null = null;
  for (let round = 0; round < 12; round++) {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--quiet", "--no-lock", program],
      stdout: "piped",
    }).spawn();
    const output = child.stdout.getReader();
    assertEquals((await output.read()).done, false, "the name of the dead one is free");
    reading ??= (async () => {
      await using reader = await ShmReader.open(name, { mode: "every", signal: stop.signal });
      for await (using frame of reader) {
        assert(isAll(frame.planes[0].data, frame.height));
        frames++;
      }
    })().catch((error) => {
      if (!stop.signal.aborted) throw error;
    });
    const before = frames;
    while (frames < before + 3) await pause(5);
    await pause(round * 3);
    child.kill("SIGKILL");
    await child.status;
    await output.cancel();
  }
  stop.abort();
  await reading;
  await (await ShmWriter.create(name, { cellBytes: 1 }))[Symbol.asyncDispose]();
  const left = [...Deno.readDirSync("/dev/shm")].filter((entry) => entry.name.startsWith(name));
  assertEquals(left, []);
});
