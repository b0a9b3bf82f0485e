import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { makeAacConfig, parseAacConfig } from "./aac_config.ts";
import { AacDepacketizer } from "./aac_depacketizer.ts";
import { BitWriter, depacketize, type TestPacket } from "./testing.ts";

/** What most cameras say: AAC-LC at 16 kHz, one channel. */
const HBR = { mode: "AAC-hbr", sizelength: "13", indexlength: "3", indexdeltalength: "3", config: "1408" };
const run = (packets: TestPacket[], parameters: Record<string, string> = HBR, clockRate = 16_000) =>
  depacketize((options) => new AacDepacketizer(options), { parameters, clockRate }, packets);
const hex = (bytes: number[]) => new Uint8Array(bytes).toHex();

/** A packet of whole units, or with `size` of a part of one. */
function payload(units: number[][], { size = 13, index = 3, of = 0, delta = 0 } = {}): number[] {
  const headers = new BitWriter();
  units.forEach((unit, i) => headers.put(of || unit.length, size).put(i === 0 ? 0 : delta, index));
  const bits = headers.length;
  return [bits >> 8, bits & 0xff, ...headers.done(), ...units.flat()];
}

const A = [1, 2, 3, 4, 5], B = [6, 7, 8], C = [9, 10, 11, 12];

Deno.test("parseAacConfig() reads rates, channels and frame lengths of what cameras send", () => {
  const read = (text: string) => {
    const config = parseAacConfig(Uint8Array.fromHex(text));
    return config && [config.codecString, config.sampleRate, config.coreRate, config.channels, config.frameSamples];
  };
  assertEquals(read("1408"), ["mp4a.40.2", 16_000, 16_000, 1, 1024]);
  assertEquals(read("1190"), ["mp4a.40.2", 48_000, 48_000, 2, 1024]);
  assertEquals(read("1210"), ["mp4a.40.2", 44_100, 44_100, 2, 1024]);
  assertEquals(read("1588"), ["mp4a.40.2", 8000, 8000, 1, 1024]);
  assertEquals(read("2b8a0800"), ["mp4a.40.5", 44_100, 22_050, 1, 1024], "SBR said in front");
  assertEquals(read("eb8a0800"), ["mp4a.40.29", 44_100, 22_050, 2, 1024], "parametric stereo");
  assertEquals(read("140c"), ["mp4a.40.2", 16_000, 16_000, 1, 960]);
  assertEquals([read(""), read("ff"), read("1f88"), read("0000")], [null, null, null, null]);
});

Deno.test("makeAacConfig() makes what parseAacConfig() reads, also of rates that have no number", () => {
  for (const [rate, channels] of [[16_000, 1], [48_000, 2], [8000, 8], [15_000, 1]]) {
    const config = parseAacConfig(makeAacConfig(rate, channels))!;
    assertEquals([config.sampleRate, config.channels, config.objectType], [rate, channels, 2]);
  }
  assertEquals(makeAacConfig(16_000, 1).toHex(), "1408");
});

Deno.test("AacDepacketizer.push() takes several access units out of a packet, each with its time", () => {
  const { frames, depacketizer } = run([
    { payload: payload([A, B]), timestamp: 1000 },
    { payload: payload([C]), timestamp: 3048 },
  ]);
  assertEquals(frames.map(({ data, rtpTimestamp, ticks }) => [data, rtpTimestamp, ticks]), [
    [hex(A), 1000, 1024],
    [hex(B), 2024, 1024],
    [hex(C), 3048, 1024],
  ]);
  const { sampleRate, channels, codecString } = depacketizer.info;
  assertEquals([sampleRate, channels, codecString, depacketizer.info.config.toHex()], [16_000, 1, "mp4a.40.2", "1408"]);
});

Deno.test("AacDepacketizer.push() goes by the clock where it is not the sample rate", () => {
  const { frames } = run([{ payload: payload([A, B]), timestamp: 0xffff_ff00 }], HBR, 90_000);
  assertEquals(frames.map(({ rtpTimestamp, ticks }) => [rtpTimestamp, ticks]), [
    [0xffff_ff00, 5760],
    [0x1580, 5760],
  ]);
});

Deno.test("AacDepacketizer.push() joins a unit that comes in fragments", () => {
  const { frames } = run([
    { payload: payload([A.slice(0, 2)], { of: 5 }), timestamp: 0, marker: false },
    { payload: payload([A.slice(2)], { of: 5 }), timestamp: 0 },
    { payload: payload([B]), timestamp: 1024 },
  ]);
  assertEquals(frames.map(({ data, discontinuity }) => [data, discontinuity]), [[hex(A), false], [hex(B), false]]);
});

Deno.test("AacDepacketizer.gap() drops a unit that lacks a fragment", () => {
  const part = (from: number, to: number, marker: boolean, gap = 0) => ({
    payload: payload([A.slice(from, to)], { of: 5 }),
    timestamp: 0,
    marker,
    gap,
  });
  for (const packets of [[part(0, 2, false), part(3, 5, true, 1)], [part(2, 5, true, 1)], [part(0, 2, false)]]) {
    const { frames, depacketizer } = run([...packets, { payload: payload([B]), timestamp: 1024, gap: 1 }]);
    assertEquals(frames.map(({ data, discontinuity }) => [data, discontinuity]), [[hex(B), true]]);
    assert(depacketizer.stats.incomplete > 0);
  }
});

