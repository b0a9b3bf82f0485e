import { assert, assertEquals, assertThrows } from "@std/assert";
import { ABI, ADDRESS_BYTES, cString, DECLARATIONS, foreignInterface, POLL_WOKEN } from "./symbols.ts";
import { nativeTest, TEST_LIBRARY } from "./testing.ts";

const header = Deno.readTextFileSync(new URL("./millrace.h", import.meta.url));

/** Every function that millrace.h declares: its result, then its parameters. */
function declarationsOf(text: string): Record<string, string[]> {
  const bare = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\s+/g, " ");
  const found: Record<string, string[]> = {};
  for (const [, result, name, parameters] of bare.matchAll(/MR_API (\w+) (mr_\w+)\(([^)]*)\);/g)) {
    const list = parameters === "void" ? [] : parameters.split(", ");
    found[name] = [result, ...list];
  }
  return found;
}

Deno.test("DECLARATIONS says word for word what millrace.h declares", () => {
  const declared = declarationsOf(header);
  assert(Object.keys(declared).length > 40);
  assertEquals<unknown>(DECLARATIONS, declared);
  assertEquals(Object.keys(DECLARATIONS), Object.keys(declared), "in the header's order");
});

Deno.test("the constants of symbols.ts are the header's", () => {
  assert(header.includes(`#define MR_ABI ${ABI}u\n`));
  assert(header.includes(`#define MR_ADDRESS_BYTES ${ADDRESS_BYTES}\n`));
  assert(header.includes(`#define MR_POLL_WOKEN 0x${POLL_WOKEN.toString(16)}u\n`));
});

Deno.test("foreignInterface() has each blocking function twice, once on the spot and once not", () => {
  const table = foreignInterface() as Record<string, Deno.ForeignFunction>;
  assertEquals(table.mr_mem_wait.nonblocking, undefined);
  assertEquals(table.mr_mem_wait_async, { ...table.mr_mem_wait, nonblocking: true });
  assertEquals(table.mr_mem_read, {
    name: "mr_mem_read",
    parameters: ["i32", "u64", "buffer", "u64"],
    result: "i32",
  });
});

Deno.test("the library exports what the header declares, and nothing else", async () => {
  const { stdout, success } = await new Deno.Command("nm", { args: ["-D", "--defined-only", TEST_LIBRARY] }).output();
  assert(success);
  const exported = [...new TextDecoder().decode(stdout).matchAll(/ T (\w+)$/gm)].map(([, name]) => name);
  assertEquals(exported.sort(), Object.keys(DECLARATIONS).sort());
});

nativeTest("every function of the table is there and may be called", (library) => {
  for (const name of Object.keys(foreignInterface())) {
    assertEquals(typeof library[name as keyof typeof library], "function", name);
  }
  assertEquals(library.mr_abi(), ABI);
});

Deno.test("cString() ends a text with a zero byte and takes none inside", () => {
  assertEquals(cString("é"), new Uint8Array([0xc3, 0xa9, 0]));
  assertThrows(() => cString("a\0b"), TypeError, "zero byte");
});
