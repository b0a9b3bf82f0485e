// Pure: no I/O.
import type { BranchStats, FrameOverflow } from "../media/mod.ts";

/** What a reader is told of items that it does not get. */
export interface LossTeller<T> {
  /** How many a reader misses that does not get this one: itself, and those that were missing before it. */
  weigh(item: T): number;
  /** The same item, for a reader that missed so many more before it. The one that is given is the callee's. */
  tell(item: T, missed: number): T;
}

/** A bounded queue between a pump and one reader, both on this thread. */
export class BranchQueue<T> implements AsyncIterator<T, undefined> {
  readonly #capacity: number;
  readonly #overflow: FrameOverflow;
  readonly #discard: (item: T) => void;
  readonly #onClose: () => void;
  readonly #losses: LossTeller<T> | undefined;
  /** What waits, and how much was lost before each. */
  readonly #items: { item: T; lost: number }[] = [];
  /** How much was lost behind all that waits. */
  #lost = 0;
  /** Everybody who waits in `next()`, in order: nothing keeps a reader from asking twice. */
  #waiting: (() => void)[] = [];
  #wakeWriter: (() => void) | null = null;
  #over: { error: Error | undefined } | null = null;
  #closed = false;
  #received = 0;
  #delivered = 0;
  #dropped = 0;

  /**
   * @param options.discard Gives back an item that nobody will read.
   * @param options.onClose Called once, when the reader closes the queue.
   * @param options.losses Where items say themselves what was lost before them.
   */
  constructor(
    options: {
      capacity: number;
      overflow: FrameOverflow;
      discard: (item: T) => void;
      onClose?: () => void;
      losses?: LossTeller<T>;
    },
  ) {
    if (!Number.isInteger(options.capacity) || options.capacity < 1) {
      throw new RangeError(`Cannot make a branch: capacity is ${options.capacity}, expected a positive integer`);
    }
    this.#capacity = options.capacity;
    this.#overflow = options.overflow;
    this.#discard = options.discard;
    this.#onClose = options.onClose ?? (() => {});
    this.#losses = options.losses;
  }

  /**
   * Puts an item in; where the queue is full, does what its policy says. The promise is for `"block"` alone, and is
   * awaited before the next item.
   */
  push(item: T): void | Promise<void> {
    if (this.#over) return this.#discard(item);
    this.#received++;
    if (this.#items.length < this.#capacity) return this.#accept(item);
    if (this.#overflow === "block") return this.#waitForRoom(item);
    this.#dropped++;
    if (this.#overflow === "drop-newest") {
      this.#lost += this.#losses?.weigh(item) ?? 0;
      return this.#discard(item);
    }
    const oldest = this.#items.shift()!;
    const lost = oldest.lost + (this.#losses?.weigh(oldest.item) ?? 0);
    this.#discard(oldest.item);
    if (this.#items.length > 0) this.#items[0].lost += lost;
    else this.#lost += lost;
    this.#accept(item);
  }

  /** Marks the end: what is queued is still read, then the reader is done, or gets `error`. */
  end(error?: Error): void {
    if (this.#over) return;
    this.#over = { error };
    this.#wake();
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    while (this.#items.length === 0) {
      if (this.#over) {
        const { error } = this.#over;
        this.#over = { error: undefined };
        if (error) throw error;
        return { done: true, value: undefined };
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    const { item, lost } = this.#items.shift()!;
    this.#delivered++;
    this.#wakeWriter?.();
    return { done: false, value: lost > 0 ? this.#losses!.tell(item, lost) : item };
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Ends the queue from the reader's side, and gives back what is in it. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#over = { error: undefined };
    for (const { item } of this.#items.splice(0)) this.#discard(item);
    this.#wake();
    this.#onClose();
  }

  stats(): BranchStats {
    return { received: this.#received, delivered: this.#delivered, dropped: this.#dropped };
  }

  #accept(item: T): void {
    this.#items.push({ item, lost: this.#lost });
    this.#lost = 0;
    this.#wakeReaders();
  }

  async #waitForRoom(item: T): Promise<void> {
    while (this.#items.length >= this.#capacity && !this.#over) {
      await new Promise<void>((resolve) => this.#wakeWriter = resolve);
    }
    if (this.#over) this.#discard(item);
    else this.#accept(item);
  }

  #wake(): void {
    this.#wakeReaders();
    this.#wakeWriter?.();
  }

  #wakeReaders(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
