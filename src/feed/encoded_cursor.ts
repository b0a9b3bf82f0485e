// Pure: no I/O.
import type { BranchStats } from "../media/mod.ts";
import { type RecordMeta, RingReader, SharedRingMemory } from "../ring/mod.ts";

/** Access units that a branch may be behind unless told otherwise: some two seconds of a camera. */
export const DEFAULT_ENCODED_CAPACITY = 64;

/**
 * Reads access units out of a track's ring for one branch, so that what it gives can always be decoded: it begins at
 * the newest keyframe, and where it fell behind, or something is missing, it goes on at the next one.
 */
export class EncodedCursor {
  readonly #reader: RingReader;
  readonly #capacity: number;
  readonly #skipCorrupt: boolean;
  #scratch = new Uint8Array(65_536);
  #waiting = true;
  /** Where the ring was when this joined: up to here it may be behind by more than its capacity. */
  #joinedAt = 0;
  #gap = true;
  #delivered = 0;
  #skipped = 0;

  /** @param options.corrupt Whether access units known to be damaged, and what builds on them, are passed over. */
  constructor(ring: SharedArrayBuffer, options: { capacity?: number; corrupt?: "skip" | "deliver" } = {}) {
    const capacity = options.capacity ?? DEFAULT_ENCODED_CAPACITY;
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new RangeError(`Cannot make a branch: capacity is ${capacity}, expected a positive integer`);
    }
    this.#reader = new RingReader(new SharedRingMemory(ring), { start: "oldest" });
    this.#capacity = capacity;
    this.#skipCorrupt = (options.corrupt ?? "skip") === "skip";
    this.rejoin();
  }

  /** The bytes of the access unit that `next()` gave last; overwritten by the next one. */
  data: Uint8Array = this.#scratch.subarray(0, 0);
  /** Whether something is missing between the access unit before and that one. */
  afterGap = false;

  /** Begins anew at the newest keyframe: what lies before it is not counted as lost. */
  rejoin(): void {
    this.#joinedAt = this.#reader.head;
    this.#waiting = this.#gap = true;
    // What came so far was for others; the newest keyframe and what builds on it is still of use.
    if (!this.#reader.skipToKeyframe()) this.#reader.skipTo(this.#reader.head);
  }

  /** Passes over everything up to the next keyframe, as after a decoder that lost its state. */
  waitForKeyframe(): void {
    this.#waiting = true;
  }

  /** The next access unit, its bytes in `data`; null where there is none now. Both are borrowed until the next call. */
  next(): RecordMeta | null {
    const reader = this.#reader;
    for (;;) {
      this.#keepUp();
      const meta = reader.peek("every");
      if (!meta) return null;
      if (meta.keyframe) this.#waiting = false;
      else if (meta.missed > 0 || meta.discontinuity && this.#skipCorrupt) this.#waiting = true;
      if (meta.missed > 0 || meta.discontinuity) this.#gap = true;
      if (meta.corrupt && this.#skipCorrupt) this.#waiting = true;
      if (this.#waiting) {
        this.#skipped++;
        this.#gap = true;
        reader.skip();
        continue;
      }
      if (meta.bytes + meta.blobBytes > this.#scratch.length) {
        this.#scratch = new Uint8Array(2 * (meta.bytes + meta.blobBytes));
      }
      const { bytes } = meta;
      if (!reader.read(this.#scratch)) {
        this.#waiting = this.#gap = true;
        continue;
      }
      this.#delivered++;
      this.afterGap = this.#gap;
      this.#gap = false;
      this.data = this.#scratch.subarray(0, bytes);
      return meta;
    }
  }

  /** Whether there is nothing left to read, and never will be. */
  get over(): boolean {
    return this.#reader.closed && this.#reader.behind === 0;
  }

  /** Waits until there may be something new, at most `timeoutMs`. */
  async waitAsync(timeoutMs: number): Promise<void> {
    await this.#reader.waitAsync(timeoutMs);
  }

  /** Wakes whoever waits, of this branch or of others. */
  wake(): void {
    this.#reader.memory.notify(SIGNAL_OFFSET);
  }

  get skipped(): number {
    return this.#skipped + this.#reader.missed;
  }

  stats(): BranchStats {
    const dropped = this.skipped;
    return { received: this.#delivered + dropped, delivered: this.#delivered, dropped };
  }

  /** Where the branch is too far behind, goes to the newest keyframe, or to the end to wait for one. */
  #keepUp(): void {
    const reader = this.#reader;
    if (reader.cursor < this.#joinedAt || reader.behind <= this.#capacity) return;
    const from = reader.cursor;
    this.#gap = true;
    if (!reader.skipToKeyframe()) {
      reader.skipTo(reader.head);
      this.#waiting = true;
    }
    this.#skipped += reader.cursor - from;
  }
}

/** The signal word of a ring's header. */
const SIGNAL_OFFSET = 144;
