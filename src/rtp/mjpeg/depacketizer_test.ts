import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { RtpPacketView } from "../packet.ts";
import type { VideoUnit } from "../video_depacketizer.ts";
import { MjpegDepacketizer, type MjpegDepacketizerOptions } from "./depacketizer.ts";
import { readSegments } from "./file_head.ts";
import { MjpegPacketizer } from "./packetizer.ts";
import { quantisationTables } from "./tables.ts";
import { jpegFile } from "./testing.ts";

type Packet = { payload: number[]; timestamp: number; marker?: boolean; gap?: number; extension?: number[] };
type Copy = Omit<VideoUnit, "data"> & { data: Uint8Array };

/** Pushes payloads and gives copies of the units that come out. */
function depacketize(packets: Packet[], options: Omit<MjpegDepacketizerOptions, "onUnit"> = {}) {
  const units: Copy[] = [];
  const depacketizer = new MjpegDepacketizer({
    ...options,
    onUnit: (one) => units.push({ ...one, data: one.data.slice() }),
  });
  const view = new RtpPacketView();
  for (const { payload, timestamp, marker = false, gap = 0, extension = [] } of packets) {
    if (gap > 0) depacketizer.gap(gap);
    const bytes = new Uint8Array([
      0x80 | (extension.length > 0 ? 0x10 : 0),
      (marker ? 0x80 : 0) | 26,
      ...[0, 0, timestamp >>> 24, timestamp >>> 16, timestamp >>> 8, timestamp, 0, 0, 0, 1],
      ...extension,
      ...payload,
    ]);
    assertEquals(view.parse(bytes), null);
    depacketizer.push(view, timestamp);
  }
  return { units, depacketizer };
}

/** The main header: a picture of 320x240 unless told otherwise. */
function header(offset: number, { type = 1, quality = 50, width = 40, height = 30 } = {}): number[] {
  return [0, offset >> 16, offset >> 8 & 0xff, offset & 0xff, type, quality, width, height];
}

const SCAN = Array.from({ length: 50 }, (_, i) => i + 1);
const TABLES = Array.from({ length: 128 }, (_, i) => 1 + i);
const inBand = (tables: number[], precision = 0) => [0, precision, tables.length >> 8, tables.length & 0xff, ...tables];

Deno.test("MjpegDepacketizer.push() joins fragments into one JPEG file, its tables computed from the quality", () => {
  for (const quality of [1, 49, 50, 99]) {
    const { units } = depacketize([
      { payload: [...header(0, { quality }), ...SCAN.slice(0, 20)], timestamp: 7 },
      { payload: [...header(20, { quality }), ...SCAN.slice(20)], timestamp: 7, marker: true },
    ]);
    assertEquals(units.length, 1);
    assertEquals(units[0].data, jpegFile(SCAN, { tables: quantisationTables(quality) }));
    const { keyframe, corrupt, rtpTimestamp, generation } = units[0];
    assertEquals([keyframe, corrupt, rtpTimestamp, generation], [true, false, 7, 0]);
    assertEquals([units[0].info?.width, units[0].info?.height], [320, 240]);
  }
});

Deno.test("quantisationTables() are the standard's at quality 50, and stay within a byte at its ends", () => {
  // RFC 2435, appendix A: jpeg_luma_quantizer as it goes into a file, and what quality 1 and 99 make of it.
  assertEquals([...quantisationTables(50).subarray(0, 16)], [
    16,
    11,
    12,
    14,
    12,
    10,
    16,
    14,
    13,
    14,
    18,
    17,
    16,
    19,
    24,
    40, // deno-fmt-ignore
  ]);
  assertEquals([...quantisationTables(50).subarray(64, 74)], [17, 18, 18, 24, 21, 24, 47, 26, 26, 47]);
  assertEquals([...new Set(quantisationTables(1))], [255]);
  assertEquals([...quantisationTables(99).subarray(0, 4)], [1, 1, 1, 1]);
  assertEquals([...quantisationTables(25).subarray(0, 4)], [32, 22, 24, 28]);
});

