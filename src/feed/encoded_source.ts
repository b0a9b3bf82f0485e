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
  /**
   * Has `bell` rung after each access unit, until the function that is returned is called. Where no bell wants all of them, they may
   * come some at a time.
   *
   * @param wish Of a `WakeWish`: where there is one, those that it leaves out need not ring.
   */
  attachDoorbell(bell: SharedArrayBuffer, wish?: SharedArrayBuffer): () => void;
  /** Settles when the source is over: with its error, or with undefined where it ended or was closed. Never rejects. */
  readonly ended: Promise<Error | undefined>;
  /** Ends the source; idempotent. */
  close(): Promise<void>;
}

/** Who is to hear of a source's end, and the end where it has come. */
interface Ending {
  over: { error: Error | undefined } | null;
  readonly listeners: Set<(error: Error | undefined) => void>;
}

/** What may be over some day. */
type Ends = Pick<EncodedSource, "ended">;

const endings = new WeakMap<Ends, Ending>();

/** A function of its own: closures of one function share all that any of them uses, and the promise keeps one for ever. */
function endingOf(source: Ends): Ending {
  const known = endings.get(source);
  if (known) return known;
  const ending: Ending = { over: null, listeners: new Set() };
  endings.set(source, ending);
  void source.ended.then((error) => {
    ending.over = { error };
    for (const listener of ending.listeners) listener(error);
    ending.listeners.clear();
  });
  return ending;
}

/**
 * Calls `tell` once when a source is over, never before this returns, until the function that is returned is called. A
 * camera outlives its readers by months: what waited on the promise itself would be kept for as long as the camera.
 */
export function onEnd(source: Ends, tell: (error: Error | undefined) => void): () => void {
  const { over, listeners } = endingOf(source);
  let wanted = true;
  const listener = (error: Error | undefined) => {
    if (wanted) tell(error);
  };
  if (over) queueMicrotask(() => listener(over.error));
  else listeners.add(listener);
  return () => {
    wanted = false;
    listeners.delete(listener);
  };
}
