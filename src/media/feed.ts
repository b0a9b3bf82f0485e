// Pure: no I/O.
import type { AccessUnit } from "./access_unit.ts";
import type { DecodeStats } from "./decode_stats.ts";
import type { Frame } from "./frame.ts";

/** What to do when a branch of frames is full: the latest wins, the earliest win, or the source waits. */
export type FrameOverflow = "drop-oldest" | "drop-newest" | "block";
/** What to do when a branch of access units is full. A gap that does not end at a keyframe would be a corrupt picture. */
export type EncodedOverflow = "skip-to-keyframe";

/** How a branch queues. */
export interface BranchOptions<Overflow extends string> {
  /**
   * How many items it holds. Access units lie in their camera's ring, so that no branch has more of them than `slots` (256) and
   * `bufferBytes` leave room for, whatever is asked for here. @default {8 frames, 64 access units}
   */
  capacity?: number;
  overflow?: Overflow;
}

/** Counters of one queue; they only rise. */
export interface BranchStats {
  /** Items that went in. */
  received: number;
  /** Items that came out at the other end. */
  delivered: number;
  /** Items lost because the queue was full. */
  dropped: number;
}

/**
 * A step from one live sequence to another. Written by users as an async generator function; the built-in ones carry a
 * `step` besides, a description that the planner can move to where it is cheapest.
 */
export interface Filter<In, Out> {
  (source: AsyncIterable<In>): AsyncIterable<Out>;
  readonly step?: FilterStep;
}

/** The description of a built-in filter. Plain data: it is posted to workers. */
export type FilterStep =
  | { kind: "interval"; intervalMs: number }
  /** Its state is two words in shared memory, so that it can be shut while it runs. */
  | { kind: "gate"; state: SharedArrayBuffer }
  | {
    kind: "scale";
    width: number;
    height: number;
    format: import("./pixel_format.ts").PixelFormat;
    algorithm: ScaleAlgorithm;
    fit: ScaleFit;
    /** Of RGBPF32. */
    normalize?: ScaleNormalization;
    /** The grey of what letterboxing leaves over. */
    border: number;
  }
  | { kind: "decode"; options: DecodeStepOptions };

/** swscale's algorithms that are offered, from the fastest to the smoothest. */
export type ScaleAlgorithm = "nearest" | "bilinear" | "area" | "bicubic";

/** Whether a picture fills its frame whatever the ratio of its sides, or keeps that in the middle of it. */
export type ScaleFit = "stretch" | "letterbox";

/** What red, green and blue, from 0 to 1, are made into: less `mean`, divided by `std`. */
export interface ScaleNormalization {
  mean: readonly [number, number, number];
  std: readonly [number, number, number];
}

/** What a decoder is asked for. */
export interface DecodeStepOptions {
  /** Whether pictures known to be damaged are delivered, flagged, or held back until the next keyframe. @default {"skip"} */
  corrupt?: "skip" | "deliver";
  /** Whether pictures are shown in the order they come, for cameras without B-frames; saves the reordering delay. */
  order?: "presentation" | "decoding";
  /**
   * Which pictures are decoded: all, keyframes only, or those that the branches want at present and what these are made
   * of. A picture is never decoded in part: what is delivered is the same to the bit in each case. @default {"wanted"}
   */
  frames?: "all" | "keyframes" | "wanted";
  /**
   * How much of a decode worker's time is for this decoder where not all of them can be served: each step counts four times
   * as much as the one before; among equals a large camera gets no more time than a small one.
   *
   * A decoder that falls behind by half its branch's `capacity` leaves out pictures that no other refers to, and for branches
   * behind `interval()` all but keyframes; one that falls behind by more than the `capacity`, or than the camera's ring keeps
   * (`slots`, `bufferBytes`), goes on at the newest keyframe. So what is shown is never older than that. All of these count as
   * `shed` in `decoderStats()`, and as `missed` of the next frame of who wanted them all. @default {"normal"}
   */
  priority?: "low" | "normal" | "high";
}

/** Where a feed ends. */
export interface Sink<T> {
  /** Takes one item; the item is the sink's until the promise is done. */
  write(item: T): void | Promise<void>;
}

/**
 * A live sequence. Iterating reads it through a queue of its own, so that any number of readers do not disturb one
 * another; disposing ends it and everything below it.
 */
export interface Feed<T> extends AsyncIterable<T>, AsyncDisposable {
  /** Passes every item through a filter. */
  pipe(filter: Filter<T, Frame>): FrameFeed;
  pipe<Out>(filter: Filter<T, Out>): Feed<Out>;
  /** Reads until the feed ends, or `signal` aborts; rejects with the feed's error. */
  pipeTo(sink: Sink<T>, options?: { signal?: AbortSignal }): Promise<void>;
  stats(): BranchStats;
}

/** A feed of frames, which can be branched. */
export interface FrameFeed extends Feed<Frame> {
  branch(options?: BranchOptions<FrameOverflow>): FrameFeed;
  /** Counters of the decoder that its frames come from, which all its branches share; all 0 before one is read. */
  decoderStats(): DecodeStats;
}

/** A feed of access units, which can be branched. */
export interface EncodedFeed extends Feed<AccessUnit> {
  branch(options?: BranchOptions<EncodedOverflow>): EncodedFeed;
}

/** A feed of units that each stand for themselves, such as sound; it can be branched, and a branch that is full loses the oldest. */
export interface UnitFeed<T> extends Feed<T> {
  branch(options?: BranchOptions<"drop-oldest">): UnitFeed<T>;
}
