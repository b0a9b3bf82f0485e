import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { RtpPacketView, writeRtpHeader } from "../packet.ts";
import { H264Depacketizer, type H264Unit } from "./depacketizer.ts";
import { joinAnnexB, splitAnnexB } from "../annex_b.ts";
import { H264Packetizer } from "./packetizer.ts";
import { AUD, IDR, nals, P, PPS, RECOVERY, SPS, SPS_720, unit } from "./testing.ts";

const PAYLOAD_TYPE = 96;

type Packet = { payload: number[]; timestamp: number; marker?: boolean; gap?: number };
type Copy = Omit<H264Unit, "data"> & { data: number[] };

/** Pushes payloads and gives copies of the units that come out. */
function depacketize(packets: Packet[], options: { parameterSets?: Uint8Array; maxUnitBytes?: number } = {}) {
  const units: Copy[] = [];
  const depacketizer = new H264Depacketizer({
    ...options,
    onUnit: (one) => units.push({ ...one, data: [...one.data] }),
  });
  const view = new RtpPacketView();
  let sequence = 0;
  for (const { payload, timestamp, marker = false, gap = 0 } of packets) {
    if (gap > 0) depacketizer.gap(gap);
    const bytes = new Uint8Array(12 + payload.length);
    writeRtpHeader(bytes, { payloadType: PAYLOAD_TYPE, sequence: sequence++, timestamp, ssrc: 1, marker });
    bytes.set(payload, 12);
    assertEquals(view.parse(bytes), null);
    const before = [...bytes];
    depacketizer.push(view, timestamp);
    assertEquals([...bytes], before, "the input is unchanged");
  }
  return { units, depacketizer };
}

const stap = (...parts: number[][]) => [24, ...parts.flatMap((part) => [part.length >> 8, part.length & 255, ...part])];
const fu = (nal: number[], flags: number, from: number, to: number) => [
  nal[0] & 0xe0 | 28,
  flags | nal[0] & 0x1f,
  ...nal.slice(from, to),
];

Deno.test("H264Depacketizer.push() takes single NAL units, and ends the unit at the marker", () => {
  const { units } = depacketize([
    { payload: SPS, timestamp: 0 },
    { payload: PPS, timestamp: 0 },
    { payload: IDR, timestamp: 0, marker: true },
    { payload: P, timestamp: 3600, marker: true },
  ]);
  assertEquals(units.map((one) => [one.keyframe, one.corrupt, one.rtpTimestamp]), [[true, false, 0], [
    false,
    false,
    3600,
  ]]);
  assertEquals(units[0].data, [...unit(SPS, PPS, IDR)]);
  assertEquals(units[0].info?.width, 320);
});

Deno.test("H264Depacketizer.push() takes STAP-A", () => {
  const { units } = depacketize([
    { payload: stap(SPS, PPS), timestamp: 0 },
    { payload: IDR, timestamp: 0, marker: true },
  ]);
  assertEquals(units[0].data, [...unit(SPS, PPS, IDR)]);
});

Deno.test("H264Depacketizer.push() joins FU-A fragments into one NAL unit", () => {
  const { units } = depacketize([
    { payload: stap(SPS, PPS), timestamp: 0 },
    { payload: fu(IDR, 0x80, 1, 3), timestamp: 0 },
    { payload: fu(IDR, 0, 3, 5), timestamp: 0 },
    { payload: fu(IDR, 0x40, 5, IDR.length), timestamp: 0, marker: true },
  ]);
  assertEquals(units[0].data, [...unit(SPS, PPS, IDR)]);
  assertEquals(units[0].corrupt, false);
});

Deno.test("H264Depacketizer.push() accepts an FU-A with start and end bits both set", () => {
  const { units } = depacketize([
    { payload: stap(SPS, PPS), timestamp: 0 },
    { payload: fu(IDR, 0xc0, 1, IDR.length), timestamp: 0, marker: true },
  ]);
  assertEquals(units.map((one) => [one.keyframe, one.corrupt]), [[true, false]]);
  assertEquals(units[0].data, [...unit(SPS, PPS, IDR)]);
});

