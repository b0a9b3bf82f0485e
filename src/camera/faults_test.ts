import { assert, assertEquals, assertThrows } from "@std/assert";
import { checkFaults, isOn, NO_FAULTS, seededRandom } from "./faults.ts";

Deno.test("checkFaults() refuses shares and times that are none", () => {
  checkFaults({ ...NO_FAULTS });
  checkFaults({ ...NO_FAULTS, drop: 1, reorder: 0.5, stall: { every: 0.1, for: 100 } });
  for (const share of [-0.1, 1.1, NaN, Infinity]) {
    for (const name of ["drop", "reorder", "duplicate"] as const) {
      assertThrows(() => checkFaults({ ...NO_FAULTS, [name]: share }), RangeError, `${name} a share of ${share}`);
    }
  }
  for (const times of [{ every: 0, for: 1 }, { every: 1, for: 0 }, { every: -1, for: 1 }, { every: NaN, for: 1 }]) {
    for (const name of ["stall", "reboot"] as const) {
      assertThrows(() => checkFaults({ ...NO_FAULTS, [name]: times }), RangeError, `Cannot ${name} every`);
    }
  }
});

Deno.test("isOn() is off for so long, then on for so long, and again", () => {
  const on = (elapsed: number) => isOn({ every: 3, for: 2 }, elapsed);
  assertEquals([0, 2.9, 3, 4.9, 5, 7.9, 8, 9.9, 10].map(on), [
    false,
    false,
    true,
    true,
    false,
    false,
    true,
    true,
    false,
  ]);
  assertEquals(isOn(null, 3), false);
});

Deno.test("seededRandom() gives the same numbers for the same seed, evenly from 0 to 1", () => {
  const numbers = (seed: number) => Array.from({ length: 2_000 }, seededRandom(seed));
  assertEquals(numbers(5), numbers(5));
  assert(numbers(5)[0] !== numbers(6)[0]);
  const sample = numbers(7);
  assert(sample.every((number) => number >= 0 && number < 1));
  for (let tenth = 0; tenth < 10; tenth++) {
    const share = sample.filter((number) => Math.floor(number * 10) === tenth).length / sample.length;
    assert(share > 0.07 && share < 0.13, `${share} lie in tenth ${tenth}`);
  }
});
