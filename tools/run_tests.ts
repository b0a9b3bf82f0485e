import { PROJECT, setUpOrExit } from "./setup.ts";
import { TestGroup } from "./test_group.ts";
import { type Counts, summaryOf } from "./test_summary.ts";

/*
 * deno run -A tools/run_tests.ts [path or option of deno test…]: makes sure that what the tests need is there, runs them, two
 * folders at a time, and ends with a line that says how many passed and failed.
 */

const FOLDERS = ["wasm", "ffi", "src", "examples", "workers", "tools"];
/** Most tests wait, for a camera or for a time-out; with more at once some would wait for a processor. */
const AT_ONCE = Math.min(2, navigator.hardwareConcurrency);

await setUpOrExit(["library", "wasm", "clip", "tests"]);
// All types once, and then none: `deno test` would check a worker's modules anew at every start of it.
const types = await new Deno.Command(Deno.execPath(), { args: ["check", "--quiet", "."], cwd: PROJECT }).spawn().status;
if (!types.success) {
  console.log("The types do not fit.\n0 passed, 1 failed");
  Deno.exit(1);
}

const options = Deno.args.filter((arg) => arg.startsWith("-"));
const paths = Deno.args.filter((arg) => !arg.startsWith("-"));
const queue = paths.length > 0 ? [paths] : [...foldersOf("tests"), ...FOLDERS].map((folder) => [folder]);
const groups: TestGroup[] = [];
let allBefore: Promise<unknown> = Promise.resolve();
const lane = async () => {
  for (let args = queue.shift(); args; args = queue.shift()) {
    const group = new TestGroup([...options, ...args]);
    groups.push(group);
    // Each is shown from when all that began before it have ended: nobody reads two at once.
    allBefore.then(() => group.show());
    allBefore = Promise.all([allBefore, group.counts]);
    await group.counts;
  }
};
await Promise.all(Array.from({ length: AT_ONCE }, lane));
await allBefore;
const done = await Promise.all(groups.map((group) => group.counts));
for (const group of groups) if (group.failures) console.log(`\n${group.failures}`);
console.log(`\n${summaryOf(done)}`);
Deno.exit(done.some((counts: Counts) => counts.failed > 0) ? 1 : 0);

/** Its folders, the one that takes longest first. */
function foldersOf(folder: string): string[] {
  const names = [...Deno.readDirSync(`${PROJECT}/${folder}`)].filter((entry) => entry.isDirectory).map(({ name }) =>
    name
  );
  const long = ["streams", "cli", "ingest", "quirks", "ring"];
  return [...long, ...names.filter((name) => !long.includes(name)).sort()].map((name) => `${folder}/${name}`);
}
