import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ShmReader, ShmSelector, ShmWriter, ValkkaReader } from "../../src/shm/mod.ts";
import { ShmError } from "../../src/media/mod.ts";
import { libraryPath } from "../../ffi/load.ts";
import { picture, RING, SHAPE } from "../valkka/frames.ts";
import { pause, sequenceOf } from "../valkka/pattern.ts";
import { freshRing, Peer } from "../valkka/peer.ts";

const fresh = () => `selector-${Deno.pid}-${crypto.randomUUID().slice(0, 8)}`;
const BYTES = { cellBytes: 64, slots: 16 } as const;
const bytes = (number: number) => new Uint8Array(new Uint32Array([number]).buffer);
const limit = (ms = 30_000) => AbortSignal.timeout(ms);

/** The numbers in a reader's ring that were not read yet. */
function numbersOf(reader: ShmReader | ValkkaReader): number[] {
  const numbers: number[] = [];
  for (let pulled = reader.pull(); pulled; pulled = reader.pull()) {
    const slot = reader.slots[pulled.index];
    numbers.push(
      reader instanceof ValkkaReader ? sequenceOf(slot.subarray(0, pulled.size)) : new Uint32Array(slot.buffer)[0],
    );
  }
  return numbers;
}

/** A process that writes a ring. */
async function child(name: string, ms: number): Promise<Deno.ChildProcess> {
  const script = decodeURIComponent(new URL("./ring_child.ts", import.meta.url).pathname);
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", "--no-lock", "--allow-read", `--allow-ffi=${await libraryPath()}`]
      .concat(script, name, String(ms)),
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const said = process.stdout.getReader();
  assertEquals(new TextDecoder().decode((await said.read()).value), "ready\n");
  await said.cancel();
  return process;
}

async function kill(process: Deno.ChildProcess): Promise<void> {
  process.kill("SIGKILL");
  await process.status;
}

Deno.test("ShmSelector waits for our rings, for libValkka's of our making, and for those of a libValkka server", async () => {
  const names = { ours: fresh(), side: freshRing(), theirs: freshRing() };
  await using ours = await ShmWriter.create(names.ours, BYTES);
  await using side = await ShmWriter.create(names.side, RING);
  await using theirs = await Peer.ready("server", { name: names.theirs, cells: 4, ...SHAPE });
  await using one = await ShmReader.open(names.ours, { mode: "every" });
  await using two = await ShmReader.open(names.side, { ...RING, mode: "every" });
  await using three = await ShmReader.open(names.theirs, { ...RING, mode: "every" });
  assertEquals([two.exact, three.exact], [true, false]);
  await using selector = new ShmSelector({ signal: limit() }).add(one).add(two).add(three);
  assertEquals(await selector.wait(20), []);
  for (let i = 1; i <= 40; i++) {
    // Each alone, then all at once, each a few times: what is left unread is told of again.
    const alone = i % 4;
    const expected = new Map<unknown, number>();
    const add = (reader: unknown) => expected.set(reader, (expected.get(reader) ?? 0) + 1);
    for (let times = 0; times < (alone === 0 ? 3 : 1); times++) {
      if (alone === 0 || alone === 1) ours.writeBytes(bytes(i)), add(one);
      if (alone === 0 || alone === 2) side.write(picture(i)), add(two);
      if (alone === 0 || alone === 3) await theirs.ask(`push ${i} 1`), add(three);
    }
    while (expected.size > 0) {
      const ready = await selector.wait(10_000);
      assert(ready.length > 0, `${[...expected.keys()].length} readers have something, and none was told of`);
      for (const reader of ready) {
        const left = expected.get(reader) ?? 0;
        assert(left > 0, `${reader.name} was told of and has nothing`);
        const pulled = reader.pull();
        assert(pulled);
        if (left > 1) expected.set(reader, left - 1);
        else expected.delete(reader);
      }
    }
    assertEquals(await selector.wait(0), []);
  }
});

Deno.test("ShmSelector.wait() ends at the time, with the signal, by dispose, and when the last reader leaves", async () => {
  const name = fresh();
  await using _ring = await ShmWriter.create(name, BYTES);
  const stop = new AbortController(), reason = new Error("enough");
  for (const filled of [true, false]) {
    const reader = await ShmReader.open(name);
    const selector = new ShmSelector({ signal: stop.signal });
    if (filled) selector.add(reader);
    const began = performance.now();
    assertEquals(await selector.wait(60), []);
    assert(performance.now() - began >= 59);
    assertEquals(await selector.wait(0), []);
    const waiting = selector.wait();
    await assertRejects(() => selector.wait(), TypeError, "still under way");
    await pause(20);
    await selector[Symbol.asyncDispose]();
    assertEquals(await waiting, []);
    assertEquals(await selector.wait(), []);
    await selector[Symbol.asyncDispose]();
    assertThrows(() => selector.add(reader), TypeError, "it was closed");
    await reader[Symbol.asyncDispose]();
  }
  const reader = await ShmReader.open(name);
  await using selector = new ShmSelector({ signal: stop.signal }).add(reader);
  assertThrows(() => selector.add(reader), TypeError, "it is there already");
  const left = selector.wait();
  await pause(20);
  await reader[Symbol.asyncDispose]();
  assertEquals([await left, selector.size, selector.has(reader)], [[], 0, false]);
  assertThrows(() => selector.add(reader), TypeError, "the reader was closed");
  for await (const _ of selector) throw new Error("There is nothing in it");
  await using other = await ShmReader.open(name);
  assertEquals([selector.add(other).remove(other), selector.remove(other)], [true, false]);
  const aborted = selector.add(other).wait();
  await pause(20);
  stop.abort(reason);
  assertEquals(await aborted.catch((error) => error), reason);
  assertEquals(await selector.wait().catch((error) => error), reason);
});

