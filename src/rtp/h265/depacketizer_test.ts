import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { RtpPacketView, writeRtpHeader } from "../packet.ts";
import { HevcDepacketizer, type HevcDepacketizerOptions, type HevcUnit } from "./depacketizer.ts";
import { HevcPacketizer } from "./packetizer.ts";
import { AUD, CRA, IDR, nals, PPS, RASL, REST, SEI, SPS, SPS_1080, TRAIL, unit, VPS } from "./testing.ts";

type Packet = { payload: number[]; timestamp: number; marker?: boolean; gap?: number };
type Copy = Omit<HevcUnit, "data"> & { data: Uint8Array };

/** Pushes payloads and gives copies of the units that come out. */
function depacketize(packets: Packet[], options: Omit<HevcDepacketizerOptions, "onUnit"> = {}) {
  const units: Copy[] = [];
  const depacketizer = new HevcDepacketizer({
    ...options,
    onUnit: (one) => units.push({ ...one, data: one.data.slice() }),
  });
  const view = new RtpPacketView();
  let sequence = 0;
  for (const { payload, timestamp, marker = false, gap = 0 } of packets) {
    if (gap > 0) depacketizer.gap(gap);
    const bytes = new Uint8Array(12 + payload.length);
    writeRtpHeader(bytes, { payloadType: 96, sequence: sequence++, timestamp, ssrc: 1, marker });
    bytes.set(payload, 12);
    assertEquals(view.parse(bytes), null);
    const before = bytes.toHex();
    depacketizer.push(view, timestamp);
    assertEquals(bytes.toHex(), before, "the input is unchanged");
  }
  return { units, depacketizer };
}

const sized = (part: number[]) => [part.length >> 8, part.length & 255, ...part];
const ap = (...parts: number[][]) => [0x60, 0x01, ...parts.flatMap(sized)];
/** A fragment of a NAL unit: 0x80 in `flags` is its start, 0x40 its end. */
const fu = (nal: number[], flags: number, from: number, to: number) => [
  nal[0] & 0x81 | 49 << 1,
  nal[1],
  flags | nal[0] >> 1 & 0x3f,
  ...nal.slice(from, to),
];
const HEAD: Packet = { payload: ap(VPS, SPS, PPS), timestamp: 0 };
const BEGIN: Packet[] = [HEAD, { payload: IDR, timestamp: 0, marker: true }];

Deno.test("HevcDepacketizer.push() takes single NAL units, and ends the unit at the marker", () => {
  const { units } = depacketize([
    ...[VPS, SPS, PPS].map((payload) => ({ payload, timestamp: 0 })),
    { payload: IDR, timestamp: 0, marker: true },
    { payload: TRAIL, timestamp: 3600 },
    { payload: REST, timestamp: 3600, marker: true },
  ]);
  assertEquals(units.map((one) => [one.keyframe, one.corrupt, one.rtpTimestamp]), [
    [true, false, 0],
    [false, false, 3600],
  ]);
  assertEquals(units[0].data, unit(VPS, SPS, PPS, IDR));
  assertEquals(units[1].data, unit(TRAIL, REST));
  const { width, height, frameRate, codecString, maxReorder } = units[0].info!;
  assertEquals([width, height, frameRate, codecString, maxReorder], [320, 180, 25, "hvc1.1.6.L60.90", 2]);
});

Deno.test("HevcDepacketizer.push() takes aggregation packets, with and without decoding order numbers", () => {
  const { units } = depacketize(BEGIN);
  assertEquals(units[0].data, unit(VPS, SPS, PPS, IDR));
  const numbered = depacketize([
    { payload: [0x60, 0x01, 0, 7, ...sized(VPS), 0, ...sized(SPS), 0, ...sized(PPS)], timestamp: 0 },
    { payload: [...IDR.slice(0, 2), 0, 8, ...IDR.slice(2)], timestamp: 0, marker: true },
    { payload: [...fu(TRAIL, 0x80, 0, 0), 0, 9, ...TRAIL.slice(2, 4)], timestamp: 3600 },
    { payload: fu(TRAIL, 0x40, 4, TRAIL.length), timestamp: 3600, marker: true },
  ], { decodingOrderNumbers: true });
  assertEquals(numbered.units.map((one) => nals(one.data)), [nals(unit(VPS, SPS, PPS, IDR)), nals(unit(TRAIL))]);
  assertEquals(numbered.units.map((one) => one.corrupt), [false, false]);
});

Deno.test("HevcDepacketizer.push() joins fragments into one NAL unit with its own header", () => {
  const { units } = depacketize([
    HEAD,
    { payload: fu(IDR, 0x80, 2, 4), timestamp: 0 },
    { payload: fu(IDR, 0, 4, 6), timestamp: 0 },
    { payload: fu(IDR, 0x40, 6, IDR.length), timestamp: 0, marker: true },
    { payload: fu(TRAIL, 0xc0, 2, TRAIL.length), timestamp: 3600, marker: true },
  ]);
  assertEquals(units.map((one) => nals(one.data)), [nals(unit(VPS, SPS, PPS, IDR)), nals(unit(TRAIL))]);
  assertEquals(units.map((one) => one.corrupt), [false, false]);
});

