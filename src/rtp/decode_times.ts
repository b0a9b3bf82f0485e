// Pure: no I/O.

/** H.264's largest picture buffer; a reordering deeper than this is damage, not B-frames. */
const MAX_DEPTH = 16;

/**
 * Decoding times for a stream that carries presentation times only, as RTP does.
 *
 * With pictures reordered by at most `depth`, the n-th decoding time is the (n - depth)-th presentation time in rising
 * order. The depth is what the parameter sets say; where they say nothing it starts at 0 and grows when a picture turns
 * up early, so that a stream is never refused for it. The result never lies above `pts`, and rises whenever that
 * allows it.
 */
export class DecodeTimes {
  readonly #pending: number[] = [];
  #depth: number;
  #last = -Infinity;
  #step = 0;
  #previous = NaN;

  constructor(options: { depth?: number } = {}) {
    this.#depth = clampDepth(options.depth ?? 0);
  }

  /** Pictures by which presentation runs behind decoding. */
  get depth(): number {
    return this.#depth;
  }

  /** Takes what the parameter sets announce: the depth, -1 where they tell none, and the frame rate, 0 where none. */
  announce(depth: number, frameRate: number): void {
    if (depth >= 0) this.#depth = Math.max(this.#depth, clampDepth(depth));
    if (frameRate > 0 && this.#step === 0) this.#step = Math.round(1_000_000 / frameRate);
  }

  /** The decoding time of the next picture in decoding order, in microseconds. */
  push(pts: number): number {
    if (!Number.isNaN(this.#previous) && pts !== this.#previous) {
      const step = Math.abs(pts - this.#previous);
      this.#step = this.#step === 0 ? step : Math.min(this.#step, step);
    }
    this.#previous = pts;
    if (pts <= this.#last && this.#depth < MAX_DEPTH) this.#depth++;
    insert(this.#pending, pts);
    while (this.#pending.length > this.#depth + 1) this.#pending.shift();
    const missing = this.#depth + 1 - this.#pending.length;
    const guess = this.#pending[0] - missing * this.#step;
    const dts = Math.min(pts, Math.max(guess, this.#last + 1));
    this.#last = dts;
    return dts;
  }

  /** The next picture begins a new sequence; its times are above all before it. */
  restart(): void {
    this.#pending.length = 0;
    this.#previous = NaN;
  }
}

function clampDepth(depth: number): number {
  return Math.min(MAX_DEPTH, Math.max(0, Math.trunc(depth)));
}

function insert(sorted: number[], value: number): void {
  let at = sorted.length;
  while (at > 0 && sorted[at - 1] > value) at--;
  sorted.splice(at, 0, value);
}
