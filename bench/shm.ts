import { Frame, NO_LEASE, now, packedBytes, type PixelFormat } from "../src/media/mod.ts";
import { ShmWriter } from "../src/shm/mod.ts";
import { compileRival, run } from "./native.ts";
import { median, quantile, type Results } from "./results.ts";
import { readersBench } from "./shm_readers.ts";

const ROUNDS = 15;
const SECONDS = 0.3;
const SLOTS = 4;
const PACED_FRAMES = 200;
const CASES: Record<string, { width: number; height: number; format: PixelFormat }> = {
  "1080p": { width: 1920, height: 1080, format: "RGB24" },
  "480x270": { width: 480, height: 270, format: "RGB24" },
};

/** Starts the reader in a process of its own; it prints the ages of the frames it got once the writer is gone. */
function startReader(name: string): Deno.ChildProcess {
  const file = decodeURIComponent(new URL("./shm_reader.ts", import.meta.url).pathname);
  return new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--no-prompt", file, name], stdout: "piped" }).spawn();
}

/** The ring between two processes, beside memcpy of frames of the same size. */
export async function shmBench(results: Results): Promise<void> {
  const rival = await compileRival("copy");
  for (const [name, shape] of Object.entries(CASES)) {
    const bytes = packedBytes(shape.format, shape.width, shape.height);
    const pixels = new Uint8Array(bytes).fill(7);
    const make = () =>
      new Frame(
        {
          ...shape,
          pts: 0,
          wallTime: null,
          receivedAt: now(),
          keyframe: true,
          corrupt: false,
          sequence: 0,
          generation: 0,
          missed: 0,
          streamId: 0,
        },
        [{ data: pixels, stride: shape.width * 3, rowBytes: shape.width * 3, rows: shape.height }],
        NO_LEASE,
      );
    const ours: number[] = [], native: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await using ring = await ShmWriter.create(`bench-${Deno.pid}`, { ...shape, slots: SLOTS });
      const frame = make();
      for (let i = 0; i < SLOTS; i++) ring.write(frame); // the rival's memory is populated too
      const began = performance.now();
      let frames = 0;
      while (performance.now() - began < SECONDS * 1000) {
        ring.write(frame);
        frames++;
      }
      ours.push(frames / ((performance.now() - began) / 1000));
      native.push(Number(await run(rival, [String(bytes), String(SLOTS), String(SECONDS)])));
    }
    const ratio = median(ours.map((value, i) => value / native[i]));
    results.add({ name: `shm.${name}.write`, value: median(ours), unit: "frames/s", ratio, rival: "memcpy" });

    const ages = await paced(make, shape);
    results.add({ name: `shm.${name}.latency.p50`, value: quantile(ages, 0.5), unit: "ms" });
    results.add({ name: `shm.${name}.latency.p99`, value: quantile(ages, 0.99), unit: "ms" });
    results.add({ name: `shm.${name}.missed`, value: PACED_FRAMES - ages.length, unit: "frames" });
  }
  await readersBench(results, Object.entries(CASES).map(([name, { width, height }]) => ({ name, width, height })));
}

/** Milliseconds from before a frame is written until the reader has it, at 25 frames a second. */
async function paced(
  make: () => Frame,
  shape: { width: number; height: number; format: PixelFormat },
): Promise<number[]> {
  const name = `bench-paced-${Deno.pid}`;
  const ring = await ShmWriter.create(name, { ...shape, slots: SLOTS });
  const reader = startReader(name);
  await new Promise((resolve) => setTimeout(resolve, 1_500)); // until it waits
  for (let i = 0; i < PACED_FRAMES; i++) {
    ring.write(make());
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
  await ring[Symbol.asyncDispose]();
  const { stdout } = await reader.output();
  return JSON.parse(new TextDecoder().decode(stdout));
}
