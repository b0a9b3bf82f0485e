import { assertEquals } from "@std/assert";
import { COMPILE_FLAGS } from "./build.ts";

const folder = decodeURIComponent(new URL("./", import.meta.url).pathname);
const work = await Deno.makeTempDir({ prefix: "millrace-sanitized-" });
addEventListener("unload", () => Deno.removeSync(work, { recursive: true }));

const ADDRESS = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
// It does not know fences, and says so; none of these programs leans on one.
const THREAD = ["-g", "-fsanitize=thread", "-Wno-tsan"];

interface Run {
  program: string;
  flags: string[];
  /** What the library is to go without: a name that its source asks for. */
  without?: string;
  /** What goes in front of the program. */
  under?: string[];
}

// Fortified functions hide from the sanitizers what they check themselves.
const PLAIN = COMPILE_FLAGS.filter((flag) => !flag.includes("FORTIFY"));
const objects = new Map<string, Promise<string>>();
let free = Math.max(1, navigator.hardwareConcurrency);
const waiting: (() => void)[] = [];

/** Runs the compiler, as many at once as there are cores; it has nothing to say. */
async function compile(...args: string[]): Promise<void> {
  if (free > 0) free--;
  else await new Promise<void>((turn) => waiting.push(turn));
  try {
    const { stderr } = await new Deno.Command("cc", { args }).output();
    assertEquals(new TextDecoder().decode(stderr), "");
  } finally {
    const next = waiting.shift();
    if (next) next();
    else free++;
  }
}

/** The object file of a source: made once for each set of flags, and for what it goes without only where it asks. */
function objectOf(source: string, { flags, without }: Run): Promise<string> {
  const given = without && Deno.readTextFileSync(source).includes(without) ? [...flags, `-D${without}`] : flags;
  const key = [source, ...given].join(" ");
  let made = objects.get(key);
  if (!made) {
    const output = `${work}/${objects.size}.o`;
    made = compile(...PLAIN, ...given, "-c", "-o", output, source).then(() => output);
    objects.set(key, made);
  }
  return made;
}

/** Compiles the library and a test program as one, and runs it. */
async function runSanitized(run: Run): Promise<void> {
  const output = `${work}/${crypto.randomUUID()}`;
  const sources = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name.endsWith(".c"));
  const linked = await Promise.all(
    [...sources, `tests/${run.program}.c`].map((source) => objectOf(folder + source, run)),
  );
  await compile(...PLAIN, ...run.flags, "-o", output, ...linked);
  const [command, ...args] = [...(run.under ?? []), output];
  const { code, stdout, stderr } = await new Deno.Command(command, { args, stdin: "null" }).output();
  assertEquals(
    { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) },
    { code: 0, stdout: "ok\n", stderr: "" },
  );
}

/** Whether a program under this sanitizer can be made and runs here at all. */
async function works(flags: string[], under: string[] = []): Promise<boolean> {
  const output = `${work}/${crypto.randomUUID()}`;
  await Deno.writeTextFile(`${output}.c`, "int main(void) { return 0; }\n");
  try {
    const compiled = await new Deno.Command("cc", { args: [...flags, "-o", output, `${output}.c`] }).output();
    if (!compiled.success) return false;
    const [command, ...args] = [...under, output];
    return (await new Deno.Command(command, { args }).output()).success;
  } catch {
    return false;
  }
}

/** A test that says why it is left out, where it is. */
function testWhere(able: boolean, lacking: string, name: string, run: Run): void {
  Deno.test({ name: able ? name : `${name} (left out: ${lacking})`, ignore: !able, fn: () => runSanitized(run) });
}

// The thread sanitizer wants its memory where address randomization may put something else.
const still = ["setarch", "-R"];
const ownRoom = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs -o size=1m tmpfs /dev/shm && exec "$0"'];
const [address, thread, mounts] = await Promise.all([
  works(ADDRESS),
  works(THREAD, still),
  works([], ownRoom),
]);
const noAddress = "no address sanitizer", noThread = "no thread sanitizer";

testWhere(address, noAddress, "the library keeps to its buffers, whatever it is asked", {
  program: "bounds",
  flags: ADDRESS,
});
testWhere(address, noAddress, "handles shared by threads are never used after they are freed", {
  program: "handle_threads",
  flags: ADDRESS,
});
testWhere(thread, noThread, "handles shared by threads are free of races", {
  program: "handle_threads",
  flags: THREAD,
  under: still,
});
testWhere(address, noAddress, "one living process has a name, however many die over it", {
  program: "shm_rivals",
  flags: ADDRESS,
});
testWhere(address, noAddress, "one living process has a name, where files must have names from the start", {
  program: "shm_rivals",
  flags: ADDRESS,
  without: "MR_WITHOUT_TMPFILE",
});
testWhere(address, noAddress, "a name that goes from memory to memory is never missing, and leaves nothing behind", {
  program: "shm_moves",
  flags: ADDRESS,
});
testWhere(address, noAddress, "a name that goes from memory to memory, where files must have names from the start", {
  program: "shm_moves",
  flags: ADDRESS,
  without: "MR_WITHOUT_TMPFILE",
});
testWhere(address, noAddress, "a file that is cut while it is mapped reads as zeroes, and as dead", {
  program: "truncated",
  flags: ADDRESS,
});
testWhere(address, noAddress, "a wait for many words misses no change", { program: "wait_words", flags: ADDRESS });
testWhere(address, noAddress, "a wait for many words misses no change, where the system has none", {
  program: "wait_words",
  flags: ADDRESS,
  without: "MR_WITHOUT_WAITV",
});
for (const program of ["select", "event_fds"]) {
  const what = program === "select" ? "a wait for many rings" : "the server of eventfds";
  testWhere(address, noAddress, `${what} misses no change, and keeps to its buffers`, { program, flags: ADDRESS });
  testWhere(address, noAddress, `${what} misses no change, where there is no inotify`, {
    program,
    flags: ADDRESS,
    without: "MR_WITHOUT_INOTIFY",
  });
  testWhere(thread, noThread, `${what} is free of races`, { program, flags: THREAD, under: still });
}
testWhere(address, noAddress, "one call a record keeps to its buffers, whatever lies in the ring", {
  program: "ring_threads",
  flags: ADDRESS,
});
testWhere(
  thread,
  noThread,
  "one call a record is free of races, but for the payloads, and delivers none that is torn",
  {
    program: "ring_threads",
    flags: THREAD,
    under: still,
  },
);
testWhere(address, noAddress, "a ring in libValkka's layout keeps to its buffers, and goes with its process", {
  program: "valkka",
  flags: ADDRESS,
});
testWhere(mounts && address, "no private mounts, which want root", "a full /dev/shm is an error that leaves nothing", {
  program: "shm_full",
  flags: ADDRESS,
  under: ownRoom,
});
testWhere(mounts && address, "no private mounts, which want root", "a full /dev/shm leaves no hidden name either", {
  program: "shm_full",
  flags: ADDRESS,
  without: "MR_WITHOUT_TMPFILE",
  under: ownRoom,
});