Deno.test("MjpegDepacketizer.push() writes the sampling of type 0, and the interval of types 64 and 65", () => {
  const { units } = depacketize([
    { payload: [...header(0, { type: 0 }), ...SCAN], timestamp: 0, marker: true },
    { payload: [...header(0, { type: 64 }), 0, 20, 0xff, 0xff, ...SCAN], timestamp: 1, marker: true },
    { payload: [...header(0, { type: 65 }), 1, 4, 0xff, 0xff, ...SCAN], timestamp: 2, marker: true },
  ]);
  assertEquals(units[0].data, jpegFile(SCAN, { type: 0 }));
  assertEquals(units[1].data, jpegFile(SCAN, { type: 0, restartInterval: 20 }));
  assertEquals(units[2].data, jpegFile(SCAN, { type: 1, restartInterval: 260 }));
  const { sampling, restartInterval, width } = readSegments(units[2].data, 0, units[2].data.length);
  assertEquals([sampling, restartInterval, width], [0x22, 260, 320]);
  assertEquals(units.map((one) => one.generation), [0, 0, 1], "another sampling");
});

Deno.test("MjpegDepacketizer.push() takes tables in band, and remembers those of a quality below 255", () => {
  const picture = (timestamp: number, quality: number, tables: number[]) => ({
    payload: [...header(0, { quality }), ...inBand(tables), ...SCAN],
    timestamp,
    marker: true,
  });
  const { units, depacketizer } = depacketize([
    picture(0, 130, []), // not come yet
    picture(1, 130, TABLES),
    picture(2, 130, []),
    picture(3, 131, []),
    picture(4, 255, TABLES.toReversed()),
    picture(5, 255, []),
    picture(6, 130, []),
    picture(7, 255, TABLES.slice(0, 64)),
  ]);
  const expected = [[1, TABLES], [2, TABLES], [4, TABLES.toReversed()], [6, TABLES], [7, TABLES.slice(0, 64)]] as const;
  assertEquals(units.map((one) => one.rtpTimestamp), expected.map(([timestamp]) => timestamp));
  units.forEach((one, i) => assertEquals(one.data, jpegFile(SCAN, { tables: new Uint8Array(expected[i][1]) })));
  assertEquals(depacketizer.stats.unknownShape, 3);
  assertEquals(units.map((one) => one.discontinuity), [true, false, true, true, false]);
});

Deno.test("MjpegDepacketizer.push() takes tables of 16 bits", () => {
  const wide = [...TABLES, ...TABLES.slice(0, 64)];
  const { units } = depacketize([
    { payload: [...header(0, { quality: 255 }), ...inBand(wide, 1), ...SCAN], timestamp: 0, marker: true },
  ]);
  assertEquals(units[0].data, jpegFile(SCAN, { tables: new Uint8Array(wide), wide: 1 }));
  // The first table is 128 bytes long and says so; the process is the extended one.
  assertEquals([...units[0].data.subarray(2, 7)], [0xff, 0xdb, 0, 131, 0x10]);
  assert(units[0].data.toHex().includes("ffc1001108"));
});

Deno.test("MjpegDepacketizer.push() takes the size of large pictures from the description, and of odd ones", () => {
  const large = { width: 0, height: 0 };
  const picture = { payload: [...header(0, large), ...SCAN], timestamp: 0, marker: true };
  const told = depacketize([picture], { width: 2592, height: 1944 });
  assertEquals([told.units[0].info?.width, told.units[0].info?.height], [2592, 1944]);
  const untold = depacketize([picture]);
  assertEquals([untold.units.length, untold.depacketizer.stats.unknownShape], [0, 1]);
  const odd = depacketize([{
    payload: [...header(0, { width: 171, height: 96 }), ...SCAN],
    timestamp: 0,
    marker: true,
  }], {
    width: 1366,
    height: 768,
  });
  assertEquals([odd.units[0].info?.width, odd.units[0].info?.height], [1366, 768]);
  const other = depacketize([{ payload: [...header(0), ...SCAN], timestamp: 0, marker: true }], {
    width: 640,
    height: 480,
  });
  assertEquals([other.units[0].info?.width, other.units[0].info?.height], [320, 240], "the packets are right");
});

