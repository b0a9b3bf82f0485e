import {
  DecodeError,
  type DecodeStats,
  type DecodeStepOptions,
  type FilterStep,
  type PixelFormat,
} from "../media/mod.ts";
import { type EncodedSource, onEnd } from "../feed/encoded_source.ts";
import {
  DECODE_COUNTERS,
  type FromDecodeWorker,
  type JobOutput,
  type ToDecodeWorker,
} from "../../workers/decode_protocol.ts";
import { Doorbell } from "../../workers/doorbell.ts";
import { Outbox } from "../../workers/mailbox.ts";
import { WakeWish } from "../../workers/wake_wish.ts";
import { spawnWorker } from "../../workers/spawn.ts";
import { DecodeHelper } from "./decode_helper.ts";
import { FrameTable } from "./frame_table.ts";
import { InstanceBook } from "./instance_book.ts";
import { expectedLoad, loadOf } from "./load.ts";

/** What the owner of a job hears of it. */
export interface JobEvents {
  /** The ring is too small for the frames, or is not there yet. */
  grown?(shape: { width: number; height: number; format: PixelFormat }): void;
  failed?(error: DecodeError): void;
}

interface SourceRecord {
  readonly counters: SharedArrayBuffer;
  readonly expected: number;
  readonly since: number;
  /** Has the source forget this worker. */
  detach: () => void;
  settle: (error: Error | undefined) => void;
}

/** Milliseconds after which what a source takes was measured with all its readers. */
const UNMEASURED = 4_000;

let lastNumber = 0;

/** The main thread's handle on one decode worker. */
export class DecodeWorker {
  /** Tells it apart from the others of this process. */
  readonly number = ++lastNumber;
  readonly instances = new InstanceBook();
  readonly bell = new Doorbell();
  readonly #worker: Worker;
  readonly #outbox: Outbox<ToDecodeWorker>;
  readonly #sources = new Map<number, SourceRecord>();
  readonly #jobs = new Map<number, JobEvents>();
  readonly #dropping = new Map<number, () => void>();
  readonly #onInstance: ((epoch: number) => void)[] = [];
  readonly #module: WebAssembly.Module;
  readonly #onHelper: () => void;
  /** The instance that a second thread would help, and where it is to be found in it. */
  #large: { epoch: number; at: number } | null = null;
  #helper: DecodeHelper | null = null;
  /** Whether it gets no helper any more. */
  #alone = false;
  #failure: DecodeError | null = null;

