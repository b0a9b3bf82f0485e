import { assertEquals } from "@std/assert";
import { Retry } from "./retry.ts";

const OPTIONS = { minDelay: 1_000, maxDelay: 5_000, maxConnectDelay: 2_000 };

Deno.test("Retry waits twice as long each time, up to its bound, and begins anew after a success", () => {
  const retry = new Retry(OPTIONS, () => 0.5);
  assertEquals(Array.from({ length: 5 }, () => retry.failed(0)), [1_000, 2_000, 4_000, 5_000, 5_000]);
  retry.succeeded();
  assertEquals(retry.failed(0), 1_000);
});

Deno.test("Retry knocks oftener where nobody opens, and does not hold that against a camera that is back", () => {
  const retry = new Retry(OPTIONS, () => 0.5);
  assertEquals(Array.from({ length: 4 }, () => retry.failed(0, "unreachable")), [1_000, 2_000, 2_000, 2_000]);
  retry.reached();
  assertEquals([retry.failed(0), retry.failed(0, "unreachable"), retry.failed(0)], [1_000, 1_000, 2_000]);
});

Deno.test("Retry tries a password that was refused as rarely as it may", () => {
  assertEquals(new Retry(OPTIONS, () => 0.5).failed(0, "unauthorized"), 5_000);
});

Deno.test("Retry varies by a quarter each way, so that cameras do not come back at one instant", () => {
  for (const [chance, delay] of [[0, 750], [1, 1_250]]) {
    assertEquals(new Retry(OPTIONS, () => chance).failed(0), delay);
  }
});

Deno.test("Retry.due() is true once its time has come, until the attempt has begun", () => {
  const retry = new Retry(OPTIONS, () => 0.5);
  assertEquals([retry.due(10), retry.waiting], [false, false]);
  retry.failed(100);
  assertEquals([retry.due(1_099), retry.due(1_100), retry.waiting], [false, true, true]);
  retry.started();
  assertEquals([retry.due(9_999), retry.waiting], [false, false]);
});

Deno.test("Retry without options never tries again, and a thousand failures later the delay is still its bound", () => {
  assertEquals(new Retry(null).failed(0), null);
  const retry = new Retry({ minDelay: 1, maxDelay: 30_000, maxConnectDelay: 2_000 }, () => 0.5);
  for (let i = 0; i < 1_000; i++) retry.failed(0);
  assertEquals(retry.failed(0), 30_000);
});
