// Pure: no I/O.
import type { PixelFormat } from "./pixel_format.ts";

/** The key under which a sink says that it lies in memory that the egress worker can write to. */
export const EGRESS_TARGET: unique symbol = Symbol.for("millrace.egress-target");

/** What whoever writes a ring of ours must know of it. Plain data: it is posted to workers. */
export interface RingPlan {
  name: string;
  /** What every frame must be; null where each may be another. */
  shape: { width: number; height: number; format: PixelFormat } | null;
  /** What happens where a payload is larger than the ring's room. */
  larger: "refuse" | "remake";
  /** Room for the user's blob beside each payload. */
  blobBytes: number;
  /** Permission bits. */
  mode: number;
  /** Numbers of a user and a group; -1 for those of the process. */
  owner: number;
  group: number;
}

/** A sink whose frames another thread may write for it, so that they never pass through the program's own. */
export interface EgressTarget {
  /** As messages call it. */
  readonly name: string;
  /** The C library's handle of its memory, good in every thread of the process. */
  readonly handle: number;
  /** Of a ring of ours; none of one in libValkka's layout. */
  readonly plan?: RingPlan;
  readonly closed: boolean;
  /** @throws {TypeError} where it takes frames of another size or format. */
  expectShape(shape: { width: number; height: number; format: PixelFormat }): void;
  /**
   * Leaves the writing to another thread until the function that is returned is called. `finish` is awaited before the
   * sink closes.
   *
   * @throws {TypeError} where it is lent already.
   */
  lend(finish: () => Promise<void>): () => void;
  /** Whoever it is lent to made the ring anew: from now on its memory is behind this handle, and the old one is no longer used. */
  remade?(handle: number): void;
}

/** The egress target that a sink is, or null where it is none. */
export function egressTargetOf(sink: object): EgressTarget | null {
  const target = (sink as { [EGRESS_TARGET]?: EgressTarget })[EGRESS_TARGET];
  return target ?? null;
}
