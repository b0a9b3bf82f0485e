import { Frame, now } from "../src/media/mod.ts";
import type { ReadMode } from "../src/ring/mod.ts";
import { ShmReader, ShmWriter } from "../src/shm/mod.ts";

/*
 * The processes of bench/shm_readers.ts: `write NAME WIDTH HEIGHT FPS SECONDS` (0 frames a second: as fast as it goes) and
 * `read NAME SECONDS latest|every`. Each frame bears its number at both ends, so that a torn one shows. Each prints "ready", and at its end one line of JSON.
 */

const SLOTS = 10;
/** Frames before a paced run of which none counts: cameras run for longer than it takes until all is compiled. */
export const WARM_UP = 3_000;
/** Where in a frame stands when its writing began. */
const STAMP = 8;

/** What a writer or a reader says at its end. */
export interface ShmFigures {
  frames: number;
  /** Frames a second. */
  fps: number;
  torn: number;
  /** Microseconds from before a frame is written until the reader has a copy of it. */
  p50_us: number;
  p99_us: number;
}

if (import.meta.main) {
  const [what, name, ...rest] = Deno.args;
  const figures = what === "write"
    ? await write(name, rest.map(Number))
    : await read(name, Number(rest[0]), rest[1] as ReadMode);
  console.log(JSON.stringify(figures));
  Deno.exit(0);
}

async function write(name: string, [width, height, fps, seconds]: number[]): Promise<ShmFigures> {
  const shape = { width, height, format: "RGB24" } as const;
  await using ring = await ShmWriter.create(name, { ...shape, slots: SLOTS });
  console.log("ready");
  await Deno.stdin.read(new Uint8Array(1));
  const pixels = new Uint8Array(3 * width * height);
  const view = new DataView(pixels.buffer);
  let sequence = 0;
  const push = () => {
    view.setUint32(0, sequence);
    view.setUint32(pixels.length - 4, sequence);
    const frame = Frame.of(pixels, { ...shape, sequence });
    view.setFloat64(STAMP, now());
    ring.write(frame);
    sequence++;
  };
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
  if (fps > 0) { for (; sequence < WARM_UP; await pause(0)) push(); }
  const began = performance.now(), first = sequence;
  while (performance.now() - began < seconds * 1_000) {
    push();
    if (fps > 0) await pause(began + (sequence - first) * 1_000 / fps - performance.now());
  }
  const frames = sequence - first;
  return { frames, fps: frames / ((performance.now() - began) / 1_000), torn: 0, p50_us: 0, p99_us: 0 };
}

async function read(name: string, seconds: number, mode: ReadMode): Promise<ShmFigures> {
  await using reader = await ShmReader.open(name, { wait: 10_000, mode });
  const copy = new Uint8Array(reader.header.cellBytes);
  const view = new DataView(copy.buffer);
  console.log("ready");
  const ages = new Float64Array(1_000_000);
  let frames = 0, counted = 0, torn = 0, began = 0, ended = 0;
  for (;;) {
    const meta = reader.pullSync(copy, 1_000 * (frames === 0 ? 10 : 1));
    if (!meta) break;
    ended = now();
    if (frames === 0) began = ended;
    if (ended - began > seconds * 1_000) break;
    if (view.getUint32(0) !== view.getUint32(meta.bytes - 4)) torn++;
    if (view.getUint32(0) > WARM_UP) ages[counted++ % ages.length] = ended - view.getFloat64(STAMP);
    frames++;
  }
  const sorted = ages.subarray(0, Math.min(counted, ages.length)).toSorted();
  const micro = (share: number) => 1_000 * (sorted[Math.floor(share * sorted.length)] ?? 0);
  const fps = frames > 1 ? (frames - 1) / ((ended - began) / 1_000) : 0;
  return { frames, fps, torn, p50_us: micro(0.5), p99_us: micro(0.99) };
}