  /** @param onHelper Called when it could do with a helper, and when one is over. */
  constructor(module: WebAssembly.Module, onHelper: () => void = () => {}) {
    this.#module = module;
    this.#onHelper = onHelper;
    this.#worker = spawnWorker("decode");
    this.#worker.onmessage = (event: MessageEvent<FromDecodeWorker>) => this.#take(event.data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(new DecodeError("worker", `The decode worker stopped: ${event.message}`));
    };
    const count = new SharedArrayBuffer(4);
    this.#outbox = new Outbox(this.#worker, count, this.bell);
    const init: ToDecodeWorker = { type: "init", module, bell: this.bell.buffer, count };
    this.#worker.postMessage(init);
  }

  /** Whether it has nothing to decode. */
  get idle(): boolean {
    return this.#sources.size === 0;
  }

  /** The share of its thread's time that its sources take, as far as is known. */
  get load(): number {
    const at = performance.now();
    let load = 0;
    for (const { counters, expected, since } of this.#sources.values()) {
      load += loadOf({ expected, measured: readDecodeCounters(counters).load, isNew: at - since < UNMEASURED });
    }
    return load;
  }

  get failed(): boolean {
    return this.#failure !== null;
  }

  /** Whether a second thread helps it, or has yet to end. */
  get helped(): boolean {
    return this.#helper !== null;
  }

  /** Whether a second thread would help it. */
  get wantsHelper(): boolean {
    return this.#large !== null && !this.#helper && !this.#alone && !this.#failure;
  }

  /** Gives it a second thread, if it wants one. */
  help(): void {
    if (!this.wantsHelper) return;
    const { epoch, at } = this.#large!;
    try {
      this.#helper = new DecodeHelper(this.#module, this.instances.get(epoch)!.memory, at, (error) => {
        this.#helper = null;
        if (error !== null) this.#alone = true; // what its pictures did to one helper they may do to the next
        this.#onHelper();
      });
    } catch {
      this.#alone = true; // one thread does it as well, and slower
    }
  }

  /** Takes its second thread away again, between two pictures. */
  retireHelper(): void {
    this.#helper?.retire();
  }

  /** Calls `tell` for each instance it has and will have. */
  onInstance(tell: (epoch: number) => void): void {
    for (const [epoch] of this.instances.entries()) tell(epoch);
    this.#onInstance.push(tell);
  }

  /** Takes a source in; `ended` settles once its last frame is out. */
  addSource(
    source: number,
    encoded: EncodedSource,
    options: { capacity: number; step: DecodeStepOptions; counters: SharedArrayBuffer },
  ): Promise<Error | undefined> {
    if (this.#failure) return Promise.resolve(this.#failure);
    const { promise, resolve } = Promise.withResolvers<Error | undefined>();
    let sourceError: Error | undefined;
    const wish = new WakeWish();
    wish.set("nothing"); // until the worker reads it
    const detachDoorbell = encoded.attachDoorbell(this.bell.buffer, wish.buffer);
    const forgetEnd = onEnd(encoded, (error) => {
      sourceError = error;
      this.#outbox.post({ type: "end-source", source });
    });
    this.#sources.set(source, {
      counters: options.counters,
      expected: expectedLoad(encoded.info),
      since: performance.now(),
      detach: () => {
        detachDoorbell();
        forgetEnd();
      },
      settle: (error) => resolve(error ?? sourceError),
    });
    this.#outbox.post({
      type: "source",
      source,
      ring: encoded.ring,
      codec: encoded.info.codec,
      parameterSets: encoded.info.parameterSets,
      streamId: encoded.streamId,
      capacity: options.capacity,
      options: options.step,
      counters: options.counters,
      wish: wish.buffer,
    });
    return promise;
  }

  addJob(source: number, job: number, steps: FilterStep[], output: JobOutput, events: JobEvents = {}): void {
    this.#jobs.set(job, events);
    this.#outbox.post({ type: "job", source, job, steps, output });
  }

  setJobRing(source: number, job: number, ring: SharedArrayBuffer): void {
    this.#outbox.post({ type: "job-ring", source, job, ring });
  }

  /** Resolves when the worker will never touch the job's output again. */
  dropJob(source: number, job: number): Promise<void> {
    if (!this.#jobs.has(job) || this.#failure) return Promise.resolve();
    return this.#drop(job, { type: "drop-job", source, job });
  }

  /** Resolves when the worker no longer reads the source. */
  async dropSource(source: number): Promise<void> {
    const record = this.#sources.get(source);
    if (!record) return;
    record.detach();
    if (!this.#failure) await this.#drop(-source, { type: "drop-source", source });
    this.#sources.delete(source);
    record.settle(undefined);
  }

  /** Ends the thread. Frames that are out stay readable: their memory lives as long as anyone holds it. */
  terminate(): void {
    this.#outbox.post({ type: "end", source: 0 });
    this.#fail(new DecodeError("worker", "The decode worker was ended"));
  }

  #drop(key: number, message: ToDecodeWorker): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#dropping.set(key, resolve);
    this.#outbox.post(message);
    return promise;
  }

  #take(message: FromDecodeWorker): void {
    switch (message.type) {
      case "instance":
        // A helper of the instance before has nothing left to do.
        this.#large = null;
        this.#helper?.stop();
        this.instances.add(message.epoch, { memory: message.memory, table: new FrameTable(message.table) });
        for (const tell of this.#onInstance) tell(message.epoch);
        break;
      case "job-grown":
        this.#jobs.get(message.job)?.grown?.(message);
        break;
      case "job-failed":
        this.#jobs.get(message.job)?.failed?.(new DecodeError("worker", message.message));
        break;
      case "job-dropped":
        this.#jobs.delete(message.job);
        this.#dropped(message.job);
        break;
      case "source-dropped":
        this.#dropped(-message.source);
        break;
      case "source-ended":
        this.#sources.get(message.source)?.settle(undefined);
        break;
      case "source-failed": {
        const { code, averror } = message;
        this.#sources.get(message.source)?.settle(new DecodeError(code, message.message, { averror }));
        break;
      }
      case "large":
        this.#large = { epoch: message.epoch, at: message.at };
        this.#onHelper();
        break;
      case "ready":
      case "trapped":
        break;
    }
  }

  #dropped(key: number): void {
    this.#dropping.get(key)?.();
    this.#dropping.delete(key);
  }

  #fail(error: DecodeError): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#helper?.stop();
    for (const record of this.#sources.values()) {
      record.detach();
      record.settle(error);
    }
    this.#sources.clear();
    for (const resolve of this.#dropping.values()) resolve();
    this.#dropping.clear();
  }
}

/** Reads a decoder's counters. */
export function readDecodeCounters(buffer: SharedArrayBuffer): DecodeStats {
  const values = new Float64Array(buffer);
  return Object.fromEntries(DECODE_COUNTERS.map((name, i) => [name, values[i]])) as Record<keyof DecodeStats, number>;
}
