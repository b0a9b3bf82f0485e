import { type BranchStats, type EgressTarget, ShmError } from "../media/mod.ts";
import { Doorbell } from "../../workers/doorbell.ts";
import type { FromEgressWorker, ToEgressWorker } from "../../workers/egress_protocol.ts";
import { Outbox } from "../../workers/mailbox.ts";
import { spawnWorker } from "../../workers/spawn.ts";
import type { DecodeWorker } from "./decode_worker.ts";
import type { LeaseQueue } from "./lease_queue.ts";

interface JobRecord {
  over: (error: Error | undefined) => void;
  dropped: () => void;
  remade: EgressTarget["remade"];
}

/** A queue that the egress worker copies into shared memory. */
export interface EgressJob {
  /** Settles when the last frame of the queue was written, or with what went wrong. Never rejects. */
  readonly over: Promise<Error | undefined>;
  stats(): BranchStats;
  /** Resolves when the worker will never touch the ring again. */
  drop(): Promise<void>;
}

/** The main thread's handle on the worker that copies frames out of the decoders' memory into POSIX shared memory. */
export class Egress {
  static #shared: Egress | null = null;
  readonly bell = new Doorbell();
  readonly #worker: Worker;
  readonly #outbox: Outbox<ToEgressWorker>;
  readonly #jobs = new Map<number, JobRecord>();
  readonly #known = new Set<DecodeWorker>();
  #lastJob = 0;
  #users = 0;

  /** The one of this process: started for its first user, ended when its last one calls `leave()`. */
  static enter(library: string): Egress {
    const egress = Egress.#shared ??= new Egress(library);
    egress.#users++;
    return egress;
  }

  leave(): void {
    if (--this.#users === 0) this.#end(undefined);
  }

  private constructor(library: string) {
    this.#worker = spawnWorker("egress", { library });
    this.#worker.onmessage = (event: MessageEvent<FromEgressWorker>) => this.#take(event.data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#end(new ShmError("system", `The egress worker stopped: ${event.message}`));
    };
    const count = new SharedArrayBuffer(4);
    this.#outbox = new Outbox(this.#worker, count, this.bell);
    const init: ToEgressWorker = { type: "init", library, bell: this.bell.buffer, count };
    this.#worker.postMessage(init);
  }

  /** Copies what comes through `queue`, whose frames are `worker`'s, into the ring behind a handle of the C library. */
  add(worker: DecodeWorker, queue: LeaseQueue, target: Pick<EgressTarget, "plan" | "handle" | "remade">): EgressJob {
    this.#introduce(worker);
    const job = ++this.#lastJob;
    const over = Promise.withResolvers<Error | undefined>();
    const dropped = Promise.withResolvers<void>();
    this.#jobs.set(job, { over: over.resolve, dropped: dropped.resolve, remade: target.remade });
    this.#outbox.post({
      type: "job",
      job,
      worker: worker.number,
      queue: queue.buffer,
      handle: target.handle,
      plan: target.plan ?? null,
    });
    return {
      over: over.promise,
      stats: () => queue.stats(),
      drop: () => {
        queue.close();
        if (this.#jobs.has(job)) this.#outbox.post({ type: "drop-job", job });
        return dropped.promise;
      },
    };
  }

  #introduce(worker: DecodeWorker): void {
    if (this.#known.has(worker)) return;
    this.#known.add(worker);
    worker.onInstance((epoch) => {
      const { memory, table } = worker.instances.get(epoch)!;
      const bell = worker.bell.buffer;
      this.#outbox.post({ type: "instance", worker: worker.number, epoch, memory, table: table.buffer, bell });
    });
  }

  #take(message: FromEgressWorker): void {
    if (message.type === "ready") return;
    const record = this.#jobs.get(message.job);
    if (!record) return;
    if (message.type === "job-over") record.over(undefined);
    else if (message.type === "job-remade") record.remade?.(message.handle);
    else if (message.type === "job-failed") record.over(errorOf(message));
    else {
      this.#jobs.delete(message.job);
      record.over(undefined);
      record.dropped();
      for (const worker of this.#known) {
        if (!worker.failed) continue;
        this.#known.delete(worker);
        this.#outbox.post({ type: "forget-worker", worker: worker.number });
      }
    }
  }

  #end(error: Error | undefined): void {
    if (Egress.#shared === this) Egress.#shared = null;
    this.#outbox.post({ type: "end" });
    for (const record of this.#jobs.values()) {
      record.over(error);
      record.dropped();
    }
    this.#jobs.clear();
  }
}

/** An error that crossed a thread, as the class that its name says. */
function errorOf({ name, message, code }: { name: string; message: string; code?: ShmError["code"] }): Error {
  if (name === "TypeError") return new TypeError(message);
  if (name === "RangeError") return new RangeError(message);
  return new ShmError(code ?? "system", message);
}
