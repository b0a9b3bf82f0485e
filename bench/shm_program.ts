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
/** Frames before a paced run of which none counts: cameras run for longer than it takes until all is compiled. */
export const WARM_UP = 3_000;
/** Where in a frame the time stands. */
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

/** How a reader waits: blocked in its thread, or for a promise. */
export type Way = "pullSync" | "next";

/** The clock that the rival looks at as well, in nanoseconds. */
class Clock {
  readonly #symbols;
  readonly #words = new Uint32Array(2);
  readonly #long = new BigInt64Array(this.#words.buffer);
  readonly #bytes = new Uint8Array(this.#words.buffer);

  constructor(library: string) {
    this.#symbols = loadLibrary(library).symbols;
  }

  now(): number {
    this.#symbols.mr_monotonic_ns(this.#long);
    return this.#words[1] * 2 ** 32 + this.#words[0];
  }

  stamp(pixels: Uint8Array): void {
    this.#symbols.mr_monotonic_ns(this.#long);
    pixels.set(this.#bytes, STAMP);
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
  let sequence = 0;
  const push = () => {
    view.setUint32(0, sequence);
    view.setUint32(pixels.length - 4, sequence);
    clock.stamp(pixels);
    ring.write(frame);
    sequence++;
  };
  if (fps > 0) { for (; sequence < WARM_UP; sleep(1)) push(); }
  const began = performance.now(), first = sequence;
  while (performance.now() - began < seconds * 1_000) {
    push();
    if (fps > 0) sleep(Math.max(0, began + (sequence - first) * 1_000 / fps - performance.now()));
  }
  const frames = sequence - first;
  return { frames, fps: frames / ((performance.now() - began) / 1_000), torn: 0, p50_us: 0, p99_us: 0 };
}

async function read(clock: Clock, name: string, seconds: number, way: Way, mode: ReadMode): Promise<ShmFigures> {
  await using reader = await ShmReader.open(name, { wait: 10_000, mode });
  const bytes = reader.header.cellBytes;
  const ages = new Float64Array(1_000_000);
  let frames = 0, counted = 0, torn = 0, began = 0, ended = 0;
  /** Whether the next one is wanted as well. */
  const take = (pixels: DataView, length: number): boolean => {
    const age = clock.age(pixels);
    ended = performance.now();
    if (frames === 0) began = ended;
    if (ended - began > seconds * 1_000) return false;
    const sequence = pixels.getUint32(0);
    if (sequence !== pixels.getUint32(length - 4)) torn++;
    if (sequence > WARM_UP) ages[counted++ % ages.length] = age;
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
  const sorted = ages.subarray(0, Math.min(counted, ages.length)).toSorted();
  const micro = (share: number) => (sorted[Math.floor(share * sorted.length)] ?? 0) / 1_000;
  const fps = frames > 1 ? (frames - 1) / ((ended - began) / 1_000) : 0;
  return { frames, fps, torn, p50_us: micro(0.5), p99_us: micro(0.99) };
}
