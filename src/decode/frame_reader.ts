import { Frame, type FrameLease, type Plane } from "../media/mod.ts";
import { Doorbell } from "../../workers/doorbell.ts";
import type { DecodeWorker } from "./decode_worker.ts";
import type { DecodeInstance } from "./instance_book.ts";
import type { Lease, LeaseQueue } from "./lease_queue.ts";

/** How long a reader sleeps at most before it looks again by itself, in milliseconds. */
const PATIENCE = 1_000;

/** A hold on an entry of a frame table. */
class TableLease implements FrameLease {
  readonly #instance: DecodeInstance;
  readonly #entry: number;

  constructor(instance: DecodeInstance, entry: number) {
    this.#instance = instance;
    this.#entry = entry;
  }

  clone(): FrameLease {
    this.#instance.table.hold(this.#entry);
    return new TableLease(this.#instance, this.#entry);
  }

  release(): void {
    this.#instance.table.release(this.#entry);
  }
}

/** Makes frames, views on a decoder's memory, of what comes through a queue. One of these a queue, on its reader's thread. */
export class FrameReader {
  readonly queue: LeaseQueue;
  /** What the worker rings after it has put something in. */
  readonly bell = new Doorbell();
  readonly #worker: DecodeWorker;
  #closed = false;

  constructor(worker: DecodeWorker, queue: LeaseQueue) {
    this.#worker = worker;
    this.queue = queue;
  }

  /** The next frame, or null once the queue is over or closed. */
  async next(): Promise<Frame | null> {
    for (;;) {
      const seen = this.bell.count;
      const over = this.queue.over || this.#worker.failed;
      const lease = this.#closed ? null : this.queue.pop();
      if (lease) return this.#frame(lease, await this.#worker.instances.wait(lease.epoch));
      if (this.#closed || over) return null;
      await this.bell.waitAsync(seen, PATIENCE);
    }
  }

  /** Wakes and ends whoever waits in `next()`, and gives back what is queued. */
  close(): void {
    this.#closed = true;
    this.queue.close();
    for (let lease = this.queue.pop(); lease; lease = this.queue.pop()) {
      const instance = this.#worker.instances.get(lease.epoch);
      instance?.table.release(lease.entry);
    }
    if (this.queue.takeWait()) this.#worker.bell.ring();
    this.bell.ring();
  }

  #frame(lease: Lease, instance: DecodeInstance): Frame {
    const info = instance.table.info(lease.entry);
    info.missed = lease.missed;
    // Read anew each time: a memory that grew has a new, longer buffer over the same bytes.
    const buffer = instance.memory.buffer;
    const planes: Plane[] = instance.table.planes(lease.entry).map(({ offset, stride, rowBytes, rows }) => ({
      data: new Uint8Array(buffer, offset, stride * (rows - 1) + rowBytes),
      stride,
      rowBytes,
      rows,
    }));
    if (this.queue.takeWait()) this.#worker.bell.ring();
    return new Frame(info, planes, new TableLease(instance, lease.entry));
  }
}
