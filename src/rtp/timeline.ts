// Pure: no I/O.

/** How good the wall time is: none yet, from sender reports, or from reports that jumped lately. */
export type WallTimeQuality = "none" | "sr" | "stepped";

/** Media time that runs this much away from the time of arrival between two packets is a step, in milliseconds. */
const MAX_FORWARD_STEP = 10_000;
/** B-frames go back by less than this, in milliseconds. */
const MAX_BACKWARD_STEP = 3_000;
/** Two reports that disagree by more than this mean that the camera's clock was set, in milliseconds. */
const MAX_WALL_STEP = 500;

/**
 * Turns RTP timestamps into microseconds that go on over wraps, restarts, reconnections and clocks that jump, and into
 * the camera's wall time where its sender reports tell.
 *
 * Three clocks are kept apart: the media's, the camera's, and this host's; only the first makes `pts`, the last only
 * bridges a restart. A camera's `rtptime` in RTP-Info is not used: many send 0.
 */
export class Timeline {
  readonly #clockRate: number;
  #started = false;
  /** The last timestamp, and the same without wraps. */
  #last = 0;
  #unwrapped = 0;
  /** The unwrapped timestamp that is `#base` microseconds. */
  #origin = 0;
  #base = 0;
  #highest = -1;
  #highestAt = 0;
  #lastAt = 0;
  #pendingRestart = false;
  #reportNtp = NaN;
  #reportRtp = 0;
  #quality: WallTimeQuality = "none";
  /** How often the media clock or the camera's clock jumped. */
  steps = 0;

  /** @throws {RangeError} where the clock rate is no positive number. */
  constructor(options: { clockRate: number }) {
    if (!(options.clockRate > 0)) {
      throw new RangeError(`Cannot make a timeline: clock rate is ${options.clockRate}, expected a positive number`);
    }
    this.#clockRate = options.clockRate;
  }

  get quality(): WallTimeQuality {
    return this.#quality;
  }

  /**
   * The presentation time of a timestamp, in integer microseconds from 0. `receivedAt` is this host's time in
   * milliseconds. Within one sequence a later call may give a lower time (B-frames); after a restart never, nor for a keyframe: where
   * its timestamp lies below others', the media clock was set back.
   */
  push(rtpTimestamp: number, receivedAt: number, keyframe = false): number {
    if (!this.#started) {
      this.#started = true;
      this.#begin(rtpTimestamp, 0);
    } else if (this.#pendingRestart) {
      this.#begin(rtpTimestamp, this.#continued(receivedAt));
    } else {
      const delta = rtpTimestamp - this.#last | 0;
      const deltaMs = delta * 1000 / this.#clockRate;
      const elapsed = Math.max(0, receivedAt - this.#lastAt);
      const back = keyframe && this.#at(this.#unwrapped + delta) < this.#highest;
      if (back || deltaMs > elapsed + MAX_FORWARD_STEP || deltaMs < -MAX_BACKWARD_STEP) {
        this.steps++;
        this.#begin(rtpTimestamp, this.#continued(receivedAt));
        this.#forgetReport();
      } else {
        this.#unwrapped += delta;
        this.#last = rtpTimestamp;
      }
    }
    this.#pendingRestart = false;
    this.#lastAt = receivedAt;
    // Pictures that lead the first one of a sequence must not fall below where the sequence before ended.
    const pts = Math.max(this.#base, this.#at(this.#unwrapped));
    if (pts > this.#highest) {
      this.#highest = pts;
      this.#highestAt = receivedAt;
    }
    return pts;
  }

  /** The next timestamp belongs to another sequence: another SSRC, or a new connection. */
  restart(): void {
    this.#pendingRestart = this.#started;
    this.#forgetReport();
  }

  /** Takes a sender report: the camera's clock in Unix milliseconds, and the timestamp of the same instant. */
  senderReport(ntpUnixMs: number, rtpTimestamp: number): void {
    // Cameras without a set clock send 0 or seconds since they were switched on: anything before 2000 is no wall time.
    if (!(ntpUnixMs > 946_684_800_000)) return;
    if (!Number.isNaN(this.#reportNtp)) {
      const predicted = this.#reportNtp + (rtpTimestamp - this.#reportRtp | 0) * 1000 / this.#clockRate;
      if (Math.abs(ntpUnixMs - predicted) > MAX_WALL_STEP) {
        this.steps++;
        this.#quality = "stepped";
      } else {
        this.#quality = "sr";
      }
    } else {
      this.#quality = "sr";
    }
    this.#reportNtp = ntpUnixMs;
    this.#reportRtp = rtpTimestamp;
  }

  /** When the camera took the picture of this timestamp, in Unix milliseconds by its own clock; null before a report. */
  wallTime(rtpTimestamp: number): number | null {
    if (Number.isNaN(this.#reportNtp)) return null;
    return this.#reportNtp + (rtpTimestamp - this.#reportRtp | 0) * 1000 / this.#clockRate;
  }

  /** The time of an unwrapped timestamp. */
  #at(unwrapped: number): number {
    return this.#base + micros(unwrapped - this.#origin, this.#clockRate);
  }

  #begin(rtpTimestamp: number, base: number): void {
    this.#last = rtpTimestamp;
    this.#unwrapped = rtpTimestamp;
    this.#origin = rtpTimestamp;
    this.#base = base;
  }

  /** Where to go on: the highest time so far, and what passed since by this host's clock. */
  #continued(receivedAt: number): number {
    return this.#highest + Math.max(1, Math.round((receivedAt - this.#highestAt) * 1000));
  }

  #forgetReport(): void {
    this.#reportNtp = NaN;
    this.#quality = "none";
  }
}

/** Ticks to integer microseconds without losing bits: whole seconds apart from the rest. */
function micros(ticks: number, clockRate: number): number {
  const seconds = Math.floor(ticks / clockRate);
  return seconds * 1_000_000 + Math.round((ticks - seconds * clockRate) * 1_000_000 / clockRate);
}
