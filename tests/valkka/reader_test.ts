import { assert, assertEquals, assertRejects } from "@std/assert";
import { ShmError } from "../../src/media/mod.ts";
import { ShmReader, type ValkkaReader } from "../../src/shm/mod.ts";
import { RING, SHAPE } from "./frames.ts";
import { sequenceOf } from "./pattern.ts";
import { freshRing, Peer } from "./peer.ts";

const peerRing = (name: string) => ({ name, cells: 4, ...SHAPE });
const timeout = (ms: number) => AbortSignal.timeout(ms);

/** The next frame's sequence by its pixels; -1 where it is of more than one frame. */
async function next(reader: ValkkaReader): Promise<number> {
  using frame = (await reader.next())!;
  const sequence = sequenceOf(frame.planes[0].data);
  assertEquals([frame.width, frame.height, frame.streamId], [64, 32, 7]);
  assertEquals([frame.wallTime, frame.pts], [1_700_000_000_000 + sequence, (1_700_000_000_000 + sequence) * 1_000]);
  return sequence;
}

Deno.test("ShmReader reads a libValkka server's pictures, from the first one, and over an overflow", async () => {
  const name = freshRing();
  await using server = await Peer.ready("server", peerRing(name));
  assertEquals(await server.ask("push 0 3"), "pushed 2 3 0");
  await using reader = await ShmReader.open(name, { ...RING, mode: "every", signal: timeout(10_000) });
  assertEquals(reader.exact, false);
  for (let i = 0; i < 3; i++) assertEquals(await next(reader), i);
  const waiting = next(reader);
  await server.ask("push 3 1");
  assertEquals(await waiting, 3);
  // Six at once: four are dropped, and the server begins with cell 0 again.
  assertEquals(await server.ask("push 4 6"), "pushed 1 2 1");
  assertEquals([await next(reader), await next(reader)], [8, 9]);
  await server.ask("push 10 1");
  assertEquals(await next(reader), 10);
  const { delivered, missed, torn, overflows, writers } = reader.stats();
  assertEquals({ delivered, missed, torn, overflows, writers }, {
    delivered: 7,
    missed: 4,
    torn: 0,
    overflows: 1,
    writers: 1,
  });
});

Deno.test("ShmReader in mode latest passes over what a libValkka server wrote meanwhile, and counts it", async () => {
  const name = freshRing();
  await using server = await Peer.ready("server", peerRing(name));
  await using reader = await ShmReader.open(name, { ...RING, signal: timeout(10_000) });
  await server.ask("push 0 3");
  {
    using frame = (await reader.next())!;
    assertEquals([sequenceOf(frame.planes[0].data), frame.missed], [2, 2]);
  }
  await server.ask("push 3 2");
  assertEquals(await next(reader), 4);
  assertEquals(reader.stats().missed, 3);
});

Deno.test("ShmReader that comes after another reader left begins with the next frame, and not with stale ones", async () => {
  const name = freshRing();
  await using server = await Peer.ready("server", peerRing(name));
  await using client = await Peer.ready("client", peerRing(name));
  await server.ask("push 0 4");
  assertEquals(await client.ask("follow 3 500"), "got 3 torn 0 backwards 0 last 2");
  await client.quit();
  assertEquals(await server.ask("push 4 1"), "pushed 0 2 0");
  await using reader = await ShmReader.open(name, { ...RING, mode: "every", signal: timeout(10_000) });
  const waiting = next(reader);
  assert((await server.ask("push 5 1")).startsWith("pushed 0 "), "it began anew");
  assertEquals(await waiting, 5);
  for (let i = 6; i < 30; i++) {
    await server.ask(`push ${i} 1`);
    assertEquals(await next(reader), i);
  }
});

Deno.test("ShmReader reads a libValkka server's bytes and boxes by pull()", async () => {
  for (const kind of ["bytes", "mp4"] as const) {
    const name = freshRing();
    await using server = await Peer.ready("server", { name, kind, cells: 3, width: 1_000 });
    const options = { protocol: "valkka", kind, cellBytes: 1_000, slots: 3, mode: "every" } as const;
    await using reader = await ShmReader.open(name, { ...options, signal: timeout(10_000) });
    assertEquals(reader.pull(), null);
    if (kind === "bytes") await server.ask("push 41 1");
    else await server.ask("box moof 41 104 1");
    assertEquals(await reader.wait(5_000), true);
    const { index, size, meta, box } = reader.pull()!;
    const bytes = reader.slots[index].subarray(0, size);
    if (kind === "bytes") assertEquals([size, sequenceOf(bytes), box], [1_000, 41, ""]);
    else assertEquals([size, box, meta.keyframe, meta.streamId, meta.wallTime], [104, "moof", true, 7, null]);
    assertEquals(reader.pull(), null);
    await assertRejects(() => reader.next(), TypeError, "use pull()");
  }
});

Deno.test("ShmReader refuses what a libValkka server cut, and names both sizes", async () => {
  const name = freshRing();
  await using server = await Peer.ready("server", peerRing(name));
  await using reader = await ShmReader.open(name, { ...RING, mode: "every" });
  // A smaller picture than the ring's is one.
  await server.ask("size 1 20 10");
  {
    using frame = (await reader.next())!;
    assertEquals([frame.width, frame.height, frame.planes[0].data.length], [20, 10, 600]);
    assertEquals(sequenceOf(frame.planes[0].data), 1);
  }
  await server.ask("size 2 128 64");
  const error = await assertRejects(() => reader.next(), ShmError, "pictures of 128x64, and the ring is for 64x32");
  assertEquals(error.code, "size");
});

Deno.test("ShmReader delivers no torn frame of a libValkka server that writes as fast as it can", async () => {
  const shape = { width: 320, height: 240 };
  for (const mode of ["every", "latest"] as const) {
    const name = freshRing();
    await using server = await Peer.ready("server", { name, cells: 4, ...shape });
    const signal = timeout(20_000);
    await using reader = await ShmReader.open(name, { protocol: "valkka", slots: 4, ...shape, mode, signal });
    const pushing = server.ask("push 0 6000");
    let frames = 0, last = -1;
    const over = pushing.then(() => reader[Symbol.asyncDispose](), () => {});
    for (let frame = await reader.next(); frame; frame = await reader.next()) {
      using held = frame;
      const sequence = sequenceOf(held.planes[0].data);
      assert(sequence > last, `frame ${sequence} after ${last} (${mode})`);
      assertEquals(held.wallTime, 1_700_000_000_000 + sequence);
      last = sequence;
      frames++;
    }
    await over;
    const { delivered, overflows, missed, torn } = reader.stats();
    assertEquals(delivered, frames);
    assert(frames > 50 && overflows + torn + missed > 0, `${JSON.stringify(reader.stats())} of 6000 (${mode})`);
  }
});
