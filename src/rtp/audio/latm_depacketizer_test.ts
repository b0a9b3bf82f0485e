import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { LatmDepacketizer } from "./latm_depacketizer.ts";
import { BitWriter, depacketize, type TestPacket } from "./testing.ts";

const run = (packets: TestPacket[], parameters: Record<string, string>, clockRate = 16_000) =>
  depacketize((options) => new LatmDepacketizer(options), { parameters, clockRate }, packets);
const hex = (bytes: Uint8Array | number[]) => new Uint8Array(bytes).toHex();

/** A StreamMuxConfig of AAC-LC, 16 kHz, one channel. */
function muxConfig(into: BitWriter, { version = 0, frames = 1, other = 0, programs = 1, fixed = 0 } = {}): BitWriter {
  into.put(version, 1);
  if (version === 1) into.put(0, 1).put(0, 2).put(255, 8);
  into.put(1, 1).put(frames - 1, 6).put(programs - 1, 4).put(0, 3);
  if (version === 1) into.put(0, 2).put(16, 8);
  into.put(0x1408, 16);
  if (fixed > 0) into.put(1, 3).put(fixed - 20, 9);
  else into.put(0, 3).put(255, 8);
  into.put(other > 0 ? 1 : 0, 1);
  if (other > 0 && version === 1) into.put(0, 2).put(other, 8);
  else if (other > 0) into.put(0, 1).put(other, 8);
  return into.put(1, 1).put(0x5a, 8); // a checksum that nobody checks
}

const length = (bytes: number) => [...new Array(Math.floor(bytes / 255)).fill(255), bytes % 255];
/** An element whose configuration is in the description. */
const plain = (...frames: Uint8Array[]) => frames.flatMap((frame) => [...length(frame.length), ...frame]);
/** An element that has its configuration, or says that it is the one before. */
function element(frames: Uint8Array[], config: Parameters<typeof muxConfig>[1] | null): Uint8Array {
  const bits = new BitWriter().put(config === null ? 1 : 0, 1);
  if (config !== null) muxConfig(bits, { frames: frames.length, ...config });
  for (const frame of frames) {
    if (!config?.fixed) bits.bytes(new Uint8Array(length(frame.length)));
    bits.bytes(frame);
  }
  if (config?.other) bits.put(0, config.other);
  return bits.done();
}

const A = new Uint8Array([1, 2, 3, 4, 5]), B = new Uint8Array([6, 7, 8]), LONG = new Uint8Array(300).fill(0x5b);
const OUT_OF_BAND = { cpresent: "0", config: hex(muxConfig(new BitWriter()).done()) };

Deno.test("LatmDepacketizer.push() takes elements whose configuration is in the description", () => {
  const { frames, depacketizer } = run(
    [{ payload: plain(A), timestamp: 0 }, { payload: plain(LONG), timestamp: 5760 }],
    OUT_OF_BAND,
    90_000,
  );
  assertEquals(frames.map(({ data, rtpTimestamp, ticks }) => [data, rtpTimestamp, ticks]), [
    [hex(A), 0, 5760],
    [hex(LONG), 5760, 5760],
  ]);
  const { sampleRate, channels, codecString, config } = depacketizer.info!;
  assertEquals([sampleRate, channels, codecString, hex(config)], [16_000, 1, "mp4a.40.2", "1408"]);
});

Deno.test("LatmDepacketizer takes the configuration that FFmpeg and GStreamer write", () => {
  // AAC-LC, 44.1 kHz, two channels.
  const { depacketizer } = run([], { cpresent: "0", config: "40002420 3fc0".replace(" ", "") });
  assertEquals([depacketizer.info?.sampleRate, depacketizer.info?.channels], [44_100, 2]);
  // GStreamer's of 16 kHz, one channel: with an extension that says that there is none, and nothing behind it.
  const short = run([], { cpresent: "0", config: "40002810adca00" }).depacketizer;
  const { sampleRate, channels, codecString, config } = short.info!;
  assertEquals([sampleRate, channels, codecString, hex(config)], [16_000, 1, "mp4a.40.2", "140856e500"]);
});

Deno.test("LatmDepacketizer.push() takes configurations in band, of both versions", () => {
  for (const config of [{}, { version: 1 }, { other: 9 }, { version: 1, other: 9 }, { fixed: 300 }]) {
    const frame = config.fixed ? LONG : A;
    const { frames, depacketizer } = run([
      { payload: element([frame], null), timestamp: 0 }, // not come yet
      { payload: element([frame], config), timestamp: 1024 },
    ], {});
    assertEquals(
      frames.map(({ data, discontinuity }) => [data, discontinuity]),
      [[hex(frame), true]],
      JSON.stringify(config),
    );
    assertEquals(depacketizer.stats.unconfigured, 1);
    assertEquals(hex(depacketizer.info!.config), "1408");
  }
});

