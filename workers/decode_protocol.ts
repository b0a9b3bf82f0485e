// Pure: no I/O.
import type {
  DecodeStats,
  DecodeStepOptions,
  FilterStep,
  FrameOverflow,
  PixelFormat,
  VideoCodec,
} from "../src/media/mod.ts";

/** Where the frames of a job go. */
export type JobOutput =
  /** Leases, for a thread that is trusted with the decoder's memory. */
  | { kind: "queue"; queue: SharedArrayBuffer; bell: SharedArrayBuffer; overflow: FrameOverflow }
  /** Copies, into a ring of the reader's own; null until the size of its frames is known. */
  | {
    kind: "ring";
    ring: SharedArrayBuffer | null;
    bell: SharedArrayBuffer;
    /** Three 64-bit floats: frames received, delivered, dropped. */
    stats: SharedArrayBuffer;
  };

/** How a source is decoded. */
export interface SourceSettings {
  ring: SharedArrayBuffer;
  codec: VideoCodec;
  parameterSets: Uint8Array;
  streamId: number;
  capacity: number;
  options: DecodeStepOptions;
  counters: SharedArrayBuffer;
  /** Of a `WakeWish`, which is this source's: what it is woken for. */
  wish: SharedArrayBuffer;
}

/** What the main thread tells a decode worker. The first message is `init`; the others go through an outbox. */
export type ToDecodeWorker =
  | { type: "init"; module: WebAssembly.Module; bell: SharedArrayBuffer; count: SharedArrayBuffer }
  | { type: "source"; source: number } & SourceSettings
  | { type: "job"; source: number; job: number; steps: FilterStep[]; output: JobOutput }
  | { type: "job-ring"; source: number; job: number; ring: SharedArrayBuffer }
  | { type: "drop-job"; source: number; job: number }
  /** The source will write no more: decode what is there, then say `ended`. */
  | { type: "end-source"; source: number }
  | { type: "drop-source"; source: number }
  /** The thread is to end: Deno cannot end one that does not return to its event loop by itself. */
  | { type: "end"; source: 0 };

/** What a decode worker tells the main thread. Nothing of it comes for each frame. */
export type FromDecodeWorker =
  | { type: "ready" }
  | { type: "instance"; epoch: number; memory: WebAssembly.Memory; table: SharedArrayBuffer }
  | { type: "job-grown"; source: number; job: number; width: number; height: number; format: PixelFormat }
  | { type: "job-dropped"; job: number }
  | { type: "job-failed"; job: number; message: string }
  | { type: "source-ended"; source: number }
  | { type: "source-dropped"; source: number }
  | { type: "source-failed"; source: number; code: "codec" | "memory" | "trapped"; message: string; averror: number }
  /** Pictures of this instance are large enough for a second thread: `at` is where an `InstanceHelper` is. */
  | { type: "large"; epoch: number; at: number }
  | { type: "trapped"; message: string };

/** Counters of a decoder in shared memory, as 64-bit floats in this order: they count to 2^53. */
export const DECODE_COUNTERS = [
  "accessUnits",
  "frames",
  "corrupt",
  "errors",
  "skipped",
  "unwanted",
  "shed",
  "traps",
  "busyMicroseconds",
  "scaleMicroseconds",
  "starved",
  "load",
] as const satisfies readonly (keyof DecodeStats)[];
