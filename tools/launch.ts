import { ENTRIES } from "./entries.ts";
import { cacheFolder, PROJECT, setUpOrExit } from "./setup.ts";

/*
 * deno run -A tools/launch.ts ENTRY [argument…]: makes sure that what the program needs is built, then runs it with the
 * permissions that it needs and no others.
 */

const [name, ...rest] = Deno.args;
const entry = ENTRIES[name];
if (!entry) {
  console.error(`There is no program ${name}; there are: ${Object.keys(ENTRIES).join(", ")}`);
  Deno.exit(2);
}
const args = name === "demo" ? ["demo", ...rest] : rest;
const asksForHelp = args.length === 0 || args.some((arg) => arg === "--help" || arg === "-h");
const setUp = await setUpOrExit(asksForHelp ? [] : entry.wants(args));
const deno = Deno.execPath();
const permissions = entry.permissions({ args, setUp, project: PROJECT, cache: cacheFolder(), deno });
const child = new Deno.Command(deno, {
  args: [
    "run",
    "--quiet",
    "--no-prompt",
    `--config=${PROJECT}/deno.json`,
    ...permissions,
    `${PROJECT}/${entry.file}`,
    ...args,
  ],
  stdin: "inherit",
  stdout: "inherit",
  stderr: "inherit",
}).spawn();
// A terminal's interrupt reaches the program by itself: this one only waits for it.
Deno.addSignalListener("SIGINT", () => {});
Deno.addSignalListener("SIGTERM", () => child.kill("SIGTERM"));
const { code, signal } = await child.status;
Deno.exit(signal ? 130 : code);