Deno.test("LatmDepacketizer.push() takes several frames out of an element, at any bit", () => {
  const { frames } = run([
    { payload: element([A, B], {}), timestamp: 0 },
    { payload: element([B, A], null), timestamp: 2048 },
  ], {});
  assertEquals(frames.map(({ data, rtpTimestamp }) => [data, rtpTimestamp]), [
    [hex(A), 0],
    [hex(B), 1024],
    [hex(B), 2048],
    [hex(A), 3072],
  ]);
});

Deno.test("LatmDepacketizer.push() joins an element that comes in fragments, and drops one that lacks a part", () => {
  const whole = plain(LONG);
  const part = (from: number, to: number, timestamp: number, gap = 0) => ({
    payload: whole.slice(from, to),
    timestamp,
    marker: to >= whole.length,
    gap,
  });
  const joined = run([part(0, 100, 0), part(100, 200, 0), part(200, 999, 0)], OUT_OF_BAND);
  assertEquals(joined.frames.map(({ data }) => data), [hex(LONG)]);
  const lost = run([
    part(0, 100, 0),
    part(200, 999, 0, 1), // its middle is lost
    part(100, 999, 1024, 1), // its begin is lost
    part(0, 100, 2048),
    part(100, 999, 2048),
  ], OUT_OF_BAND);
  assertEquals(lost.frames.map(({ data, rtpTimestamp, discontinuity }) => [data, rtpTimestamp, discontinuity]), [
    [hex(LONG), 2048, true],
  ]);
});

Deno.test("LatmDepacketizer.push() refuses several programs, and counts what is damaged", () => {
  const programs = run([{ payload: element([A], { programs: 2 }), timestamp: 0 }], {});
  assertEquals([programs.frames.length, programs.depacketizer.stats.unsupported], [0, 1]);
  const short = run([{ payload: [200, 1, 2], timestamp: 0 }], OUT_OF_BAND);
  assertEquals([short.frames.length, short.depacketizer.stats.malformed], [0, 1]);
  const long = run([{ payload: [...plain(A), 7, 7], timestamp: 0 }], OUT_OF_BAND);
  assertEquals([long.frames.length, long.depacketizer.stats.malformed], [0, 1]);
});

Deno.test("LatmDepacketizer.push() gives back what was sent", () => {
  const frames = fc.array(fc.uint8Array({ minLength: 1, maxLength: 600 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(frames, fc.boolean(), fc.integer({ min: 10, max: 400 }), (all, inBand, mtu) => {
      const packets = all.flatMap((frame, i) => {
        const whole = inBand ? [...element([frame], i % 3 === 0 ? {} : null)] : plain(frame);
        const parts: TestPacket[] = [];
        for (let at = 0; at < whole.length; at += mtu) {
          parts.push({ payload: whole.slice(at, at + mtu), timestamp: i * 1024, marker: at + mtu >= whole.length });
        }
        return parts;
      });
      const out = run(packets, inBand ? {} : OUT_OF_BAND).frames;
      assertEquals(out.map(({ data, corrupt }) => [data, corrupt]), all.map((frame) => [hex(frame), false]));
    }),
    { numRuns: 100 },
  );
});

Deno.test("LatmDepacketizer.push() survives any payload and any description, in bounded memory", () => {
  const packet = fc.record({
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.uint8Array({ maxLength: 30 }).map((bytes) => element([bytes], {})),
    ),
    timestamp: fc.integer({ min: 0, max: 5 }),
    marker: fc.boolean(),
    gap: fc.constantFrom(0, 0, 0, 1),
  });
  const parameters = fc.record({
    cpresent: fc.constantFrom("0", "1", "", "x"),
    config: fc.oneof(fc.constantFrom("", "zz", OUT_OF_BAND.config), fc.uint8Array({ maxLength: 20 }).map(hex)),
  }, { requiredKeys: [] });
  fc.assert(
    fc.property(fc.array(packet, { maxLength: 40 }), parameters, (packets, described) => {
      for (const { data } of run(packets, described).frames) assert(data.length <= 2 * 65_536);
    }),
    { numRuns: 500 },
  );
});
