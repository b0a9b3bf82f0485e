// Pure: no I/O.
import type { ReadMode, RecordMeta } from "../../ring/mod.ts";

/** What a reader of a ring has met since it attached to the present writer. */
export interface SourceCounts {
  delivered: number;
  /** Records that it did not get: with a server of libValkka's at least so many, for those say nothing of what they drop. */
  missed: number;
  /** Copies that turned out to be torn and were thrown away. */
  torn: number;
  /** Records delivered though the server may have been at their cell: they are whole if its frames' times differ or it was elsewhere. */
  unproven: number;
  /** Times that the server had dropped all that was not read, or was made to. */
  overflows: number;
}

/** One writer's ring, as a reader follows it. */
export interface ValkkaSource {
  /** Whether the writer keeps our own segment: then nothing is torn or lost unseen. */
  readonly side: boolean;
  /** Whether there may be more though the last `pull` gave nothing. */
  readonly unfinished: boolean;
  /** What the C library waits for: the memory of our segment, or the ring of a libValkka server. */
  readonly target: { readonly handle: number; readonly foreign: boolean };
  counts(): SourceCounts;
  /** The signal word of our segment; 0 where there is none. */
  signalWord(): number;
  /** Whether `pull` may give something. */
  pending(): boolean;
  /** The next record, copied into what `buffer` gives for its size; null where there is none. */
  pull(mode: ReadMode, buffer: (bytes: number) => Uint8Array): RecordMeta | null;
  /** Whether something may have come, before the time is over. */
  wait(timeout: number): Promise<boolean>;
  /** Ends the present wait early, where that can be. */
  wake(): void;
  /** Lets other tasks of this thread run. */
  pause(): Promise<void>;
  /** `over`: its writer ended it; `gone`: it died, or the names mean another ring by now. */
  state(): "alive" | "over" | "gone";
  close(): void;
}
