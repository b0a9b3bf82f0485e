// Pure: no I/O.
import type { BranchStats } from "../media/mod.ts";
import { HEADER, type RecordMeta, RingReader, SharedRingMemory } from "../ring/mod.ts";

/** Access units that a branch may be behind unless told otherwise: some two seconds of a camera. */
export const DEFAULT_ENCODED_CAPACITY = 64;

/**
 * What is to become of an access unit that could be decoded: it is taken, or passed over because nobody wants it, or because
 * there is no time for it; or all since the last keyframe is read once more, this one at the end.
 */
export type Choice = "take" | "pass" | "shed" | "again";

/** Chooses among access units before their bytes are copied. */
export interface Chooser {
  /** @param again Whether it was chosen about before: it is taken only for those that come after it. */
  choose(meta: RecordMeta, again: boolean): Choice;
  /** The ring no longer has the keyframe that `"again"` would begin with. */
  tooLate(): void;
}

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
  /** Whether it waits for a keyframe because it fell behind, and nothing was missing before. */
  #late = false;
  /** Where the ring was when this joined, or went back. */
  #joinedAt = 0;
  #gap = true;
  /** The first access unit that is not counted yet; what is read again lies before it. */
  #fresh: number;
  #keyframe = -1;
  #delivered = 0;
  #skipped = 0;
  #unwanted = 0;
  #shed = 0;

  /**
   * @param options.capacity What the ring keeps is the most there is, whatever is asked for.
   * @param options.corrupt Whether access units known to be damaged, and what builds on them, are passed over.
   */
  constructor(ring: SharedArrayBuffer, options: { capacity?: number; corrupt?: "skip" | "deliver" } = {}) {
    const capacity = options.capacity ?? DEFAULT_ENCODED_CAPACITY;
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new RangeError(`Cannot make a branch: capacity is ${capacity}, expected a positive integer`);
    }
    this.#reader = new RingReader(new SharedRingMemory(ring), { start: "oldest" });
    this.#capacity = Math.min(capacity, this.#reader.header.slots);
    this.#skipCorrupt = (options.corrupt ?? "skip") === "skip";
    this.#fresh = 0;
    this.rejoin();
    this.#fresh = this.#reader.cursor;
    this.#unwanted = 0;
  }

  /** The bytes of the access unit that `next()` gave last; overwritten by the next one. */
  data: Uint8Array = this.#scratch.subarray(0, 0);

  /** Whether something is missing between the access unit before and that one, but for what the chooser had passed over. */
  afterGap = false;
  /** Whether the one that is being chosen about does not follow the one before, which the chooser saw. */
  afterJump = false;
  /** Whether the access unit that `next()` gave last was counted before, and is of use only to those that follow. */
  again = false;

  /** Begins anew at the newest keyframe: what lies before it was wanted by nobody. */
  rejoin(): void {
    this.#joinedAt = this.#reader.head;
    this.#waiting = this.#gap = this.afterJump = true;
    // What came so far was for others; the newest keyframe and what builds on it is still of use.
    if (!this.#reader.skipToKeyframe()) this.#reader.skipTo(this.#reader.head);
    this.#unwanted += this.#countTo(this.#reader.cursor);
  }

  /** Passes over everything up to the next keyframe, as after a decoder that lost its state. */
  waitForKeyframe(): void {
    this.#waiting = true;
  }

  /** The bytes of the access unit that is being chosen about, where they lie: the writer may overwrite them meanwhile. */
  peekBytes(): Uint8Array {
    return this.#reader.view();
  }

  /** Whether so much waits that it must be hurried: half of what may wait before the rest is given up. */
  get hurried(): boolean {
    return this.#arrears > this.#capacity / 2;
  }

  /** What is there by now did not come faster than it was read: nobody looked. */
  excuse(): void {
    if (this.#isGone(this.#reader.cursor)) this.rejoin();
    else this.#joinedAt = this.#reader.head;
  }

  /**
   * The next access unit, its bytes in `data`; null where there is none now. Both are borrowed until the next call.
   *
   * @param chooser Without one, everything is taken.
   */
  next(chooser?: Chooser): RecordMeta | null {
    const reader = this.#reader;
    for (;;) {
      if (this.#arrears > this.#capacity) this.#fallBehind();
      const { cursor } = reader;
      const meta = reader.peek("every");
      if (!meta) return null;
      if (meta.sequence > cursor) { // what was there is overwritten by now
        this.#fallBehind();
        continue;
      }
      const again = meta.sequence < this.#fresh;
      if (meta.keyframe) {
        this.#waiting = this.#late = false;
        this.#keyframe = meta.sequence;
      } else if (meta.discontinuity && this.#skipCorrupt) this.#waiting = true;
      if (meta.discontinuity) this.#gap = this.afterJump = true;
      if (meta.corrupt && this.#skipCorrupt) this.#waiting = true;
      if (this.#waiting) {
        this.#gap = true;
        const passed = this.#countTo(meta.sequence + 1);
        if (this.#late) this.#shed += passed;
        else this.#skipped += passed;
        reader.skip();
        continue;
      }
      const choice = chooser?.choose(meta, again) ?? "take";
      this.afterJump = false;
      if (choice === "again") {
        if (!this.#rewind()) chooser!.tooLate();
        continue;
      }
      if (choice !== "take") {
        const passed = this.#countTo(meta.sequence + 1);
        if (choice === "pass") this.#unwanted += passed;
        else this.#shed += passed;
        reader.skip();
        continue;
      }
      if (meta.bytes + meta.blobBytes > this.#scratch.length) {
        this.#scratch = new Uint8Array(2 * (meta.bytes + meta.blobBytes));
      }
      const { bytes } = meta;
      if (!reader.read(this.#scratch)) {
        this.#fallBehind();
        continue;
      }
      this.#delivered += this.#countTo(meta.sequence + 1);
      this.again = again;
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

  /** Access units that `next()` gave, each counted once. */
  get delivered(): number {
    return this.#delivered;
  }

  /** Access units passed over because something before them was missing. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Access units passed over because nobody wanted them. */
  get unwanted(): number {
    return this.#unwanted;
  }

  /** Access units passed over because there was no time for them, or overwritten before there was. */
  get shed(): number {
    return this.#shed;
  }

  stats(): BranchStats {
    const dropped = this.#skipped + this.#shed;
    return { received: this.#delivered + dropped, delivered: this.#delivered, dropped };
  }

  /** How far it is behind; what was there when it joined counts for nothing, but for the time that it takes. */
  get #arrears(): number {
    return this.#reader.head - Math.max(this.#reader.cursor, this.#joinedAt);
  }

  /** Gives up what waits: goes to the newest keyframe, or to the end to wait for one. */
  #fallBehind(): void {
    const reader = this.#reader;
    this.#gap = this.afterJump = true;
    if (!reader.skipToKeyframe()) {
      reader.skipTo(reader.head);
      this.#waiting = this.#late = true;
    }
    this.#shed += this.#countTo(reader.cursor);
  }

  /** Goes back to the last keyframe; false where the ring no longer has it. */
  #rewind(): boolean {
    const reader = this.#reader;
    if (this.#keyframe < 0 || this.#isGone(this.#keyframe)) return false;
    this.#joinedAt = reader.head;
    reader.skipTo(this.#keyframe);
    return true;
  }

  /** Whether an access unit is overwritten by now. */
  #isGone(sequence: number): boolean {
    const { memory, head, header } = this.#reader;
    return memory.load64(HEADER.oldest) > sequence || head - sequence > header.slots;
  }

  /** Counts everything before a sequence; returns how many of that were not counted before. */
  #countTo(sequence: number): number {
    const count = Math.max(0, sequence - this.#fresh);
    this.#fresh = Math.max(this.#fresh, sequence);
    return count;
  }
}

/** The signal word of a ring's header. */
const SIGNAL_OFFSET = HEADER.signal;
