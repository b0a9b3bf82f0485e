import { assertEquals, assertThrows } from "@std/assert";
import { Doorbell } from "../../workers/doorbell.ts";
import { type FrameInfo, packedPlanes } from "../media/mod.ts";
import { FrameReader } from "./frame_reader.ts";
import { FrameTable } from "./frame_table.ts";
import { InstanceBook } from "./instance_book.ts";
import { LeaseQueue } from "./lease_queue.ts";

const INFO: FrameInfo = {
  ...{ width: 4, height: 2, format: "GRAY8", pts: 0, wallTime: null, receivedAt: 0, keyframe: true, corrupt: false },
  ...{ sequence: 0, generation: 3, missed: 0, streamId: 9 },
};

/** A decode worker's side of a queue, on this thread. */
function fixture(options: { epoch?: number; known?: boolean } = {}) {
  const { epoch = 1, known = true } = options;
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 8, shared: true });
  const table = new FrameTable(8);
  const source = { instances: new InstanceBook(), bell: new Doorbell(), failed: false };
  const announce = () => source.instances.add(epoch, { memory, table });
  if (known) announce();
  const reader = new FrameReader(source, new LeaseQueue({ capacity: 4 }));
  const queue = new LeaseQueue(reader.queue.buffer);
  const put = (entry: number, sequence = entry) => {
    const bytes = new Uint8Array(memory.buffer, 4096 + entry * 64, 64);
    for (let i = 0; i < bytes.length; i++) bytes[i] = sequence + i;
    const planes = packedPlanes("GRAY8", 4, 2).map(({ offset, stride, rows }) => ({
      offset: 4096 + entry * 64 + offset,
      stride: stride + 8,
      rowBytes: stride,
      rows,
    }));
    table.put(entry, { ...INFO, sequence }, planes);
    table.hold(entry);
    queue.push({ entry, epoch }, { overflow: "drop-newest" });
    reader.bell.ring();
  };
  return { memory, table, source, reader, queue, put, announce };
}

Deno.test("FrameReader.next() gives views on the decoder's memory, and what is known of the picture", async () => {
  const { put, reader, table, memory } = fixture();
  put(2, 17);
  const frame = (await reader.next())!;
  const { width, height, format, sequence, generation, missed, streamId } = frame;
  assertEquals([width, height, format, sequence, generation, missed, streamId], [4, 2, "GRAY8", 17, 3, 0, 9]);
  const [{ data, stride, rowBytes, rows }] = frame.planes;
  assertEquals([data.buffer, data.byteOffset, data.length, stride, rowBytes, rows], [
    memory.buffer,
    4224,
    16,
    12,
    4,
    2,
  ]);
  assertEquals([...frame.copy()], [17, 18, 19, 20, 29, 30, 31, 32]);
  assertEquals([table.holds(2), reader.queue.held], [1, 1]);
  frame[Symbol.dispose]();
  frame[Symbol.dispose]();
  assertEquals([table.holds(2), reader.queue.held], [0, 0]);
  assertThrows(() => frame.planes, TypeError, "disposed");
});

Deno.test("FrameReader.next() sees memory that grew since the last frame", async () => {
  const { put, reader, memory } = fixture();
  put(0);
  (await reader.next())![Symbol.dispose]();
  memory.grow(2);
  put(1);
  using frame = (await reader.next())!;
  assertEquals(frame.planes[0].data.buffer.byteLength, 3 * 65_536);
});

Deno.test("a frame's clones are one hold on its entry, given back with the last of them", async () => {
  const { put, reader, table } = fixture();
  put(0);
  const frame = (await reader.next())!;
  const clones = [frame.clone(), frame.clone(), frame.clone()];
  frame[Symbol.dispose]();
  clones.push(clones[1].clone());
  assertEquals([table.holds(0), reader.queue.held], [1, 1]);
  const last = clones.pop()!;
  for (const clone of clones) clone[Symbol.dispose]();
  assertEquals([table.holds(0), [...last.copy()].length], [1, 8]);
  last[Symbol.dispose]();
  assertEquals([table.holds(0), reader.queue.held], [0, 0]);
});

Deno.test("FrameReader.next() waits for the instance whose frame overtook the word of it", async () => {
  const { put, reader, announce } = fixture({ epoch: 2, known: false });
  put(0, 5);
  const next = reader.next();
  await new Promise((done) => setTimeout(done, 10));
  announce();
  assertEquals((await next)?.sequence, 5);
});

Deno.test("FrameReader.close() wakes who waits, and gives back what is queued, uncounted", async () => {
  const { put, reader, table, queue } = fixture();
  put(0);
  put(1);
  using held = (await reader.next())!;
  reader.close();
  assertEquals([table.holds(0), table.holds(1), held.sequence], [1, 0, 0]);
  assertEquals(await reader.next(), null);
  assertEquals(queue.stats(), { received: 2, delivered: 1, dropped: 0 });

  const other = fixture();
  const waiting = other.reader.next();
  other.reader.close();
  assertEquals(await waiting, null);
});

Deno.test("FrameReader.next() gives all that is queued before it ends, by the worker's wish or its failure", async () => {
  for (const failure of [false, true]) {
    const { put, reader, queue, source } = fixture();
    put(0);
    put(1);
    if (failure) source.failed = true;
    else queue.end();
    assertEquals([(await reader.next())?.sequence, (await reader.next())?.sequence], [0, 1]);
    assertEquals(await reader.next(), null);
  }
});

Deno.test("FrameReader rings the worker that waits for room when a frame is taken, given back, or never will be", async () => {
  const { put, reader, queue, source } = fixture();
  for (let entry = 0; entry < 4; entry++) put(entry);
  let before = source.bell.count;
  assertEquals(queue.waitsForRoom(), true);
  const frame = (await reader.next())!;
  assertEquals(source.bell.count - before, 1);
  before = source.bell.count;
  assertEquals(queue.waitsForRoom(1), true);
  frame[Symbol.dispose]();
  assertEquals(source.bell.count - before, 1);
  put(0);
  before = source.bell.count;
  assertEquals(queue.waitsForRoom(), true);
  reader.close();
  assertEquals(source.bell.count - before, 1);
});
