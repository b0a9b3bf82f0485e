import { compileRival } from "./native.ts";
import type { ReadMode } from "../src/ring/mod.ts";
import { median, type Results } from "./results.ts";
import type { ShmFigures, Way } from "./shm_program.ts";

/** Runs that never rest come out by what else the machine does: many short ones, compared with the one that went beside each. */
const FREE_ROUNDS = 9;
const FREE_SECONDS = 1;
const PACED_ROUNDS = 5;
const PACED_SECONDS = 6;
/** Rounds of what has no rival beside it in the goals. */
const OTHER_ROUNDS = 3;
const FPS = 25;
const CELLS = 10;
/** What the warm-up and the start may take. */
const WARM_SECONDS = 60;
/** The rival is compiled. */
const RIVAL_WARM_UP = 3_000;
const PROGRAM = decodeURIComponent(new URL("./shm_program.ts", import.meta.url).pathname);
const RIVAL = "libValkka's protocol in C";

interface Case {
  name: string;
  width: number;
  height: number;
}

/** What one run of a writer and its readers gave. */
interface Run {
  writer: ShmFigures;
  readers: ShmFigures[];
}

/**
 * Frames from one process to others, beside libValkka's protocol in C (the tests' stand-in for it): as fast as it goes, and 25 a
 * second. Ours and theirs take turns, so that neither has the better half of the machine's day. The rival's clients read in the ring's
 * order, and so do ours beside them; readers that share too few cores take the latest frame, for in order they are lapped all the time.
 */
export async function readersBench(results: Results, cases: readonly Case[]): Promise<void> {
  const peer = await compileRival("../../tests/valkka/peer", [], undefined, ["-pthread"]);
  for (const shape of cases) {
    const free = { ours: [] as Run[], theirs: [] as Run[], latest: [] as Run[], four: [] as Run[] };
    const apart = { one: [] as Run[], four: [] as Run[] };
    const paced = { ours: [] as Run[], theirs: [] as Run[], promised: [] as Run[] };
    for (let round = 0; round < FREE_ROUNDS; round++) {
      free.ours.push(await ours(shape, 0, FREE_SECONDS));
      free.theirs.push(await theirs(peer, shape, "free", FREE_SECONDS));
      free.latest.push(await ours(shape, 0, FREE_SECONDS, { mode: "latest" }));
      if (round >= OTHER_ROUNDS) continue;
      free.four.push(await ours(shape, 0, FREE_SECONDS, { readers: 4, mode: "latest" }));
      apart.one.push(await ours(shape, 0, FREE_SECONDS, { mode: "latest", apart: true }));
      apart.four.push(await ours(shape, 0, FREE_SECONDS, { readers: 4, mode: "latest", apart: true }));
    }
    for (let round = 0; round < PACED_ROUNDS; round++) {
      paced.ours.push(await ours(shape, FPS, PACED_SECONDS));
      paced.theirs.push(await theirs(peer, shape, String(FPS), PACED_SECONDS));
      if (round >= OTHER_ROUNDS) continue;
      paced.promised.push(await ours(shape, FPS, PACED_SECONDS, { way: "next" }));
    }
    const pacedFour = await ours(shape, FPS, PACED_SECONDS, { readers: 4 });
    const name = `shm.${shape.name}`;
    const of = (runs: Run[], figure: (run: Run) => number) => runs.map(figure);
    const add = (what: string, mine: number[], unit: string, other?: number[], rival = RIVAL) =>
      results.add({
        name: `${name}.${what}`,
        value: median(mine),
        unit,
        ...(other ? { ratio: median(mine.map((value, round) => value / other[round])), rival } : {}),
      });
    const each = ({ readers }: Run, figure: (reader: ShmFigures) => number) => readers.map(figure);
    const whole = ({ readers: [{ fps, torn, frames }] }: Run) => fps * (1 - torn / Math.max(1, frames));
    const written = ({ writer }: Run) => writer.fps, writtenOfCpu = ({ writer }: Run) => writer.fpsOfCpu;
    const torn = ({ readers }: Run) => readers.reduce((sum, { torn }) => sum + torn, 0);
    const p50 = ({ readers: [{ p50_us }] }: Run) => p50_us / 1_000;
    const p99 = ({ readers: [{ p99_us }] }: Run) => p99_us / 1_000;
    add("read", of(free.ours, whole), "frames/s", of(free.theirs, whole));
    add("read.written", of(free.ours, written), "frames/s", of(free.theirs, written));
    add("read.latest", of(free.latest, whole), "frames/s", of(free.theirs, whole));
    add("torn", of(free.ours, torn), "frames");
    add("torn.rival", of(free.theirs, torn), "frames");
    add("paced.p50", of(paced.ours, p50), "ms", of(paced.theirs, p50));
    add("paced.p99", of(paced.ours, p99), "ms", of(paced.theirs, p99));
    add("async.p50", of(paced.promised, p50), "ms", of(paced.theirs, p50));
    add("async.p99", of(paced.promised, p99), "ms", of(paced.theirs, p99));
    add("read.4-readers.each", free.four.flatMap((run) => each(run, ({ fps }) => fps)), "frames/s");
    add("write.4-readers", of(free.four, written), "frames/s", of(free.latest, written), "one reader");
    add("write.4-readers.apart", of(apart.four, written), "frames/s", of(apart.one, written), "one reader");
    const cpu = "frames/CPU s";
    add("write.4-readers.cpu", of(free.four, writtenOfCpu), cpu, of(free.latest, writtenOfCpu), "one reader");
    add("paced.4-readers.p50", each(pacedFour, ({ p50_us }) => p50_us / 1_000), "ms");
    add("paced.4-readers.p99", each(pacedFour, ({ p99_us }) => p99_us / 1_000), "ms");
    add("torn.4-readers", of(free.four, torn), "frames");
  }
}

