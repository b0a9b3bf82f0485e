import { assert, assertEquals, assertThrows } from "@std/assert";
import { packedPlanes, PIXEL_FORMATS, pixelFormatCode, type Plane } from "../../src/media/mod.ts";
import { RingReader, RingWriter } from "../../src/ring/mod.ts";
import { ringTest } from "./backings.ts";

const BYTES = { kind: "bytes", policy: "fixed", slots: 4, cellBytes: 100 } as const;
const ARENA = { kind: "bytes", policy: "variable", slots: 8, arenaBytes: 1_024 } as const;

ringTest("RingReader reads every record in order, with all that the writer said of it", (backing) => {
  using ring = backing.make(BYTES);
  const reader = new RingReader(ring.reading);
  assertEquals(reader.peek(), null);
  const into = new Uint8Array(100);
  for (let i = 0; i < 20; i++) {
    const payload = Uint8Array.from({ length: i * 5 }, (_, at) => at ^ i);
    const info = {
      pts: i % 2 ? -(2 ** 40) - i : 2 ** 52 + i,
      dts: i,
      wallTime: i % 3 ? i + 0.5 : null,
      receivedAt: i * 1.25,
      keyframe: i % 2 === 0,
      corrupt: i % 3 === 0,
      discontinuity: i % 5 === 0,
      generation: i,
      format: 3,
      width: 1_920,
      height: 1_080,
      streamId: 0xffff_ffff,
      planes: [{ offset: 1, stride: 2 }, { offset: 0xffff_ffff, stride: 4 }],
    };
    ring.writer.write(info, payload, Uint8Array.of(i, 255));
    const meta = reader.next("every", into)!;
    const { planes, ...rest } = info;
    for (const [key, value] of Object.entries(rest)) assertEquals(meta[key as keyof typeof meta], value, key);
    assertEquals([meta.sequence, meta.bytes, meta.blobBytes, meta.missed], [i, i * 5, 2, 0]);
    assertEquals(meta.planes.slice(0, meta.planeCount), planes);
    assertEquals(into.slice(0, i * 5 + 2), Uint8Array.of(...payload, i, 255));
  }
  assertEquals(reader.next("every", into), null);
  assertEquals(reader.stats(), { delivered: 20, missed: 0, overtaken: 0, invalid: 0 });
});

ringTest(
  "a reader that was lapped goes on with the oldest record, or the newest, and knows what it missed",
  (backing) => {
    using ring = backing.make(BYTES);
    const every = new RingReader(ring.reading), latest = new RingReader(ring.reading);
    const into = new Uint8Array(100);
    ring.writer.write({}, new Uint8Array(1));
    assertEquals(every.next("every", into)?.sequence, 0);
    assertEquals(latest.next("latest", into)?.sequence, 0);
    for (let i = 1; i <= 10; i++) ring.writer.write({ pts: i }, Uint8Array.of(i));
    const newest = latest.next("latest", into)!;
    assertEquals([newest.sequence, newest.missed, into[0]], [10, 9, 10]);
    assertEquals(latest.next("latest", into), null);
    const oldest = every.next("every", into)!;
    assertEquals([oldest.sequence, oldest.missed, into[0]], [7, 6, 7]);
    for (const sequence of [8, 9, 10]) {
      const meta = every.next("every", into)!;
      assertEquals([meta.sequence, meta.missed, into[0]], [sequence, 0, sequence]);
    }
    assertEquals([every.missed, latest.missed], [6, 9]);
  },
);

ringTest("a reader begins where it is told to, and has missed nothing of what was before", (backing) => {
  using ring = backing.make(BYTES);
  for (let i = 0; i < 6; i++) ring.writer.write({}, Uint8Array.of(i));
  const begin = (start: "new" | "latest" | "oldest", mode: "every" | "latest") => {
    const reader = new RingReader(ring.reading, { start });
    return [reader.next(mode, new Uint8Array(100))?.sequence, reader.missed];
  };
  assertEquals(begin("new", "every"), [undefined, 0]);
  assertEquals(begin("latest", "every"), [5, 0]);
  assertEquals(begin("oldest", "every"), [2, 0]);
  assertEquals(begin("oldest", "latest"), [5, 0]);
});

