// Pure: no I/O.

/** Says when there is too much of something: more than so many in one second, counted over windows of one second. */
export class FloodGuard {
  readonly perSecond: number;
  #from = -Infinity;
  #count = 0;

  constructor(perSecond: number) {
    this.perSecond = perSecond;
  }

  /** Counts `amount` at `time` (milliseconds); true where that is too much. */
  exceeds(amount: number, time: number): boolean {
    if (time - this.#from >= 1000) {
      this.#from = time;
      this.#count = 0;
    }
    this.#count += amount;
    return this.#count > this.perSecond;
  }
}
