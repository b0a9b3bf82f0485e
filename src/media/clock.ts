// Pure: no I/O.

/** How far the two clocks of a thread may drift apart before the finer one is set anew, in milliseconds. */
const STEP = 20;

let origin = performance.timeOrigin;

/**
 * The time of this host in Unix milliseconds, with fractions of a millisecond, comparable between threads and processes.
 *
 * `Date.now()` alone is too coarse to time a frame, and `performance.timeOrigin` alone keeps the error that the system's
 * clock had when the thread began: this one follows the system's clock and keeps the resolution.
 */
export function now(): number {
  const coarse = Date.now();
  const fine = origin + performance.now();
  if (Math.abs(fine - coarse) <= STEP) return fine;
  origin += coarse - fine;
  return coarse;
}