ringTest("a copy that the writer overtakes is not delivered", (backing) => {
  for (const options of [BYTES, ARENA]) {
    using ring = backing.make(options);
    const reader = new RingReader(ring.reading);
    const payload = new Uint8Array(100).fill(1);
    ring.writer.write({}, payload);
    assert(reader.peek());
    for (let i = 0; i < 20; i++) ring.writer.write({}, payload);
    assertEquals(reader.validate(), false);
    assertEquals(reader.read(new Uint8Array(100)), false);
    // It goes on in the middle of what is left, where the writer is not at work next.
    const middle = options.policy === "fixed" ? 19 : 17;
    assertEquals(reader.stats(), { delivered: 0, missed: middle, overtaken: 1, invalid: 0 });
    assert(reader.peek());
    // Room that is taken, though nothing is published yet, is enough to spoil what lies there.
    reader.skipTo(reader.head - (options.policy === "fixed" ? 4 : 8));
    while (reader.peek() && !reader.validate()) reader.skip();
    const oldest = reader.cursor;
    assert(reader.peek());
    ring.writer.reserve(100);
    assertEquals(reader.take(), oldest > 17);
  }
});

ringTest("the arena holds payloads of any size in one piece, as many as fit", (backing) => {
  using ring = backing.make(ARENA);
  const reader = new RingReader(ring.reading);
  const into = new Uint8Array(1_024);
  let seed = 1;
  const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  for (let i = 0; i < 3_000; i++) {
    const length = Math.floor(random() ** 3 * 1_025);
    ring.writer.write({}, [new Uint8Array(length >> 1).fill(i), new Uint8Array(length - (length >> 1)).fill(i)]);
    if (random() < 0.5) continue;
    const mode = i < 100 || random() < 0.8 ? "every" : "latest";
    for (let meta = reader.next(mode, into); meta; meta = reader.next(mode, into)) {
      assert(meta.offset + meta.bytes <= ring.reading.byteLength);
      assert(into.subarray(0, meta.bytes).every((byte) => byte === (meta.sequence & 255)), `record ${meta.sequence}`);
    }
    assertEquals(reader.cursor, reader.head);
  }
  const { delivered, missed, overtaken, invalid } = reader.stats();
  assertEquals([delivered + missed, overtaken, invalid], [reader.cursor, 0, 0]);
  assert(delivered > 1_000, `${delivered} delivered`);
});

ringTest("small payloads in a large arena are limited by the slots alone", (backing) => {
  using ring = backing.make(ARENA);
  for (let i = 0; i < 100; i++) ring.writer.write({}, new Uint8Array(64));
  const reader = new RingReader(ring.reading);
  let records = 0;
  while (reader.next("every", new Uint8Array(64))) records++;
  assertEquals(records, 8);
});

ringTest("a payload that does not fit is refused by a RangeError that names both sizes", (backing) => {
  using cells = backing.make(BYTES);
  using arena = backing.make(ARENA);
  assertThrows(() => cells.writer.write({}, new Uint8Array(129)), RangeError, "129 bytes to a ring: a cell takes 128");
  assertThrows(
    () => arena.writer.write({}, new Uint8Array(1_025)),
    RangeError,
    "1025 bytes to a ring: the arena takes 1024",
  );
  cells.writer.write({}, new Uint8Array(50));
  const reader = new RingReader(cells.reading);
  assertThrows(() => reader.next("every", new Uint8Array(49)), RangeError, "it has 50 bytes, the buffer has 49");
  assertEquals(reader.next("every", new Uint8Array(50))?.sequence, 0);
});

ringTest("frames of every format and of odd sizes come out as they went in, without their padding", (backing) => {
  for (const format of PIXEL_FORMATS) {
    using ring = backing.make({ kind: "frames", policy: "fixed", slots: 2, cellBytes: 17 * 9 * 12 });
    const reader = new RingReader(ring.reading);
    const planes: Plane[] = packedPlanes(format, 17, 9).map(({ stride: rowBytes, rows }, plane) => ({
      data: Uint8Array.from({ length: (rows - 1) * 80 + rowBytes }, (_, at) => (at % 80) + plane),
      stride: 80,
      rowBytes,
      rows,
    }));
    const frame = { width: 17, height: 9, format, pts: 1, wallTime: 2, receivedAt: 3, generation: 4, streamId: 5 };
    ring.writer.writeFrame({ ...frame, keyframe: true, corrupt: false }, planes);
    const into = new Uint8Array(17 * 9 * 12);
    const meta = reader.next("latest", into)!;
    assertEquals([meta.pixelFormat, meta.format, meta.planeCount], [format, pixelFormatCode(format), planes.length]);
    planes.forEach(({ data, rowBytes, rows }, i) => {
      const { offset, stride } = meta.planes[i];
      for (let row = 0; row < rows; row++) {
        const at = offset + row * stride;
        assertEquals(into.slice(at, at + rowBytes), data.slice(row * 80, row * 80 + rowBytes));
      }
    });
    assertThrows(() => ring.writer.writeFrame({ ...frame, keyframe: true, corrupt: false }, []), TypeError, "0 planes");
    const wrong = planes.map((plane) => ({ ...plane, rows: plane.rows - 1 }));
    assertThrows(() => ring.writer.writeFrame({ ...frame, keyframe: true, corrupt: false }, wrong), TypeError, "rows");
  }
});

