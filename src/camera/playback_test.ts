import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { VideoFile } from "../file/mod.ts";
import { Playback } from "./playback.ts";
import { emptyFile } from "./testing.ts";

/** Files as an encoder with B-frames makes them: decoding evenly spaced, presentation ahead of it by some pictures. */
const files = fc.record({
  count: fc.integer({ min: 1, max: 20 }),
  rate: fc.constantFrom(10, 12.5, 25, 29.97, 50),
  ahead: fc.array(fc.nat(3), { minLength: 20, maxLength: 20 }),
  offset: fc.integer({ min: -200_000, max: 5_000_000 }),
}).map(({ count, rate, ahead, offset }): VideoFile => {
  const file = emptyFile({ units: count, gop: 4, frameRate: rate });
  const units = file.units.map((unit, i) => {
    const dts = offset + Math.round(i * 1e6 / rate);
    return { ...unit, dts, pts: dts + Math.round(ahead[i] * 1e6 / rate) };
  });
  return { ...file, units };
});

Deno.test("Playback goes round for ever: what is due only rises, and each round is the one before, a duration later", () => {
  fc.assert(fc.property(files, (file) => {
    const playback = new Playback(file), { length } = file.units;
    const played = Array.from({ length: 4 * length }, () => {
      const due = playback.due;
      const unit = playback.next();
      assertEquals(unit.due, due);
      return unit;
    });
    assertEquals(played[0].due, 0);
    played.forEach((unit, i) => {
      const source = file.units[i % length];
      assertEquals([unit.data === source.data, unit.keyframe, unit.pts - unit.due], [
        true,
        source.keyframe,
        source.pts - source.dts,
      ]);
      if (i > 0) assert(unit.due > played[i - 1].due);
      if (i >= length) assertEquals(unit.due - played[i - length].due, playback.duration);
    });
    // The step from the last picture to the first is as wide as the others.
    assert(Math.abs(playback.duration - length * 1e6 / file.frameRate) <= 2);
  }));
});

Deno.test("Playback.nextKeyframePts is that of the keyframe that comes next, over the end of the file", () => {
  fc.assert(fc.property(files, fc.nat(60), (file, passed) => {
    const playback = new Playback(file);
    for (let i = 0; i < passed; i++) playback.next();
    const announced = playback.nextKeyframePts;
    let unit = playback.next();
    while (!unit.keyframe) unit = playback.next();
    assertEquals(announced, unit.pts);
  }));
});

Deno.test("Playback.skipTo() passes over what is past, and no more", () => {
  const playback = new Playback(emptyFile({ units: 10, frameRate: 10 }));
  playback.skipTo(2_450_000);
  assertEquals(playback.next().due, 2_500_000);
  playback.skipTo(0);
  assertEquals(playback.next().due, 2_600_000);
});
