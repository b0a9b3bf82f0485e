import { ShmError } from "../media/mod.ts";
import { HEADER } from "../ring/mod.ts";
import type { Attachment } from "./attachment.ts";

/** How often a reader that blocks its thread and gets nothing looks whether the writer lives, in milliseconds; the others' memory does. */
const HEARTBEAT = 200;
/** How often a reader looks for the next writer, in milliseconds. */
const LOOK = 50;
/** How long a reader that always finds something new keeps its thread from other tasks, in milliseconds. */
const TURN = 10;

/** How to wait. */
export interface RingWaiterOptions {
  /** Whether to go on with the next writer where one died. */
  reconnect: boolean;
  signal: AbortSignal | undefined;
  /** Called when another ring is read from now on. */
  onReopen(): void;
}

/** Waits for the records of one reader, across the deaths and moves of writers. */
export class RingWaiter {
  readonly reconnect: boolean;
  readonly #ring: Attachment;
  readonly #signal: AbortSignal | undefined;
  readonly #onReopen: () => void;
  /** A word that nobody changes, to sleep on. */
  readonly #nobody = new Int32Array(new SharedArrayBuffer(4));
  #closed = false;
  /** Ends the present pause or wait. */
  #wakeUp: (() => void) | null = null;
  /** The wait that the C library is in, which may outlast whoever asked for it by a moment. */
  #waiting: Promise<unknown> | null = null;
  #turnBegan = 0;

  constructor(ring: Attachment, { reconnect, signal, onReopen }: RingWaiterOptions) {
    this.#ring = ring;
    this.reconnect = reconnect;
    this.#signal = signal;
    this.#onReopen = onReopen;
    signal?.addEventListener("abort", this.#wake);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Ends all waits; nothing touches the ring's memory any more when this resolves. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#signal?.removeEventListener("abort", this.#wake);
    this.#wake();
    await this.#waiting;
  }

  /** Waits until there may be something new, at most so many milliseconds. False where the ring is over. */
  async wait(timeout: number): Promise<boolean> {
    for (let left = timeout, until = performance.now() + timeout; left > 0; left = until - performance.now()) {
      if (this.#closed) break;
      this.#signal?.throwIfAborted();
      const follows = this.follow();
      if (follows !== null) return follows;
      if (await this.#changed(left)) break;
      const state = await this.#checkWriter();
      if (state === "over") return false;
      if (state === "look") break;
    }
    this.#signal?.throwIfAborted();
    return !this.#closed;
  }

  /** As `wait`, but blocks this thread. */
  waitSync(timeout: number): boolean {
    const until = performance.now() + timeout;
    while (!this.#closed) {
      const left = until - performance.now();
      const { reader } = this.#ring;
      const changed = left > 0 && reader.wait(Math.min(left, HEARTBEAT));
      if (reader.behind > 0) return true;
      if (reader.closed) return false;
      const follows = this.follow();
      if (follows !== null) return follows;
      if (changed || left <= 0) return true;
      if (!this.#ring.died) continue;
      if (reader.behind > 0) return true; // it came before the writer died
      if (reader.closed) return false;
      if (!this.reconnect) throw this.#writerDied();
      if (this.reopen()) return true;
      Atomics.wait(this.#nobody, 0, 0, Math.min(left, LOOK));
    }
    return false;
  }

  /**
   * What is found by a function that waits for it so many milliseconds; null where the ring or the time is over. Blocks this
   * thread.
   */
  findSync<T>(find: (timeout: number) => T | null, timeout: number): T | null {
    let found = this.look(() => find(0)); // a reader that is behind need not know the time
    if (found !== null) return found;
    for (let left = timeout, until = performance.now() + timeout; left > 0; left = until - performance.now()) {
      found = find(Math.min(left, HEARTBEAT));
      if (found !== null) return found;
      // After a silence it looks whether the writer lives.
      if (!this.waitSync(1)) break;
    }
    return null;
  }

  /** A writer that is always ahead would else keep this thread in microtasks, and its timers would starve. */
  async letOthersRun(): Promise<void> {
    const now = performance.now();
    if (now - this.#turnBegan < TURN) return;
    await this.#ring.memory.pause();
    this.#turnBegan = performance.now();
  }

  /** What is found, if need be in the ring that the writer moved to. */
  look<T>(find: () => T | null): T | null {
    const found = find();
    // Whoever waits on the old ring's memory finds the new one by itself.
    return found !== null || this.#waiting || !this.follow() ? found : find();
  }

  /** Where the writer moved to another ring, and all of this one was read: whether that one is there. Else null. */
  follow(): boolean | null {
    const { reader } = this.#ring;
    if (!reader.moved || reader.unfinished || reader.behind > 0) return null;
    return this.reopen();
  }

  /** Goes on with the ring that has the name now; false where there is none. */
  reopen(): boolean {
    if (!this.#ring.reopen()) return false;
    this.#onReopen();
    return true;
  }

  /** Has whoever waits here look around; others who wait on this ring do so too, and go on waiting. */
  readonly #wake = () => {
    this.#wakeUp?.();
    this.#ring.memory.endWaits();
    this.#ring.memory.notify(HEADER.signal);
  };

  /** Whether something was published or closed, or somebody woke this reader, before the time is over. */
  async #changed(timeout: number): Promise<boolean> {
    // One at a time: after an abort the one before may still be on its way back.
    await this.#waiting;
    if (this.#closed) return true;
    const woken = Promise.withResolvers<boolean>();
    this.#wakeUp = () => woken.resolve(true);
    this.#waiting = this.#ring.reader.waitAsync(timeout).then(woken.resolve, woken.reject)
      .finally(() => this.#waiting = null);
    const changed = await woken.promise;
    this.#wakeUp = null;
    this.#turnBegan = performance.now();
    return changed;
  }

  /**
   * What to do after a silence: wait on, look for records that came with another writer or before the last one died, or give up. Where the
   * writer died, waits for the next one if that is wanted.
   */
  async #checkWriter(): Promise<"wait" | "look" | "over"> {
    const { reader } = this.#ring;
    if (this.#closed || reader.closed) return "over";
    if (!this.#ring.died) return "wait";
    if (reader.behind > 0) return "look";
    // It may have closed the ring before it went.
    if (reader.closed) return "over";
    if (!this.reconnect) throw this.#writerDied();
    while (!this.#closed) {
      this.#signal?.throwIfAborted();
      if (this.reopen()) return "look";
      const looked = Promise.withResolvers<void>();
      this.#wakeUp = looked.resolve;
      const timer = setTimeout(looked.resolve, LOOK);
      await looked.promise;
      clearTimeout(timer);
      this.#wakeUp = null;
    }
    return "over";
  }

  #writerDied(): ShmError {
    return new ShmError("closed", `Cannot read ring "${this.#ring.name}": its writer died`);
  }
}