Deno.test("H264Depacketizer.push() ends a unit with the next timestamp where the marker is missing (FLIR M400)", () => {
  const { units } = depacketize([
    { payload: stap(SPS, PPS), timestamp: 0 },
    { payload: IDR, timestamp: 0 },
    { payload: P, timestamp: 3600 },
    { payload: P, timestamp: 7200 },
  ]);
  assertEquals(units.map((one) => [one.keyframe, one.corrupt]), [[true, false], [false, false]]);
});

Deno.test("H264Depacketizer.push() splits a packet that holds a whole Annex B picture (Reolink doorbells, go2rtc#391)", () => {
  const annexB = [...unit(SPS, PPS), 0, 0, 1, ...IDR];
  for (const payload of [annexB, annexB.slice(4)]) {
    const { units, depacketizer } = depacketize([{ payload, timestamp: 0, marker: true }]);
    assertEquals(units[0].data, [...unit(SPS, PPS, IDR)]);
    assertEquals([units[0].keyframe, units[0].corrupt], [true, false]);
    assertEquals(depacketizer.stats.startCodesInside, 1);
  }
});

Deno.test("H264Depacketizer.push() puts the parameter sets in front that an Axis does not send in band", () => {
  const { units } = depacketize([
    { payload: IDR, timestamp: 0, marker: true },
    { payload: AUD, timestamp: 3600 },
    { payload: IDR, timestamp: 3600, marker: true },
  ], { parameterSets: unit(SPS, PPS) });
  assertEquals(units[0].data, [...unit(SPS, PPS, IDR)]);
  assertEquals(units[1].data, [...unit(AUD, SPS, PPS, IDR)], "the delimiter stays first");
  assertEquals(units.map((one) => one.keyframe), [true, true]);
});

Deno.test("H264Depacketizer.push() calls no unit a keyframe before its parameter sets are known", () => {
  const { units, depacketizer } = depacketize([{ payload: IDR, timestamp: 0, marker: true }]);
  assertEquals(units.map((one) => one.keyframe), [false]);
  assertEquals(depacketizer.stats.keyframesWithoutParameters, 1);
});

Deno.test("H264Depacketizer.push() takes a recovery point of 0 frames with I slices for a keyframe", () => {
  const intra = [0x41, 0x88, 0x80, 0x10]; // first_mb 0, slice type 7
  const { units } = depacketize([
    { payload: RECOVERY, timestamp: 0 },
    { payload: intra, timestamp: 0, marker: true },
    { payload: RECOVERY, timestamp: 3600 },
    { payload: P, timestamp: 3600, marker: true },
  ], { parameterSets: unit(SPS, PPS) });
  assertEquals(units.map((one) => one.keyframe), [true, false]);
});

Deno.test("H264Depacketizer.push() raises the generation when the parameter sets change, and not when they repeat", () => {
  const { units } = depacketize([
    { payload: stap(SPS, PPS), timestamp: 0 },
    { payload: IDR, timestamp: 0, marker: true },
    { payload: stap(SPS, PPS), timestamp: 3600 },
    { payload: IDR, timestamp: 3600, marker: true },
    { payload: stap(SPS_720, PPS), timestamp: 7200 },
    { payload: IDR, timestamp: 7200, marker: true },
  ]);
  assertEquals(units.map((one) => [one.generation, one.info?.width]), [[0, 320], [0, 320], [1, 1280]]);
});

Deno.test("H264Depacketizer.push() goes by the timestamp once a camera sets the marker with every slice", () => {
  const second = [0x41, 0x40, 0x80, 0x10]; // first_mb 1
  const picture = (timestamp: number) => [
    { payload: P, timestamp, marker: true },
    { payload: second, timestamp, marker: true },
  ];
  const { units, depacketizer } = depacketize([...picture(0), ...picture(3600), ...picture(7200)]);
  assertEquals(depacketizer.stats.falseMarkers, 1);
  assertEquals(units.map((one) => [one.rtpTimestamp, one.corrupt]), [[0, false], [0, true], [3600, false]]);
  assertEquals(units[2].data, [...unit(P, second)]);
});

