import { makeClip } from "../src/camera/mod.ts";
import { cacheFolder } from "../src/cli/cache_folder.ts";
import { Companion } from "../src/cli/demo/companion.ts";
import type { ChainSaid } from "./chain_program.ts";
import { compileRival } from "./native.ts";
import { median, type Results } from "./results.ts";

const ROUNDS = 3;
const SECONDS = 15;
/** Until everything runs and is compiled. */
const WARM_UP = 3;
/** What runs once a second is compiled later, and once: it is no part of what a camera costs that is watched for days. */
const SELDOM_WARM_UP = 45;
const RATE = 25;
const CLIP = { width: 1920, height: 1080, bitRate: 2_000_000, mark: "counter" } as const;
/** Of the camera that is looked at once a second: with a keyframe a second. */
const SECONDLY = 1_000;

/**
 * What the whole chain costs: 1080p25 at 2 Mb/s over RTSP, every frame of it, or one a second, as 480x270 RGB in shared
 * memory, read by another process. In percent of one core, over all processes but the camera's.
 */
export async function chainBench(results: Results, { quick }: { quick: boolean }): Promise<void> {
  await onceASecond(results, quick ? 1 : ROUNDS);
  if (!quick) await everyFrame(results);
}

/** A camera of which a clip is played, in another process. */
async function cameraWith(clip: string): Promise<{ camera: AsyncDisposable; url: string }> {
  const started = Promise.withResolvers<string>();
  const camera = new Companion<{ url?: string }>(new URL("./pipeline_camera.ts", import.meta.url), {
    name: "camera",
    permissions: ["-A"],
    args: [clip],
    onSaid: ({ url }) => url && started.resolve(url),
  });
  void camera.ended.then((error) => started.reject(error));
  return { camera, url: await started.promise };
}

async function onceASecond(results: Results, rounds: number): Promise<void> {
  const { camera, url } = await cameraWith(await makeClip({ cacheDir: cacheFolder(), ...CLIP, gop: RATE }));
  await using _camera = camera;
  const figures = await ours(url, { warmUp: SELDOM_WARM_UP, rounds, intervalMs: SECONDLY });
  const add = (figure: string, of: (round: typeof figures[number]) => number, unit = "% of a core") =>
    results.add({ name: `chain.1080p-once-a-second.${figure}`, value: median(figures.map(of)), unit });
  add("cpu", ({ program, reader }) => program + reader);
  add("cpu.decoding", ({ decoding }) => decoding);
  add("cpu.scaling", ({ scaling }) => scaling);
  add("cpu.reader", ({ reader }) => reader);
  add("frames", ({ frames }) => frames, "frames/s");
}

async function everyFrame(results: Results): Promise<void> {
  const rival = await compileRival("pipeline", ["libavformat", "libavcodec", "libswscale", "libavutil"]);
  const { camera, url } = await cameraWith(await makeClip({ cacheDir: cacheFolder(), ...CLIP }));
  await using _camera = camera;

  const whole: number[] = [], decoding: number[] = [], scaling: number[] = [], reading: number[] = [];
  const ratios: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const [own] = await ours(url, { warmUp: WARM_UP, rounds: 1 });
    whole.push(own.program + own.reader);
    decoding.push(own.decoding);
    scaling.push(own.scaling);
    reading.push(own.reader);
    ratios.push(whole.at(-1)! / await native(rival, url));
  }
  const add = (figure: string, values: number[], more: { ratio?: number; rival?: string } = {}) =>
    results.add({ name: `chain.1080p.${figure}`, value: median(values), unit: "% of a core", ...more });
  add("cpu", whole, { ratio: median(ratios), rival: "libavformat, libavcodec, libswscale in one process" });
  add("cpu.without-decoding", whole.map((all, i) => all - decoding[i]));
  add("cpu.decoding", decoding);
  add("cpu.scaling", scaling);
  add("cpu.reader", reading);
}

/** Rounds of ours, one after the other. */
async function ours(url: string, options: { warmUp: number; rounds: number; intervalMs?: number }) {
  const { warmUp, rounds, intervalMs } = options;
  let said: ChainSaid = { decoding: 0, scaling: 0, frames: 0, at: 0 };
  await using stack = new AsyncDisposableStack();
  const name = `bench-chain-${Deno.pid}`;
  const program = stack.use(
    new Companion<ChainSaid>(new URL("./chain_program.ts", import.meta.url), {
      name: "program",
      permissions: ["-A"],
      args: [url, name, ...(intervalMs ? [String(intervalMs)] : [])],
      onSaid: (saying) => said = saying,
    }),
  );
  const reader = stack.use(
    new Companion<unknown>(new URL("./soak_reader.ts", import.meta.url), {
      name: "reader",
      permissions: ["-A"],
      args: [name],
      onSaid: () => {},
    }),
  );
  const round = async () => {
    const before = { program: cpuSeconds(program.pid), reader: cpuSeconds(reader.pid), said, at: performance.now() };
    await sleep(SECONDS);
    const percent = (seconds: number) => 100 * seconds / ((performance.now() - before.at) / 1_000);
    const each = (figure: keyof ChainSaid) =>
      (said[figure] - before.said[figure]) / ((said.at - before.said.at) / 1_000);
    return {
      program: percent(cpuSeconds(program.pid) - before.program),
      reader: percent(cpuSeconds(reader.pid) - before.reader),
      decoding: 100 * each("decoding"),
      scaling: 100 * each("scaling"),
      frames: each("frames"),
    };
  };
  await sleep(warmUp);
  const figures: Awaited<ReturnType<typeof round>>[] = [];
  while (figures.length < rounds) figures.push(await round());
  return figures;
}

/** One round of the native program. */
async function native(program: string, url: string): Promise<number> {
  const frames = String((WARM_UP + SECONDS + 10) * RATE);
  const child = new Deno.Command(program, { args: [url, frames, "scaled"], stdout: "null" }).spawn();
  await sleep(WARM_UP);
  const before = cpuSeconds(child.pid), at = performance.now();
  await sleep(SECONDS);
  const spent = cpuSeconds(child.pid) - before;
  child.kill("SIGKILL");
  await child.status;
  return 100 * spent / ((performance.now() - at) / 1_000);
}

/** Seconds of a processor that a process has used. */
function cpuSeconds(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}

/** Of the clock that Linux counts processes' time by, a second. */
const CLOCK_TICKS = 100;

function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
}
