import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { audioCodecOf, audioDepacketizer } from "../payload_formats.ts";
import { OpusDepacketizer, opusSamples } from "./opus_depacketizer.ts";
import { PcmDepacketizer } from "./pcm_depacketizer.ts";
import { depacketize } from "./testing.ts";

Deno.test("PcmDepacketizer.push() gives samples as they come, with their duration", () => {
  const run = (bytesPerSample: number, channels: number, payload: number[]) =>
    depacketize((options) => new PcmDepacketizer({ ...options, bytesPerSample }), { clockRate: 8000, channels }, [
      { payload, timestamp: 5 },
      { payload, timestamp: 9, gap: 1 },
    ]);
  const law = run(1, 0, [1, 2, 3]);
  assertEquals(law.frames.map(({ data, ticks, channels, discontinuity }) => [data, ticks, channels, discontinuity]), [
    ["010203", 3, 1, false],
    ["010203", 3, 1, true],
  ]);
  const linear = run(2, 2, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assertEquals([linear.frames[0].data, linear.frames[0].ticks], ["0102030405060708", 2], "whole samples only");
  assertEquals(linear.depacketizer.stats.malformed, 2);
  assertEquals(linear.depacketizer.info, { sampleRate: 8000, channels: 2, config: new Uint8Array(0), codecString: "" });
});

Deno.test("opusSamples() reads the duration out of a packet's first bytes", () => {
  const samples = (...bytes: number[]) => opusSamples(new Uint8Array(bytes), 0, bytes.length);
  // RFC 6716, 3.1: configuration, stereo flag, code.
  assertEquals(samples(0 << 3), 480, "SILK, 10 ms");
  assertEquals(samples(3 << 3), 2880, "SILK, 60 ms");
  assertEquals(samples(13 << 3), 960, "hybrid, 20 ms");
  assertEquals(samples(28 << 3), 120, "CELT, 2.5 ms");
  assertEquals(samples(31 << 3 | 4 | 1), 1920, "two frames of 20 ms");
  assertEquals(samples(31 << 3 | 3, 6), 5760, "six frames of 20 ms");
  assertEquals([samples(31 << 3 | 3, 7), samples(31 << 3 | 3), samples()], [0, 0, 0], "more than 120 ms, or cut off");
});

Deno.test("OpusDepacketizer.push() gives packets with duration and channels", () => {
  const { frames, depacketizer } = depacketize(
    (options) => new OpusDepacketizer(options),
    { clockRate: 48_000, channels: 2, parameters: { "sprop-stereo": "1" } },
    [{ payload: [31 << 3 | 4, 1, 2], timestamp: 0 }, { payload: [31 << 3, 9], timestamp: 960 }, {
      payload: [3],
      timestamp: 1,
    }],
  );
  assertEquals(frames.map(({ data, ticks, channels }) => [data, ticks, channels]), [["fc0102", 960, 2], [
    "f809",
    960,
    1,
  ]]);
  assertEquals([depacketizer.info.channels, depacketizer.info.sampleRate, depacketizer.stats.malformed], [
    2,
    48_000,
    1,
  ]);
});

Deno.test("audioCodecOf() knows encoding names in any case, and no other modes of MPEG-4", () => {
  const names = ["mpeg4-generic", "MP4A-LATM", "opus", "PCMU", "pcma", "L16", "G726-32", "constructor", ""];
  assertEquals(names.map((name) => audioCodecOf(name)), [
    "aac",
    "aac",
    "opus",
    "pcmu",
    "pcma",
    "l16",
    null,
    null,
    null,
  ]);
  assertEquals(audioCodecOf("MPEG4-GENERIC", { mode: "aac-HBR" }), "aac");
  assertEquals(audioCodecOf("MPEG4-GENERIC", { mode: "CELP-cbr" }), null);
  assertThrows(
    () => audioDepacketizer("G726-32", { format: { clockRate: 8000, channels: 1, parameters: {} }, onFrame: () => {} }),
    TypeError,
    "Cannot take G726-32 apart",
  );
});

Deno.test("every depacketizer of sound survives any payload", () => {
  const packet = fc.record({
    payload: fc.uint8Array({ maxLength: 40 }),
    timestamp: fc.nat(9),
    marker: fc.boolean(),
    gap: fc.constantFrom(0, 0, 1),
  });
  fc.assert(
    fc.property(fc.constantFrom("OPUS", "PCMU", "L16"), fc.array(packet), fc.nat(9), (encoding, packets, channels) => {
      const { frames } = depacketize((options) => audioDepacketizer(encoding, options), { channels }, packets);
      for (const { ticks, data } of frames) assert(ticks > 0 && data.length > 0);
    }),
    { numRuns: 300 },
  );
});
