// Pure: no I/O.

/** What goes wrong with a virtual camera; everything may be changed while it runs. */
export interface Faults {
  /** Share of RTP packets that are not sent, 0 to 1. */
  drop: number;
  /** Share of RTP packets that change places with the one after (UDP alone), 0 to 1. */
  reorder: number;
  /** Share of RTP packets that are sent twice (UDP alone), 0 to 1. */
  duplicate: number;
  /** Pictures stop coming every so often, for so long, in seconds; null: never. */
  stall: { every: number; for: number } | null;
  /** The camera goes away every so often, for so long, in seconds, and comes back with new clocks; null: never. */
  reboot: { every: number; for: number } | null;
  /** Bytes between interleaved packets that belong to nothing, in every so many access units; 0: none. */
  garbageEvery: number;
  /** By how many milliseconds the camera's wall clock is wrong. */
  clockOffset: number;
}

export const NO_FAULTS: Readonly<Faults> = {
  drop: 0,
  reorder: 0,
  duplicate: 0,
  stall: null,
  reboot: null,
  garbageEvery: 0,
  clockOffset: 0,
};

/** @throws {RangeError} where a share is none, or a time is not positive. */
export function checkFaults(faults: Faults): void {
  for (const name of ["drop", "reorder", "duplicate"] as const) {
    const share = faults[name];
    if (!(share >= 0 && share <= 1)) throw new RangeError(`Cannot ${name} a share of ${share}: expected 0 to 1`);
  }
  for (const name of ["stall", "reboot"] as const) {
    const times = faults[name];
    if (times && !(times.every > 0 && times.for > 0)) {
      throw new RangeError(`Cannot ${name} every ${times.every} s for ${times.for} s: expected positive numbers`);
    }
  }
}

/** A generator of numbers from 0 to 1 that gives the same ones for the same seed, so that a fault can be had again. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = state + 0x6d2b79f5 >>> 0;
    let mixed = Math.imul(state ^ state >>> 15, 1 | state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}

/** Whether a fault that comes every so often for so long is on, `elapsed` seconds after the start. */
export function isOn(times: { every: number; for: number } | null, elapsed: number): boolean {
  if (!times) return false;
  const period = times.every + times.for;
  return elapsed % period >= times.every;
}
