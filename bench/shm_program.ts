import process from "node:process";
import { Frame } from "../src/media/mod.ts";
import type { ReadMode } from "../src/ring/mod.ts";
import { ShmReader, ShmWriter } from "../src/shm/mod.ts";
import { libraryPath, loadLibrary } from "../ffi/load.ts";

/*
 * The processes of bench/shm_readers.ts: `write NAME WIDTH HEIGHT FPS SECONDS` (0 frames a second: as fast as it goes) and
 * `read NAME SECONDS pullSync|next latest|every`. Each frame bears its number at both ends, so that a torn one shows, and when its writing began. Each
 * prints "ready", and at its end one line of JSON.
 */

const SLOTS = 10;
/**
 * Frames before a paced run of which none counts: cameras run for longer than it takes until all is compiled, and with half of these not
 * all is. A camera has sent them after 13 minutes.
 */
export const WARM_UP = 20_000;
const WARM_UP_MS = 0.25;
/** Where in a frame the time stands. */
const STAMP = 8;

/** What a writer or a reader says at its end. */
export interface ShmFigures {
  frames: number;
  /** Frames a second. */
  fps: number;
  /** Frames for each second that the process had a core, all its threads together. */
  fpsOfCpu: number;
  torn: number;
  /** Microseconds from before a frame is written until the reader has a copy of it. */
  p50_us: number;
  p99_us: number;
}

/** How a reader waits: blocked in its thread, or for a promise. */
export type Way = "pullSync" | "next";

/** The clock that the rival looks at as well, in nanoseconds. */
class Clock {
  readonly #symbols;
  readonly #words = new Uint32Array(2);
  readonly #long = new BigInt64Array(this.#words.buffer);

  constructor(library: string) {
    this.#symbols = loadLibrary(library).symbols;
  }

  now(): number {
    this.#symbols.mr_monotonic_ns(this.#long);
    return this.#words[1] * 2 ** 32 + this.#words[0];
  }

  stamp(pixels: DataView): void {
    this.#symbols.mr_monotonic_ns(this.#long);
    pixels.setUint32(STAMP, this.#words[0], true);
    pixels.setUint32(STAMP + 4, this.#words[1], true);
  }

  /** Nanoseconds since a frame was stamped. */
  age(pixels: DataView): number {
    return this.now() - (pixels.getUint32(STAMP + 4, true) * 2 ** 32 + pixels.getUint32(STAMP, true));
  }
}

if (import.meta.main) {
  const [what, name, ...rest] = Deno.args;
  const clock = new Clock(await libraryPath());
  const figures = what === "write"
    ? await write(clock, name, rest.map(Number))
    : await read(clock, name, Number(rest[0]), rest[1] as Way, rest[2] as ReadMode);
  console.log(JSON.stringify(figures));
  Deno.exit(0);
}

async function write(clock: Clock, name: string, [width, height, fps, seconds]: number[]): Promise<ShmFigures> {
  const shape = { width, height, format: "RGB24" } as const;
  await using ring = await ShmWriter.create(name, { ...shape, slots: SLOTS });
  console.log("ready");
  await Deno.stdin.read(new Uint8Array(1));
  const pixels = new Uint8Array(3 * width * height);
  const view = new DataView(pixels.buffer);
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  /** As the thread sleeps that writes a feed's frames, and the rival. */
  const sleep = (ms: number) => Atomics.wait(nobody, 0, 0, ms);
  const frame = Frame.of(pixels, shape);
  const first = fps > 0 ? WARM_UP : 0, cpuBefore = process.cpuUsage();
  const warmUpStep = WARM_UP_MS * 1e6, step = 1e9 / fps;
  let sequence = 0, began = 0, now = 0, next = clock.now();
  // One loop for the warm-up too, without a line that only one of the two comes to: the engine would throw its code away there. It looks at
  // the clock first, as the rival's does.
  for (;; sequence++) {
    now = clock.now();
    if (sequence <= first) began = now;
    if (now - began >= seconds * 1e9) break;
    view.setUint32(0, sequence);
    view.setUint32(pixels.length - 4, sequence);
    clock.stamp(view);
    ring.write(frame);
    if (fps === 0) continue;
    next = Math.max(next, now) + (sequence < first ? warmUpStep : step);
    sleep((next - clock.now()) / 1e6);
  }
  const frames = sequence - first, cpu = process.cpuUsage(cpuBefore);
  const fpsOfCpu = sequence / ((cpu.user + cpu.system) / 1e6);
  return { frames, fps: frames / ((now - began) / 1e9), fpsOfCpu, torn: 0, p50_us: 0, p99_us: 0 };
}

async function read(clock: Clock, name: string, seconds: number, way: Way, mode: ReadMode): Promise<ShmFigures> {
  await using reader = await ShmReader.open(name, { wait: 10_000, mode });
  const bytes = reader.header.cellBytes;
  const ages = new Float64Array(1_000_000), sequences = new Float64Array(ages.length);
  let frames = 0, torn = 0, began = 0, ended = 0;
  /** Whether the next one is wanted as well. */
  const take = (pixels: DataView, length: number): boolean => {
    const age = clock.age(pixels);
    ended = performance.now();
    if (frames === 0) began = ended;
    if (ended - began > seconds * 1_000) return false;
    const sequence = pixels.getUint32(0);
    if (sequence !== pixels.getUint32(length - 4)) torn++;
    ages[frames % ages.length] = age;
    sequences[frames % ages.length] = sequence;
    frames++;
    return true;
  };
  console.log("ready");
  if (way === "next") {
    for await (using frame of reader) {
      const [{ data }] = frame.planes;
      if (!take(new DataView(data.buffer, data.byteOffset, data.length), data.length)) break;
    }
  } else {
    const copy = new Uint8Array(bytes), pixels = new DataView(copy.buffer);
    for (;;) {
      const meta = reader.pullSync(copy, 1_000 * (frames === 0 ? 10 : 1));
      if (!meta || !take(pixels, meta.bytes)) break;
    }
  }
  const sorted = ages.subarray(0, frames).filter((_, i) => sequences[i] > WARM_UP).toSorted();
  const micro = (share: number) => (sorted[Math.floor(share * sorted.length)] ?? 0) / 1_000;
  const fps = frames > 1 ? (frames - 1) / ((ended - began) / 1_000) : 0;
  return { frames, fps, fpsOfCpu: 0, torn, p50_us: micro(0.5), p99_us: micro(0.99) };
}
