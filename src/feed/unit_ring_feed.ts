import type {
  AudioTrackInfo,
  BranchOptions,
  BranchStats,
  Feed,
  Filter,
  Frame,
  FrameFeed,
  Sink,
  UnitFeed,
} from "../media/mod.ts";
import { HEADER, type RecordMeta, RingReader, SharedRingMemory } from "../ring/mod.ts";
import { add } from "./branch_stats.ts";
import { drain } from "./drain.ts";
import { onEnd } from "./encoded_source.ts";
import { IterableFeed } from "./iterable_feed.ts";

/** Units that a branch may be behind unless told otherwise. */
const DEFAULT_CAPACITY = 64;
/** How long a reader sleeps at most before it looks again by itself, in milliseconds. */
const PATIENCE = 1_000;

/** Where units come from that each stand for themselves. */
export interface UnitSource<T> {
  /** A ring of bytes, written by another thread. */
  readonly ring: SharedArrayBuffer;
  /** The unit that a record is, with these bytes; undefined where it is none. */
  unitOf(meta: RecordMeta, data: Uint8Array<ArrayBuffer>): T | undefined;
  /** What is known of it, where it is sound. */
  readonly sound?: AudioTrackInfo | null;
  /** Settles when the source is over: with its error, or with undefined where it ended or was closed. Never rejects. */
  readonly ended: Promise<Error | undefined>;
}

/** One reader of a ring, which loses the oldest units where it falls behind. */
class Reader<T> {
  stopped = false;
  readonly #source: UnitSource<T>;
  readonly #reader: RingReader;
  readonly #capacity: number;
  #delivered = 0;
  #dropped = 0;

  constructor(source: UnitSource<T>, capacity: number) {
    this.#source = source;
    this.#capacity = capacity;
    this.#reader = new RingReader(new SharedRingMemory(source.ring), { start: "oldest" });
    // What is kept is given as far as it may be behind: it goes with the pictures since the last keyframe.
    this.#reader.skipTo(Math.max(this.#reader.cursor, this.#reader.head - capacity));
  }

  next(): T | null {
    const reader = this.#reader;
    for (;;) {
      const late = reader.behind - this.#capacity;
      if (late > 0) {
        reader.skipTo(reader.cursor + late);
        this.#dropped += late;
      }
      let data: Uint8Array<ArrayBuffer> | undefined;
      const meta = reader.next("every", (bytes) => data = new Uint8Array(bytes));
      if (!meta) return null;
      this.#dropped += meta.missed;
      if (late > 0) meta.missed += late;
      const unit = this.#source.unitOf(meta, data!);
      if (unit === undefined) continue;
      this.#delivered++;
      return unit;
    }
  }

  /** Whether there is nothing left to read, and never will be. */
  get over(): boolean {
    return this.#reader.closed && this.#reader.behind === 0;
  }

  async wait(): Promise<void> {
    await this.#reader.waitAsync(PATIENCE);
  }

  wake(): void {
    this.#reader.memory.notify(HEADER.signal);
  }

  stats(): BranchStats {
    return { received: this.#delivered + this.#dropped, delivered: this.#delivered, dropped: this.#dropped };
  }
}

/** A feed of units of which none needs another. The source's ring is the queue of all its branches. */
export class UnitRingFeed<T> implements UnitFeed<T> {
  readonly #source: UnitSource<T>;
  readonly #capacity: number;
  readonly #open = new Set<Reader<T>>();
  readonly #past: BranchStats = { received: 0, delivered: 0, dropped: 0 };
  #disposed = false;

  constructor(source: UnitSource<T>, options: BranchOptions<"drop-oldest"> = {}) {
    this.#source = source;
    this.#capacity = options.capacity ?? DEFAULT_CAPACITY;
    if (!Number.isInteger(this.#capacity) || this.#capacity < 1) {
      throw new RangeError(`Cannot make a branch: capacity is ${this.#capacity}, expected a positive integer`);
    }
  }

  branch(options: BranchOptions<"drop-oldest"> = {}): UnitFeed<T> {
    return new UnitRingFeed(this.#source, options);
  }

  pipe(filter: Filter<T, Frame>): FrameFeed;
  pipe<Out>(filter: Filter<T, Out>): Feed<Out>;
  pipe<Out>(filter: Filter<T, Out>): FrameFeed | Feed<Out> {
    return new IterableFeed<Out>(filter(this), { leased: true, close: () => this[Symbol.asyncDispose]() });
  }

  pipeTo(sink: Sink<T>, options: { signal?: AbortSignal } = {}): Promise<void> {
    return drain(this, sink, { ...options, discard: () => {} });
  }

  /** What it reads from. */
  get source(): UnitSource<T> {
    return this.#source;
  }

  stats(): BranchStats {
    const sum = { ...this.#past };
    for (const reader of this.#open) add(sum, reader.stats());
    return sum;
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    if (this.#disposed) throw new TypeError("Cannot read a feed that was disposed of");
    const reader = new Reader(this.#source, this.#capacity);
    this.#open.add(reader);
    const units = this.#read(reader);
    return {
      next: () => units.next(),
      return: () => {
        // A generator that waits does not hear of its end before it is woken; one that never began does nothing at it.
        this.#stop(reader);
        return units.return(undefined);
      },
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    for (const reader of [...this.#open]) this.#stop(reader);
    return Promise.resolve();
  }

  async *#read(reader: Reader<T>): AsyncGenerator<T, undefined> {
    let over: { error: Error | undefined } | null = null;
    const forgetEnd = onEnd(this.#source, (error) => {
      over = { error };
      reader.wake();
    });
    try {
      while (!reader.stopped) {
        const end = over as { error: Error | undefined } | null;
        const unit = reader.next();
        if (unit !== null) {
          yield unit;
          continue;
        }
        if (end?.error) throw end.error;
        if (end || reader.over) return;
        await reader.wait();
      }
    } finally {
      forgetEnd();
      this.#stop(reader);
    }
  }

  #stop(reader: Reader<T>): void {
    reader.stopped = true;
    reader.wake();
    if (this.#open.delete(reader)) add(this.#past, reader.stats());
  }
}
