// Pure: no I/O.

/** Joins the fragments of one unit in a buffer that grows to the largest one and is never given back. */
export class Fragments {
  readonly #maxBytes: number;
  #bytes = new Uint8Array(2048);
  #length = 0;
  open = false;
  timestamp = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get length(): number {
    return this.#length;
  }

  /** What was joined, borrowed. */
  get data(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  begin(timestamp: number): void {
    this.open = true;
    this.timestamp = timestamp;
    this.#length = 0;
  }

  close(): void {
    this.open = false;
    this.#length = 0;
  }

  /** Appends `data[start..end)`; false where that is more than a unit may have. */
  append(data: Uint8Array, start: number, end: number): boolean {
    const need = this.#length + end - start;
    if (need > this.#maxBytes) return false;
    if (need > this.#bytes.length) {
      const grown = new Uint8Array(Math.min(this.#maxBytes, Math.max(need, 2 * this.#bytes.length)));
      grown.set(this.data);
      this.#bytes = grown;
    }
    this.#bytes.set(data.subarray(start, end), this.#length);
    this.#length = need;
    return true;
  }
}
