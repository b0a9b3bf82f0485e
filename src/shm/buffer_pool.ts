// Pure: no I/O.
import type { FrameLease } from "../media/mod.ts";

/** Buffers that are kept at most for further frames. */
const SPARE = 8;

/** Buffers of one reader, each lent to one frame at a time. */
export class BufferPool {
  readonly #spare: Uint8Array<ArrayBuffer>[] = [];

  /** A buffer of at least so many bytes. */
  take(bytes: number): Uint8Array<ArrayBuffer> {
    const spare = this.#spare.pop();
    return spare && spare.length >= bytes ? spare : new Uint8Array(bytes);
  }

  /** Keeps a buffer for later, or leaves it to the garbage collector where there are enough. */
  giveBack(buffer: Uint8Array<ArrayBuffer>): void {
    if (this.#spare.length < SPARE) this.#spare.push(buffer);
  }

  /** The first hold on a buffer, which comes back when the last hold on it ends. */
  lease(buffer: Uint8Array<ArrayBuffer>): FrameLease {
    let holds = 1;
    const lease: FrameLease = {
      clone: () => {
        holds++;
        return lease;
      },
      release: () => {
        if (--holds === 0) this.giveBack(buffer);
      },
    };
    return lease;
  }
}
