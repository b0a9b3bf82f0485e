// Pure: no I/O.

/** How many of the latest values count. */
const KEPT = 1024;

/** The median of the latest values. */
export class Median {
  readonly #values: number[] = [];
  #next = 0;

  add(value: number): void {
    this.#values[this.#next++ % KEPT] = value;
  }

  /** Null where there was none yet. */
  get value(): number | null {
    if (this.#values.length === 0) return null;
    const sorted = this.#values.toSorted((a, b) => a - b);
    return sorted[sorted.length >> 1];
  }
}