Deno.test("a reader that is added while a selector waits is waited for, and has what was there before told", async () => {
  const names = [fresh(), fresh()];
  await using first = await ShmWriter.create(names[0], BYTES);
  await using second = await ShmWriter.create(names[1], BYTES);
  await using one = await ShmReader.open(names[0]);
  second.writeBytes(bytes(7));
  await using two = await ShmReader.open(names[1]);
  for (const empty of [true, false]) {
    await using selector = new ShmSelector({ signal: limit() });
    if (!empty) selector.add(one);
    const waiting = selector.wait();
    await pause(20);
    selector.add(two);
    assertEquals(await waiting, [two]);
  }
  // Two selectors, and one reader twice: none takes anything from another.
  await using again = await ShmReader.open(names[0]);
  await using left = new ShmSelector({ signal: limit() }).add(one).add(again);
  await using right = new ShmSelector({ signal: limit() }).add(one);
  const waits = Promise.all([left.wait(), right.wait(), one.wait()]);
  await pause(20);
  first.writeBytes(bytes(1));
  const [both, alone] = await waits;
  // The one may be told of a moment before the other.
  assert(both.every((reader) => reader === one || reader === again) && both.length > 0);
  assertEquals(alone, [one]);
  left.remove(one);
  first.writeBytes(bytes(2));
  assertEquals(await left.wait(10_000), [again]);
});

Deno.test("a ring that its writer closed is told of a last time, and an iteration ends with the last one", async () => {
  const writers = [await ShmWriter.create(fresh(), BYTES), await ShmWriter.create(freshRing(), RING)];
  await using one = await ShmReader.open(writers[0].name, { mode: "every" });
  await using two = await ShmReader.open(writers[1].name, { ...RING, mode: "every" });
  await using selector = new ShmSelector({ signal: limit() }).add(one).add(two);
  const closing = (async () => {
    for (let i = 0; i < 3; i++) {
      (writers[0] as ShmWriter).writeBytes(bytes(i));
      writers[1].write(picture(i));
      await pause(5);
    }
    for (const writer of writers) await writer[Symbol.asyncDispose]();
  })();
  const seen = new Map<unknown, number[]>([[one, []], [two, []]]), ends: unknown[] = [];
  for await (const reader of selector) {
    seen.get(reader)!.push(...numbersOf(reader));
    if (!selector.has(reader)) ends.push(reader);
  }
  await closing;
  assertEquals([...seen.values()], [[0, 1, 2], [0, 1, 2]]);
  assertEquals(new Set(ends), new Set([one, two]));
  assertEquals(await two.next(), null);
});

Deno.test("a reader whose writer is killed comes back with the next one; without `reconnect` it leaves", async () => {
  const names = [fresh(), freshRing(), freshRing()];
  const writer = await child(names[0], 5);
  const server = await Peer.ready("server", { name: names[1], cells: 4, ...SHAPE });
  await using quiet = await ShmWriter.create(names[2], RING);
  await using one = await ShmReader.open(names[0], { mode: "every" });
  await using once = await ShmReader.open(names[0], { mode: "every", reconnect: false });
  await using two = await ShmReader.open(names[1], { ...RING, mode: "every" });
  await using three = await ShmReader.open(names[2], { ...RING, mode: "every" });
  const selector = new ShmSelector({ signal: limit() }).add(one).add(once).add(two).add(three);
  await using _ = selector;
  const numbers = new Map<unknown, number[]>([one, once, two, three].map((reader) => [reader, []]));
  const until = async (done: () => boolean) => {
    while (!done()) {
      for (const reader of await selector.wait(10_000)) numbers.get(reader)!.push(...numbersOf(reader));
    }
  };
  await server.ask("push 1 1");
  await until(() => numbers.get(one)!.length > 3 && numbers.get(two)!.length === 1);
  await kill(writer);
  await server.kill();
  await until(() => !selector.has(once));
  const { code } = await assertRejects(() => once.wait(), ShmError, "its writer died");
  assertEquals([code, selector.size], ["closed", 3]);
  assertEquals(await selector.wait(50), []);
  quiet.write(picture(3));
  await until(() => numbers.get(three)!.length === 1);
  const before = numbers.get(one)!.length;
  const next = await child(names[0], 5);
  await using nextServer = await Peer.ready("server", { name: names[1], cells: 4, ...SHAPE });
  // It has to find the new ring before what it is told of is meant for it.
  await until(() => two.stats().writers === 2);
  await nextServer.ask("push 9 1");
  await until(() => numbers.get(one)!.length > before + 3 && numbers.get(two)!.at(-1) === 9);
  assertEquals(numbers.get(one)!.slice(before, before + 3), [1, 2, 3]);
  assertEquals([one.stats().writers, two.stats().writers, three.stats().writers], [2, 2, 1]);
  await kill(next);
  // What the process left takes a name until somebody takes it over.
  await (await ShmWriter.create(names[0], BYTES))[Symbol.asyncDispose]();
});