Deno.test("AacDepacketizer.push() refuses interleaving, and counts it", () => {
  const { frames, depacketizer } = run([
    { payload: payload([A, B], { delta: 2 }), timestamp: 0 },
    { payload: payload([C]), timestamp: 2048 },
  ]);
  assertEquals(frames.map(({ data, discontinuity }) => [data, discontinuity]), [[hex(C), true]]);
  assertEquals(depacketizer.stats.unsupported, 1);
});

Deno.test("AacDepacketizer.push() takes low bit rate, other fields, units of one size and auxiliary data", () => {
  const low = { mode: "AAC-lbr", sizelength: "6", indexlength: "2", indexdeltalength: "2", config: "1408" };
  const lbr = run([{ payload: payload([A, B], { size: 6, index: 2 }), timestamp: 0 }], low);
  assertEquals(lbr.frames.map(({ data }) => data), [hex(A), hex(B)]);

  const fields = {
    ...HBR,
    ctsdeltalength: "5",
    dtsdeltalength: "4",
    randomaccessindication: "1",
    streamstateindication: "2",
  };
  const headers = new BitWriter();
  headers.put(A.length, 13).put(0, 3).put(0, 1).put(1, 1).put(3, 4).put(1, 1).put(2, 2);
  headers.put(B.length, 13).put(0, 3).put(1, 1).put(9, 5).put(0, 1).put(1, 1).put(2, 2);
  const more = [headers.length >> 8, headers.length & 0xff, ...headers.done(), ...A, ...B];
  assertEquals(run([{ payload: more, timestamp: 0 }], fields).frames.map(({ data }) => data), [hex(A), hex(B)]);

  const constant = { config: "1408", constantsize: "4" };
  const equal = run([{ payload: [...C, ...C], timestamp: 0 }], constant);
  assertEquals(equal.frames.map(({ data, rtpTimestamp }) => [data, rtpTimestamp]), [[hex(C), 0], [hex(C), 1024]]);

  const auxiliary = { ...HBR, auxiliarydatasizelength: "8" };
  const plain = payload([A]);
  const withData = [...plain.slice(0, 4), 12, 0xff, 0xf0, ...plain.slice(4)];
  assertEquals(run([{ payload: withData, timestamp: 0 }], auxiliary).frames.map(({ data }) => data), [hex(A)]);
});

Deno.test("AacDepacketizer takes AAC-LC in the usual form for granted where the description has no parameters (Reolink)", () => {
  const { frames, depacketizer } = run([{ payload: payload([A]), timestamp: 0 }], {});
  assertEquals([frames[0].data, depacketizer.info.config.toHex()], [hex(A), "1408"]);
});

const units = fc.array(fc.uint8Array({ minLength: 1, maxLength: 400 }), { minLength: 1, maxLength: 20 });

/** Cuts units as a camera does: some together, those that do not fit in fragments. */
function packetize(all: Uint8Array[], { together, mtu }: { together: number; mtu: number }): TestPacket[] {
  const packets: TestPacket[] = [];
  for (let i = 0; i < all.length;) {
    const timestamp = i * 1024;
    const unit = [...all[i]];
    if (unit.length > mtu) {
      for (let at = 0; at < unit.length; at += mtu) {
        const part = unit.slice(at, at + mtu);
        packets.push({ payload: payload([part], { of: unit.length }), timestamp, marker: at + mtu >= unit.length });
      }
      i++;
      continue;
    }
    let count = 1, bytes = unit.length;
    while (count < together && i + count < all.length && bytes + all[i + count].length <= mtu) {
      bytes += all[i + count++].length;
    }
    packets.push({ payload: payload(all.slice(i, i + count).map((one) => [...one])), timestamp });
    i += count;
  }
  return packets;
}

Deno.test("AacDepacketizer.push() gives back what was sent, and with losses nothing else", () => {
  fc.assert(
    fc.property(
      units,
      fc.record({ together: fc.integer({ min: 1, max: 4 }), mtu: fc.integer({ min: 20, max: 300 }) }),
      fc.infiniteStream(fc.integer({ min: 0, max: 5 })),
      (all, how, dice) => {
        const packets = packetize(all, how);
        const sent = all.map((unit, i) => [unit.toHex(), i * 1024]);
        const whole = run(packets);
        assertEquals(whole.frames.map(({ data, rtpTimestamp }) => [data, rtpTimestamp]), sent);
        let gap = 0;
        const left = packets.flatMap((packet) => {
          if (dice.next().value === 0) {
            gap++;
            return [];
          }
          const kept = { ...packet, gap };
          gap = 0;
          return [kept];
        });
        for (const { data, rtpTimestamp } of run(left).frames) {
          assertEquals([data, rtpTimestamp], sent[rtpTimestamp / 1024]);
        }
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("AacDepacketizer.push() survives any payload and any description, in bounded memory", () => {
  const number = fc.constantFrom("", "0", "3", "13", "32", "-1", "999999999", "x");
  const packet = fc.record({
    payload: fc.uint8Array({ maxLength: 80 }),
    timestamp: fc.integer({ min: 0, max: 5 }),
    marker: fc.boolean(),
    gap: fc.constantFrom(0, 0, 0, 1),
  });
  const parameters = fc.record({
    sizelength: number,
    indexlength: number,
    indexdeltalength: number,
    constantsize: number,
    auxiliarydatasizelength: number,
    config: fc.constantFrom("", "1408", "zz", "ff", "eb8a0800"),
  }, { requiredKeys: [] });
  fc.assert(
    fc.property(fc.array(packet, { maxLength: 40 }), parameters, (packets, described) => {
      for (const { data, ticks } of run(packets, described).frames) {
        assert(data.length > 0 && data.length <= 2 * 80 * 40);
        assert(ticks > 0);
      }
    }),
    { numRuns: 500 },
  );
});
