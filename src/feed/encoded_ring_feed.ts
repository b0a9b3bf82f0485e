import {
  type AccessUnit,
  type BranchOptions,
  type BranchStats,
  type EncodedFeed,
  type EncodedOverflow,
  type Feed,
  type Filter,
  type Frame,
  type FrameFeed,
  type Sink,
} from "../media/mod.ts";
import { Doorbell } from "../../workers/doorbell.ts";
import { add } from "./branch_stats.ts";
import { Decoding } from "./decoding.ts";
import { drain } from "./drain.ts";
import { DEFAULT_ENCODED_CAPACITY, EncodedCursor } from "./encoded_cursor.ts";
import { type EncodedSource, onEnd } from "./encoded_source.ts";
import { IterableFeed } from "./iterable_feed.ts";
import { PlannedFeed } from "./planned_feed.ts";

/** How long a reader sleeps at most before it looks again by itself, in milliseconds. */
const PATIENCE = 1_000;

/** A reader of a feed, here or in another thread. */
export interface FeedReader {
  stats(): BranchStats;
  /** The feed was disposed of. */
  stop(): void;
}

/** A reader that a feed has open here. */
interface OpenReader extends FeedReader {
  readonly cursor: EncodedCursor;
  stopped: boolean;
}

/** A feed of the access units of one source. The source's ring is the queue of all its branches. */
export class EncodedRingFeed implements EncodedFeed {
  readonly #source: EncodedSource;
  readonly #capacity: number;
  readonly #open = new Set<FeedReader>();
  readonly #past: BranchStats = { received: 0, delivered: 0, dropped: 0 };
  #disposed = false;

  constructor(source: EncodedSource, options: BranchOptions<EncodedOverflow> = {}) {
    this.#source = source;
    this.#capacity = options.capacity ?? DEFAULT_ENCODED_CAPACITY;
    if (!Number.isInteger(this.#capacity) || this.#capacity < 1) {
      throw new RangeError(`Cannot make a branch: capacity is ${this.#capacity}, expected a positive integer`);
    }
  }

  branch(options: BranchOptions<EncodedOverflow> = {}): EncodedFeed {
    return new EncodedRingFeed(this.#source, options);
  }

  pipe(filter: Filter<AccessUnit, Frame>): FrameFeed;
  pipe<Out>(filter: Filter<AccessUnit, Out>): Feed<Out>;
  pipe<Out>(filter: Filter<AccessUnit, Out>): FrameFeed | Feed<Out> {
    const { step } = filter;
    if (step?.kind === "decode") {
      const decoding = new Decoding(this.#source, {
        capacity: this.#capacity,
        step: { ...step.options, corrupt: step.options.corrupt ?? this.#source.corrupt },
      });
      return new PlannedFeed(decoding, [], { owner: true });
    }
    return new IterableFeed<Out>(filter(this), { leased: true, close: () => this[Symbol.asyncDispose]() });
  }

  pipeTo(sink: Sink<AccessUnit>, options: { signal?: AbortSignal } = {}): Promise<void> {
    return drain(this, sink, { ...options, discard: () => {} });
  }

  /** Counters of all readers of this feed, past and present. */
  stats(): BranchStats {
    const sum = { ...this.#past };
    for (const reader of this.#open) add(sum, reader.stats());
    return sum;
  }

  /** What it reads from. */
  get source(): EncodedSource {
    return this.#source;
  }

  /** Access units that it may be behind. */
  get capacity(): number {
    return this.#capacity;
  }

  /**
   * Counts a reader in another thread in, which is stopped with this feed; the function that is returned counts it out.
   *
   * @throws {TypeError} once the feed was disposed of.
   */
  adopt(reader: FeedReader): () => void {
    if (this.#disposed) throw new TypeError("Cannot read a feed that was disposed of");
    this.#open.add(reader);
    return () => this.#leave(reader);
  }

  [Symbol.asyncIterator](): AsyncIterator<AccessUnit, undefined> {
    if (this.#disposed) throw new TypeError("Cannot read a feed that was disposed of");
    const cursor = new EncodedCursor(this.#source.ring, {
      capacity: this.#capacity,
      corrupt: this.#source.corrupt,
    });
    const reader: OpenReader = {
      cursor,
      stopped: false,
      stats: () => cursor.stats(),
      stop() {
        this.stopped = true;
        cursor.wake();
      },
    };
    this.#open.add(reader);
    const units = this.#read(reader);
    return {
      next: () => units.next(),
      return: () => {
        // A generator that waits does not hear of its end before it is woken; one that never began does nothing at it.
        reader.stop();
        this.#leave(reader);
        return units.return(undefined);
      },
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    for (const reader of this.#open) reader.stop();
    return Promise.resolve();
  }

  async *#read(reader: OpenReader): AsyncGenerator<AccessUnit, undefined> {
    const { cursor } = reader;
    let over: { error: Error | undefined } | null = null;
    const forgetEnd = onEnd(this.#source, (error) => {
      over = { error };
      cursor.wake();
    });
    // It waits on the ring itself; the bell says that each access unit is wanted.
    const detachDoorbell = this.#source.attachDoorbell(new Doorbell().buffer);
    try {
      while (!reader.stopped) {
        const end = over as { error: Error | undefined } | null;
        const meta = cursor.next();
        if (meta) {
          yield {
            codec: meta.codec ?? this.#source.info.codec,
            data: cursor.data.slice(),
            pts: meta.pts,
            dts: meta.dts,
            keyframe: meta.keyframe,
            corrupt: meta.corrupt,
            sequence: meta.sequence,
            generation: meta.generation,
            receivedAt: meta.receivedAt,
            wallTime: meta.wallTime,
          };
          continue;
        }
        if (end) {
          if (end.error) throw end.error;
          return;
        }
        if (cursor.over) return;
        await cursor.waitAsync(PATIENCE);
      }
    } finally {
      detachDoorbell();
      forgetEnd();
      this.#leave(reader);
    }
  }

  #leave(reader: FeedReader): void {
    if (this.#open.delete(reader)) add(this.#past, reader.stats());
  }
}

/** A feed of what a source writes. */
export function encodedFeed(source: EncodedSource): EncodedFeed {
  return new EncodedRingFeed(source);
}
