// Pure: no I/O.
import { type Filter, Frame } from "../media/mod.ts";

/** Jitter of a camera's clock that does not make a frame late, in microseconds. */
const SLACK = 2_000;

/** Decides which pictures of a sequence to pass so that they are an interval apart, by their `pts`. */
export class IntervalGate {
  /** In microseconds. */
  readonly interval: number;
  #due = Number.NEGATIVE_INFINITY;
  #last = Number.NEGATIVE_INFINITY;

  /** @throws {RangeError} where the interval is not a positive number of milliseconds. */
  constructor(intervalMs: number) {
    if (!Number.isFinite(intervalMs) || intervalMs <= 0) {
      throw new RangeError(`Cannot make an interval of ${intervalMs} ms: expected a positive number`);
    }
    this.interval = intervalMs * 1000;
  }

  /** From which `pts` on the next picture passes; minus infinity before the first. */
  get due(): number {
    return this.#due;
  }

  /** The `pts` of the picture that passed last; minus infinity before the first. */
  get last(): number {
    return this.#last;
  }

  /**
   * Whether `pass()` would say yes.
   *
   * @param early How far ahead of its time a picture may be, in microseconds.
   */
  isDue(pts: number, early = SLACK): boolean {
    // A step back by more than an interval is a new timeline, not a picture that came early.
    return pts >= this.#due - early || pts <= this.#due - 2 * this.interval;
  }

  /** Whether a picture with this `pts` (microseconds) is due; then the next one is an interval later. */
  pass(pts: number, early = SLACK): boolean {
    if (!this.isDue(pts, early)) return false;
    // The next one is due an interval after this one was, not after it came: else 25 a second, 10 wanted, makes 8.3.
    const late = pts - this.#due;
    this.#due = late >= -early && late < this.interval ? this.#due + this.interval : pts + this.interval;
    this.#last = pts;
    return true;
  }
}

/**
 * Passes at most one frame in each interval, by the frames' own time. A decoder that no other branch asks for more decodes
 * keyframes only, where the camera sends one at least every second interval: a frame may then be up to one interval
 * late. Where keyframes are rarer, frames come when they are due, and what they do not need is not decoded.
 * `decode({ frames: "all" })` has every frame come when it is due.
 *
 * @param intervalMs The interval in milliseconds.
 *
 * @example
 * ```ts
 * import { interval } from "../../mod.ts";
 *
 * const oncePerSecond = interval(1_000);
 * if (oncePerSecond.step?.kind !== "interval") throw new Error("a built-in filter describes itself");
 * ```
 */
export function interval(intervalMs: number): Filter<Frame, Frame> {
  new IntervalGate(intervalMs); // a wrong argument is reported where it was written
  return Object.assign(
    async function* (source: AsyncIterable<Frame>): AsyncGenerator<Frame> {
      const gate = new IntervalGate(intervalMs);
      for await (const frame of source) {
        if (gate.pass(frame.pts)) yield frame;
        else frame[Symbol.dispose]();
      }
    },
    { step: { kind: "interval", intervalMs } as const },
  );
}
