// Pure: no I/O.
import { RtpPacketView } from "./packet.ts";

/** Takes packets in order. */
export interface ReorderSink {
  /** The next packet; the view is borrowed until this returns. `receivedAt` is when it came, not when it was let go. */
  packet(view: RtpPacketView, receivedAt: number): void;
  /** `lost` packets are missing between the packet before and the next. */
  gap(lost: number): void;
  /** The next packet begins a new sequence: another source, or the same one that jumped. */
  restart(ssrc: number): void;
}

/** What a `Reorder` may hold back. */
export interface ReorderOptions {
  /** How far ahead of a missing packet others are held; rounded up to a power of two. 0 holds none (TCP). @default {64} */
  maxPackets?: number;
  /** For how many milliseconds a packet is held. @default {80} */
  maxDelay?: number;
}

/** Counters; they only rise. */
export interface ReorderStats {
  delivered: number;
  /** Packets given up. */
  lost: number;
  /** Packets that came after they were given up. */
  late: number;
  duplicate: number;
  /** Packets that came after a later one and were put back. Those that wait behind a hole came in order. @see RFC 4737, 3 */
  reordered: number;
  restarts: number;
  /** Packets out of any order, which a restart would have explained had another followed. */
  stray: number;
}

/** A jump further than this is not loss but another sequence. RFC 3550, A.1: MAX_DROPOUT. */
const MAX_DROPOUT = 3000;
/** How far back a packet is still late, and how many past packets are remembered to tell late from duplicate. */
const HISTORY = 1024;
/** The largest packet of RTP over anything that this library reads. */
const MAX_PACKET_BYTES = 65_535;

interface Slot {
  bytes: Uint8Array;
  length: number;
  receivedAt: number;
  used: boolean;
}

/**
 * Puts packets back into the order of their sequence numbers, with bounds on how many are held and for how long.
 *
 * A packet in order is handed on at once, uncopied; one that is early is copied into a slot. A new SSRC, or a jump of
 * the sequence, counts once a second packet confirms it: a stray packet of somebody else restarts nothing. The first of the two is
 * kept, since it may hold the parameter sets.
 */
export class Reorder {
  readonly stats: ReorderStats = {
    delivered: 0,
    lost: 0,
    late: 0,
    duplicate: 0,
    reordered: 0,
    restarts: 0,
    stray: 0,
  };
  readonly #sink: ReorderSink;
  readonly #window: number;
  readonly #maxDelay: number;
  readonly #slots: Slot[] = [];
  readonly #view = new RtpPacketView();
  readonly #history = new Uint8Array(HISTORY);
  readonly #candidate = emptySlot();
  #candidateSsrc = 0;
  #candidateSequence = 0;
  #started = false;
  #ssrc = 0;
  #next = 0;
  #held = 0;
  /** The latest sequence number among those held. */
  #furthest = 0;
  #oldestHeld = 0;

