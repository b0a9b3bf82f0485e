import { assertEquals } from "@std/assert";
import { importsOf, impurities, intruders } from "./rooms.ts";

const pure = (code: string) => impurities({ path: "src/rtp/x.ts", text: `// Pure: no I/O.\n${code}` }).length;

Deno.test("impurities() finds what reaches out of a file that says it does not", () => {
  for (
    const code of [
      "await Deno.readFile(path)",
      "new Deno.Command('ls')",
      "await fetch(url)",
      "new WebSocket(url)",
      'import { readFile } from "node:fs/promises";',
    ]
  ) assertEquals(pure(code), 1, code);
});

Deno.test("impurities() leaves types, comments and pure functions alone", () => {
  for (
    const code of [
      "let x: Deno.PermissionOptions;",
      "// Deno.readFile() is for others",
      "/* fetch(url) */",
      "Deno.inspect(x)",
      'import { createHash } from "node:crypto";',
      "const rtpFetcher = prefetch(1)",
    ]
  ) assertEquals(pure(code), 0, code);
  assertEquals(impurities({ path: "src/shm/x.ts", text: "Deno.readFile()" }), []);
});

Deno.test("intruders() knows who may import whom", () => {
  const from = (path: string, specifier: string) => intruders({ path, text: `import { x } from "${specifier}";` });
  assertEquals(from("src/rtp/h264/x.ts", "../../media/mod.ts"), []);
  assertEquals(from("src/rtp/h264/x.ts", "../packet.ts"), []);
  assertEquals(from("src/rtp/x.ts", "../rtsp/mod.ts"), ["src/rtp/x.ts: may not import src/rtsp/mod.ts"]);
  assertEquals(from("src/media/x.ts", "../../ffi/load.ts"), ["src/media/x.ts: may not import ffi/load.ts"]);
  assertEquals(from("src/ring/x.ts", "npm:x"), []);
  assertEquals(from("src/nowhere/x.ts", "./y.ts"), ["src/nowhere/x.ts: is in no room of the table in tools/rooms.ts"]);
});

Deno.test("importsOf() reads every form", () => {
  const text = `import type {
  A,
} from "./a.ts";
export * from "./b.ts";
import "./c.ts";
const d = await import("./d.ts");
// import "./e.ts";
`;
  assertEquals(importsOf(text), ["./a.ts", "./b.ts", "./c.ts", "./d.ts"]);
});
