import {
  type BranchOptions,
  type BranchStats,
  type DecodeStats,
  egressTargetOf,
  type Feed,
  type Filter,
  type FilterStep,
  type Frame,
  type FrameFeed,
  type FrameOverflow,
  type PixelFormat,
  type Sink,
} from "../media/mod.ts";
import { FrameReader } from "../decode/frame_reader.ts";
import { LeaseQueue } from "../decode/lease_queue.ts";
import { readDecodeCounters } from "../decode/decode_worker.ts";
import type { PooledDecoder } from "../decode/pool.ts";
import { DECODE_COUNTERS } from "../../workers/decode_protocol.ts";
import { add } from "./branch_stats.ts";
import type { Decoding } from "./decoding.ts";
import { drain } from "./drain.ts";
import { IterableFeed } from "./iterable_feed.ts";
import { writeToShm } from "./write_to_shm.ts";

/** Frames held by a branch that was not told otherwise. */
const DEFAULT_CAPACITY = 8;

/** A reader that a feed has open. */
export interface OpenReader {
  close(): Promise<void>;
  stats(): BranchStats;
}

/**
 * A feed of frames whose steps are known as data, and so run in the decode worker. Each reader of it has a queue of its
 * own there, from the moment it begins to read.
 */
export class PlannedFeed implements FrameFeed {
  readonly decoding: Decoding;
  readonly steps: readonly FilterStep[];
  readonly #queue: Required<BranchOptions<FrameOverflow>>;
  readonly #owner: boolean;
  readonly #readers = new Set<OpenReader>();
  readonly #past: BranchStats = { received: 0, delivered: 0, dropped: 0 };
  #disposed: Promise<void> | null = null;

  /** @param options.owner Whether disposing of this feed ends the decoder. */
  constructor(
    decoding: Decoding,
    steps: readonly FilterStep[],
    options: BranchOptions<FrameOverflow> & { owner?: boolean } = {},
  ) {
    this.decoding = decoding;
    this.steps = steps;
    this.#queue = { capacity: options.capacity ?? DEFAULT_CAPACITY, overflow: options.overflow ?? "drop-oldest" };
    this.#owner = options.owner ?? false;
    new LeaseQueue(this.#queue); // a wrong capacity is reported where it was written
  }

  branch(options: BranchOptions<FrameOverflow> = {}): FrameFeed {
    return new PlannedFeed(this.decoding, this.steps, options);
  }

  pipe(filter: Filter<Frame, Frame>): FrameFeed;
  pipe<Out>(filter: Filter<Frame, Out>): Feed<Out>;
  pipe<Out>(filter: Filter<Frame, Out>): FrameFeed | Feed<Out> {
    const { step } = filter;
    if (step && step.kind !== "decode") {
      return new PlannedFeed(this.decoding, [...this.steps, step], { ...this.#queue, owner: this.#owner });
    }
    return new IterableFeed<Out>(filter(this), { leased: true, close: () => this[Symbol.asyncDispose]() });
  }

  pipeTo(sink: Sink<Frame>, options: { signal?: AbortSignal } = {}): Promise<void> {
    const target = egressTargetOf(sink);
    if (target) return writeToShm(this, target, options);
    return drain(this, sink, { ...options, discard: (frame) => frame[Symbol.dispose]() });
  }

  /** Counters of all readers of this feed, past and present. */
  stats(): BranchStats {
    const sum = { ...this.#past };
    for (const reader of this.#readers) add(sum, reader.stats());
    return sum;
  }

  [Symbol.asyncIterator](): AsyncIterator<Frame, undefined> {
    const opened = this.open();
    opened.catch(() => {}); // reported by next()
    let done = false;
    const finish = async () => {
      done = true;
      await (await opened.catch(() => null))?.close();
    };
    return {
      next: async () => {
        if (done) return { done: true, value: undefined };
        const { reader, decoder } = await opened;
        const value = await reader.next();
        if (value) return { done: false, value };
        const wasOpen = !done && !this.#disposed;
        await finish();
        const error = wasOpen ? await decoder.ended : undefined;
        if (error) throw error;
        return { done: true, value: undefined };
      },
      return: async () => {
        await finish();
        return { done: true, value: undefined };
      },
    };
  }

  /** A queue of leases of this feed's frames, for a reader on this thread or another. */
  async open(
    bell?: SharedArrayBuffer,
  ): Promise<{ decoder: PooledDecoder; reader: FrameReader; close: () => Promise<void> }> {
    if (this.#disposed) throw new TypeError("Cannot read a feed that was disposed of");
    const decoder = await this.decoding.attach();
    const reader = new FrameReader(decoder.worker, new LeaseQueue(this.#queue));
    const job = decoder.addJob([...this.steps], {
      kind: "queue",
      queue: reader.queue.buffer,
      bell: bell ?? reader.bell.buffer,
      overflow: this.#queue.overflow,
    });
    let closed: Promise<void> | null = null;
    const open: OpenReader = {
      stats: () => reader.queue.stats(),
      close: () =>
        closed ??= (async () => {
          reader.close();
          await decoder.dropJob(job);
          leave();
        })(),
    };
    const leave = this.adopt(open);
    if (this.#disposed) await open.close();
    return { decoder, reader, close: open.close };
  }

  /** Counts a reader of this feed in, to be closed with it; the function that is returned counts it out. */
  adopt(reader: OpenReader): () => void {
    this.#readers.add(reader);
    return () => {
      if (this.#readers.delete(reader)) add(this.#past, reader.stats());
    };
  }

  decoderStats(): DecodeStats {
    return this.decoding.stats() ?? readDecodeCounters(new SharedArrayBuffer(DECODE_COUNTERS.length * 8));
  }

  /** The size and format of its frames, where a step says so; null where the camera does. */
  get shape(): { width: number; height: number; format: PixelFormat } | null {
    const scale = this.steps.findLast((step) => step.kind === "scale");
    return scale ? { width: scale.width, height: scale.height, format: scale.format } : null;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#disposed ??= (async () => {
      await Promise.resolve(); // `#disposed` is set before a reader looks at it
      await Promise.all([...this.#readers].map((reader) => reader.close()));
      if (this.#owner) await this.decoding.close();
    })();
  }
}
