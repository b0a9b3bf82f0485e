import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { HevcParameterSets } from "./parameter_sets.ts";
import { hevcParameters, parseHevcPps, parseHevcSps, parseHevcVps } from "./sps.ts";
import { PPS, SPS, SPS_1080, unit, VPS } from "./testing.ts";

const bytes = (nal: number[]) => new Uint8Array(nal);

Deno.test("parseHevcSps() reads size, rate, profile and reordering", () => {
  assertEquals(parseHevcSps(bytes(SPS)), {
    id: 0,
    vpsId: 0,
    orderBits: 8,
    separatePlanes: false,
    width: 320,
    height: 180,
    frameRate: 25,
    chroma: 1,
    bitDepth: 8,
    maxReorder: 2,
    profile: 1,
    level: 60,
    codecString: "hvc1.1.6.L60.90",
  });
  const large = parseHevcSps(bytes(SPS_1080))!;
  assertEquals([large.width, large.height, large.bitDepth, large.codecString], [1920, 1080, 10, "hvc1.2.4.L120.90"]);
  assertEquals(large.frameRate, 30_000 / 1001);
});

Deno.test("parseHevcSps() loses no more than the frame rate to a cut end", () => {
  const whole = parseHevcSps(bytes(SPS))!;
  let sized = 0;
  for (let length = 0; length < SPS.length; length++) {
    const cut = parseHevcSps(bytes(SPS.slice(0, length)));
    if (cut === null) continue;
    sized++;
    assertEquals({ ...cut, frameRate: 0 }, { ...whole, frameRate: 0 });
  }
  assert(sized > 5);
});

Deno.test("parseHevcVps() and parseHevcPps() read ids, and nothing of what is none", () => {
  assertEquals(parseHevcVps(bytes(VPS)), { id: 0, frameRate: 0 });
  assertEquals(parseHevcPps(bytes(PPS)), { id: 0, spsId: 0, outputFlag: false, extraSliceBits: 0 });
  assertEquals([parseHevcVps(bytes(SPS)), parseHevcSps(bytes(VPS)), parseHevcPps(bytes(SPS))], [null, null, null]);
});

Deno.test("the frame rate of the video parameter set counts where the sequence parameter set has none", () => {
  // x265's set with 50 frames a second in it: timing flag, 1 tick, 50 ticks a second, no more.
  const timed = writeVpsTiming(1, 50);
  assertEquals(parseHevcVps(timed), { id: 0, frameRate: 50 });
  const noRate = bytes(SPS.slice(0, 26));
  assertEquals(parseHevcSps(noRate)?.frameRate, 0);
  const sets = new HevcParameterSets();
  sets.addAll(unit([...timed], [...noRate], PPS));
  assertEquals([sets.info?.frameRate, sets.info?.width, sets.complete, sets.changes], [50, 320, true, 3]);
  assertEquals(hevcParameters(unit([...timed], [...noRate]))?.frameRate, 50);
  assertEquals(hevcParameters(unit(PPS)), null);
});

Deno.test("parseHevcSps() and parseHevcVps() survive any bytes", () => {
  const damaged = fc.tuple(fc.constantFrom(VPS, SPS, SPS_1080), fc.array(fc.tuple(fc.nat(60), fc.nat(255))))
    .map(([set, changes]) => {
      const nal = [...set];
      for (const [at, byte] of changes) nal[2 + at % (nal.length - 2)] = byte;
      return bytes(nal);
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), damaged), (nal) => {
      const sps = parseHevcSps(nal);
      if (sps !== null) {
        assert(sps.width > 0 && sps.height > 0 && sps.frameRate >= 0 && sps.frameRate <= 300);
        assert(/^hvc1\.[ABC]?\d+\.[0-9A-F]+\.[LH]\d+(\.[0-9A-F]+)*$/.test(sps.codecString), sps.codecString);
      }
      parseHevcVps(nal);
      parseHevcPps(nal);
    }),
    { numRuns: 2000 },
  );
});

/** A video parameter set with timing: written bit by bit, and its zeros kept from making start codes. @see H.265, 7.3.2.1 */
function writeVpsTiming(units: number, scale: number): Uint8Array {
  let bits = "0000" + "11" + "000000" + "000" + "1" + "1".repeat(16);
  bits += "00" + "0" + "00001" + "01" + "1".repeat(30) + "1001" + "0".repeat(44) + (60).toString(2).padStart(8, "0");
  bits += "1" + "1" + "1" + "1"; // ordering information of one layer: three zeros
  bits += "000000" + "1"; // one layer, one set of layers
  bits += "1" + units.toString(2).padStart(32, "0") + scale.toString(2).padStart(32, "0") + "0" + "1" + "0" + "1";
  const raw = bits.padEnd(Math.ceil(bits.length / 8) * 8, "0").match(/.{8}/g)!.map((byte) => parseInt(byte, 2));
  const nal = [0x40, 0x01];
  for (const byte of raw) {
    if (byte <= 3 && nal.at(-1) === 0 && nal.at(-2) === 0) nal.push(3);
    nal.push(byte);
  }
  return new Uint8Array(nal);
}
