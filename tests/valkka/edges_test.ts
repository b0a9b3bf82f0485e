import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ShmError } from "../../src/media/mod.ts";
import { ShmReader, ShmWriter } from "../../src/shm/mod.ts";
import { libraryPath, loadLibrary } from "../../ffi/load.ts";
import { cString } from "../../ffi/symbols.ts";
import { picture, RING, SHAPE } from "./frames.ts";
import { fill, pause, sequenceOf } from "./pattern.ts";
import { freshRing, objectsOf, Peer } from "./peer.ts";

const { symbols } = loadLibrary(await libraryPath());
const peerRing = (name: string) => ({ name, cells: 4, ...SHAPE });
const limit = () => AbortSignal.timeout(20_000);
const code = async (promise: Promise<unknown>, words: string) =>
  (await assertRejects(() => promise, ShmError, words)).code;

Deno.test("a reader waits for a libValkka server, or for a writer of ours, that is not there yet", async () => {
  for (const theirs of [true, false]) {
    const name = freshRing();
    assertEquals(await code(ShmReader.open(name, RING), "is its writer running?"), "not-found");
    assertEquals(await code(ShmReader.open(name, { ...RING, wait: 120 }), "is its writer running?"), "not-found");
    assertEquals(objectsOf(name), [], "who only looked leaves nothing");
    const opening = ShmReader.open(name, { ...RING, wait: 20_000, mode: "every", signal: limit() });
    await pause(100);
    if (theirs) {
      await using server = await Peer.ready("server", peerRing(name));
      await using reader = await opening;
      await server.ask("push 9 1");
      using frame = (await reader.next())!;
      assertEquals([sequenceOf(frame.planes[0].data), reader.exact], [9, false]);
      await server.quit();
    } else {
      await using ring = await ShmWriter.create(name, RING);
      await using reader = await opening;
      ring.write(picture(9));
      using frame = (await reader.next())!;
      assertEquals([sequenceOf(frame.planes[0].data), reader.exact], [9, true]);
    }
    assertEquals(objectsOf(name), []);
  }
});

Deno.test("a libValkka client that comes before a writer of ours gets its first frame", async () => {
  const name = freshRing();
  await using client = await Peer.start("client", peerRing(name));
  while (objectsOf(name).length < 2) await pause(10); // its semaphores
  await using ring = await ShmWriter.create(name, RING);
  assertEquals(await client.line(), "ready");
  ring.write(picture(3));
  assertEquals((await client.ask("pull 2000")).split(" ").slice(-2), ["3", "whole"]);
});

Deno.test("a ring that was made with other numbers is refused, with both named", async () => {
  const theirs = freshRing(), ours = freshRing();
  await using _server = await Peer.ready("server", peerRing(theirs));
  await using _ring = await ShmWriter.create(ours, RING);
  const cases = [
    [{ ...RING, width: 128 }, "cell 0 has 6144 bytes", "4 cells of 128x32 RGB24 (12288 bytes)"],
    [{ ...RING, width: 32 }, "cell 0 has 6144 bytes", "4 cells of 32x32 RGB24 (3072 bytes)"],
    [{ ...RING, slots: 6 }, "it has 4 cells", "6 cells of 64x32 RGB24"],
    [{ ...RING, slots: 3 }, "it has more than 3 cells", "3 cells of 64x32 RGB24"],
    [
      { protocol: "valkka", kind: "bytes", cellBytes: 6_144, slots: 4 },
      "the metadata of cell 0 have 32 bytes (pictures or boxes)",
      "8 bytes of metadata (a ring of bytes)",
    ],
  ] as const;
  for (const [options, has, asked] of cases) {
    const error = await assertRejects(() => ShmReader.open(theirs, options), ShmError, has);
    assertEquals(error.code, "size");
    assert(error.message.includes(asked), error.message);
    const exact = await assertRejects(
      () => ShmReader.open(ours, options),
      ShmError,
      "it has 4 cells of 64x32 RGB24 (6144 bytes)",
    );
    assertEquals(exact.code, "size");
  }
  // Other sides of as many bytes are told apart where our segment says them.
  assertEquals(await code(ShmReader.open(ours, { ...RING, width: 32, height: 64 }), "of 64x32"), "size");
  assertEquals(await assertRejects(() => ShmReader.open(ours, { ...RING, slots: 0 }), RangeError).then(() => 1), 1);
  await assertRejects(() => ShmWriter.create("x".repeat(181), RING), TypeError, "181 bytes, expected up to 180");
});

