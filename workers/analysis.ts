import { setPriority } from "node:os";
import { packedBytes, packedPlanes } from "../src/media/pixel_format.ts";
import type { FromGuest, ToGuest } from "./analysis/guest_messages.ts";
import {
  type AnalysisEnd,
  type AnalysisMessage,
  type AnalysisSetup,
  decodeFrameHeader,
  encodeMessage,
  EXIT_FLOOD,
  EXIT_MEMORY,
  FRAME_HEADER_BYTES,
} from "./analysis_protocol.ts";
import { WORKER_PERMISSIONS } from "./permissions.ts";

/*
 * The main thread of an analysis's process. It takes frames from its standard input and hands them to a thread without
 * permissions that runs the author's code; that thread may loop, throw and allocate as it likes, while this one stays
 * awake, watches the memory and says what happened.
 *
 * Why a process: in Deno 2.9 `Worker.terminate()` does not end a thread that never comes back to its event loop, a full
 * heap in one thread ends its whole process, and a thread without any permission may send its own process a signal.
 */

/** How often the memory is looked at, in milliseconds: at most what can be allocated and touched in this time is too much. */
const MEMORY_INTERVAL = 20;
/** Below the decoders, so that whatever runs here takes no processor that they want. */
const PRIORITY = 10;

/** Characters of what is told about the author's code: with every one escaped, still a small message. */
const MAX_TEXT = 1000;

/** Reads so many bytes of the standard input; false at its end. */
async function readAll(into: Uint8Array): Promise<boolean> {
  for (let at = 0; at < into.length;) {
    const bytes = await Deno.stdin.read(into.subarray(at));
    if (bytes === null) return false;
    at += bytes;
  }
  return true;
}

/** What waits to be written. Never written synchronously: a full pipe would stop the watch over the memory. */
let waiting: Uint8Array[] = [];
let waitingBytes = 0;
let maxWaitingBytes = Infinity;
let maxWaiting = Infinity;
let writing: Promise<void> | null = null;

function write(bytes: Uint8Array): void {
  waiting.push(bytes);
  waitingBytes += bytes.length;
  if (waitingBytes > maxWaitingBytes || waiting.length > maxWaiting) Deno.exit(EXIT_FLOOD);
  writing ??= writeWaiting();
}

async function writeWaiting(): Promise<void> {
  while (waiting.length > 0) {
    const all = new Uint8Array(waitingBytes);
    let at = 0;
    for (const bytes of waiting) {
      all.set(bytes, at);
      at += bytes.length;
    }
    waiting = [];
    for (at = 0; at < all.length;) at += await Deno.stdout.write(all.subarray(at));
    waitingBytes -= all.length;
  }
  writing = null;
}

function say(message: AnalysisMessage): void {
  write(encodeMessage("control", JSON.stringify(message)));
}

/** Says how it ended, and ends. */
async function end(how: AnalysisEnd): Promise<void> {
  say({ type: "ended", end: how });
  await writing;
  Deno.exit(1);
}

async function readSetup(): Promise<AnalysisSetup> {
  const length = new Uint8Array(4);
  if (!await readAll(length)) Deno.exit(0);
  const json = new Uint8Array(new DataView(length.buffer).getUint32(0, true));
  if (!await readAll(json)) Deno.exit(0);
  return JSON.parse(new TextDecoder().decode(json));
}

/** The author's thread. Its entry imports what tames it first, so that this runs before the author's code. */
function startGuest(module: string): Worker {
  const guest = new URL("./analysis/guest.ts", import.meta.url).href;
  const source = `import { host } from ${JSON.stringify(guest)};\n` +
    `import * as author from ${JSON.stringify(module)};\nhost(author.default);\n`;
  return new Worker(`data:text/javascript,${encodeURIComponent(source)}`, {
    type: "module",
    name: "millrace-analysis",
    deno: { permissions: WORKER_PERMISSIONS.analysis({}) },
  });
}

/** One line for an error event of the author's thread. */
function describe(event: ErrorEvent): string {
  const message = event.message.replace(/^Uncaught (\(in promise\) )?/, "").replaceAll(/\s*\n\s*/g, " ")
    .replace(/ at data:text\/javascript,\S*$/, "");
  const known = /:\d+:\d+$/.test(message) || message.includes(event.filename) || event.filename.startsWith("data:");
  return known ? message : `${message} at ${event.filename}:${event.lineno}:${event.colno}`;
}

/** Runs until the standard input is at its end, the author's code fails, or the memory is used up. */
async function run(): Promise<void> {
  setPriority(PRIORITY);
  const setup = await readSetup();
  ({ maxWaiting, maxWaitingBytes } = setup);
  setInterval(() => {
    if (Deno.memoryUsage().rss > setup.maxMemoryBytes) Deno.exit(EXIT_MEMORY);
  }, MEMORY_INTERVAL);

  const guest = startGuest(setup.module);
  let loaded = false;
  let spare = new ArrayBuffer(0);
  guest.onerror = (event) => {
    event.preventDefault();
    void end({ code: loaded ? "crashed" : "load", message: describe(event).slice(0, MAX_TEXT) });
  };
  guest.onmessage = ({ data }: MessageEvent<FromGuest>) => {
    switch (data?.type) {
      case "ready":
        loaded = true;
        return say({ type: "ready" });
      case "done":
        spare = data.pixels instanceof ArrayBuffer ? data.pixels : spare;
        return say({ type: "done", sequence: Number(data.sequence) });
      case "result":
        return write(encodeMessage("result", String(data.json)));
      case "console":
        return say({ type: "console", text: String(data.text).slice(0, MAX_TEXT), count: Number(data.count) });
      case "failed":
        return void end({ code: data.load ? "load" : "crashed", message: String(data.message).slice(0, MAX_TEXT) });
    }
  };
  const tell = (message: ToGuest, transfer: Transferable[] = []) => guest.postMessage(message, transfer);
  tell({ type: "init", parameters: setup.parameters });

  // The program sends a frame only when the one before is done; that this reads on meanwhile is how it learns that the
  // program is gone, whatever the author's thread is doing.
  const head = new Uint8Array(FRAME_HEADER_BYTES);
  while (await readAll(head)) {
    const header = decodeFrameHeader(head);
    const { format, width, height, bytes } = header;
    if (bytes !== packedBytes(format, width, height)) throw new RangeError(`a frame of ${bytes} bytes`);
    const pixels = spare.byteLength === bytes ? spare : new ArrayBuffer(bytes);
    if (!await readAll(new Uint8Array(pixels))) break;
    tell({ type: "frame", header, planes: packedPlanes(format, width, height), pixels }, [pixels]);
  }
  Deno.exit(0);
}

if (import.meta.main) await run();