Deno.test("HevcDepacketizer.push() ends a unit without a marker at the next timestamp, first slice or delimiter", () => {
  for (const next of [[TRAIL], [AUD, TRAIL]]) {
    const { units } = depacketize([
      HEAD,
      { payload: IDR, timestamp: 0 },
      ...next.map((payload) => ({ payload, timestamp: 0 })),
      { payload: TRAIL, timestamp: 3600 },
      { payload: TRAIL, timestamp: 7200 },
    ]);
    assertEquals(units.map((one) => [one.rtpTimestamp, one.corrupt]), [[0, false], [0, false], [3600, false]]);
    assertEquals(units[1].data, unit(...next));
  }
});

Deno.test("HevcDepacketizer.push() puts the parameter sets in front that the description alone has", () => {
  const { units } = depacketize([
    { payload: IDR, timestamp: 0, marker: true },
    { payload: ap(AUD, SPS, PPS), timestamp: 3600 },
    { payload: CRA, timestamp: 3600, marker: true },
  ], { parameterSets: unit(VPS, SPS, PPS) });
  assertEquals(nals(units[0].data), nals(unit(VPS, SPS, PPS, IDR)));
  assertEquals(nals(units[1].data).slice(0, 4), nals(unit(AUD, VPS, SPS, PPS)), "the delimiter stays first");
  assertEquals(units.map((one) => one.keyframe), [true, true]);
  const without = depacketize([{ payload: IDR, timestamp: 0, marker: true }], { parameterSets: unit(SPS, PPS) });
  assertEquals(without.units.map((one) => one.keyframe), [false], "no video parameter set");
  assertEquals(without.depacketizer.stats.keyframesWithoutParameters, 1);
});

Deno.test("HevcDepacketizer.push() takes IDR, BLA and CRA pictures for keyframes, and says what leads one", () => {
  const bla = [16 << 1, 1, ...CRA.slice(2)];
  const { units } = depacketize([
    ...BEGIN,
    { payload: CRA, timestamp: 1, marker: true },
    { payload: RASL, timestamp: 2, marker: true },
    { payload: [7 << 1, 1, 0xe0, 1], timestamp: 3, marker: true }, // RADL: can be decoded
    { payload: bla, timestamp: 4, marker: true },
    { payload: TRAIL, timestamp: 5, marker: true },
  ]);
  assertEquals(units.map((one) => one.keyframe), [true, true, false, false, true, false]);
  assertEquals(units.map((one) => one.leading), [false, false, true, false, false, false]);
});

Deno.test("HevcDepacketizer.push() raises the generation when the parameter sets change, and not when they repeat", () => {
  const key = (sps: number[], timestamp: number) => [
    { payload: ap(VPS, sps, PPS), timestamp },
    { payload: IDR, timestamp, marker: true },
  ];
  const { units } = depacketize([...key(SPS, 0), ...key(SPS, 1), ...key(SPS_1080, 2)]);
  assertEquals(units.map((one) => [one.generation, one.info?.width]), [[0, 320], [0, 320], [1, 1920]]);
});

Deno.test("HevcDepacketizer.gap() flags the unit in hand, and the next one unless it shows its head", () => {
  const inside = depacketize([
    ...BEGIN,
    { payload: fu(TRAIL, 0x80, 2, 4), timestamp: 3600 },
    { payload: fu(TRAIL, 0x40, 5, TRAIL.length), timestamp: 3600, marker: true, gap: 1 },
    { payload: ap(VPS, SPS, PPS), timestamp: 7200 },
    { payload: CRA, timestamp: 7200, marker: true },
  ]);
  assertEquals(inside.units.map((one) => [one.corrupt, one.discontinuity]), [
    [false, false],
    [true, true],
    [false, false],
  ]);
  const between = depacketize([
    ...BEGIN,
    { payload: TRAIL, timestamp: 7200, marker: true, gap: 2 },
    { payload: ap(VPS, SPS, PPS, SEI), timestamp: 10800, gap: 1 },
    { payload: IDR, timestamp: 10800, marker: true },
    { payload: IDR, timestamp: 14400, marker: true, gap: 1 },
  ]);
  assertEquals(between.units.slice(1).map((one) => [one.keyframe, one.corrupt, one.discontinuity]), [
    [false, true, true],
    [true, false, true],
    [true, true, true], // its parameter sets were lost, as far as anybody knows
  ]);
});

Deno.test("HevcDepacketizer.push() leaves out PACI packets and other layers, and counts them", () => {
  const { units, depacketizer } = depacketize([
    ...BEGIN,
    { payload: TRAIL, timestamp: 3600 },
    { payload: [50 << 1, 1, 0, 0, 1, 2, 3], timestamp: 3600, marker: true },
    { payload: TRAIL, timestamp: 7200 },
    { payload: [0x02, 0x09, 0xd0, 1, 2], timestamp: 7200, marker: true },
  ]);
  assertEquals(units.map((one) => one.corrupt), [false, true, false]);
  assertEquals([depacketizer.stats.paci, depacketizer.stats.badNals], [1, 1]);
  assertEquals(units[2].data, unit(TRAIL));
});

