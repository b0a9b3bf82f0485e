import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ShmError } from "../../src/media/mod.ts";
import { HEADER, type RingOptions, RingReader, RingWriter } from "../../src/ring/mod.ts";
import { ringTest, type TestRing } from "./backings.ts";

const FRAMES: RingOptions = { kind: "frames", policy: "fixed", slots: 4, cellBytes: 64 * 36 * 3 };
const UNITS: RingOptions = { kind: "access-units", policy: "variable", slots: 8, arenaBytes: 8_192 };

function fill(ring: TestRing): void {
  const times = { pts: 1, wallTime: null, receivedAt: 1, keyframe: false, corrupt: false, generation: 0, streamId: 0 };
  for (let i = 0; i < 10; i++) {
    if (ring.writer.header.kind === "frames") {
      const plane = { data: new Uint8Array(64 * 36 * 3).fill(i), stride: 192, rowBytes: 192, rows: 36 };
      ring.writer.writeFrame({ ...times, width: 64, height: 36, format: "RGB24" }, [plane]);
    } else ring.writer.writeAccessUnit({ ...times, codec: "h264", dts: 1, data: new Uint8Array(700).fill(i) });
  }
}

const u32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);
const u64 = (value: bigint) => new Uint8Array(BigUint64Array.of(value).buffer);

ringTest("a header that is damaged is refused by a typed error that says how", (backing) => {
  const cases: [at: number, bytes: Uint8Array, code: ShmError["code"], words: string][] = [
    [HEADER.magic, u64(0n), "invalid", "it is not a Millrace ring"],
    [HEADER.version, u32(3), "version", "its layout version is 3, this library reads 1"],
    [HEADER.headerBytes, u32(257), "invalid", "damaged"],
    [HEADER.slotBytes, u32(0), "invalid", "damaged"],
    [HEADER.totalBytes, u64(2n ** 63n), "invalid", "it should have"],
    [HEADER.totalBytes, u64(0n), "invalid", "damaged"],
    [HEADER.slots, u32(0), "invalid", "damaged"],
    [HEADER.slots, u32(0xffff_ffff), "invalid", "damaged"],
    [HEADER.arenaOffset, u64(0n), "invalid", "damaged"],
    [HEADER.arenaOffset, u64(2n ** 64n - 8n), "invalid", "damaged"],
    [HEADER.arenaBytes, u64(0n), "invalid", "damaged"],
    [HEADER.arenaBytes, u64(2n ** 64n - 1n), "invalid", "damaged"],
    [HEADER.kind, u32(5), "invalid", "damaged"],
    [HEADER.policy, u32(0), "invalid", "damaged"],
    [HEADER.cellBytes, u64(0n), "invalid", "damaged"],
    [HEADER.cellBytes, u64(2n ** 62n), "invalid", "damaged"],
    [HEADER.state, u32(0), "invalid", "it is still being built"],
  ];
  for (const [at, bytes, code, words] of cases) {
    using ring = backing.make(FRAMES);
    fill(ring);
    ring.raw.write(at, bytes);
    const error = assertThrows(() => new RingReader(ring.reading, { what: 'ring "cam-1"' }), ShmError, words);
    assertEquals(error.code, code);
    assert(error.message.startsWith('Cannot read ring "cam-1": '), error.message);
    assertThrows(() => RingWriter.adopt(ring.raw), ShmError);
  }
});

/** Reads all there is in every way; each call must come back, and what it gives must lie in the memory. */
function readAll(ring: TestRing): number {
  let reader: RingReader;
  try {
    reader = new RingReader(ring.reading);
  } catch (error) {
    assert(error instanceof ShmError, String(error));
    return 0;
  }
  let records = 0;
  for (const mode of ["every", "latest", "every"] as const) {
    for (let turn = 0; turn < 20; turn++) {
      const meta = reader.next(mode, (bytes) => {
        assert(bytes <= ring.reading.byteLength, `${bytes} bytes asked for`);
        return new Uint8Array(bytes);
      });
      if (!meta) continue;
      records++;
      assert(meta.offset >= 256 && meta.offset + meta.bytes + meta.blobBytes <= ring.reading.byteLength);
      assert(meta.planeCount <= 4);
      if (reader.header.kind === "frames") assert(meta.pixelFormat !== undefined);
    }
    reader.skipToKeyframe();
    reader.skipTo(0);
  }
  reader.wait(0);
  return records;
}

