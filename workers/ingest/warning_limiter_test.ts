import { assertEquals } from "@std/assert";
import { WarningLimiter } from "./warning_limiter.ts";

Deno.test("WarningLimiter lets one of each code through a second, with the count since the one before", () => {
  const seen: string[] = [];
  const limiter = new WarningLimiter(({ code, count }) => seen.push(`${code} ${count}`));
  const push = (code: string, at: number, count = 1) => limiter.push({ code, message: "", at: {}, count }, at);
  push("a", 0);
  push("b", 10);
  push("a", 500, 3);
  push("a", 999);
  push("a", 1_000);
  push("b", 5_000);
  assertEquals(seen, ["a 1", "b 1", "a 5", "b 1"]);
});
