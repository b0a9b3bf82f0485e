// Pure: no I/O.
import { Doorbell } from "./doorbell.ts";

/**
 * Messages to a thread that parks itself on a doorbell, and so does not run its event loop by itself: the sender counts
 * each message in shared memory and rings; the thread sees by the count that it must go and take them.
 */
export class Outbox<Message> {
  readonly #worker: { postMessage(message: unknown): void };
  readonly #count: Int32Array;
  readonly #bell: Doorbell;

  constructor(worker: { postMessage(message: unknown): void }, count: SharedArrayBuffer, bell: Doorbell) {
    this.#worker = worker;
    this.#count = new Int32Array(count);
    this.#bell = bell;
  }

  post(message: Message): void {
    this.#worker.postMessage(message);
    Atomics.add(this.#count, 0, 1);
    this.#bell.ring();
  }
}

/** The other end of an outbox. */
export class Inbox {
  readonly #count: Int32Array;
  #taken = 0;

  constructor(count: SharedArrayBuffer) {
    this.#count = new Int32Array(count);
  }

  /** To be called by the thread's `onmessage` for each message that came through the outbox. */
  took(): void {
    this.#taken = this.#taken + 1 | 0;
  }

  get pending(): boolean {
    return Atomics.load(this.#count, 0) !== this.#taken;
  }

  /** Runs the event loop until every message that was sent has been taken. */
  async settle(): Promise<void> {
    while (this.pending) await new Promise((resolve) => setTimeout(resolve, 0));
  }
}
