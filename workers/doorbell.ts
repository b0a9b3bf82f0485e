// Pure: no I/O.
import { mayEnd, stayAwake } from "../src/media/awake.ts";

/** Bytes of a doorbell. */
export const DOORBELL_BYTES = 8;

/**
 * A counter in shared memory on which one thread waits for many sources: each adds one after it has something new, so
 * that a waiter that remembers the count it saw before it looked around cannot sleep through anything.
 */
export class Doorbell {
  readonly buffer: SharedArrayBuffer;
  readonly #word: Int32Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(DOORBELL_BYTES)) {
    this.buffer = buffer;
    this.#word = new Int32Array(buffer, 0, 1);
  }

  /** The count now; read it before looking whether there is something to do. */
  get count(): number {
    return Atomics.load(this.#word, 0);
  }

  /** Tells the waiter that there is something new. */
  ring(): void {
    Atomics.add(this.#word, 0, 1);
    Atomics.notify(this.#word, 0);
  }

  /** Blocks this thread until the count differs from `seen`, at most `timeoutMs`. Not for the main thread. */
  wait(seen: number, timeoutMs: number): void {
    Atomics.wait(this.#word, 0, seen, timeoutMs);
  }

  /** As `wait`, without blocking. */
  async waitAsync(seen: number, timeoutMs: number): Promise<void> {
    const result = Atomics.waitAsync(this.#word, 0, seen, timeoutMs);
    if (!result.async) return;
    stayAwake();
    await result.value; // it never rejects
    mayEnd();
  }
}
