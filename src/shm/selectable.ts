// Pure: no I/O.
import type { NativeLibrary } from "../../ffi/load.ts";

/** Where a reader keeps what {@linkcode ShmSelector} asks it. */
export const SELECTABLE: unique symbol = Symbol("millrace.selectable");

/**
 * What is to be known of a reader's ring: `ready` there may be a record, `idle` there is none, `over` its writer closed it and all was
 * read, `gone` its writer died and all was read, `closed` the reader was.
 */
export type SelectableState = "ready" | "idle" | "over" | "gone" | "closed";

/** A reader as the selector sees it. */
export interface Selectable {
  readonly library: NativeLibrary;
  /** Whether the next writer of that name is wanted. */
  readonly reconnect: boolean;
  /** What the C library waits for: the memory whose signal word counts, or the ring of a libValkka server. Another writer has another. */
  target(): { readonly handle: number; readonly foreign: boolean };
  /** The signal word; 0 for a ring of a libValkka server. */
  signalWord(): number;
  state(): SelectableState;
  /**
   * Goes on with the next writer; false where there is none yet.
   *
   * @throws {ShmError} where the next one's ring is another one than was asked for.
   */
  reopen(): boolean;
  /** Called when the reader is closed. */
  readonly onClose: Set<() => void>;
}

/** A reader that can be waited for beside others. */
export interface SelectableReader {
  readonly name: string;
  readonly [SELECTABLE]: Selectable;
}