Deno.test("H264Depacketizer.gap() flags the unit in hand, and the next one unless it shows its head", () => {
  const start: Packet[] = [{ payload: stap(SPS, PPS), timestamp: 0 }, { payload: IDR, timestamp: 0, marker: true }];
  const inside = depacketize([
    ...start,
    { payload: fu(P, 0x80, 1, 3), timestamp: 3600 },
    { payload: fu(P, 0x40, 4, P.length), timestamp: 3600, marker: true, gap: 1 },
    { payload: stap(SPS, PPS), timestamp: 7200 },
    { payload: IDR, timestamp: 7200, marker: true },
  ]);
  assertEquals(inside.units.map((one) => [one.corrupt, one.discontinuity]), [[false, false], [true, true], [
    false,
    false,
  ]]);
  const between = depacketize([
    ...start,
    { payload: P, timestamp: 7200, marker: true, gap: 2 },
    { payload: stap(SPS, PPS), timestamp: 10800, gap: 1 },
    { payload: IDR, timestamp: 10800, marker: true },
  ]);
  assertEquals(between.units.slice(1).map((one) => [one.keyframe, one.corrupt, one.discontinuity]), [
    [false, true, true],
    [true, false, true],
  ]);
  const headless = depacketize([...start, { payload: IDR, timestamp: 3600, marker: true, gap: 1 }]);
  assertEquals(headless.units[1].corrupt, true, "its parameter sets were lost");
});

Deno.test("H264Depacketizer.push() drops a unit larger than the limit, and goes on with the next", () => {
  const { units, depacketizer } = depacketize([
    { payload: [...P, ...new Array(300).fill(7)], timestamp: 0, marker: true },
    { payload: P, timestamp: 3600, marker: true },
  ], { maxUnitBytes: 256 });
  assertEquals(units.map((one) => [one.rtpTimestamp, one.discontinuity]), [[3600, true]]);
  assertEquals(depacketizer.stats.oversize, 1);
  assertThrows(() => new H264Depacketizer({ maxUnitBytes: 0, onUnit: () => {} }), RangeError, "maxUnitBytes is 0");
});

Deno.test("H264Depacketizer.push() counts a truncated STAP-A and unsupported types, and flags their unit", () => {
  for (const payload of [[24, 0, 9, ...P], [24, 0], [25, 0, 0], [28], [0x9c & 0x7f]]) {
    const { units, depacketizer } = depacketize([
      { payload, timestamp: 0 },
      { payload: P, timestamp: 0, marker: true },
    ]);
    assertEquals(units.length, 1, JSON.stringify(payload));
    assert(units[0].corrupt, JSON.stringify(payload));
    assert(depacketizer.stats.malformed > 0, JSON.stringify(payload));
  }
});

Deno.test("H264Depacketizer.flush() hands on a unit without an end as corrupt", () => {
  const { units, depacketizer } = depacketize([{ payload: P, timestamp: 0 }]);
  assertEquals(units.length, 0);
  depacketizer.flush();
  assertEquals(units.map((one) => one.corrupt), [true]);
});

/** Access units with parameter sets in front of keyframes, as an encoder makes them. */
const stream = fc.array(
  fc.record({
    key: fc.boolean(),
    delimiter: fc.constant(false),
    slices: fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 3 }),
  }),
  { minLength: 1, maxLength: 12 },
).map((pictures) =>
  pictures.map(({ key, slices }, index) => {
    const parts = slices.map((bytes, i) => {
      // No zeros: nothing that an emulation prevention byte would have had to break up.
      const body = [...bytes].map((byte) => byte === 0 ? 1 : byte);
      const first = i === 0 ? 0x88 : 0x42;
      return [key || index === 0 ? 0x65 : 0x41, key || index === 0 ? first : i === 0 ? 0x9a : 0x43, ...body];
    });
    return unit(...(key || index === 0 ? [SPS, PPS] : []), ...parts);
  })
);

