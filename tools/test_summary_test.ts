import { assertEquals } from "@std/assert";
import { summaryOf } from "./test_summary.ts";

Deno.test("summaryOf() reads what deno test prints last", () => {
  assertEquals(summaryOf("x ... ok (1ms)\n\nok | 12 passed | 0 failed (3s)\n", 0), "12 passed, 0 failed");
  assertEquals(
    summaryOf("FAILED | 3 passed (4 steps) | 2 failed (1 step) | 1 ignored (1 step) | 9 filtered out (5s)\n\n", 1),
    "3 passed, 2 failed, 1 skipped",
  );
});

Deno.test("summaryOf() never says less than the exit code", () => {
  assertEquals(summaryOf("", 1), "0 passed, 1 failed");
  assertEquals(summaryOf("ok | 5 passed | 0 failed (1s)\n", 1), "5 passed, 1 failed");
  // A test that prints such a line of its own does not count: the last one does.
  assertEquals(summaryOf("ok | 99 passed | 0 failed\nFAILED | 1 passed | 1 failed (1s)\n", 1), "1 passed, 1 failed");
});
