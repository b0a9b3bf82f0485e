// Pure: no I/O.
import type { ReconnectOptions } from "../ingest_protocol.ts";

/** What an attempt failed at: to reach the camera, its user name and password, or anything after that. */
export type Failure = "unreachable" | "unauthorized" | "session";

/**
 * When a camera is tried again: each time twice as late as before, with some chance in it, up to a bound. To knock where
 * nobody opens costs neither side anything, and is bounded by less: a camera that is back is soon found. A wrong password is
 * tried as rarely as the bound allows, since cameras lock users out.
 */
export class Retry {
  readonly #options: ReconnectOptions | null;
  readonly #random: () => number;
  /** Attempts in a row that failed, apart: who was away for hours is not punished for a first refusal after it. */
  #unreachable = 0;
  #refused = 0;
  #at = 0;

  constructor(options: ReconnectOptions | null, random: () => number = Math.random) {
    this.#options = options;
    this.#random = random;
  }

  /** An attempt failed: when the next one is due, or null where there is to be none. */
  failed(now: number, failure: Failure = "session"): number | null {
    if (!this.#options) return null;
    const { minDelay, maxDelay, maxConnectDelay } = this.#options;
    const doubled = (times: number) => minDelay * 2 ** Math.min(times, 30);
    const delay = failure === "unreachable"
      ? Math.min(maxConnectDelay, maxDelay, doubled(this.#unreachable++))
      : failure === "unauthorized"
      ? maxDelay
      : Math.min(maxDelay, doubled(this.#refused++));
    // A quarter more or less: cameras that went off together do not come back at the same instant.
    return this.#at = now + delay * (0.75 + this.#random() / 2);
  }

  /** Whether an attempt is to come. */
  get waiting(): boolean {
    return this.#at > 0;
  }

  /** Whether an attempt is due now. */
  due(now: number): boolean {
    return this.#at > 0 && now >= this.#at;
  }

  started(): void {
    this.#at = 0;
  }

  /** The camera answers again. */
  reached(): void {
    this.#unreachable = 0;
  }

  /** Pictures come: the next failure is a first one again. */
  succeeded(): void {
    this.#unreachable = this.#refused = 0;
  }
}