async function ours(
  { width, height }: Case,
  fps: number,
  seconds: number,
  { readers: count = 1, way = "pullSync" as Way, mode = "every" as ReadMode, apart = false } = {},
): Promise<Run> {
  const name = `bench-readers-${Deno.pid}`;
  const deno = (what: "write" | "read", ...args: string[]) => {
    const program = [Deno.execPath(), "run", "-A", "--no-prompt", PROGRAM, what, ...args];
    // Apart, the writer has the first core to itself, as where there are enough of them, and its readers share the second.
    const [first, ...rest] = apart ? ["taskset", "-c", what === "write" ? "0" : "1", ...program] : program;
    return start(first, rest);
  };
  const writer = await deno("write", name, ...[width, height, fps, seconds].map(String));
  return await together(writer, count, () => deno("read", name, String(seconds + WARM_SECONDS), way, mode));
}

async function theirs(peer: string, { width, height }: Case, mode: string, seconds: number): Promise<Run> {
  const name = `benchreaders${Deno.pid}`;
  const shape = [CELLS, width, height].map(String);
  const writer = await start(peer, ["bench-server", name, ...shape, mode, String(seconds), String(RIVAL_WARM_UP)]);
  const read = ["bench-client", name, ...shape, String(seconds + WARM_SECONDS), String(RIVAL_WARM_UP)];
  return await together(writer, 1, () => start(peer, read));
}

type Process = Awaited<ReturnType<typeof start>>;

async function together(writer: Process, count: number, reader: () => Promise<Process>): Promise<Run> {
  const readers = await Promise.all(Array.from({ length: count }, reader));
  await writer.go();
  const [wrote, ...read] = await Promise.all([writer, ...readers].map((process) => process.figures()));
  return { writer: wrote, readers: read };
}

/** A process that said that it is ready. */
async function start(program: string, args: string[]) {
  const child = new Deno.Command(program, { args, stdin: "piped", stdout: "piped" }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await lines.read();
    if (done) throw new Error(`${program} ${args.join(" ")} said nothing`);
    text += value;
  }
  const writer = child.stdin.getWriter();
  return {
    /** Has it begin. */
    async go(): Promise<void> {
      await writer.write(new TextEncoder().encode("\n")).catch(() => {});
    },
    /** What it says at its end. */
    async figures(): Promise<ShmFigures> {
      for (;;) {
        const { value, done } = await lines.read();
        if (done) break;
        text += value;
      }
      await writer.close().catch(() => {}); // it is gone
      await child.status;
      return JSON.parse(text.trim().split("\n").at(-1)!);
    },
  };
}
