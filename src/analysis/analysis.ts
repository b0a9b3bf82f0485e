import { connectRing, type RingConnection } from "../feed/connect_ring.ts";
import { AnalysisError, type FrameFeed, now, type Warning } from "../media/mod.ts";
import { type RecordMeta, RingReader, SharedRingMemory } from "../ring/mod.ts";
import type { AnalysisMessage, FrameHeader } from "../../workers/analysis_protocol.ts";
import type { AnalysisLimits, AnalysisStats } from "./analysis_options.ts";
import type { AnalysisProcess } from "./analysis_process.ts";
import type { ResultText } from "./message_reader.ts";
import { ResultQueue } from "./result_queue.ts";

/** How long a wait for the next frame lasts before it is looked whether there is another ring, in milliseconds. */
const WAIT = 250;
/** What a frame that is overdue gets until this thread has read all that came meanwhile, in milliseconds. */
const GRACE = 100;
/** Full-sized results that may wait for the program; of smaller ones there may be as many as it said. */
const QUEUED_RESULTS = 4;

/**
 * An analysis that runs: iterate it for the results, dispose of it to end it. The iteration ends with the feed; it throws the
 * `AnalysisError`, or the feed's own error, where one of them ended it.
 */
export class Analysis<Result> implements AsyncIterable<Result>, AsyncDisposable {
  /** What ended it: its own failure, the feed's error, or undefined. Never rejects. */
  readonly ended: Promise<Error | undefined>;
  readonly #limits: AnalysisLimits;
  readonly #name: string;
  readonly #onWarning: ((warning: Warning) => void) | undefined;
  readonly #queue: ResultQueue<string>;
  readonly #settle: (error: Error | undefined) => void;
  readonly #stats: AnalysisStats = {
    frames: 0,
    missed: 0,
    results: 0,
    droppedResults: 0,
    lastResultAt: null,
    lastFrameMs: null,
  };
  readonly #abort = new AbortController();
  #process: AnalysisProcess | null = null;
  #connection: RingConnection | null = null;
  #ring: SharedArrayBuffer | null = null;
  #reader: RingReader | null = null;
  #pixels = new Uint8Array(0);
  #closing: Promise<void> | null = null;
  #warned = -Infinity;
  #unwarned = 0;

  /** @ignore Made by `startAnalysis`. */
  constructor(options: { name: string; limits: AnalysisLimits; onWarning?: (warning: Warning) => void }) {
    this.#name = options.name;
    this.#limits = options.limits;
    this.#onWarning = options.onWarning;
    this.#queue = new ResultQueue(options.limits.maxResults, QUEUED_RESULTS * options.limits.maxResultBytes);
    const { promise, resolve } = Promise.withResolvers<Error | undefined>();
    this.ended = promise;
    this.#settle = resolve;
  }

  stats(): AnalysisStats {
    return { ...this.#stats, droppedResults: this.#queue.dropped };
  }

  [Symbol.asyncIterator](): AsyncIterator<Result, undefined> {
    return {
      next: async () => {
        const { done, value } = await this.#queue.next();
        return done ? { done, value: undefined } : { done: false, value: await this.#parse(value) };
      },
      // The analysis goes on: another loop may take what comes next.
      return: () => Promise.resolve({ done: true, value: undefined }),
    };
  }

  /** Ends it at once, whatever the author's code is doing; resolves when its process is gone. Idempotent. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#close(undefined);
  }

  /** @ignore Takes what the process says. */
  receive(message: AnalysisMessage | ResultText): void {
    if (message.type === "result") {
      this.#stats.results++;
      this.#stats.lastResultAt = now();
      this.#queue.push(message.text, message.bytes);
    } else if (message.type === "console") this.#warn(message.text, message.count);
  }

  /** @ignore Begins to feed a process whose module is loaded. */
  async run(process: AnalysisProcess, input: FrameFeed): Promise<void> {
    this.#process = process;
    void process.ended.then((error) => this.#close(error));
    this.#connection = await connectRing(input, {
      slots: this.#limits.slots,
      onRing: (ring) => this.#ring = ring,
      signal: this.#abort.signal,
    });
    if (this.#closing) return await this.#connection.close();
    void this.#pump(process, this.#connection).catch((error) => this.#close(error as Error));
  }

  #close(error: Error | undefined): Promise<void> {
    return this.#closing ??= (async () => {
      this.#abort.abort();
      await this.#process?.end(error instanceof AnalysisError ? error : undefined);
      await this.#connection?.close();
      this.#queue.end(error);
      this.#settle(error);
    })();
  }

  async #parse(text: string): Promise<Result> {
    try {
      return JSON.parse(text);
    } catch {
      // Its own code writes JSON: this was written past it.
      const error = new AnalysisError("crashed", `Analysis ${this.#name} crashed: what it sent as a result is no JSON`);
      await this.#close(error);
      throw error;
    }
  }

  /** Sends the latest frame whenever the author's code is done with the one before. */
  async #pump(process: AnalysisProcess, connection: RingConnection): Promise<void> {
    let over = false;
    const ended = connection.ended.then((error) => {
      over = true;
      return error;
    });
    while (!this.#closing) {
      // Looked at before the ring, so that what was written before the end is still found.
      const last = over;
      const header = this.#next();
      if (header) await this.#analyze(process, header);
      else if (last) return await this.#close(await ended);
      else if (this.#reader) await Promise.race([this.#reader.waitAsync(WAIT), ended]);
      else await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Copies the latest frame out of the ring, whole or not at all. */
  #next(): FrameHeader | null {
    if (this.#ring && this.#reader?.memory.byteLength !== this.#ring.byteLength) {
      this.#reader = new RingReader(new SharedRingMemory(this.#ring), { start: "latest" });
    }
    const meta = this.#reader?.next("latest", (bytes) => {
      if (this.#pixels.length < bytes) this.#pixels = new Uint8Array(bytes);
      return this.#pixels;
    });
    if (!meta) return null;
    this.#stats.missed += meta.missed;
    return headerOf(meta);
  }

  async #analyze(process: AnalysisProcess, header: FrameHeader): Promise<void> {
    const { timeout } = this.#limits;
    const began = performance.now();
    let timer = setTimeout(() => {
      // This thread itself may have been busy: what came meanwhile is read before anything is decided.
      timer = setTimeout(() => {
        const message = `Analysis ${this.#name} did not come back from a frame within ${timeout} ms`;
        void this.#close(new AnalysisError("unresponsive", message));
      }, GRACE);
    }, timeout);
    await process.analyze(header, this.#pixels.subarray(0, header.bytes));
    clearTimeout(timer);
    if (this.#closing) return;
    this.#stats.frames++;
    this.#stats.lastFrameMs = performance.now() - began;
  }

  #warn(text: string, count: number): void {
    this.#unwarned += count;
    const time = performance.now();
    if (!this.#onWarning || time - this.#warned < 1000) return;
    this.#warned = time;
    const said = { code: "console", message: text, at: { analysis: this.#name }, count: this.#unwarned };
    this.#unwarned = 0;
    this.#onWarning(said);
  }
}

function headerOf(meta: RecordMeta): FrameHeader {
  const { width, height, pts, wallTime, receivedAt, corrupt, sequence, generation, missed, streamId, bytes } = meta;
  const format = meta.pixelFormat!;
  return { width, height, format, pts, wallTime, receivedAt, corrupt, sequence, generation, missed, streamId, bytes };
}
