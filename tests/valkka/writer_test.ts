import { assert, assertEquals, assertThrows } from "@std/assert";
import { Frame, NO_LEASE, ShmError } from "../../src/media/mod.ts";
import { ShmReader, ShmWriter } from "../../src/shm/mod.ts";
import { BYTES, picture, RING, SHAPE } from "./frames.ts";
import { fill } from "./pattern.ts";
import { freshRing, objectsOf, Peer } from "./peer.ts";

Deno.test("a libValkka client reads the pictures of ShmWriter, and follows it over an overflow", async () => {
  const name = freshRing();
  await using ring = await ShmWriter.create(name, RING);
  await using client = await Peer.ready("client", { name, cells: 4, ...SHAPE });
  const line = (cell: number, sequence: number) =>
    `${cell} ${BYTES} 64 32 7 ${1_700_000_000_000 + sequence} - 0 ${sequence} whole`;
  for (let i = 0; i < 6; i++) {
    ring.write(picture(i));
    assertEquals(await client.ask("pull 1000"), line(i % 4, i));
  }
  assertEquals(await client.ask("pull 10"), "timeout");
  // Four pending are dropped by the fifth, which lies in cell 0; the sixth lies in cell 1.
  for (let i = 6; i < 12; i++) ring.write(picture(i));
  assertEquals(await client.ask("pull 1000"), line(0, 10));
  assertEquals(await client.ask("pull 1000"), line(1, 11));
  assertEquals(await client.ask("pull 10"), "timeout");
  assertEquals(ring.stats(), { records: 12, overflows: 1 });
});

Deno.test("a ring of ShmWriter consists of libValkka's objects, as large as its clients expect, and goes without a trace", async () => {
  const name = freshRing();
  const ring = await ShmWriter.create(name, { ...RING, slots: 2, mode: 0o640 });
  assertEquals(
    objectsOf(name),
    [
      `sem.${name}_valkka_ringbuffer`,
      `sem.${name}_valkka_ringflag`,
      `${name}0_valkka_meta`,
      `${name}0_valkka_payload`,
      `${name}1_valkka_meta`,
      `${name}1_valkka_payload`,
      `${name}_millrace_side`,
    ].sort(),
  );
  const stat = (object: string) => Deno.statSync(`/dev/shm/${object}`);
  assertEquals([stat(`${name}1_valkka_payload`).size, stat(`${name}1_valkka_meta`).size], [BYTES, 32]);
  assertEquals(stat(`${name}1_valkka_payload`).mode! & 0o777, 0o640);
  assertEquals(stat(`sem.${name}_valkka_ringflag`).mode! & 0o777, 0o660, "who reads takes from the count");
  await ring[Symbol.asyncDispose]();
  assertEquals(objectsOf(name), []);
});

Deno.test("a libValkka client reads bytes of ShmWriter, from none to a whole cell", async () => {
  const name = freshRing();
  await using ring = await ShmWriter.create(name, { protocol: "valkka", kind: "bytes", cellBytes: 4_000, slots: 3 });
  await using client = await Peer.ready("client", { name, kind: "bytes", cells: 3, width: 4_000 });
  assertEquals(Deno.statSync(`/dev/shm/${name}0_valkka_meta`).size, 8);
  for (const [i, size] of [4_000, 4, 0, 2_000].entries()) {
    ring.writeBytes(fill(new Uint8Array(size), i));
    assertEquals(await client.ask("pull 1000"), `${i % 3} ${size} 0 0 0 0 - 0 ${size ? i : 0} whole`);
  }
  const error = assertThrows(() => ring.writeBytes(new Uint8Array(4_001)), ShmError);
  assertEquals(error.code, "size");
  assert(ring.closed === false);
});

