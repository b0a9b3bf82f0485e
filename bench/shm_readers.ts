import { compileRival } from "./native.ts";
import { median, type Results } from "./results.ts";
import { type ShmFigures, WARM_UP } from "./shm_program.ts";

const ROUNDS = 3;
const FREE_SECONDS = 2;
const PACED_SECONDS = 6;
const FPS = 25;
const CELLS = 10;
/** What the warm-up and the start may take. */
const WARM_SECONDS = 20;
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
 * Frames from one process to others, beside libValkka's protocol in C (the tests' stand-in for it), which has one
 * reader: as fast as it goes, and 25 a second.
 */
export async function readersBench(results: Results, cases: readonly Case[]): Promise<void> {
  const peer = await compileRival("../../tests/valkka/peer", [], undefined, ["-pthread"]);
  for (const shape of cases) {
    const free = { ours: [] as Run[], four: [] as Run[], theirs: [] as Run[] };
    const paced = { ours: [] as Run[], theirs: [] as Run[] };
    for (let round = 0; round < ROUNDS; round++) {
      free.ours.push(await ours(shape, 0, FREE_SECONDS, 1));
      free.theirs.push(await theirs(peer, shape, "free", FREE_SECONDS));
      free.four.push(await ours(shape, 0, FREE_SECONDS, 4));
      paced.ours.push(await ours(shape, FPS, PACED_SECONDS, 1));
      paced.theirs.push(await theirs(peer, shape, String(FPS), PACED_SECONDS));
    }
    const pacedFour = await ours(shape, FPS, PACED_SECONDS, 4);
    const name = `shm.${shape.name}`;
    const of = (runs: Run[], figure: (run: Run) => number) => runs.map(figure);
    const add = (what: string, mine: number[], unit: string, other?: number[]) =>
      results.add({
        name: `${name}.${what}`,
        value: median(mine),
        unit,
        ...(other ? { ratio: median(mine.map((value, i) => value / other[i])), rival: RIVAL } : {}),
      });
    const rate = ({ readers: [{ fps }] }: Run) => fps;
    const whole = ({ readers: [{ fps, torn, frames }] }: Run) => fps * (1 - torn / Math.max(1, frames));
    add("read", of(free.ours, rate), "frames/s", of(free.theirs, whole));
    add("torn", of(free.ours, ({ readers }) => readers[0].torn), "frames");
    add("torn.rival", of(free.theirs, ({ readers }) => readers[0].torn), "frames");
    add(
      "paced.p50",
      of(paced.ours, ({ readers }) => readers[0].p50_us / 1_000),
      "ms",
      of(paced.theirs, ({ readers }) => readers[0].p50_us / 1_000),
    );
    add(
      "paced.p99",
      of(paced.ours, ({ readers }) => readers[0].p99_us / 1_000),
      "ms",
      of(paced.theirs, ({ readers }) => readers[0].p99_us / 1_000),
    );
    add("read.4-readers.each", free.four.flatMap(({ readers }) => readers.map(({ fps }) => fps)), "frames/s");
    results.add({
      name: `${name}.write.4-readers`,
      value: median(of(free.four, ({ writer }) => writer.fps)),
      unit: "frames/s",
      ratio: median(free.four.map(({ writer }, i) => writer.fps / free.ours[i].writer.fps)),
      rival: "one reader",
    });
    add("paced.4-readers.each", pacedFour.readers.map(({ fps }) => fps), "frames/s");
    add("torn.4-readers", free.four.map(({ readers }) => readers.reduce((sum, { torn }) => sum + torn, 0)), "frames");
  }
}

export async function ours({ width, height }: Case, fps: number, seconds: number, count: number): Promise<Run> {
  const name = `bench-readers-${Deno.pid}`;
  const deno = (...args: string[]) => start(Deno.execPath(), ["run", "-A", "--no-prompt", PROGRAM, ...args]);
  const writer = await deno("write", name, ...[width, height, fps, seconds].map(String));
  const readers = await Promise.all(
    Array.from({ length: count }, () => deno("read", name, String(seconds + WARM_SECONDS), "every")),
  );
  await writer.go();
  const [wrote, ...read] = await Promise.all([writer, ...readers].map((process) => process.figures()));
  return { writer: wrote, readers: read };
}

export async function theirs(peer: string, { width, height }: Case, mode: string, seconds: number): Promise<Run> {
  const name = `benchreaders${Deno.pid}`;
  const shape = [CELLS, width, height].map(String);
  const server = await start(peer, ["bench-server", name, ...shape, mode, String(seconds), String(WARM_UP)]);
  const client = await start(peer, ["bench-client", name, ...shape, String(seconds + WARM_SECONDS), String(WARM_UP)]);
  await server.go();
  const [writer, reader] = await Promise.all([server.figures(), client.figures()]);
  return { writer, readers: [reader] };
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