Deno.test("HevcDepacketizer.push() counts what breaks the format, and flags its unit", () => {
  const bad = [
    [0x60],
    [0x60, 1, 0],
    [0x60, 1, 0, 20, ...SEI],
    [49 << 1, 1, 0x81],
    [49 << 1, 1],
    [51 << 1, 1, 2, 3],
    [2, 1],
  ];
  for (const payload of bad) {
    const { units, depacketizer } = depacketize([
      ...BEGIN,
      { payload, timestamp: 1 },
      { payload: TRAIL, timestamp: 1, marker: true },
    ]);
    assert(depacketizer.stats.malformed > 0, JSON.stringify(payload));
    assert(units.at(-1)!.corrupt, JSON.stringify(payload));
  }
  const orphan = depacketize([...BEGIN, { payload: fu(TRAIL, 0x40, 4, 7), timestamp: 1, marker: true }]);
  assertEquals([orphan.units.length, orphan.depacketizer.stats.orphans], [1, 1]);
});

/** Access units with parameter sets in front of keyframes, as an encoder makes them. */
const stream = fc.array(
  fc.record({
    key: fc.boolean(),
    slices: fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 3 }),
  }),
  { minLength: 1, maxLength: 12 },
).map((pictures) =>
  pictures.map(({ key, slices }, index) => {
    const isKey = key || index === 0;
    const parts = slices.map((bytes, i) => {
      // No zeros: nothing that an emulation prevention byte would have had to break up.
      const body = [...bytes].map((byte) => byte === 0 ? 1 : byte);
      return [isKey ? 0x26 : 0x02, 1, i === 0 ? 0xa4 : 0x24, ...body];
    });
    return unit(...(isKey ? [VPS, SPS, PPS] : []), ...parts);
  })
);

Deno.test("HevcDepacketizer.push() gives back what HevcPacketizer cut, to the byte", () => {
  fc.assert(
    fc.property(stream, fc.integer({ min: 40, max: 1500 }), fc.boolean(), (pictures, mtu, aggregate) => {
      const out: { data: string; corrupt: boolean }[] = [];
      const depacketizer = new HevcDepacketizer({
        onUnit: (one) => out.push({ data: one.data.toHex(), corrupt: one.corrupt }),
      });
      const packetizer = new HevcPacketizer({ payloadType: 96, ssrc: 1, sequence: 65_530, mtu, aggregate });
      const view = new RtpPacketView();
      pictures.forEach((picture, i) => {
        packetizer.packetize(picture, i * 3600, (packet) => {
          assert(packet.length <= mtu);
          assertEquals(view.parse(packet), null);
          depacketizer.push(view, 0);
        });
      });
      assertEquals(out, pictures.map((picture) => ({ data: picture.toHex(), corrupt: false })));
    }),
    { numRuns: 100 },
  );
});

Deno.test("HevcDepacketizer.push() never hands on a wrong unit unflagged, whatever is lost", () => {
  fc.assert(
    fc.property(stream, fc.infiniteStream(fc.integer({ min: 0, max: 9 })), (pictures, dice) => {
      const packetizer = new HevcPacketizer({ payloadType: 96, ssrc: 1, sequence: 0, mtu: 120 });
      const packets: Uint8Array[] = [];
      pictures.forEach((picture, index) =>
        packetizer.packetize(picture, index * 3600, (packet) => packets.push(packet.slice()))
      );
      const depacketizer = new HevcDepacketizer({
        onUnit: (one) => {
          if (!one.corrupt) assertEquals(nals(one.data), nals(pictures[one.rtpTimestamp / 3600]));
        },
      });
      const view = new RtpPacketView();
      // The first packet stays: what was before the first packet nobody can know.
      let lost = 0;
      packets.forEach((bytes, i) => {
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

Deno.test("HevcDepacketizer.push() survives any payload, in bounded memory", () => {
  const payload = fc.record({
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.tuple(fc.constantFrom(48, 49, 50, 32, 33, 34, 20, 21, 8, 1), fc.uint8Array({ maxLength: 60 }))
        .map(([type, rest]) => new Uint8Array([type << 1, 1, ...rest])),
      fc.constant(unit(VPS, SPS, PPS, IDR)),
    ),
    timestamp: fc.integer({ min: 0, max: 5 }),
    marker: fc.boolean(),
    gap: fc.constantFrom(0, 0, 0, 1),
  });
  fc.assert(
    fc.property(fc.array(payload, { maxLength: 60 }), fc.boolean(), (packets, decodingOrderNumbers) => {
      const { units, depacketizer } = depacketize(
        packets.map((packet) => ({ ...packet, payload: [...packet.payload] })),
        { maxUnitBytes: 2000, decodingOrderNumbers },
      );
      depacketizer.flush();
      for (const one of units) {
        assert(one.data.length <= 2000 + 16_384);
        assertEquals(one.data.subarray(0, 4).toHex(), "00000001");
        if (one.keyframe) assert(one.info !== null);
      }
    }),
    { numRuns: 300 },
  );
});
