// Pure: no I/O.

/**
 * A stream of items that comes in chunks cut anywhere. What lies whole in a chunk is read there, and only what is not whole is
 * copied, until the rest of it has come.
 */
export class HeldBytes {
  /** How many bytes there are at least to the item that is not whole; 0 where that is not known. Its reader says so. */
  need = 0;
  readonly #read: (data: Uint8Array, at: number, end: number) => number;
  /** The begin of the item, `#bytes[0..#length)`. */
  #bytes = new Uint8Array(4096);
  #length = 0;

  /** @param read Takes the items that are whole in `data[at..end)`; answers where the one begins that is not, else `end`. */
  constructor(read: (data: Uint8Array, at: number, end: number) => number) {
    this.#read = read;
  }

  get length(): number {
    return this.#length;
  }

  /** Takes the next bytes of the stream. */
  receive(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#length === 0) {
        at = this.#read(bytes, at, bytes.length);
        if (at < bytes.length) this.#hold(bytes, at, bytes.length);
        return;
      }
      // No more than completes what is held, so that the rest can be read where it lies.
      const wanted = this.need > this.#length ? this.need - this.#length : bytes.length - at;
      const take = Math.min(wanted, bytes.length - at);
      this.#hold(bytes, at, at + take);
      at += take;
      const consumed = this.#read(this.#bytes, 0, this.#length);
      if (consumed > 0) this.#bytes.copyWithin(0, consumed, this.#length);
      this.#length -= consumed;
    }
  }

  #hold(bytes: Uint8Array, from: number, to: number): void {
    const need = this.#length + to - from;
    if (need > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(need, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(bytes.subarray(from, to), this.#length);
    this.#length = need;
  }
}
