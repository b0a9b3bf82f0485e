import { assertEquals, assertThrows } from "@std/assert";
import { IntervalGate } from "./interval.ts";

function passed(interval: number, times: number[]): number[] {
  const gate = new IntervalGate(interval);
  return times.filter((pts) => gate.pass(pts));
}
const every40 = Array.from({ length: 100 }, (_, i) => i * 40_000);

Deno.test("IntervalGate.pass() passes one frame a second of 25", () => {
  assertEquals(passed(1000, every40), [0, 1_000_000, 2_000_000, 3_000_000]);
});

Deno.test("IntervalGate.pass() keeps the mean rate where the interval is no multiple of the frame time", () => {
  assertEquals(passed(100, every40).length, 40);
});

Deno.test("IntervalGate.pass() is not thrown off by a microsecond of jitter", () => {
  assertEquals(passed(1000, every40.map((pts, i) => pts + (i % 2 ? -300 : 300))).length, 4);
});

Deno.test("IntervalGate.pass() passes every frame where they come less often than the interval", () => {
  assertEquals(passed(10, every40).length, 100);
});

Deno.test("IntervalGate.pass() goes on after a step of the timeline, either way", () => {
  assertEquals(passed(1000, [0, 40_000, 1_000_000, 90_000_000, 90_040_000, 91_000_000, 5_000, 45_000, 1_005_000]), [
    0,
    1_000_000,
    90_000_000,
    91_000_000,
    5_000,
    1_005_000,
  ]);
});

Deno.test("IntervalGate refuses an interval that is none", () => {
  for (const interval of [0, -1, NaN, Infinity]) assertThrows(() => new IntervalGate(interval), RangeError);
});