Deno.test("MjpegDepacketizer.push() takes size and tables of an ONVIF camera's extension, also behind the one for replay", () => {
  const frame = [0xff, 0xc0, 0, 17, 8, 0x07, 0x98, 0x0a, 0x20, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1];
  const tables = [0xff, 0xdb, 0, 67, 0, ...TABLES.slice(0, 64), 0xff, 0xdb, 0, 67, 1, ...TABLES.slice(64)];
  const padded = (bytes: number[]) => [...bytes, ...new Array(3 - (bytes.length + 3) % 4).fill(0xff)];
  const words = (bytes: number[]) => [bytes.length / 4 >> 8, bytes.length / 4 & 0xff];
  const segments = padded([...frame, ...tables]);
  const plain = [0xff, 0xd8, ...words(segments), ...segments];
  const inner = [...new Array(12).fill(9), 0xff, 0xd8, ...words(segments), ...segments];
  const replay = [0xab, 0xac, ...words(inner), ...inner];
  for (const extension of [plain, replay]) {
    const payload = [...header(0, { width: 0, height: 0, quality: 0 }), ...SCAN];
    const { units } = depacketize([{ payload, timestamp: 0, marker: true, extension }]);
    assertEquals([units[0]?.info?.width, units[0]?.info?.height], [2592, 1944]);
    const expected = jpegFile(SCAN, { width: 2592, height: 1944, segments: new Uint8Array(tables) });
    assertEquals(units[0].data, expected);
  }
});

Deno.test("MjpegDepacketizer.gap() drops a picture without its begin, and ends one at what is missing", () => {
  const part = (timestamp: number, from: number, to: number, marker = false, gap = 0) => ({
    payload: [...header(from), ...SCAN.slice(from, to)],
    timestamp,
    marker,
    gap,
  });
  const { units, depacketizer } = depacketize([
    part(0, 0, 50, true),
    part(1, 20, 50, true, 1), // its begin is lost
    part(2, 0, 20),
    part(2, 30, 40, false, 1), // its middle is lost
    part(2, 40, 50, true),
    part(3, 0, 20),
    part(4, 0, 50, true, 1), // the end of the one before is lost
    part(5, 0, 50), // without a marker, and nothing lost
    part(6, 0, 50, true),
  ]);
  assertEquals(units.map((one) => [one.rtpTimestamp, one.corrupt, one.discontinuity]), [
    [0, false, false],
    [2, true, true],
    [3, true, true],
    [4, false, false],
    [5, false, false],
    [6, false, false],
  ]);
  assertEquals(units[1].data, jpegFile(SCAN.slice(0, 20)));
  assertEquals([depacketizer.stats.orphans, depacketizer.stats.corrupt], [1, 2]);
});

Deno.test("MjpegDepacketizer.push() drops a picture larger than the limit, and goes on with the next", () => {
  const { units, depacketizer } = depacketize([
    { payload: [...header(0), ...new Array(500).fill(3)], timestamp: 0, marker: true },
    { payload: [...header(0), ...SCAN], timestamp: 1, marker: true },
  ], { maxUnitBytes: 1000 });
  assertEquals(units.map((one) => [one.rtpTimestamp, one.discontinuity]), [[1, true]]);
  assertEquals(depacketizer.stats.oversize, 1);
  assertThrows(() => new MjpegDepacketizer({ maxUnitBytes: 0, onUnit: () => {} }), RangeError, "maxUnitBytes is 0");
});

Deno.test("MjpegDepacketizer.push() counts what breaks the format", () => {
  for (
    const payload of [
      [1, 2, 3],
      header(0, { type: 65 }),
      [...header(0, { quality: 255 }), 0, 0, 1, 0],
      header(0, { type: 128 }),
    ]
  ) {
    const { units, depacketizer } = depacketize([{ payload, timestamp: 0, marker: true }]);
    assertEquals([units.length, depacketizer.stats.malformed], [0, 1], JSON.stringify(payload));
  }
  for (const options of [{ type: 2 }, { quality: 0 }, { quality: 100 }]) {
    const { units, depacketizer } = depacketize([{ payload: [...header(0, options), 1], timestamp: 0, marker: true }]);
    assertEquals([units.length, depacketizer.stats.unknownShape], [0, 1], JSON.stringify(options));
  }
});

