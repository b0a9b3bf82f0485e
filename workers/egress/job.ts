import type { NativeLibrary } from "../../ffi/load.ts";
import type { Plane, RingPlan } from "../../src/media/mod.ts";
import type { FrameTable } from "../../src/decode/frame_table.ts";
import { LeaseQueue } from "../../src/decode/lease_queue.ts";
import { PlannedWriter, ShmRingMemory, ValkkaPusher } from "../../src/shm/mod.ts";
import type { Doorbell } from "../doorbell.ts";

/** One instance of a decode worker, as this thread sees it. */
export interface KnownInstance {
  memory: WebAssembly.Memory;
  table: FrameTable;
  /** The decode worker's. */
  bell: Doorbell;
}

/** Copies the frames of one queue into one ring. */
export class EgressJob {
  readonly #queue: LeaseQueue;
  readonly #writer: Pick<PlannedWriter, "writeFrame">;
  readonly #instances: ReadonlyMap<number, KnownInstance>;
  /** Whether it does nothing any more. */
  done = false;

  /**
   * @param instances of the decode worker that fills the queue, by epoch.
   * @param onRemade is given the handle of the memory that the ring has from now on.
   */
  constructor(
    library: NativeLibrary,
    job: { queue: SharedArrayBuffer; handle: number; plan: RingPlan | null },
    instances: ReadonlyMap<number, KnownInstance>,
    onRemade: (handle: number) => void,
  ) {
    this.#queue = new LeaseQueue(job.queue);
    this.#writer = job.plan
      ? new PlannedWriter(library, job.plan, new ShmRingMemory(library, job.handle), ({ handle }) => onRemade(handle))
      : new ValkkaPusher(library, job.handle, "frames", "libValkka ring");
    this.#instances = instances;
  }

  /** Whether the queue is over, and everything in it was written. */
  get over(): boolean {
    return this.#queue.over && this.#queue.empty;
  }

  /**
   * Copies one frame; false where there is none, or its instance is not known yet.
   *
   * @throws {TypeError} where the frame does not fit the ring.
   */
  step(): boolean {
    const epoch = this.#queue.peekEpoch();
    if (epoch === null || !this.#instances.has(epoch)) return false;
    const lease = this.#queue.pop();
    if (!lease) return false;
    const instance = this.#instances.get(lease.epoch);
    // The oldest was dropped meanwhile, and the next one is of an instance that is not known yet: it is lost.
    if (!instance) {
      this.#queue.giveBack();
      return true;
    }
    const { table, memory, bell } = instance;
    try {
      const planes: Plane[] = table.planes(lease.entry).map(({ offset, stride, rowBytes, rows }) => ({
        data: new Uint8Array(memory.buffer, offset, stride * (rows - 1) + rowBytes),
        stride,
        rowBytes,
        rows,
      }));
      this.#writer.writeFrame(table.info(lease.entry), planes);
    } finally {
      table.release(lease.entry);
      this.#queue.giveBack();
      if (this.#queue.takeWait()) bell.ring();
    }
    return true;
  }

  /** Gives back what is queued. Idempotent. */
  close(): void {
    if (this.done) return;
    this.done = true;
    this.#queue.close();
    this.#queue.discard(({ entry, epoch }) => this.#instances.get(epoch)?.table.release(entry));
  }
}
