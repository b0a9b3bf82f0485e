import { type Frame, packedBytes } from "../media/mod.ts";
import { ShmReader } from "../shm/mod.ts";
import { UsageError } from "./errors.ts";
import { print, printBytes } from "./print.ts";

/** What `millrace shm read` was asked for. */
export interface ReadFlags {
  frames?: number;
  wait: number;
  mode: "latest" | "every";
  json?: boolean;
  out?: string;
}

/** Where frames go, one after the other; it ends when it is disposed of. */
interface Sink extends Disposable {
  take(frame: Frame): void;
}

/** Reads a ring until it is over, or so many frames came, or it is interrupted. */
export async function readRing(name: string, flags: ReadFlags): Promise<void> {
  if (flags.out !== undefined && flags.json) {
    throw new UsageError("Cannot print JSON and write pixels: choose --json or --out");
  }
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, onSignal);
  try {
    await using reader = await ShmReader.open(name, { wait: flags.wait, mode: flags.mode, signal: stop.signal });
    if (!reader.alive) console.error(`The writer of ring "${name}" is not running; waiting for the next one.`);
    if (reader.header.kind === "frames") await readFrames(reader, flags);
    else if (flags.out === undefined) await readRecords(reader, flags);
    else throw new UsageError(`Cannot write the pixels of ring "${name}": it holds ${reader.header.kind}`);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.removeSignalListener(signal, onSignal);
  }
}

async function readFrames(reader: ShmReader, flags: ReadFlags): Promise<void> {
  using sink = flags.out === undefined ? lines(flags) : pixels(flags.out);
  for (let left = flags.frames ?? Infinity; left > 0; left--) {
    using frame = await reader.next();
    if (!frame) return;
    sink.take(frame);
  }
}

function lines(flags: ReadFlags): Sink {
  return {
    take({ sequence, width, height, format, pts, age, missed }) {
      if (flags.json) return print(JSON.stringify({ sequence, width, height, format, pts, age, missed }));
      const times = `pts ${(pts / 1e6).toFixed(3)} s  age ${age.toFixed(1)} ms`;
      print(`${sequence}  ${width}x${height} ${format}  ${times}  missed ${missed}`);
    },
    [Symbol.dispose]() {},
  };
}

/** Says at the end what was written, for the pixels alone do not. */
function pixels(path: string): Sink {
  const file = path === "-" ? null : Deno.openSync(path, { write: true, create: true, truncate: true });
  let frames = 0, shape = "", buffer = new Uint8Array(0);
  return {
    take(frame) {
      const { width, height, format } = frame;
      const bytes = packedBytes(format, width, height);
      if (buffer.length !== bytes) buffer = new Uint8Array(bytes);
      frame.copy(buffer);
      if (file) { for (let at = 0; at < bytes;) at += file.writeSync(buffer.subarray(at)); }
      else printBytes(buffer);
      frames++;
      shape = `${width}x${height} ${format}, ${bytes} bytes each`;
    },
    [Symbol.dispose]() {
      file?.close();
      console.error(`${frames} frames${shape && `, ${shape}`}, written to ${file ? path : "standard output"}`);
    },
  };
}

async function readRecords(reader: ShmReader, flags: ReadFlags): Promise<void> {
  for (let left = flags.frames ?? Infinity; left > 0;) {
    const record = reader.pull();
    if (!record) {
      if (!(await reader.wait())) return;
      continue;
    }
    left--;
    const { index, size, meta: { sequence, pts, keyframe, missed } } = record;
    if (flags.json) print(JSON.stringify({ sequence, slot: index, bytes: size, pts, keyframe, missed }));
    else {
      const time = `pts ${(pts / 1e6).toFixed(3)} s${keyframe ? "  keyframe" : ""}`;
      print(`${sequence}  ${size} bytes in slot ${index}  ${time}  missed ${missed}`);
    }
  }
}
