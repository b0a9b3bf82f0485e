import { PROJECT, setUpOrExit } from "./setup.ts";

/*
 * deno run -A tools/test.ts [path…]: makes sure that what the tests need is there, runs them, and ends with a line that
 * says how many passed and failed.
 */

const FOLDERS = ["src", "ffi", "wasm", "workers", "tests", "examples"];

await setUpOrExit(["library", "wasm", "clip", "tests"]);
const folders = Deno.args.length > 0 ? Deno.args : await existing(FOLDERS);
const child = new Deno.Command(Deno.execPath(), {
  args: ["test", "-A", "--no-prompt", "--permit-no-files", ...folders],
  cwd: PROJECT,
  env: { NO_COLOR: "1" },
  stdin: "null",
  stdout: "piped",
  stderr: "inherit",
}).spawn();
let output = "";
for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
  output = (output + text).slice(-20_000);
}
const { code } = await child.status;
const summary = [...output.matchAll(/(\d+) passed.*?\| (\d+) failed(?: \((?:\d+ step\w*)\))?(?: \| (\d+) ignored)?/g)]
  .at(-1);
const [passed, failed, ignored] = summary
  ? summary.slice(1).map((count) => Number(count ?? 0))
  : [0, code === 0 ? 0 : 1, 0];
console.log(
  `${passed} passed, ${code !== 0 && failed === 0 ? 1 : failed} failed${ignored > 0 ? `, ${ignored} skipped` : ""}`,
);
Deno.exit(code);

async function existing(names: string[]): Promise<string[]> {
  const found = await Promise.all(names.map((name) => Deno.stat(`${PROJECT}/${name}`).then(() => true, () => false)));
  return names.filter((_, i) => found[i]);
}
