// Pure: no I/O.
import type { ReconnectOptions } from "../ingest_protocol.ts";

/** When a camera is tried again: each time twice as late as before, with some chance in it, up to a bound. */
export class Retry {
  readonly #options: ReconnectOptions | null;
  readonly #random: () => number;
  #attempts = 0;
  #at = 0;

  constructor(options: ReconnectOptions | null, random: () => number = Math.random) {
    this.#options = options;
    this.#random = random;
  }

  /** An attempt failed: when the next one is due, or null where there is to be none. */
  failed(now: number): number | null {
    if (!this.#options) return null;
    const { minDelay, maxDelay } = this.#options;
    const delay = Math.min(maxDelay, minDelay * 2 ** Math.min(this.#attempts++, 30));
    // A quarter more or less: cameras that went off together do not come back at the same instant.
    return this.#at = now + delay * (0.75 + this.#random() / 2);
  }

  /** Whether an attempt is due now. */
  due(now: number): boolean {
    return this.#at > 0 && now >= this.#at;
  }

  /** Whether an attempt is to come. */
  get waiting(): boolean {
    return this.#at > 0;
  }

  started(): void {
    this.#at = 0;
  }

  /** Pictures come: the next failure is a first one again. */
  succeeded(): void {
    this.#attempts = 0;
  }
}
