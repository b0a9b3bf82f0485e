import { DecodeError, type DecodeStats, type DecodeStepOptions, type FilterStep } from "../media/mod.ts";
import type { EncodedSource } from "../feed/encoded_source.ts";
import { DECODE_COUNTERS, type JobOutput } from "../../workers/decode_protocol.ts";
import { DecodeWorker, type JobEvents, readDecodeCounters } from "./decode_worker.ts";
import { leastLoaded } from "./load.ts";
import { decoderModule } from "./module.ts";
import { loadWorkers } from "../../workers/spawn.ts";

const workers: DecodeWorker[] = [];
/** How many threads may decode at once. */
const CORES = navigator.hardwareConcurrency;
let lastSource = 0;
let lastJob = 0;

/**
 * The worker that a further source should go to: the least loaded, or a new one while there are fewer than cores. There it
 * stays: what its pictures are made of lies in that worker's memory.
 */
function chooseWorker(module: WebAssembly.Module): DecodeWorker {
  for (let i = workers.length - 1; i >= 0; i--) if (workers[i].failed) workers.splice(i, 1);
  const least = workers.find(({ idle }) => idle) ?? leastLoaded(workers);
  if (least && (least.idle || workers.length >= CORES)) return least;
  if (workers.length + helped().length >= CORES) helped()[0].retireHelper();
  const worker = new DecodeWorker(module, giveHelpers);
  workers.push(worker);
  return worker;
}

function helped(): DecodeWorker[] {
  return workers.filter((worker) => worker.helped);
}

/** Gives the cores that no worker has to those whose pictures are too large for one. */
function giveHelpers(): void {
  for (const worker of workers) {
    if (workers.length + helped().length >= CORES) return;
    worker.help();
  }
}

/** Ends workers that have nothing left to do, so that the program can end. */
function endIdle(worker: DecodeWorker): void {
  if (!worker.idle) return;
  const at = workers.indexOf(worker);
  if (at >= 0) workers.splice(at, 1);
  worker.terminate();
  giveHelpers();
}

/** One decoder in the pool. */
export class PooledDecoder {
  readonly worker: DecodeWorker;
  /** Settles when the last frame is out: with the source's or the decoder's error, or undefined. Never rejects. */
  readonly ended: Promise<Error | undefined>;
  readonly #source: number;
  readonly #counters: SharedArrayBuffer;
  #closed: Promise<void> | null = null;

  private constructor(
    worker: DecodeWorker,
    encoded: EncodedSource,
    options: { capacity: number; step: DecodeStepOptions },
  ) {
    this.worker = worker;
    this.#source = ++lastSource;
    this.#counters = new SharedArrayBuffer(DECODE_COUNTERS.length * 8);
    this.ended = worker.addSource(this.#source, encoded, { ...options, counters: this.#counters });
  }

  /** @throws {SetupError} where the decoder's module is not built. */
  static async attach(
    encoded: EncodedSource,
    options: { capacity: number; step: DecodeStepOptions },
  ): Promise<PooledDecoder> {
    const module = await decoderModule();
    await loadWorkers();
    return new PooledDecoder(chooseWorker(module), encoded, options);
  }

  /** Has frames go through `steps` to `output`; returns the job's number. */
  addJob(steps: FilterStep[], output: JobOutput, events?: JobEvents): number {
    if (this.#closed) throw new DecodeError("worker", "Cannot read a decoder: it was closed");
    const job = ++lastJob;
    this.worker.addJob(this.#source, job, steps, output, events);
    return job;
  }

  setJobRing(job: number, ring: SharedArrayBuffer): void {
    this.worker.setJobRing(this.#source, job, ring);
  }

  dropJob(job: number): Promise<void> {
    return this.worker.dropJob(this.#source, job);
  }

  stats(): DecodeStats {
    return readDecodeCounters(this.#counters);
  }

  /** Idempotent; resolves when the worker has let go of the source. */
  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    await this.worker.dropSource(this.#source);
    endIdle(this.worker);
  }
}
