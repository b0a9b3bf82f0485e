import { assertEquals } from "@std/assert";
import { countsOf, failuresOf, summaryOf } from "./test_summary.ts";

Deno.test("countsOf() reads what deno test prints last", () => {
  assertEquals(countsOf("x ... ok (1ms)\n\nok | 12 passed | 0 failed (3s)\n", 0), {
    passed: 12,
    failed: 0,
    skipped: 0,
  });
  assertEquals(
    countsOf("FAILED | 3 passed (4 steps) | 2 failed (1 step) | 1 ignored (1 step) | 9 filtered out (5s)\n\n", 1),
    { passed: 3, failed: 2, skipped: 1 },
  );
});

Deno.test("countsOf() never says less than the exit code", () => {
  assertEquals(countsOf("", 1), { passed: 0, failed: 1, skipped: 0 });
  assertEquals(countsOf("ok | 5 passed | 0 failed (1s)\n", 1), { passed: 5, failed: 1, skipped: 0 });
  // A test that prints such a line of its own does not count: the last one does.
  assertEquals(countsOf("ok | 99 passed | 0 failed\nFAILED | 1 passed | 1 failed (1s)\n", 1), {
    ...{ passed: 1, failed: 1, skipped: 0 },
  });
});

Deno.test("summaryOf() adds up, and speaks of skipped tests where there are some", () => {
  assertEquals(summaryOf([]), "0 passed, 0 failed");
  const some = { passed: 3, failed: 0, skipped: 0 };
  assertEquals(summaryOf([some, some]), "6 passed, 0 failed");
  assertEquals(summaryOf([some, { passed: 1, failed: 2, skipped: 4 }]), "4 passed, 2 failed, 4 skipped");
});

Deno.test("failuresOf() is the part that says what failed", () => {
  assertEquals(failuresOf("x ... FAILED\n\n ERRORS \n\nx: no\n"), "ERRORS \n\nx: no");
  assertEquals(failuresOf("one\nkilled\n"), "one\nkilled");
});
