import { Frame, now } from "../src/media/mod.ts";
import { ShmReader, ShmWriter } from "../src/shm/mod.ts";

/*
 * The processes of bench/shm_readers.ts: `write NAME WIDTH HEIGHT FPS SECONDS` (0 frames a second: as fast as it goes) and
 * `read NAME SECONDS`. Each frame bears its number at both ends, so that a torn one shows. Each prints "ready", and at its end one line of JSON.
 */

const SLOTS = 10;

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
  const figures = what === "write" ? await write(name, rest.map(Number)) : await read(name, Number(rest[0]));
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
  const began = performance.now();
  let sequence = 0;
  for (; performance.now() - began < seconds * 1_000; sequence++) {
    view.setUint32(0, sequence);
    view.setUint32(pixels.length - 4, sequence);
    ring.write(Frame.of(pixels, { ...shape, sequence }));
    if (fps > 0) {
      const wait = began + (sequence + 1) * 1_000 / fps - performance.now();
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, wait)));
    }
  }
  return { frames: sequence, fps: sequence / ((performance.now() - began) / 1_000), torn: 0, p50_us: 0, p99_us: 0 };
}

async function read(name: string, seconds: number): Promise<ShmFigures> {
  await using reader = await ShmReader.open(name, { wait: 10_000, mode: "latest" });
  console.log("ready");
  const ages = new Float64Array(1_000_000);
  let frames = 0, torn = 0, began = 0, ended = 0;
  for (;;) {
    const pulled = reader.pull();
    if (!pulled) {
      if (reader.waitSync(1_000)) continue;
      break;
    }
    ended = now();
    if (frames === 0) began = ended;
    if (ended - began > seconds * 1_000) break;
    const slot = reader.slots[pulled.index];
    const { size } = pulled;
    for (let i = 0; i < 4; i++) {
      if (slot[i] === slot[size - 4 + i]) continue;
      torn++;
      break;
    }
    if (frames >= 20) ages[(frames - 20) % ages.length] = ended - pulled.meta.receivedAt;
    frames++;
  }
  const sorted = ages.subarray(0, Math.min(Math.max(0, frames - 20), ages.length)).toSorted();
  const micro = (share: number) => 1_000 * (sorted[Math.floor(share * sorted.length)] ?? 0);
  const fps = frames > 1 ? (frames - 1) / ((ended - began) / 1_000) : 0;
  return { frames, fps, torn, p50_us: micro(0.5), p99_us: micro(0.99) };
}
