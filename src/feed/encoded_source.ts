// Pure: no I/O.
import type { VideoTrackInfo } from "../media/mod.ts";

/** Where access units come from: a camera's track, a file. What an encoded feed stands on. */
export interface EncodedSource {
  /** A variable ring of access units (payload kind 2), written by another thread. */
  readonly ring: SharedArrayBuffer;
  readonly info: VideoTrackInfo;
  /** The number that the program gave to the source; it travels with every frame. */
  readonly streamId: number;
  /** Whether access units with something missing are for the readers too. @default {"skip"} */
  readonly corrupt?: "skip" | "deliver";
  /** Has `bell` rung after each access unit, until the function that is returned is called. */
  attachDoorbell(bell: SharedArrayBuffer): () => void;
  /** Settles when the source is over: with its error, or with undefined where it ended or was closed. Never rejects. */
  readonly ended: Promise<Error | undefined>;
  /** Ends the source; idempotent. */
  close(): Promise<void>;
}
