import { assertEquals } from "@std/assert";
import { ERRNO, errnoName, errnoPhrase } from "./errno.ts";

Deno.test("errnoName() and errnoPhrase() take either sign and know what they do not know", () => {
  assertEquals(errnoName(-ERRNO.ECONNREFUSED), "ECONNREFUSED");
  assertEquals(errnoPhrase(111), "nothing listens there");
  assertEquals(errnoName(4711), "errno 4711");
  assertEquals(errnoPhrase(-4711), "the system reports error 4711");
});

Deno.test("every number in ERRNO has the name that the system's headers give it", async () => {
  const names = Object.keys(ERRNO);
  const source = `#include <errno.h>\n${names.join("\n")}\n`;
  const child = new Deno.Command("cc", { args: ["-E", "-P", "-"], stdin: "piped", stdout: "piped" }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(source));
  await writer.close();
  const { stdout } = await child.output();
  const numbers = new TextDecoder().decode(stdout).trim().split(/\s+/).slice(-names.length).map(Number);
  assertEquals(numbers, Object.values<number>(ERRNO));
  for (const [i, name] of names.entries()) assertEquals(errnoName(numbers[i]), name);
});
