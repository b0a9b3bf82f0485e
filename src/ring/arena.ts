// Pure: no I/O.
import { align, PAYLOAD_ALIGNMENT } from "./layout.ts";

/** Positions are taken back below this before they lose precision. */
const FAR = 2 ** 48;

/**
 * Where the payloads of a `variable` ring lie. Positions run on from lap to lap, so that a byte's place in the arena is its position
 * modulo the arena's size, and whatever lies more than one arena behind the newest end is overwritten. A payload
 * that does not fit before the end of the arena begins at the next lap: none is ever in two pieces.
 */
export class Arena {
  readonly #bytes: number;
  readonly #starts: Float64Array;
  #next = 0;

  constructor(bytes: number, slots: number) {
    this.#bytes = bytes;
    this.#starts = new Float64Array(slots);
  }

  /** The position for `bytes` more bytes; nothing is taken yet. */
  place(bytes: number): number {
    const behind = this.#next % this.#bytes;
    return behind + bytes > this.#bytes ? this.#next - behind + this.#bytes : this.#next;
  }

  offset(position: number): number {
    return position % this.#bytes;
  }

  /** Whether a record lies where `bytes` bytes at `position` will be. */
  overlaps(sequence: number, position: number, bytes: number): boolean {
    return this.#starts[sequence % this.#starts.length] < position + bytes - this.#bytes;
  }

  /** Takes the place for a record. */
  take(sequence: number, position: number, bytes: number): void {
    this.#starts[sequence % this.#starts.length] = position;
    this.#next = align(position + bytes, PAYLOAD_ALIGNMENT);
    if (this.#next < FAR) return;
    const laps = Math.floor(this.#next / this.#bytes) * this.#bytes;
    this.#next -= laps;
    for (let i = 0; i < this.#starts.length; i++) this.#starts[i] -= laps;
  }

  /** Takes the place of a record that another writer placed, after those before it; false where it cannot lie there. */
  resume(sequence: number, offset: number, bytes: number): boolean {
    if (!(offset >= 0) || !(bytes >= 0) || offset + bytes > this.#bytes || offset % PAYLOAD_ALIGNMENT !== 0) {
      return false;
    }
    const behind = this.#next % this.#bytes;
    const lap = this.#next - behind + (offset < behind ? this.#bytes : 0);
    this.take(sequence, lap + offset, bytes);
    return true;
  }
}