Deno.test("a ring that is written without end keeps no other one out, nor this thread's timers", async () => {
  const busy = fresh();
  const writer = await child(busy, 0);
  const slow = await Promise.all(Array.from({ length: 8 }, () => ShmWriter.create(fresh(), BYTES)));
  const selector = new ShmSelector({ signal: limit() });
  await using _ = selector;
  const readers = [await ShmReader.open(busy)];
  for (const { name } of slow) readers.push(await ShmReader.open(name, { mode: "every" }));
  for (const reader of readers) selector.add(reader);
  let ticks = 0, rounds = 0, worst = 0;
  const timer = setInterval(() => {
    ticks++;
    for (const ring of slow) ring.writeBytes(bytes(rounds));
  }, 5);
  const times = new Map<unknown, number>();
  for await (const reader of selector) {
    const pulled = reader.pull();
    if (reader === readers[0]) rounds++;
    else if (pulled) {
      // How many rounds went by between its writing and its reading.
      worst = Math.max(worst, rounds - new Uint32Array(reader.slots[pulled.index].buffer)[0]);
      times.set(reader, (times.get(reader) ?? 0) + 1);
    }
    if (ticks >= 100) break;
  }
  clearInterval(timer);
  await kill(writer);
  for (const reader of readers) await reader[Symbol.asyncDispose]();
  for (const ring of slow) await ring[Symbol.asyncDispose]();
  await (await ShmWriter.create(busy, BYTES))[Symbol.asyncDispose]();
  console.log(
    `busy ring told of ${rounds} times, each slow one ${
      Math.min(...times.values())
    } times, at most ${worst} rounds late`,
  );
  assertEquals(times.size, 8);
  assert(Math.min(...times.values()) >= 98, "each record of the slow ones was read when it came");
  assert(rounds > 100 && worst <= 3, `${worst} rounds`);
});

Deno.test("200 rings cost a process one thread and, while nothing comes, hardly any CPU", async () => {
  // A process of its own: this one has threads of other tests.
  const script = decodeURIComponent(new URL("./many_rings_child.ts", import.meta.url).pathname);
  const args = ["run", "--quiet", "--no-check", "--no-lock", "-A", script, "200"];
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  assertEquals(new TextDecoder().decode(stderr), "");
  const { threads, idle, median, late } = JSON.parse(new TextDecoder().decode(stdout));
  const [none, one, many] = threads;
  console.log(`200 rings: ${many} threads (with one ring ${one}), idle ${idle.toFixed(2)} % of a core;`);
  console.log(`told after ${median.toFixed(3)} ms in the median, ${late.toFixed(3)} ms at 99 %`);
  // One that opened them may still be there, and wait for them then.
  assert(one - none <= 1 && many === one, `${threads}`);
  assert(idle < 5, `${idle} %`);
});

Deno.test("ShmSelector needs the library and nothing else", async () => {
  const library = await libraryPath(), name = fresh();
  await using _ring = await ShmWriter.create(name, BYTES);
  const script = `
import { ShmReader, ShmSelector } from "${new URL("../../src/shm/mod.ts", import.meta.url)}";
await using reader = await ShmReader.open("${name}");
await using selector = new ShmSelector().add(reader);
console.log(selector.size, (await selector.wait(20)).length);`;
  const folder = await Deno.makeTempDir({ prefix: "millrace-selector-" });
  try {
    await Deno.writeTextFile(`${folder}/it.ts`, script);
    const project = decodeURIComponent(new URL("../../", import.meta.url).pathname);
    const args = ["run", "--quiet", "--no-lock", "--no-check", "--no-prompt", `--config=${project}deno.json`]
      .concat(`--allow-ffi=${library}`, `--allow-read=${project}`, `${folder}/it.ts`);
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
    assertEquals([new TextDecoder().decode(stdout), new TextDecoder().decode(stderr)], ["1 0\n", ""]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