Deno.test("a reader goes on with a libValkka server that was killed and started again, and delivers nothing stale", async () => {
  const name = freshRing();
  const signal = limit();
  let server = await Peer.ready("server", peerRing(name));
  await using reader = await ShmReader.open(name, { ...RING, mode: "every", signal });
  for (let life = 1; life <= 3; life++) {
    for (let i = 0; i < 3; i++) {
      await server.ask(`push ${life * 100 + i} 1`);
      using frame = (await reader.next())!;
      assertEquals(sequenceOf(frame.planes[0].data), life * 100 + i);
      assertEquals(frame.generation, life - 1);
    }
    // One that is left unread, in memory that the next server replaces.
    await server.ask(`push ${life * 100 + 50} 1`);
    const waiting = life === 3 ? null : reader.next();
    if (waiting) (await waiting)![Symbol.dispose]();
    await server.kill();
    if (life < 3) {
      server = await Peer.ready("server", peerRing(name));
      while (reader.stats().writers <= life) await Promise.race([reader.wait(50), pause(50)]);
    }
  }
  assertEquals(reader.stats().writers, 3);
  symbols.mr_valkka_clear(cString(name), 0, 4);
  for (const end of ["ringbuffer", "ringflag"]) symbols.mr_sem_unlink(cString(`${name}_valkka_${end}`));
});

Deno.test("a reader goes from a writer of ours to a libValkka server and back; one of another size is refused", async () => {
  const name = freshRing();
  const signal = limit();
  const first = await ShmWriter.create(name, RING);
  await using reader = await ShmReader.open(name, { ...RING, mode: "every", signal });
  const got = async () => {
    using frame = (await reader.next())!;
    return [sequenceOf(frame.planes[0].data), reader.exact];
  };
  first.write(picture(1));
  assertEquals(await got(), [1, true]);
  // It dies: its lock and its mappings are gone, its names are not.
  symbols.mr_close(first.side.handle);
  symbols.mr_close(handleOf(first));
  const server = await Peer.ready("server", peerRing(name));
  const waiting = got();
  while (reader.exact) await pause(20);
  await server.ask("push 2 1");
  assertEquals(await waiting, [2, false]);
  await server.kill();
  const second = await ShmWriter.create(name, RING);
  second.write(picture(3));
  assertEquals(await got(), [3, true]);
  assertEquals(reader.stats().writers, 3);
  symbols.mr_close(second.side.handle);
  symbols.mr_close(handleOf(second));
  await using third = await ShmWriter.create(name, { ...RING, width: 128, slots: 2 });
  assertEquals(objectsOf(name).length, 7, "what is beyond the new ring's cells is gone");
  assertEquals(await code(reader.next(), "it has 2 cells of 128x32 RGB24"), "size");
  assert(!third.closed);
});

/** The C library's handle of a ring, as a feed is given it. */
function handleOf(ring: object): number {
  const key = Object.getOwnPropertySymbols(Object.getPrototypeOf(ring)).find((key) =>
    key === Symbol.for("millrace.egress-target")
  )!;
  return (ring as Record<symbol, { handle: number }>)[key].handle;
}

Deno.test("a name is one writer's while it lives, and the next one's when it is dead", async () => {
  const name = freshRing();
  {
    await using _ring = await ShmWriter.create(name, RING);
    assertEquals(await code(ShmWriter.create(name, RING), `process ${Deno.pid} has that name`), "in-use");
  }
  {
    await using server = await Peer.ready("server", peerRing(name));
    const words = `process ${server.process.pid} is writing it`;
    assertEquals(await code(ShmWriter.create(name, RING), words), "in-use");
    await server.ask("push 1 1");
    assertEquals(objectsOf(name).length, 10, "it kept all it has, and nothing of ours is left");
    await server.kill();
  }
  await using ring = await ShmWriter.create(name, RING);
  await using client = await Peer.ready("client", peerRing(name));
  ring.write(picture(4));
  assertEquals((await client.ask("pull 1000")).split(" ").slice(-2), ["4", "whole"]);
});

