import { PROJECT, setUpOrExit } from "./setup.ts";
import { summaryOf } from "./test_summary.ts";

/*
 * deno run -A tools/run_tests.ts [path or option of deno test…]: makes sure that what the tests need is there, runs them, and
 * ends with a line that says how many passed and failed.
 */

const FOLDERS = ["src", "ffi", "wasm", "workers", "tools", "tests", "examples"];

/** No single test, nor the compiler before the first one, is silent for this long. */
const SILENCE_MS = 6 * 60_000;

await setUpOrExit(["library", "wasm", "clip", "tests"]);
// All types once, and then none: `deno test` would check a worker's modules anew at every start of it.
const types = await new Deno.Command(Deno.execPath(), { args: ["check", "--quiet", "."], cwd: PROJECT }).spawn().status;
if (!types.success) {
  console.log("The types do not fit.\n0 passed, 1 failed");
  Deno.exit(1);
}
const named = Deno.args.some((arg) => !arg.startsWith("-"));
const child = new Deno.Command(Deno.execPath(), {
  args: ["test", "-A", "--no-check", "--no-prompt", "--no-lock", ...Deno.args, ...(named ? [] : FOLDERS)],
  cwd: PROJECT,
  env: { NO_COLOR: "1" },
  stdin: "null",
  stdout: "piped",
  stderr: "inherit",
}).spawn();

let silence: ReturnType<typeof setTimeout> | undefined;
const watch = () => {
  clearTimeout(silence);
  silence = setTimeout(() => {
    console.log(`\nNothing from the tests for ${SILENCE_MS / 60_000} minutes: the last one above hangs, and is ended.`);
    child.kill("SIGKILL");
  }, SILENCE_MS);
};
let tail = "";
const reading = (async () => {
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
    tail = (tail + text).slice(-20_000);
    watch();
  }
})();
watch();
const { code } = await child.status;
clearTimeout(silence);
// A process that a failed test left behind may hold the pipe open.
await Promise.race([reading, new Promise((done) => setTimeout(done, 2000))]);
console.log(summaryOf(tail, code));
Deno.exit(code);