/** A box with boxes or bytes in it. */
function box(name: string, ...parts: Uint8Array[]): Uint8Array {
  const size = 8 + parts.reduce((sum, part) => sum + part.length, 0);
  const bytes = new Uint8Array(size);
  new DataView(bytes.buffer).setUint32(0, size);
  bytes.set(new TextEncoder().encode(name), 4);
  let at = 8;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function moof(keyframe: boolean): Uint8Array {
  const run = new Uint8Array(12);
  run[3] = keyframe ? 0x05 : 0x01; // data offset, and the first sample's flags
  return box("moof", box("mfhd", new Uint8Array(8)), box("traf", box("tfhd", new Uint8Array(8)), box("trun", run)));
}

Deno.test("a libValkka client gets each box of a fragmented MP4 with its name, and knows the fragments that begin with a keyframe", async () => {
  const name = freshRing();
  await using ring = await ShmWriter.create(name, { protocol: "valkka", kind: "mp4", cellBytes: 1_000 });
  await using client = await Peer.ready("client", { name, kind: "mp4", cells: 10, width: 1_000 });
  await using reader = await ShmReader.open(name, {
    protocol: "valkka",
    kind: "mp4",
    cellBytes: 1_000,
    mode: "every",
  });
  const head = box("ftyp", new Uint8Array(8)), movie = box("moov", new Uint8Array(40));
  const first = [moof(true), box("mdat", new Uint8Array(100))], second = [moof(false), box("mdat", new Uint8Array(9))];
  const join = (boxes: Uint8Array[]) => box("free", ...boxes).subarray(8);
  ring.writeBytes(join([head, movie]), { streamId: 3, receivedAt: 0 });
  ring.writeBytes(join(first), { streamId: 3, receivedAt: 0 });
  ring.writeBytes(join(second), { streamId: 3, receivedAt: 0 });
  // What is no fragment of its own says by itself what it is.
  ring.writeBytes(second[1], { streamId: 3, keyframe: true, receivedAt: 0 });
  const expected = [head, movie, ...first, ...second, second[1]].map((bytes, i) => {
    return { size: bytes.length, name: new TextDecoder().decode(bytes.subarray(4, 8)), first: [2, 3, 6].includes(i) };
  });
  for (const [i, { size, name, first }] of expected.entries()) {
    const words = (await client.ask("pull 1000")).split(" ");
    assertEquals([words[0], words[1], words[4], words[5]], [String(i), String(size), "3", "0"]);
    assertEquals([words[6], words[7]], [name, first ? "1" : "0"]);
    const record = reader.pull()!;
    assertEquals([record.box, record.size, record.meta.keyframe, record.meta.streamId], [name, size, first, 3]);
  }
  const meta = await Deno.readFile(`/dev/shm/${name}2_valkka_meta`);
  assertEquals([...meta.subarray(0, 8)], [...new TextEncoder().encode("moof"), 1, 0, 0, 0]);
  const large = join([moof(true), box("mdat", new Uint8Array(1_000))]);
  const error = assertThrows(() => ring.writeBytes(large), ShmError, 'box "mdat" has 1008 bytes, a cell takes 1000');
  assertEquals([error.code, ring.stats().records], ["size", 7]);
  assertThrows(() => ring.writeBytes(Uint8Array.of(0, 0, 0, 9, 0, 0, 0, 0)), TypeError, "there is none at byte 0 of 8");
});

Deno.test("ShmWriter takes rows with padding, and refuses another size, another format and another kind", async () => {
  const name = freshRing();
  await using ring = await ShmWriter.create(name, RING);
  await using client = await Peer.ready("client", { name, cells: 4, ...SHAPE });
  const packed = picture(5);
  const rowBytes = 64 * 3, stride = rowBytes + 13;
  const data = new Uint8Array(stride * 32).fill(99);
  for (let row = 0; row < 32; row++) {
    data.set(packed.planes[0].data.subarray(row * rowBytes, (row + 1) * rowBytes), row * stride);
  }
  ring.write(new Frame(packed, [{ data, stride, rowBytes, rows: 32 }], NO_LEASE));
  assertEquals((await client.ask("pull 1000")).split(" ").slice(-2), ["5", "whole"]);
  assertThrows(
    () => ring.write(picture(1, { width: 32, height: 32 })),
    TypeError,
    "is 32x32 RGB24, the ring takes 64x32",
  );
  const bgr = new Frame({ ...picture(1), format: "BGR24" } as Frame, packed.planes, NO_LEASE);
  assertThrows(() => ring.write(bgr), TypeError, "BGR24");
  assertThrows(() => ring.writeBytes(new Uint8Array(4)), TypeError, "it takes frames");
  await ring[Symbol.asyncDispose]();
  assertThrows(() => ring.write(packed), TypeError, "was closed");
});

Deno.test("readers of ours beside a libValkka client take nothing from it, and get every frame each", async () => {
  const name = freshRing();
  await using ring = await ShmWriter.create(name, RING);
  await using client = await Peer.ready("client", { name, cells: 4, ...SHAPE });
  await using one = await ShmReader.open(name, { ...RING, mode: "every" });
  await using other = await ShmReader.open(name, { ...RING, mode: "every" });
  for (let i = 0; i < 50; i++) {
    ring.write(picture(i));
    if (i % 3 === 0) assertEquals(await client.ask("pull 1000").then((line) => line.endsWith("whole")), true);
    for (const reader of [one, other]) {
      using frame = (await reader.next())!;
      assertEquals([frame.sequence, frame.missed, frame.pts, frame.streamId], [i, 0, i * 40_000, 7]);
      assertEquals(frame.copy(), picture(i).copy());
    }
  }
  assert(ring.stats().overflows > 0, "the client fell behind, which is its own affair");
  assertEquals([one.exact, one.stats().missed, other.stats().delivered], [true, 0, 50]);
});
