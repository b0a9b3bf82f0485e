// Pure: no I/O.
import type { AccessUnit } from "../media/mod.ts";
import type { ReadMode, RecordMeta } from "../ring/mod.ts";

/** How to read a ring. */
export interface ShmReaderOptions {
  /** `"valkka"` takes other options. */
  protocol?: "millrace";
  /** `"latest"`: always the newest frame; `"every"`: each in order, as long as the reader keeps up. @default {"latest"} */
  mode?: ReadMode;
  /** Milliseconds to wait for a writer that is not there yet. @default {0} */
  wait?: number;
  /** Whether to wait for a writer that died, and go on with the next one of that name. @default {true} */
  reconnect?: boolean;
  /** Ends the reading with its reason. */
  signal?: AbortSignal;
}

/** What a reader got. */
export interface ShmReaderStats {
  delivered: number;
  /** Records that it did not get. */
  missed: number;
  /** Borrowed frames that were overwritten while they were in use; they count as missed, too. */
  torn: number;
  /** Writers that it met one after the other under this name. */
  writers: number;
}

/** How to read records that build on one another. */
export interface GapOptions {
  /**
   * `"skip-to-keyframe"`: begins at a keyframe, passes over what is known to be damaged, and after a loss goes on at the next
   * keyframe, so that all that comes can be decoded. `"deliver"`: each as it comes.
   */
  gaps?: "skip-to-keyframe" | "deliver";
}

/** One record of a ring, to keep. */
export interface ShmRecord {
  meta: RecordMeta;
  /** The payload; the caller's own. */
  data: Uint8Array<ArrayBuffer>;
  /** What the writer's user put beside it; the caller's own, null where there is nothing. */
  blob: Uint8Array<ArrayBuffer> | null;
}

/** An access unit out of a ring, to keep. Its `sequence` is that of the ring. */
export interface ShmUnit extends AccessUnit {
  data: Uint8Array<ArrayBuffer>;
  /** Units that this reader did not get between the one before and this one. */
  missed: number;
  streamId: number;
  /** What the writer's user put beside it, null where there is nothing. */
  blob: Uint8Array<ArrayBuffer> | null;
}
