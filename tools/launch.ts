import { BENCHES } from "../bench/names.ts";
import { ENTRIES } from "./entries.ts";
import { cacheFolder, PROJECT, setUpOrExit } from "./setup.ts";

/*
 * deno run -A tools/launch.ts ENTRY [argument…]: makes sure that what the program needs is built, then runs it with the
 * permissions that it needs and no others.
 */

const [name, ...rest] = Deno.args;
const entry = Object.hasOwn(ENTRIES, name) ? ENTRIES[name] : undefined;
if (!entry) {
  console.error(`There is no program "${name ?? ""}"; there are: ${Object.keys(ENTRIES).join(", ")}`);
  Deno.exit(2);
}
if (name === "bench") benchmarkOrExit(rest[0]);

const setUp = await setUpOrExit(entry.wants(rest));
const deno = Deno.execPath();
const args = entry.args(rest);
const { library } = setUp;
const permissions = entry.permissions({ args, library, project: PROJECT, cache: cacheFolder(), deno });
const child = new Deno.Command(deno, {
  args: [
    "run",
    "--quiet",
    "--no-prompt",
    `--config=${PROJECT}/deno.json`,
    ...permissions,
    `${PROJECT}/${entry.file(rest)}`,
    ...args,
  ],
  // Where the user stands; a task itself runs in the project's folder.
  cwd: Deno.env.get("INIT_CWD") || Deno.cwd(),
  stdin: "inherit",
  stdout: "inherit",
  stderr: "inherit",
}).spawn();
/** An interrupt of the terminal reaches the program by itself: what is handed on is for one that only this process got. */
const HAND_ON_AFTER_MS = 100;
const forward = (signal: Deno.Signal) => {
  setTimeout(() => {
    try {
      child.kill(signal);
    } catch {
      // It has ended in the meantime.
    }
  }, HAND_ON_AFTER_MS);
};
Deno.addSignalListener("SIGINT", () => Deno.stdin.isTerminal() || forward("SIGINT"));
for (const signal of ["SIGTERM", "SIGHUP"] as const) Deno.addSignalListener(signal, () => forward(signal));
const { code } = await child.status;
Deno.exit(code);

/** Said before anything is installed or built for it. */
function benchmarkOrExit(wanted: string | undefined): void {
  if (BENCHES.some((bench) => bench === wanted)) return;
  const known = `deno task bench NAME [--json] [--quick] [--seconds N], where NAME is one of: ${BENCHES.join(", ")}`;
  const asked = wanted === "--help" || wanted === "-h";
  if (asked) console.log(known);
  else console.error(wanted === undefined ? known : `There is no benchmark "${wanted}"; ${known}`);
  Deno.exit(asked ? 0 : 2);
}
