import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { BitReader } from "../bit_reader.ts";
import { ParameterSets } from "./parameter_sets.ts";
import { readSliceHead, recoveryFrames } from "./slice.ts";
import { h264Parameters, parsePpsIds, parseSps } from "./sps.ts";
import { hex, IDR, P, PPS, RECOVERY, SPS, SPS_720, unit } from "./testing.ts";

/** As x264 wrote them for sizes, rates and formats that are known. */
const SETS: [what: string, sps: string, expected: Partial<ReturnType<typeof parseSps>>][] = [
  ["1080p, cropped from 1088 lines", "67640028acd940780227e5c044000003000400000300c83c60c658", {
    width: 1920,
    height: 1080,
    frameRate: 25,
    codecString: "avc1.640028",
    maxReorder: 2,
    interlaced: false,
  }],
  ["1080i", "67640028acd94078044fde0220000003002000000643e2c5b2c0", { width: 1920, height: 1080, interlaced: true }],
  ["an odd size at 29.97", "6764001eacd940a42fe224c04400000fa40003a9803c58b658", {
    width: 642,
    height: 362,
    frameRate: 30_000 / 1001,
    maxReorder: 2,
  }],
  ["4:4:4", "67f40016919b281485fc7cf80880000003008000000f078b16cb", {
    width: 642,
    height: 362,
    frameRate: 15,
    profile: 244,
  }],
  ["4:2:2 with 10 bits", "677a000bb6cb202a33c445e022000003000200000300281e285490", {
    width: 322,
    height: 182,
    frameRate: 10,
    maxReorder: 0,
  }],
  ["scaling matrices", "6764000cacd941419f9f011000000300100000030320f1429960", {
    width: 320,
    height: 180,
    frameRate: 25,
  }],
];

for (const [what, sps, expected] of SETS) {
  Deno.test(`parseSps() reads ${what}`, () => {
    const found = parseSps(hex(sps));
    assert(found !== null);
    for (const [key, value] of Object.entries(expected!)) {
      assertEquals(found![key as keyof typeof found], value as never, key);
    }
  });
}

Deno.test("parseSps() keeps the size where the usability information is cut off", () => {
  const whole = hex(SETS[0][1]);
  const cut = parseSps(whole.subarray(0, 14));
  assertEquals([cut?.width, cut?.frameRate], [1920, 0]);
  assertEquals(parseSps(whole.subarray(0, 6)), null);
});

Deno.test("parseSps() answers any bytes with null or a size within reason", () => {
  const damaged = fc.tuple(fc.constantFrom(...SETS.map(([, sps]) => sps)), fc.nat(40), fc.nat(255)).map(
    ([sps, at, value]) => {
      const bytes = hex(sps);
      bytes[at % bytes.length] = value;
      return bytes;
    },
  );
  const any = fc.uint8Array({ maxLength: 64 }).map((bytes) => new Uint8Array([0x67, ...bytes]));
  fc.assert(
    fc.property(fc.oneof(damaged, any), (bytes) => {
      const found = parseSps(bytes);
      if (found === null) return;
      assert(found.width > 0 && found.width <= 16_384 && found.height > 0 && found.height <= 16_384);
      assert(found.frameRate >= 0 && found.frameRate <= 300 && found.maxReorder <= 16);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("parsePpsIds() and h264Parameters() read what they need", () => {
  assertEquals(parsePpsIds(new Uint8Array(PPS)), { id: 0, spsId: 0 });
  assertEquals(parsePpsIds(new Uint8Array([0x68])), null);
  assertEquals(h264Parameters(unit(PPS, SPS, SPS_720))?.codecString, "avc1.42c00c");
  assertEquals(h264Parameters(new Uint8Array(5)), null);
});

Deno.test("BitReader steps over the bytes that prevent start codes, and stops at the end", () => {
  const r = new BitReader(new Uint8Array([0, 0, 3, 1, 0x80]));
  assertEquals([r.bits(24), r.exhausted], [1, false]);
  assertEquals([r.more(), r.bits(8), r.bit(), r.exhausted], [false, 0x80, 0, true]);
  assertEquals(new BitReader(new Uint8Array([0b01000110])).signed(), 1);
  const zeros = new BitReader(new Uint8Array(20));
  assertEquals([zeros.unsigned(), zeros.exhausted], [0, true]);
});

Deno.test("ParameterSets counts changes, keeps the newest, and refuses what is too large", () => {
  const sets = new ParameterSets();
  sets.addAll(unit(SPS, PPS, SPS, PPS));
  assertEquals([sets.changes, sets.complete, sets.info?.width], [2, true, 320]);
  sets.addAll(unit(SPS_720));
  assertEquals([sets.changes, sets.info?.width], [3, 1280]);
  assertEquals(sets.toAnnexB(), unit(SPS_720, PPS));
  const large = new Uint8Array(5000).fill(0x55);
  large[0] = 0x68;
  assertEquals(sets.add(large, 0, large.length), false);
  assertEquals(sets.refused, 1);
  for (let i = 0; i < 256; i++) {
    const bytes = new Uint8Array(1500).fill(0x55);
    bytes.set([0x68, 0x01, i], 0);
    sets.add(bytes, 0, bytes.length);
  }
  assert(sets.byteLength <= 16_384, `${sets.byteLength}`);
});

Deno.test("readSliceHead() and recoveryFrames() tell where decoding can begin", () => {
  const head = (nal: number[]) => readSliceHead(new Uint8Array(nal), 0, nal.length);
  assertEquals(head(IDR), { first: true, intra: true });
  assertEquals(head(P), { first: true, intra: false });
  assertEquals(head([0x41, 0x40]), { first: false, intra: false });
  const recovery = (nal: number[]) => recoveryFrames(new Uint8Array(nal), 0, nal.length);
  assertEquals(recovery(RECOVERY), 0);
  assertEquals(recovery([6, 1, 2, 9, 9, 6, 1, 0x44, 0x80]), 1, "behind another message");
  assertEquals(recovery([6, 5, 200, 1]), -1);
  assertEquals(recovery([6]), -1);
});
