// Pure: no I/O.
import {
  type BranchOptions,
  type BranchStats,
  type Feed,
  type Filter,
  Frame,
  type FrameFeed,
  type FrameOverflow,
  type Sink,
} from "../media/mod.ts";
import { BranchQueue, type LossTeller } from "./branch_queue.ts";
import { drain } from "./drain.ts";

/** How a feed treats its items: frames are leases, anything else is a plain value. */
interface ItemKind<T> {
  /** One more hold on the item, for a further reader. */
  share(item: T): T;
  /** Gives a hold back. */
  discard(item: T): void;
  /** How its items say what was lost before them. */
  losses?: LossTeller<T>;
}

const PLAIN: ItemKind<unknown> = { share: (item: unknown) => item, discard: () => {} };
const LEASED: ItemKind<unknown> = {
  share: (item: unknown) => item instanceof Frame ? item.clone() : item,
  discard: (item: unknown) => {
    if (item instanceof Frame) item[Symbol.dispose]();
  },
  losses: {
    weigh: (item: unknown) => item instanceof Frame ? 1 + item.missed : 0,
    tell(item: unknown, missed: number) {
      if (!(item instanceof Frame)) return item;
      using frame = item;
      return frame.clone({ missed: frame.missed + missed });
    },
  },
};

/** Frames held by a branch that was not told otherwise. */
const DEFAULT_CAPACITY = 8;

/**
 * A feed of any async iterable, on this thread. One reader is handed each item as it comes, with no queue between;
 * with branches, a pump hands it to all of them, and each has its own queue.
 */
export class IterableFeed<T> implements Feed<T> {
  readonly #source: AsyncIterable<T>;
  readonly #kind: ItemKind<T>;
  readonly #upstream: (() => void | Promise<void>) | undefined;
  readonly #queues = new Set<BranchQueue<T>>();
  #iterator: AsyncIterator<T> | null = null;
  #mode: "fresh" | "direct" | "pumped" | "over" = "fresh";
  #pump: Promise<void> | null = null;
  #ended: { error: Error | undefined } | null = null;
  #delivered = 0;

  /**
   * @param options.close Ends what the source reads from, so that a generator that waits there comes back; called
   * before the source's own `return()`.
   */
  constructor(source: AsyncIterable<T>, options: { leased?: boolean; close?: () => void | Promise<void> } = {}) {
    this.#source = source;
    this.#kind = (options.leased ? LEASED : PLAIN) as ItemKind<T>;
    this.#upstream = options.close;
  }

  branch(options: BranchOptions<FrameOverflow> = {}): FrameFeed & Feed<T> {
    if (this.#mode === "direct") {
      throw new TypeError("Cannot branch a feed that is being read: branch it first, and read the branches");
    }
    const queue: BranchQueue<T> = new BranchQueue<T>({
      capacity: options.capacity ?? DEFAULT_CAPACITY,
      overflow: options.overflow ?? "drop-oldest",
      discard: this.#kind.discard,
      losses: this.#kind.losses,
      onClose: () => this.#queues.delete(queue),
    });
    if (this.#ended) queue.end(this.#ended.error);
    else this.#queues.add(queue);
    const start = () => this.#startPump();
    const iterable: AsyncIterable<T> = {
      [Symbol.asyncIterator]() {
        start();
        return queue as AsyncIterator<T>;
      },
    };
    const branch = new IterableFeed<T>(iterable, { leased: this.#kind === LEASED, close: () => queue.close() });
    branch.stats = () => queue.stats();
    return branch as unknown as FrameFeed & Feed<T>;
  }

  pipe<Out>(filter: Filter<T, Out>): FrameFeed & Feed<Out> {
    const close = () => this[Symbol.asyncDispose]();
    const feed = new IterableFeed<Out>(filter(this), { leased: true, close });
    return feed as unknown as FrameFeed & Feed<Out>;
  }

  pipeTo(sink: Sink<T>, options: { signal?: AbortSignal } = {}): Promise<void> {
    return drain(this, sink, { ...options, discard: this.#kind.discard });
  }

  stats(): BranchStats {
    return { received: this.#delivered, delivered: this.#delivered, dropped: 0 };
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    if (this.#mode === "pumped") return this.branch()[Symbol.asyncIterator]() as AsyncIterator<T>;
    if (this.#mode !== "fresh") throw new TypeError("Cannot read a feed twice: branch it, and read the branches");
    this.#mode = "direct";
    const iterator = this.#open();
    return {
      next: async () => {
        const result = await iterator.next();
        if (!result.done) this.#delivered++;
        return result;
      },
      return: async () => {
        await this[Symbol.asyncDispose]();
        return { done: true, value: undefined };
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#mode === "over") return;
    this.#mode = "over";
    for (const queue of [...this.#queues]) queue.close();
    await this.#upstream?.();
    await this.#iterator?.return?.();
    await this.#pump;
  }

  #open(): AsyncIterator<T> {
    return this.#iterator = this.#source[Symbol.asyncIterator]();
  }

  #startPump(): void {
    if (this.#mode !== "fresh") return;
    this.#mode = "pumped";
    this.#pump = this.#run();
  }

  async #run(): Promise<void> {
    let error: Error | undefined;
    try {
      const iterator = this.#open();
      for (let result = await iterator.next(); !result.done; result = await iterator.next()) {
        this.#delivered++;
        const waits: Promise<void>[] = [];
        for (const queue of this.#queues) {
          const wait = queue.push(this.#kind.share(result.value));
          if (wait) waits.push(wait);
        }
        this.#kind.discard(result.value);
        if (waits.length > 0) await Promise.all(waits);
      }
    } catch (cause) {
      error = cause instanceof Error ? cause : new Error(String(cause));
    }
    this.#ended = { error };
    for (const queue of this.#queues) queue.end(error);
  }
}

/** A feed of any async iterable. */
export function feedOf<T>(source: AsyncIterable<T>): Feed<T> {
  return new IterableFeed(source);
}

/** A feed of frames that a program makes itself; each frame is the feed's from then on. */
export function frameFeedOf(source: AsyncIterable<Frame>): FrameFeed {
  return new IterableFeed(source, { leased: true }) as unknown as FrameFeed;
}
