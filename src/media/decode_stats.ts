// Pure: no I/O.

/**
 * What became of the access units that came for a decoder since it began, and what that took. `accessUnits`, `skipped`,
 * `unwanted` and `shed` together are all of them.
 */
export interface DecodeStats {
  /** Access units that were decoded, or tried. */
  accessUnits: number;
  /** Pictures that came out. */
  frames: number;
  /** Pictures known to be damaged, delivered or not. */
  corrupt: number;
  /** Access units that the decoder refused. */
  errors: number;
  /** Access units passed over on the way to a keyframe, as something before them was missing. */
  skipped: number;
  /** Access units not decoded because no branch wanted them, or what is made of them. */
  unwanted: number;
  /** Access units not decoded because there was no time for them, or overwritten in the camera's ring before there was. */
  shed: number;
  /** How often the instance had to be made anew under it. */
  traps: number;
  /** Time spent in decoding and what follows in its thread, scaling included; what a helper of large pictures does beside it is not. */
  busyMicroseconds: number;
  /** Time spent in scaling. */
  scaleMicroseconds: number;
  /** Frames dropped because every place for them was held. */
  starved: number;
  /** The share of its thread's time that it took in the last second, from 0 to 1. */
  load: number;
}
