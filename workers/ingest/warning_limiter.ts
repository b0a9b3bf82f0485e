// Pure: no I/O.
import type { Warning } from "../../src/media/mod.ts";

/** Between two warnings of one code, in milliseconds. */
const INTERVAL = 1_000;

/** Lets a warning of each code through once a second, with how many there were since the one before. */
export class WarningLimiter {
  readonly #codes = new Map<string, { at: number; count: number }>();
  readonly #emit: (warning: Warning) => void;

  constructor(emit: (warning: Warning) => void) {
    this.#emit = emit;
  }

  push(warning: Warning, now: number): void {
    const entry = this.#codes.get(warning.code) ?? { at: -Infinity, count: 0 };
    this.#codes.set(warning.code, entry);
    entry.count += warning.count;
    if (now - entry.at < INTERVAL) return;
    entry.at = now;
    const { count } = entry;
    entry.count = 0;
    this.#emit({ ...warning, count });
  }
}
