import { Frame, type FrameLease, type Plane } from "../media/mod.ts";
import { Doorbell } from "../../workers/doorbell.ts";
import type { DecodeInstance, InstanceBook } from "./instance_book.ts";
import type { Lease, LeaseQueue } from "./lease_queue.ts";

/** How long a reader sleeps at most before it looks again by itself, in milliseconds. */
const PATIENCE = 1_000;

/** What a reader needs of the decode worker whose frames it reads. */
export interface FrameSource {
  readonly instances: InstanceBook;
  /** Rung where the worker waits for room. */
  readonly bell: Doorbell;
  /** Whether nothing will come any more. */
  readonly failed: boolean;
}

/** The hold on an entry that came through a queue; its clones are counted here, on the reader's thread. */
class TableLease implements FrameLease {
  readonly #release: () => void;
  #holds = 1;

  constructor(release: () => void) {
    this.#release = release;
  }

  clone(): FrameLease {
    this.#holds++;
    return this;
  }

  release(): void {
    if (--this.#holds === 0) this.#release();
  }
}

/** Makes frames, views on a decoder's memory, of what comes through a queue. One of these a queue, on its reader's thread. */
export class FrameReader {
  readonly queue: LeaseQueue;
  /** What the worker rings after it has put something in. */
  readonly bell = new Doorbell();
  readonly #worker: FrameSource;
  #closed = false;

  constructor(worker: FrameSource, queue: LeaseQueue) {
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
    this.queue.discard(({ entry, epoch }) => this.#worker.instances.get(epoch)?.table.release(entry));
    this.#ringIfWaiting();
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
    this.#ringIfWaiting();
    const release = () => {
      instance.table.release(lease.entry);
      this.queue.giveBack();
      this.#ringIfWaiting();
    };
    return new Frame(info, planes, new TableLease(release));
  }

  #ringIfWaiting(): void {
    if (this.queue.takeWait()) this.#worker.bell.ring();
  }
}
