import { Worker as NodeWorker } from "node:worker_threads";
import type { FromGuest, ToGuest } from "./guest_messages.ts";
import type { AnalysisContext, AnalysisFrame, Analyzer, AnalyzerObject } from "../../src/analysis/analyzer.ts";

/*
 * The first module of the thread that runs an author's code; it loads before that code. It imports no file at run time, so
 * that the thread's process may read this one file and the author's folder, and no more.
 *
 * What it takes away from the author's code is not what keeps the host safe: the permissions, the process's limits, and a
 * reader who believes nothing do that. It makes honest mistakes plain, and leaves fewer ways to be a nuisance.
 */

declare const self: DedicatedWorkerGlobalScope;

const post = self.postMessage.bind(self) as (message: FromGuest, transfer?: Transferable[]) => void;
const stringify = JSON.stringify;
const { now } = performance;
const clock = () => performance.timeOrigin + now.call(performance);

/** Lines of the author's console that are passed on in a second; the others are counted. */
const CONSOLE_LINES = 10;
const CONSOLE_CHARACTERS = 500;

/** Passes on what the author's code writes to the console, and not more than someone can read. */
function tameConsole(): void {
  const inspect = Deno.inspect;
  let second = 0, lines = 0, unsaid = 0;
  const say = (...values: unknown[]) => {
    const current = Math.floor(clock() / 1000);
    if (current !== second) {
      second = current;
      lines = 0;
    }
    if (lines++ >= CONSOLE_LINES) {
      unsaid++;
      return;
    }
    const text = values.map((value) => typeof value === "string" ? value : inspect(value, { iterableLimit: 20 }))
      .join(" ").slice(0, CONSOLE_CHARACTERS);
    post({ type: "console", text, count: unsaid + 1 });
    unsaid = 0;
  };
  for (const name of ["log", "info", "debug", "warn", "error", "trace", "dir", "table"] as const) console[name] = say;
}

/** Takes away what would end the thread without a word, or speak past the results. */
function takeAway(): void {
  const refuse = (what: string) => () => {
    throw new TypeError(`Cannot ${what}: an analysis ends when its program says so`);
  };
  const replace = (target: object, name: string, value: unknown) => {
    try {
      Object.defineProperty(target, name, { value, configurable: false, writable: false });
    } catch {
      // A runtime that has it frozen: what counts does not depend on this.
    }
  };
  replace(Deno, "exit", refuse("call Deno.exit()"));
  replace(self, "close", refuse("call close()"));
  // Both classes are derived: without the one above them each `new` throws before it does anything, by whatever way the
  // class was found. A thread more would go on beside the frames, and have every global untouched.
  for (const thread of [NodeWorker, Worker]) {
    Object.setPrototypeOf(thread, null);
    Object.freeze(thread);
  }
  // No permission covers the Cache API, and it writes to the host's disk.
  for (const name of ["open", "has", "delete"]) replace(CacheStorage.prototype, name, refuse(`use caches.${name}()`));
  for (const name of ["postMessage", "Worker", "BroadcastChannel", "caches"]) replace(self, name, undefined);
  // Permissions do not cover the graphics card.
  for (const target of [Object.getPrototypeOf(navigator), navigator]) replace(target, "gpu", undefined);
}

/** One line: what was thrown, and where the author's code threw it. */
function describe(thrown: unknown): string {
  if (!(thrown instanceof Error)) {
    try {
      return `it threw ${String(thrown).slice(0, 200)}`;
    } catch {
      return "it threw something that has no text";
    }
  }
  const places = (thrown.stack ?? "").matchAll(/(?:file|https?|data|npm):[^\s)]+:\d+:\d+/g);
  const place = places.map(([place]) => place).find((place) => !place.startsWith(import.meta.url));
  return `${thrown.name}: ${thrown.message}`.slice(0, 500) + (place ? ` at ${place}` : "");
}

function analyzerOf(exported: unknown): AnalyzerObject<unknown> {
  if (typeof exported === "function") return { analyze: exported as Analyzer<unknown> };
  const object = exported as AnalyzerObject<unknown> | undefined | null;
  if (typeof object?.analyze === "function") return object;
  throw new TypeError("its default export is neither a function nor an object with an analyze function");
}

function frameOf(message: Extract<ToGuest, { type: "frame" }>): AnalysisFrame {
  const { header, pixels } = message;
  const { bytes: _, ...info } = header;
  return {
    ...info,
    planes: message.planes.map(({ offset, stride, rows }) => ({
      data: new Uint8Array(pixels, offset, stride * rows),
      stride,
      rowBytes: stride,
      rows,
    })),
    get age() {
      return clock() - info.receivedAt;
    },
  };
}

/** Runs an author's module: called once, when it is loaded. */
export function host(exported: unknown): void {
  let analyzer: AnalyzerObject<unknown>;
  try {
    analyzer = analyzerOf(exported);
  } catch (error) {
    post({ type: "failed", load: true, message: (error as Error).message });
    return;
  }
  const emit = (result: unknown) => {
    if (result === undefined) return;
    const json = stringify(result);
    if (json === undefined) throw new TypeError(`Cannot pass on a result: ${typeof result} is no JSON value`);
    post({ type: "result", json });
  };
  let context: AnalysisContext = { parameters: undefined, emit };
  const init = async (parameters: unknown) => {
    context = { parameters, emit };
    await analyzer.init?.(context);
    post({ type: "ready" });
  };
  const analyze = async (message: Extract<ToGuest, { type: "frame" }>) => {
    emit(await analyzer.analyze(frameOf(message), context));
    const { header: { sequence }, pixels } = message;
    // An author may have transferred the pixels elsewhere: then there is nothing to give back.
    if (pixels.detached) post({ type: "done", sequence, pixels: new ArrayBuffer(0) });
    else post({ type: "done", sequence, pixels }, [pixels]);
  };
  loaded.resolve((message) => {
    const work = message.type === "init" ? init(message.parameters) : analyze(message);
    work.catch((thrown) => post({ type: "failed", load: message.type === "init", message: describe(thrown) }));
  });
}

// Here and not in host(): a message that comes while the author's code loads would be lost without a listener.
const loaded = Promise.withResolvers<(message: ToGuest) => void>();
self.addEventListener(
  "message",
  ({ data }: MessageEvent<ToGuest>) => void loaded.promise.then((handle) => handle(data)),
);

tameConsole();
takeAway();
