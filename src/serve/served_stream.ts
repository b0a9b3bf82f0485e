// Pure: no I/O.
import type { StreamDescription } from "./description.ts";
import type { Disturbance, Viewer } from "./viewer.ts";

/** What a server offers under one path. */
export interface ServedStream {
  /** What it is; null where that is not known, and will not be soon. */
  describe(): StreamDescription | Promise<StreamDescription | null>;
  /** Presentation time of the next keyframe in microseconds, with which a viewer that joins now begins; null: not known. */
  readonly nextKeyframePts: number | null;
  /** What a viewer's packets go through, where they are not to arrive as they were sent. */
  disturb?(): Disturbance;
  /** Sends it the stream from now on; a client has a viewer for each track. */
  join(viewer: Viewer): void;
  /** Sends it nothing any more; idempotent. */
  leave(viewer: Viewer): void;
}