Deno.test("cells that two rings would both call theirs are refused", async () => {
  const name = `vk${crypto.randomUUID().slice(0, 8)}x`;
  const small = { protocol: "valkka", kind: "bytes", cellBytes: 16 } as const;
  {
    await using _many = await ShmWriter.create(`${name}1`, { ...small, slots: 11 });
    const words = `${name}110_valkka_payload would be a cell of it and of ring "${name}1"`;
    assertEquals(await code(ShmWriter.create(`${name}11`, { ...small, slots: 2 }), words), "in-use");
  }
  {
    await using _few = await ShmWriter.create(`${name}11`, { ...small, slots: 2 });
    assertEquals(await code(ShmWriter.create(`${name}1`, { ...small, slots: 11 }), `ring "${name}11"`), "in-use");
    await using beside = await ShmWriter.create(`${name}1`, { ...small, slots: 10 });
    beside.writeBytes(fill(new Uint8Array(16), 1));
    await using reader = await ShmReader.open(`${name}1`, { ...small, slots: 10 });
    assertEquals(reader.pull()?.size, 16);
  }
  // With ten cells each, a libValkka server's neighbour is not taken for a larger ring of its own.
  await using one = await Peer.ready("server", { name: `${name}1`, kind: "bytes", cells: 10, width: 16 });
  await using two = await Peer.ready("server", { name: `${name}11`, kind: "bytes", cells: 10, width: 16 });
  await using reader = await ShmReader.open(`${name}1`, { ...small, slots: 10 });
  await one.ask("push 5 1");
  assertEquals(await reader.wait(5_000) && reader.pull()?.size, 16);
  assertEquals(
    await code(ShmWriter.create(`${name}1`, { ...small, slots: 11 }), `process ${one.process.pid}`),
    "in-use",
  );
  await one.quit();
  await two.quit();
  assertEquals(objectsOf(name), []);
});

const CHILD = decodeURIComponent(new URL("./child.ts", import.meta.url).pathname);

Deno.test("a process that ends, by itself or by a signal, takes its rings' names with it; one that has its own mind is left to it", async () => {
  const library = await libraryPath();
  for (const how of ["SIGTERM", "SIGINT", "SIGHUP", "exit", "throw", "handles"] as const) {
    const name = freshRing();
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-check", "--no-prompt", `--allow-ffi=${library}`, "--allow-read", CHILD, name, how],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const lines = child.stdout.getReader();
    await lines.read();
    if (how.startsWith("SIG")) child.kill(how as Deno.Signal);
    if (how === "handles") {
      assertEquals(objectsOf(name).length, 11);
      child.kill("SIGTERM");
      assertEquals(new TextDecoder().decode((await lines.read()).value), "mine\n");
      assertEquals(objectsOf(name).length, 11, "a program that deals with the signal still has its ring");
    }
    await lines.cancel();
    const { signal, code } = await child.status;
    assertEquals(signal ?? code, how.startsWith("SIG") ? how : how === "throw" ? 1 : how === "exit" ? 3 : 0, how);
    assertEquals(objectsOf(name), [], how);
  }
});

Deno.test("a reader ends at once when it is disposed of or aborted, and tells that it was", async () => {
  const name = freshRing();
  await using _server = await Peer.ready("server", peerRing(name));
  const stop = new AbortController();
  const reader = await ShmReader.open(name, { ...RING, signal: stop.signal });
  const waiting = reader.next();
  const reason = new Error("enough");
  stop.abort(reason);
  assertEquals(await waiting.catch((error) => error), reason);
  await reader[Symbol.asyncDispose]();
  assertEquals(assertThrows(() => reader.pull(), ShmError).code, "closed");
  const other = await ShmReader.open(name, { ...RING, mode: "every" });
  const end = other.next();
  await pause(30);
  await other[Symbol.asyncDispose]();
  assertEquals(await end, null);
});

Deno.test("a reader of a closed ring gets what is left in it, and then the end", async () => {
  const name = freshRing();
  const ring = await ShmWriter.create(name, RING);
  await using reader = await ShmReader.open(name, { ...RING, mode: "every" });
  for (let i = 0; i < 3; i++) ring.write(picture(i));
  await ring[Symbol.asyncDispose]();
  const seen: number[] = [];
  for (let frame = await reader.next(); frame; frame = await reader.next()) {
    using held = frame;
    seen.push(sequenceOf(held.planes[0].data));
  }
  assertEquals(seen, [0, 1, 2]);
});