ringTest("a descriptor that makes no sense is counted, and the records around it are read", (backing) => {
  for (const options of [FRAMES, UNITS]) {
    const damages: [at: number, bytes: Uint8Array][] = [
      [0, u64(2n ** 64n - 1n)],
      [8, u64(2n ** 63n)],
      [16, u64(2n ** 64n - 1n)],
      [16, u64(BigInt(options.policy === "fixed" ? options.cellBytes + 64 : options.arenaBytes))],
      [88, u32(5)],
      [92, u32(0xffff_ffff)],
    ];
    if (options.kind === "frames") {
      damages.push([8, u64(64n)], [72, u32(99)], [76, u32(0)], [76, u32(2 ** 31)], [80, u32(37)], [88, u32(2)]);
      damages.push([96, u32(1)], [96, u32(0xffff_ffff)], [100, u32(191)], [100, u32(0xffff_ffff)]);
    }
    for (const [at, bytes] of damages) {
      using ring = backing.make(options);
      fill(ring);
      const victim = 8;
      ring.raw.write(256 + (victim % options.slots) * 128 + at, bytes);
      const reader = new RingReader(ring.reading, { start: "oldest" });
      const seen = [];
      for (let meta = reader.next("every", (n) => new Uint8Array(n)); meta;) {
        seen.push(meta.sequence);
        meta = reader.next("every", (n) => new Uint8Array(n));
      }
      assertEquals(seen, [...Array(options.slots).keys()].map((i) => 10 - options.slots + i).filter((s) => s !== 8));
      assertEquals([reader.stats().invalid, reader.missed], [1, 1], `damage at ${at}`);
    }
  }
});

ringTest("whatever the bytes of a ring are, readers come back and reach nowhere else", (backing) => {
  const damage = fc.array(
    fc.record({
      at: fc.oneof(fc.integer({ min: 0, max: 159 }), fc.integer({ min: 128, max: 151 }), fc.nat(256 + 8 * 128 - 1)),
      bytes: fc.oneof(
        fc.uint8Array({ minLength: 1, maxLength: 16 }),
        fc.constantFrom(u64(2n ** 53n), u64(2n ** 53n - 1n), u64(2n ** 64n - 1n), u64(0n), u32(1), u32(0xffff_ffff)),
      ),
    }),
    { minLength: 1, maxLength: 12 },
  );
  let read = 0;
  fc.assert(
    fc.property(fc.constantFrom(FRAMES, UNITS), damage, (options, edits) => {
      using ring = backing.make(options);
      fill(ring);
      for (const { at, bytes } of edits) ring.raw.write(at, bytes);
      read += readAll(ring);
      // The writer goes on by what it knows itself; whoever adopts believes no more than a reader does.
      ring.writer.write({}, new Uint8Array(10));
      try {
        const adopted = RingWriter.adopt(ring.raw);
        if (!adopted.closed) {
          for (let i = 0; i < 10; i++) adopted.write({}, new Uint8Array(Math.min(50, adopted.maxBytes)));
        }
      } catch (error) {
        assert(error instanceof ShmError || error instanceof RangeError, String(error));
      }
    }),
    { numRuns: 500 },
  );
  assert(read > 200, `${read} records read in spite of the damage`);
});

ringTest("a writer is not led astray by what a reader scribbles on its ring", (backing) => {
  for (const options of [FRAMES, UNITS]) {
    using ring = backing.make(options);
    fill(ring);
    const scribbled = new Uint8Array(256 + options.slots * 128).fill(0xff);
    const whole = new Uint8Array(256);
    ring.raw.read(0, whole);
    ring.raw.write(0, scribbled);
    for (let i = 0; i < options.slots; i++) fill(ring);
    // Head, oldest and the slots are the writer's to mend; the rest of the header is not, and is put back here.
    ring.raw.write(0, whole, 128);
    ring.raw.store32(HEADER.state, 1);
    const reader = new RingReader(ring.reading);
    assertEquals(reader.head, 10 * (options.slots + 1));
    let records = 0;
    while (reader.next("every", (bytes) => new Uint8Array(bytes))) records++;
    assertEquals([records, reader.stats().invalid], [options.slots, 0]);
  }
});