const pictures = fc.array(
  fc.record({
    scan: fc.uint8Array({ minLength: 1, maxLength: 3000 }).map((scan) =>
      scan.map((byte) => byte === 0xff ? 0xfe : byte)
    ),
    type: fc.constantFrom(0, 1),
    restartInterval: fc.constantFrom(0, 0, 7, 400),
    quality: fc.integer({ min: 1, max: 99 }),
    width: fc.integer({ min: 1, max: 255 }).map((blocks) => blocks * 8),
  }),
  { minLength: 1, maxLength: 8 },
).map((list) =>
  list.map(({ scan, quality, ...shape }) => jpegFile(scan, { ...shape, tables: quantisationTables(quality) }))
);

Deno.test("MjpegDepacketizer.push() gives back what MjpegPacketizer cut, to the byte", () => {
  fc.assert(
    fc.property(pictures, fc.integer({ min: 524, max: 1500 }), (files, mtu) => {
      const out: { data: string; corrupt: boolean }[] = [];
      const depacketizer = new MjpegDepacketizer({
        onUnit: (one) => out.push({ data: one.data.toHex(), corrupt: one.corrupt }),
      });
      const packetizer = new MjpegPacketizer({ payloadType: 26, ssrc: 1, sequence: 65_530, mtu });
      const view = new RtpPacketView();
      files.forEach((file, i) =>
        packetizer.packetize(file, i * 3600, (packet) => {
          assert(packet.length <= mtu);
          assertEquals(view.parse(packet), null);
          depacketizer.push(view, 0);
        })
      );
      assertEquals(out, files.map((file) => ({ data: file.toHex(), corrupt: false })));
    }),
    { numRuns: 60 },
  );
});

Deno.test("MjpegDepacketizer.push() never hands on a wrong picture unflagged, whatever is lost", () => {
  fc.assert(
    fc.property(pictures, fc.infiniteStream(fc.integer({ min: 0, max: 5 })), (files, dice) => {
      const packetizer = new MjpegPacketizer({ payloadType: 26, ssrc: 1, sequence: 0, mtu: 524 });
      const packets: Uint8Array[] = [];
      files.forEach((file, i) => packetizer.packetize(file, i * 3600, (packet) => packets.push(packet.slice())));
      const depacketizer = new MjpegDepacketizer({
        onUnit: (one) => {
          if (!one.corrupt) assertEquals(one.data.toHex(), files[one.rtpTimestamp / 3600].toHex());
        },
      });
      const view = new RtpPacketView();
      let lost = 0;
      for (const bytes of packets) {
        if (dice.next().value === 0) {
          lost++;
          continue;
        }
        if (lost > 0) depacketizer.gap(lost);
        lost = 0;
        view.parse(bytes);
        depacketizer.push(view, 0);
      }
      depacketizer.flush();
    }),
    { numRuns: 200 },
  );
});

Deno.test("MjpegDepacketizer.push() survives any payload, in bounded memory", () => {
  const payload = fc.record({
    payload: fc.tuple(
      fc.constantFrom([], [0, 0, 0, 0], [0, 0, 0, 3]),
      fc.constantFrom([], [1, 50, 40, 30], [65, 200, 0, 30], [1, 255, 40, 30]),
      fc.uint8Array({ maxLength: 300 }),
    ).map(([a, b, c]) => [...a, ...b, ...c]),
    extension: fc.option(
      fc.tuple(fc.constantFrom([0xff, 0xd8], [0xab, 0xac]), fc.uint8Array({ minLength: 32, maxLength: 32 })).map(
        ([profile, rest]) => [...profile, 0, 8, ...rest],
      ),
      { nil: [] },
    ),
    timestamp: fc.integer({ min: 0, max: 5 }),
    marker: fc.boolean(),
    gap: fc.constantFrom(0, 0, 0, 1),
  });
  fc.assert(
    fc.property(fc.array(payload, { maxLength: 60 }), (packets) => {
      const { units, depacketizer } = depacketize(packets, { maxUnitBytes: 2000 });
      depacketizer.flush();
      for (const one of units) {
        assert(one.data.length <= 2000);
        assertEquals(one.data.subarray(0, 2).toHex(), "ffd8");
        assertEquals(one.data.subarray(-2).toHex(), "ffd9");
        assert(one.info !== null && one.info.width > 0);
      }
    }),
    { numRuns: 500 },
  );
});