Deno.test("H264Depacketizer.push() gives back what H264Packetizer cut, to the byte", () => {
  fc.assert(
    fc.property(stream, fc.integer({ min: 40, max: 1500 }), fc.boolean(), (pictures, mtu, aggregate) => {
      const out: { data: number[]; corrupt: boolean }[] = [];
      const depacketizer = new H264Depacketizer({
        onUnit: (one) => out.push({ data: [...one.data], corrupt: one.corrupt }),
      });
      const packetizer = new H264Packetizer({ payloadType: 96, ssrc: 1, sequence: 65_530, mtu, aggregate });
      const view = new RtpPacketView();
      pictures.forEach((picture, i) => {
        const count = packetizer.packetize(picture, i * 3600, (packet) => {
          assert(packet.length <= mtu);
          assertEquals(view.parse(packet), null);
          depacketizer.push(view, 0);
        });
        assert(count > 0);
      });
      assertEquals(out, pictures.map((picture) => ({ data: [...picture], corrupt: false })));
    }),
    { numRuns: 100 },
  );
});

Deno.test("H264Depacketizer.push() never hands on a wrong unit unflagged, whatever is lost", () => {
  fc.assert(
    fc.property(stream, fc.infiniteStream(fc.integer({ min: 0, max: 9 })), (pictures, dice) => {
      const packetizer = new H264Packetizer({ payloadType: 96, ssrc: 1, sequence: 0, mtu: 120 });
      const packets: { bytes: Uint8Array; index: number }[] = [];
      pictures.forEach((picture, index) =>
        packetizer.packetize(picture, index * 3600, (packet) => packets.push({ bytes: packet.slice(), index }))
      );
      const depacketizer = new H264Depacketizer({
        onUnit: (one) => {
          const sent = pictures[one.rtpTimestamp / 3600];
          if (!one.corrupt) assertEquals(nals(one.data), nals(sent));
        },
      });
      const view = new RtpPacketView();
      // The first packet stays: what was before the first packet nobody can know.
      let lost = 0;
      packets.forEach(({ bytes }, i) => {
        if (i > 0 && dice.next().value === 0) {
          lost++;
          return;
        }
        if (lost > 0) depacketizer.gap(lost);
        lost = 0;
        view.parse(bytes);
        depacketizer.push(view, 0);
      });
      depacketizer.flush();
    }),
    { numRuns: 300 },
  );
});

Deno.test("H264Depacketizer.push() survives any payload, in bounded memory", () => {
  const payload = fc.record({
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.tuple(fc.constantFrom(24, 28, 0x67, 0x68, 6, 0x65), fc.uint8Array({ maxLength: 60 })).map(([type, rest]) =>
        new Uint8Array([type, ...rest])
      ),
      fc.constant(unit(SPS, PPS, IDR)),
    ),
    timestamp: fc.integer({ min: 0, max: 5 }),
    marker: fc.boolean(),
    gap: fc.constantFrom(0, 0, 0, 1),
  });
  fc.assert(
    fc.property(fc.array(payload, { maxLength: 60 }), (packets) => {
      const { units, depacketizer } = depacketize(
        packets.map((packet) => ({ ...packet, payload: [...packet.payload] })),
        { maxUnitBytes: 2000 },
      );
      depacketizer.flush();
      for (const one of units) {
        assert(one.data.length <= 2000 + 16_384);
        assertEquals(one.data.slice(0, 4), [0, 0, 0, 1]);
        if (one.keyframe) assert(one.info !== null);
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("splitAnnexB() and joinAnnexB() undo each other", () => {
  const parts = [SPS, PPS, IDR].map((part) => new Uint8Array(part));
  const found: number[][] = [];
  const joined = joinAnnexB(parts);
  splitAnnexB(joined, (start, end) => found.push([...joined.subarray(start, end)]));
  assertEquals(found, [SPS, PPS, IDR]);
  splitAnnexB(new Uint8Array([9, 9, 0, 0, 1]), () => assert(false, "nothing follows the start code"));
});
