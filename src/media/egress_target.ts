// Pure: no I/O.
import type { PixelFormat } from "./pixel_format.ts";

/** The key under which a sink says that it lies in memory that the egress worker can write to. */
export const EGRESS_TARGET: unique symbol = Symbol.for("millrace.egress-target");

/** A sink whose frames another thread may write for it, so that they never pass through the program's own. */
export interface EgressTarget {
  /** As messages call it. */
  readonly name: string;
  /** A ring of ours, or one in libValkka's layout. @default {"ring"} */
  readonly kind?: "ring" | "valkka";
  /** The C library's handle of its memory, good in every thread of the process. */
  readonly handle: number;
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
}

/** The egress target that a sink is, or null where it is none. */
export function egressTargetOf(sink: object): EgressTarget | null {
  const target = (sink as { [EGRESS_TARGET]?: EgressTarget })[EGRESS_TARGET];
  return target ?? null;
}
