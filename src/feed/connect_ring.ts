import {
  type BranchStats,
  DecodeError,
  type Frame,
  type FrameFeed,
  packedBytes,
  type PixelFormat,
} from "../media/mod.ts";
import { createRing, ringBytes, type RingWriter, SharedRingMemory } from "../ring/mod.ts";
import { Doorbell } from "../../workers/doorbell.ts";
import { PlannedFeed } from "./planned_feed.ts";

/** Size and format of the pictures in a ring. */
export interface FrameShape {
  width: number;
  height: number;
  format: PixelFormat;
}

/** How to copy a feed into rings. */
export interface ConnectRingOptions {
  /** Frames that the ring holds. */
  slots: number;
  /** Called with the first ring, and with a larger one whenever the frames outgrow it; the old one is then closed. */
  onRing(ring: SharedArrayBuffer, shape: FrameShape): void;
  signal?: AbortSignal;
}

/** A feed that is being copied into rings. */
export interface RingConnection {
  /** Settles when the feed is over, with its error or undefined. Never rejects. */
  readonly ended: Promise<Error | undefined>;
  stats(): BranchStats;
  /** Idempotent; resolves when nothing will be written any more. */
  close(): Promise<void>;
}

/** A ring of frames that has room for pictures of this shape. */
function newRing(shape: FrameShape, slots: number): { buffer: SharedArrayBuffer; writer: RingWriter } {
  const options = {
    kind: "frames" as const,
    policy: "fixed" as const,
    slots,
    cellBytes: packedBytes(shape.format, shape.width, shape.height),
  };
  const buffer = new SharedArrayBuffer(ringBytes(options));
  return { buffer, writer: createRing(new SharedRingMemory(buffer), options) };
}

/**
 * Copies a feed's frames into rings over shared memory that a reader who is trusted with nothing may have: from the
 * decode worker where the plan allows, else from this thread.
 *
 * @throws {SetupError} where the decoder's module is not built.
 */
export function connectRing(feed: FrameFeed, options: ConnectRingOptions): Promise<RingConnection> {
  options.signal?.throwIfAborted();
  return feed instanceof PlannedFeed ? connectPlanned(feed, options) : Promise.resolve(connectHere(feed, options));
}

async function connectPlanned(feed: PlannedFeed, options: ConnectRingOptions): Promise<RingConnection> {
  const decoder = await feed.decoding.attach();
  const failed = Promise.withResolvers<Error | undefined>();
  const bell = new Doorbell();
  const stats = new SharedArrayBuffer(3 * 8);
  let ring: SharedArrayBuffer | null = null;
  const job = decoder.addJob([...feed.steps], { kind: "ring", ring: null, bell: bell.buffer, stats }, {
    grown(shape) {
      ring = newRing(shape, options.slots).buffer;
      options.onRing(ring, shape);
      decoder.setJobRing(job, ring);
    },
    failed: (error: DecodeError) => failed.resolve(error),
  });
  let closed: Promise<void> | null = null;
  const close = () =>
    closed ??= (async () => {
      await decoder.dropJob(job);
      failed.resolve(undefined);
    })();
  const leave = feed.adopt({ close, stats: () => readStats(stats) });
  const abort = () => void close();
  options.signal?.addEventListener("abort", abort, { once: true });
  return {
    ended: Promise.race([decoder.ended, failed.promise]),
    stats: () => readStats(stats),
    close: async () => {
      options.signal?.removeEventListener("abort", abort);
      await close();
      leave();
    },
  };
}

/** Reads the counters that a ring's writer keeps: received, delivered, dropped. */
function readStats(buffer: SharedArrayBuffer): BranchStats {
  const [received, delivered, dropped] = new Float64Array(buffer);
  return { received, delivered, dropped };
}

function connectHere(feed: FrameFeed, options: ConnectRingOptions): RingConnection {
  const iterator = feed[Symbol.asyncIterator]();
  const stats: BranchStats = { received: 0, delivered: 0, dropped: 0 };
  let writer: RingWriter | null = null;
  let room = 0;
  const write = (frame: Frame) => {
    stats.received++;
    if (frame.byteLength > room) {
      writer?.close();
      const ring = newRing(frame, options.slots);
      room = frame.byteLength;
      writer = ring.writer;
      options.onRing(ring.buffer, { width: frame.width, height: frame.height, format: frame.format });
    }
    writer!.writeFrame(frame, frame.planes);
    stats.delivered++;
  };
  const run = async (): Promise<Error | undefined> => {
    try {
      for (let result = await iterator.next(); !result.done; result = await iterator.next()) {
        using frame = result.value;
        write(frame);
      }
    } catch (cause) {
      return cause instanceof Error ? cause : new Error(String(cause));
    } finally {
      writer?.close();
    }
  };
  const ended = run();
  const close = async () => {
    await iterator.return?.();
    await ended;
  };
  options.signal?.addEventListener("abort", () => void close(), { once: true });
  return { ended, stats: () => ({ ...stats }), close };
}