ringTest("RingReader.skipToKeyframe() goes to the newest keyframe that is still there", (backing) => {
  using ring = backing.make({ ...ARENA, kind: "access-units" });
  const unit = { codec: "h264", data: new Uint8Array(9), corrupt: false, generation: 0, receivedAt: 1 } as const;
  const reader = new RingReader(ring.reading);
  assertEquals(reader.skipToKeyframe(), false);
  for (let i = 0; i < 20; i++) {
    ring.writer.writeAccessUnit({ ...unit, pts: i, dts: i, keyframe: i === 3 || i === 13 || i === 16, wallTime: null });
  }
  assertEquals(reader.skipToKeyframe(), true);
  assertEquals([reader.cursor, reader.peek()?.codec, reader.peek()?.keyframe], [16, "h264", true]);
  reader.skip();
  assertEquals(reader.skipToKeyframe(), false);
  assertEquals(reader.missed, 0);
});

ringTest("RingReader.wait() ends with a record, with the close, and when the time is over", async (backing) => {
  using ring = backing.make(BYTES);
  const reader = new RingReader(ring.reading), into = new Uint8Array(100);
  assertEquals(reader.wait(5), false);
  assertEquals(await reader.waitAsync(5), false);
  // Published between the look and the wait: must not be slept through.
  assertEquals(reader.next("every", into), null);
  ring.writer.write({}, new Uint8Array(1));
  assertEquals(reader.wait(), true);
  assertEquals(await reader.waitAsync(), true);
  assertEquals(reader.next("every", into)?.sequence, 0);
  assertEquals(reader.next("every", into), null);
  const waits = [reader.waitAsync(), new RingReader(ring.reading).waitAsync()];
  await new Promise((resolve) => setTimeout(resolve, 20));
  ring.writer.close();
  assertEquals(await Promise.all(waits), [true, true]);
  assertEquals([reader.closed, ring.writer.closed, reader.peek()], [true, true, null]);
  assertThrows(() => ring.writer.reserve(1), TypeError, "it was closed");
});

ringTest(
  "RingReader.nextSync() gives what there is, waits for what is not, and ends with the time and the close",
  (backing) => {
    using ring = backing.make(BYTES);
    const reader = new RingReader(ring.reading), into = new Uint8Array(100);
    assertEquals(reader.nextSync("every", into, 0), null);
    assertEquals(reader.nextSync("every", into, 5), null);
    for (let i = 0; i < 3; i++) ring.writer.write({ pts: i }, Uint8Array.of(i, i));
    assertEquals([reader.nextSync("every", into)?.pts, into[1]], [0, 0]);
    assertEquals([reader.nextSync("latest", into)?.pts, into[1], reader.missed], [2, 2, 1]);
    ring.writer.write({}, new Uint8Array(20));
    assertThrows(() => reader.nextSync("every", new Uint8Array(19)), RangeError, "it has 20 bytes, the buffer has 19");
    assertEquals(reader.nextSync("every", into)?.sequence, 3);
    ring.writer.close();
    assertEquals(reader.nextSync("every", into), null);
  },
);

ringTest("RingWriter.adopt() goes on where another writer stopped, with all that readers may still read", (backing) => {
  for (const options of [BYTES, ARENA]) {
    using ring = backing.make(options);
    const reader = new RingReader(ring.reading), into = new Uint8Array(1_024);
    let writer = ring.writer;
    for (let i = 0; i < 200; i++) {
      if (i % 7 === 0) writer = RingWriter.adopt(ring.raw);
      // A writer that is gone between taking room and publishing leaves nothing to be seen.
      if (i % 5 === 0) ring.raw.write(writer.reserve((i * 7) % 100).offset, new Uint8Array((i * 7) % 100).fill(77));
      if (i % 10 === 0) writer = RingWriter.adopt(ring.raw);
      writer.write({}, new Uint8Array((i * 13) % 100).fill(i));
      const meta = reader.next("every", into)!;
      assertEquals([meta.sequence, meta.bytes, meta.missed], [i, (i * 13) % 100, 0]);
      assert(into.subarray(0, meta.bytes).every((byte) => byte === i));
    }
    const late = new RingReader(ring.reading);
    const kept = late.behind;
    assert(kept >= 4);
    RingWriter.adopt(ring.raw);
    let read = 0;
    for (let meta = late.next("every", into); meta; meta = late.next("every", into)) {
      assert(into.subarray(0, meta.bytes).every((byte) => byte === meta.sequence));
      read++;
    }
    assertEquals([read, late.missed], [kept, 0]);
  }
});