  /** @throws {RangeError} where a bound is not within reason. */
  constructor(sink: ReorderSink, options: ReorderOptions = {}) {
    const { maxPackets = 64, maxDelay = 80 } = options;
    if (!Number.isInteger(maxPackets) || maxPackets < 0 || maxPackets > 1024) {
      throw new RangeError(`Cannot make a reorder buffer: maxPackets is ${maxPackets}, expected 0 to 1024`);
    }
    if (!(maxDelay >= 0)) {
      throw new RangeError(`Cannot make a reorder buffer: maxDelay is ${maxDelay}, expected 0 or more`);
    }
    this.#sink = sink;
    // A power of two divides the 65536 sequence numbers, so that slots stay apart over the wrap.
    this.#window = maxPackets === 0 ? 0 : 2 ** Math.ceil(Math.log2(maxPackets));
    this.#maxDelay = maxDelay;
    for (let i = 0; i < this.#window; i++) this.#slots.push(emptySlot());
  }

  /** How many packets are held back. */
  get held(): number {
    return this.#held;
  }

  /** The source whose packets are handed on; 0 before the first. */
  get ssrc(): number {
    return this.#ssrc;
  }

  /** Takes a packet. The view is not kept. */
  push(view: RtpPacketView, now: number): void {
    if (!this.#started) {
      this.#restart(view.ssrc, view.sequence);
    } else if (view.ssrc !== this.#ssrc) {
      return this.#suspect(view, now);
    }
    const ahead = distance(view.sequence, this.#next);
    if (ahead < 0) {
      if (ahead < -HISTORY) return this.#suspect(view, now);
      this.#dropCandidate();
      if (this.#history[view.sequence % HISTORY] === 1) this.stats.duplicate++;
      else this.stats.late++;
      return;
    }
    if (ahead > MAX_DROPOUT) return this.#suspect(view, now);
    this.#dropCandidate();
    if (ahead === 0) {
      if (this.#held > 0) this.stats.reordered++;
      this.#deliver(view, now);
      if (this.#held > 0) this.#drain();
    } else {
      this.#early(view, now);
    }
    if (this.#held > 0) this.tick(now);
  }

  /** Gives up on packets whose followers were held for too long. */
  tick(now: number): void {
    while (this.#held > 0 && now - this.#oldestHeld >= this.#maxDelay) this.#giveUp();
  }

  /** Hands on all that is held. */
  flush(): void {
    while (this.#held > 0) this.#giveUp();
  }

  /** Forgets the sequence and all that is held: the next packet begins anew. */
  reset(): void {
    for (const slot of this.#slots) slot.used = false;
    this.#held = 0;
    this.#candidate.used = false;
    this.#started = false;
  }

  #early(view: RtpPacketView, now: number): void {
    while (this.#held > 0 && distance(view.sequence, this.#next) >= this.#window) this.#giveUp();
    const ahead = distance(view.sequence, this.#next);
    if (ahead === 0) {
      this.#deliver(view, now);
      this.#drain();
      return;
    }
    if (ahead >= this.#window) {
      this.#skip(ahead);
      this.#deliver(view, now);
      return;
    }
    const slot = this.#slots[view.sequence % this.#window];
    if (slot.used) {
      this.stats.duplicate++;
      return;
    }
    if (!keep(slot, view, now)) return;
    if (this.#held > 0 && distance(view.sequence, this.#furthest) < 0) this.stats.reordered++;
    else this.#furthest = view.sequence;
    if (this.#held++ === 0 || now < this.#oldestHeld) this.#oldestHeld = now;
  }

  /** Skips to the first packet held and hands on those that follow it without a hole. */
  #giveUp(): void {
    for (let ahead = 1; ahead < this.#window; ahead++) {
      if (!this.#slots[(this.#next + ahead) % this.#window].used) continue;
      this.#skip(ahead);
      break;
    }
    this.#drain();
  }

  #skip(lost: number): void {
    // No more than the history's length needs to be cleared: older marks would be overwritten anyway.
    for (let i = 0; i < Math.min(lost, HISTORY); i++) this.#history[(this.#next + lost - 1 - i & 0xffff) % HISTORY] = 0;
    this.#next = this.#next + lost & 0xffff;
    this.stats.lost += lost;
    this.#sink.gap(lost);
  }

  #drain(): void {
    while (this.#held > 0) {
      const slot = this.#slots[this.#next % this.#window];
      if (!slot.used) break;
      slot.used = false;
      this.#held--;
      this.#view.parse(slot.bytes, 0, slot.length);
      this.#deliver(this.#view, slot.receivedAt);
    }
    if (this.#held === 0) return;
    this.#oldestHeld = Infinity;
    for (const slot of this.#slots) {
      if (slot.used && slot.receivedAt < this.#oldestHeld) this.#oldestHeld = slot.receivedAt;
    }
  }

  #deliver(view: RtpPacketView, receivedAt: number): void {
    this.#history[view.sequence % HISTORY] = 1;
    this.#next = view.sequence + 1 & 0xffff;
    this.stats.delivered++;
    this.#sink.packet(view, receivedAt);
  }

  /** Takes a packet that fits in no way: the second of a kind makes a new sequence. */
  #suspect(view: RtpPacketView, now: number): void {
    const candidate = this.#candidate;
    if (
      candidate.used && view.ssrc === this.#candidateSsrc && view.sequence === (this.#candidateSequence + 1 & 0xffff)
    ) {
      candidate.used = false;
      this.flush();
      this.#restart(this.#candidateSsrc, this.#candidateSequence);
      this.#view.parse(candidate.bytes, 0, candidate.length);
      this.#deliver(this.#view, candidate.receivedAt);
      this.#deliver(view, now);
      return;
    }
    this.#dropCandidate();
    if (!keep(candidate, view, now)) return;
    this.#candidateSsrc = view.ssrc;
    this.#candidateSequence = view.sequence;
  }

  #dropCandidate(): void {
    if (!this.#candidate.used) return;
    this.#candidate.used = false;
    this.stats.stray++;
  }

  #restart(ssrc: number, sequence: number): void {
    if (this.#ssrc !== 0 || this.stats.delivered > 0) this.stats.restarts++;
    this.#started = true;
    this.#ssrc = ssrc;
    this.#next = sequence;
    this.#history.fill(0);
    this.#sink.restart(ssrc);
  }
}

function emptySlot(): Slot {
  return { bytes: new Uint8Array(0), length: 0, receivedAt: 0, used: false };
}

/** Copies a packet into a slot; false where it is larger than any packet may be. */
function keep(slot: Slot, view: RtpPacketView, now: number): boolean {
  const length = view.end - view.start;
  if (length > MAX_PACKET_BYTES) return false;
  // Room for a common packet at once, so that a slot is seldom made twice.
  if (slot.bytes.length < length) slot.bytes = new Uint8Array(Math.max(length, 2048));
  slot.bytes.set(length === view.data.length ? view.data : view.data.subarray(view.start, view.end));
  slot.length = length;
  slot.receivedAt = now;
  slot.used = true;
  return true;
}

/** How far `sequence` is ahead of `from`, -32768 to 32767, round the wrap. */
function distance(sequence: number, from: number): number {
  return (sequence - from) << 16 >> 16;
}
