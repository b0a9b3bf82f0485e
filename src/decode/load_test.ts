import { assert, assertEquals } from "@std/assert";
import { expectedLoad, leastLoaded, loadOf } from "./load.ts";

const HD = { width: 1920, height: 1080, frameRate: 25 }, UHD = { width: 3840, height: 2160, frameRate: 25 };

Deno.test("expectedLoad() goes by pixels a second, and takes what is unknown for 1080p25", () => {
  assertEquals(expectedLoad(HD), 0.2);
  assertEquals(expectedLoad(UHD), 0.8);
  assertEquals(expectedLoad({ ...HD, frameRate: 12.5 }), 0.1);
  assertEquals(expectedLoad({ width: 0, height: 0, frameRate: 0 }), 0.2);
});

Deno.test("loadOf() trusts what was measured once all readers are there", () => {
  assertEquals(loadOf({ expected: 0.2, measured: 0.01, isNew: true }), 0.2);
  assertEquals(loadOf({ expected: 0.2, measured: 0.5, isNew: true }), 0.5);
  assertEquals(loadOf({ expected: 0.2, measured: 0.01, isNew: false }), 0.01);
});

Deno.test("leastLoaded() spreads cameras by what they take and not by how many they are", () => {
  const workers = [{ load: 0, cameras: 0 }, { load: 0, cameras: 0 }];
  for (const camera of [UHD, HD, HD, HD, HD]) {
    const worker = leastLoaded(workers)!;
    worker.load += expectedLoad(camera);
    worker.cameras++;
  }
  assertEquals(workers.map(({ cameras }) => cameras), [1, 4]);
  assert(leastLoaded([]) === undefined);
});
