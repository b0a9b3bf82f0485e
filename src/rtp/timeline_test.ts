import { assert, assertEquals, assertThrows } from "@std/assert";
import { DecodeTimes } from "./decode_times.ts";
import { Timeline } from "./timeline.ts";

Deno.test("Timeline.push() goes on over the wrap of 32 bits, to the microsecond", () => {
  const timeline = new Timeline({ clockRate: 90_000 });
  let rtp = 0xffffffff - 3600 * 10;
  for (let i = 0; i < 30; i++, rtp = rtp + 3600 >>> 0) assertEquals(timeline.push(rtp, i * 40), i * 40_000);
});

Deno.test("Timeline.push() stays exact for weeks", () => {
  const timeline = new Timeline({ clockRate: 90_000 });
  timeline.push(0, 0);
  let at = 0, rtp = 0;
  // A picture every five seconds over four weeks: 56 wraps.
  for (let i = 1; i <= 483_840; i++) {
    rtp = rtp + 450_000 >>> 0;
    at = timeline.push(rtp, i * 5000);
  }
  assertEquals(at, 483_840 * 5_000_000);
});

Deno.test("Timeline.push() lets B-frames go back within a sequence", () => {
  const timeline = new Timeline({ clockRate: 90_000 });
  assertEquals([0, 10_800, 3600, 7200].map((rtp) => timeline.push(rtp, 0)), [0, 120_000, 40_000, 80_000]);
});

Deno.test("Timeline.push() goes on after a restart with the time that passed here", () => {
  const timeline = new Timeline({ clockRate: 90_000 });
  timeline.push(5000, 1000);
  timeline.push(8600, 1040);
  timeline.restart();
  assertEquals(timeline.push(4_000_000_000, 3040), 2_040_000);
  assertEquals(timeline.push(4_000_003_600, 3080), 2_080_000);
});

Deno.test("Timeline.push() never goes back over a restart, though this host's clock did", () => {
  const timeline = new Timeline({ clockRate: 90_000 });
  timeline.push(0, 10_000);
  const before = timeline.push(90_000, 11_000);
  timeline.restart();
  assert(timeline.push(77, 2_000) > before);
});

Deno.test("Timeline.push() takes a jump of the camera's media clock for a step", () => {
  const timeline = new Timeline({ clockRate: 90_000 });
  timeline.push(0, 0);
  assertEquals(timeline.push(90_000 * 3600, 40), 40_000);
  assertEquals(timeline.push(90_000 * 3600 + 3600, 80), 80_000);
  assertEquals(timeline.push(0, 120), 120_000);
  assertEquals(timeline.steps, 2);
  assertEquals(timeline.push(90_000 * 60, 60_120), 60_120_000, "a picture a minute is no step");
});

Deno.test("Timeline.push() lets a keyframe's time never fall below others', as after a seek of the server's (GStreamer)", () => {
  const timeline = new Timeline({ clockRate: 90_000 });
  const push = (frame: number, at: number, keyframe = false) => timeline.push(1_000 + frame * 1_800, at, keyframe);
  assertEquals([push(0, 0, true), push(4, 1), push(2, 2), push(1, 3)], [0, 80_000, 40_000, 20_000]);
  const again = push(0, 5, true);
  assert(again > 80_000, `${again}`);
  assertEquals([push(4, 6), push(2, 7), timeline.steps], [again + 80_000, again + 40_000, 1]);
  assertEquals(push(25, 500, true), again + 500_000, "one that lies above all is no step");
  assertEquals(timeline.steps, 1);
});

Deno.test("Timeline.wallTime() follows sender reports, and marks a clock that was set", () => {
  const timeline = new Timeline({ clockRate: 90_000 });
  timeline.push(1000, 0);
  assertEquals(timeline.wallTime(1000), null);
  timeline.senderReport(5_000, 1000);
  assertEquals(timeline.quality, "none", "1970 is a clock that was never set");
  const wall = 1_700_000_000_000;
  timeline.senderReport(wall, 0xfffffff0);
  assertEquals(timeline.wallTime(0xfffffff0 + 90_000 >>> 0), wall + 1000);
  timeline.senderReport(wall + 1000, 0xfffffff0 + 90_000 >>> 0);
  assertEquals(timeline.quality, "sr");
  timeline.senderReport(wall + 62_000, 0xfffffff0 + 180_000 >>> 0);
  assertEquals([timeline.quality, timeline.steps], ["stepped", 1]);
  timeline.restart();
  assertEquals(timeline.wallTime(0), null, "another source has another mapping");
  assertThrows(() => new Timeline({ clockRate: 0 }), RangeError);
});

/** Decoding times of presentation times. */
function decodeTimes(pts: number[], times = new DecodeTimes()): number[] {
  return pts.map((one) => times.push(one));
}

Deno.test("DecodeTimes.push() is the presentation time where nothing is reordered", () => {
  assertEquals(decodeTimes([0, 40, 80, 120]), [0, 40, 80, 120]);
});

Deno.test("DecodeTimes.push() lies a depth behind with B-frames that the parameter sets announce", () => {
  const times = new DecodeTimes();
  times.announce(1, 25);
  const pts = [0, 120_000, 40_000, 80_000, 240_000, 160_000, 200_000];
  times.announce(2, 25);
  assertEquals(decodeTimes(pts, times), [-80_000, -40_000, 0, 40_000, 80_000, 120_000, 160_000]);
});

Deno.test("DecodeTimes.push() finds the depth where none is announced (Hikvision, mediamtx#4617)", () => {
  const times = new DecodeTimes();
  const pts: number[] = [];
  for (let group = 0; group < 20; group++) for (const at of [3, 1, 2]) pts.push((group * 3 + at) * 40_000);
  const dts = decodeTimes(pts, times);
  assertEquals(times.depth, 1);
  dts.forEach((one, i) => {
    assert(one <= pts[i]);
    if (i > 3) assert(one > dts[i - 1], `${i}: ${dts}`);
  });
  times.restart();
  assert(times.push(1e9) > dts.at(-1)!);
});
