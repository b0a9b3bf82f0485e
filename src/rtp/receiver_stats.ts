// Pure: no I/O.
import type { ReportBlock } from "./rtcp.ts";

/** RFC 3550, A.1. */
const MAX_DROPOUT = 3000;
const MAX_MISORDER = 100;
const NO_BAD_SEQUENCE = 65_537;

/**
 * What a receiver counts of one source, for its reports.
 *
 * It sees packets as they come, before any reordering. Sources are not put on probation: a camera's first packet
 * is its parameter sets, and who it is was settled by RTSP.
 *
 * @see RFC 3550, A.1 (sequence), A.3 (loss), A.8 (jitter)
 */
export class ReceiverStats {
  readonly #clockRate: number;
  #ssrc = 0;
  #started = false;
  #base = 0;
  #highest = 0;
  #cycles = 0;
  #bad = NO_BAD_SEQUENCE;
  #received = 0;
  #expectedPrior = 0;
  #receivedPrior = 0;
  #transit = NaN;
  #jitter = 0;
  #lastReport = 0;
  #lastReportAt = 0;

  constructor(options: { clockRate: number }) {
    this.#clockRate = options.clockRate;
  }

  get ssrc(): number {
    return this.#ssrc;
  }

  /** Packets received, duplicates among them. */
  get received(): number {
    return this.#received;
  }

  /** Packets that the sequence numbers say were sent. */
  get expected(): number {
    return this.#started ? this.#cycles + this.#highest - this.#base + 1 : 0;
  }

  /** Packets lost; below zero where duplicates outweigh. */
  get lost(): number {
    return this.expected - this.#received;
  }

  /** Interarrival jitter in milliseconds. */
  get jitter(): number {
    return this.#jitter * 1000 / this.#clockRate;
  }

  /** Counts a packet that came at `now` milliseconds; NaN where that is not known, and says nothing of jitter. */
  update(ssrc: number, sequence: number, rtpTimestamp: number, now: number): void {
    if (!this.#started || ssrc !== this.#ssrc) {
      this.#ssrc = ssrc;
      this.#begin(sequence);
      this.#transit = NaN;
      this.#jitter = 0;
      this.#lastReport = 0;
    } else if (!this.#follow(sequence)) {
      return;
    }
    this.#received++;
    const transit = now * this.#clockRate / 1000 - rtpTimestamp;
    // The difference wraps as the timestamp does.
    const difference = Math.abs(wrapped(transit - this.#transit));
    if (!Number.isNaN(difference)) this.#jitter += (difference - this.#jitter) / 16;
    this.#transit = transit;
  }

  /** Takes note of a sender report, by the middle bits of its NTP time, that came at `now`. */
  senderReport(ssrc: number, ntpMiddle: number, now: number): void {
    if (this.#started && ssrc !== this.#ssrc) return;
    this.#lastReport = ntpMiddle;
    this.#lastReportAt = now;
  }

  /** The block of the next receiver report; begins the next interval. Null before the first packet. */
  reportBlock(now: number): ReportBlock | null {
    if (!this.#started) return null;
    const expected = this.expected;
    const expectedInterval = expected - this.#expectedPrior;
    const lostInterval = expectedInterval - (this.#received - this.#receivedPrior);
    this.#expectedPrior = expected;
    this.#receivedPrior = this.#received;
    const fraction = expectedInterval <= 0 || lostInterval <= 0 ? 0 : Math.floor(lostInterval * 256 / expectedInterval);
    return {
      ssrc: this.#ssrc,
      fractionLost: Math.min(255, fraction),
      cumulativeLost: Math.max(-0x800000, Math.min(0x7fffff, this.lost)),
      highestSequence: (this.#cycles + this.#highest) % 2 ** 32,
      jitter: Math.floor(this.#jitter) >>> 0,
      lastReport: this.#lastReport,
      delaySinceLastReport: this.#lastReport === 0
        ? 0
        : Math.max(0, Math.round((now - this.#lastReportAt) * 65.536)) >>> 0,
    };
  }

  #begin(sequence: number): void {
    this.#started = true;
    this.#base = this.#highest = sequence;
    this.#bad = NO_BAD_SEQUENCE;
    this.#cycles = 0;
    this.#received = this.#receivedPrior = this.#expectedPrior = 0;
  }

  /** Follows the sequence; false for the first of two packets that would begin another. */
  #follow(sequence: number): boolean {
    const ahead = sequence - this.#highest & 0xffff;
    if (ahead < MAX_DROPOUT) {
      if (sequence < this.#highest) this.#cycles += 65_536;
      this.#highest = sequence;
    } else if (ahead <= 65_536 - MAX_MISORDER) {
      if (sequence !== this.#bad) {
        this.#bad = sequence + 1 & 0xffff;
        return false;
      }
      this.#begin(sequence);
    }
    return true;
  }
}

/** The value as a signed remainder of 2^32. */
function wrapped(value: number): number {
  return value - Math.round(value / 2 ** 32) * 2 ** 32;
}
