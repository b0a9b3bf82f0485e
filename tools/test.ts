import { PROJECT, setUpOrExit } from "./setup.ts";
import { summaryOf } from "./test_summary.ts";

/*
 * deno run -A tools/test.ts [path or option of deno test…]: makes sure that what the tests need is there, runs them, and
 * ends with a line that says how many passed and failed.
 */

const FOLDERS = ["src", "ffi", "wasm", "workers", "tools", "tests", "examples"];

await setUpOrExit(["library", "wasm", "clip", "tests"]);
const named = Deno.args.some((arg) => !arg.startsWith("-"));
const child = new Deno.Command(Deno.execPath(), {
  args: ["test", "-A", "--no-prompt", "--no-lock", ...Deno.args, ...(named ? [] : FOLDERS)],
  cwd: PROJECT,
  env: { NO_COLOR: "1" },
  stdin: "null",
  stdout: "piped",
  stderr: "inherit",
}).spawn();
let tail = "";
for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
  tail = (tail + text).slice(-20_000);
}
const { code } = await child.status;
console.log(summaryOf(tail, code));
Deno.exit(code);
