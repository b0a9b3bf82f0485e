// Pure: no I/O.
import { DescriptorCheck } from "./descriptor_check.ts";
import { HEADER, readHeader, type RingHeader, SLOT, slotOffset, STATE } from "./layout.ts";
import type { RingMemory } from "./memory.ts";
import { RecordMeta } from "./meta.ts";
import { Reading, RESULT, STEP } from "./reading.ts";

/** Which record comes next: each one in order, or always the newest. */
export type ReadMode = "every" | "latest";

/**
 * Where a reader begins: with what comes next, the newest record there is, the oldest, or the very first, where those that are
 * overwritten by now count as missed.
 */
export type ReadStart = "new" | "latest" | "oldest" | "first";

/** What a reader has met. */
export interface RingReaderStats {
  /** Records that it got, whole. */
  delivered: number;
  /** Records that it did not get: passed over, overwritten, or overtaken while being copied. */
  missed: number;
  /** Of the missed ones those whose copy was overtaken. */
  overtaken: number;
  /** Of the missed ones those whose descriptor made no sense: the ring is damaged. */
  invalid: number;
}

/** How many records one call tries before it lets others run. */
const ATTEMPTS = 64;
const NO_BYTES = new Uint8Array(0);

/**
 * One of any number of readers of a ring, at its own pace. It writes nothing to the ring, and believes nothing of
 * what is in it: whatever the bytes say, no call reaches outside the memory, loops for long, or gives a payload that was
 * overwritten while being read.
 */
export class RingReader {
  readonly memory: RingMemory;
  readonly header: Readonly<RingHeader>;
  readonly #reading: Reading;
  readonly #check: DescriptorCheck;
  readonly #meta = new RecordMeta();
  /** Views of the payloads by slot, made anew only when they move. */
  readonly #views: { offset: number; bytes: Uint8Array<ArrayBufferLike> }[] = [];
  #again = false;

  /**
   * @param options.start @default {"oldest"}
   * @param options.missed records that were missed in the rings that this one goes on for. @default {0}
   * @param options.what how messages call the ring, such as `ring "cam-1"`.
   * @throws {ShmError} `version` or `invalid` where the memory holds no ring that this library reads.
   */
  constructor(memory: RingMemory, options: { start?: ReadStart; missed?: number; what?: string } = {}) {
    this.memory = memory;
    this.header = readHeader(memory, options.what);
    this.#reading = new Reading(this.header);
    this.#check = new DescriptorCheck(this.header);
    this.#reading.seen = memory.load32(HEADER.signal);
    const oldest = this.memory.load64(HEADER.oldest), head = this.head;
    const start = options.start ?? "oldest";
    this.#reading.cursor =
      { new: head, latest: Math.max(0, head - 1), oldest: Math.min(oldest, head), first: 0 }[start];
    if (start === "first") this.#reading.goOn(options.missed ?? 0);
  }

  /** Sequence of the record that the writer writes next. */
  get head(): number {
    const head = this.memory.load64(HEADER.head);
    return head <= Number.MAX_SAFE_INTEGER ? head : 0;
  }

  /** Sequence of the record that this reader would read next in order. */
  get cursor(): number {
    return this.#reading.cursor;
  }

  /** How many records this reader is behind. */
  get behind(): number {
    return Math.max(0, this.head - this.#reading.cursor);
  }

  /** Whether the writer has closed the ring; records may still be in it. */
  get closed(): boolean {
    return this.memory.load32(HEADER.state) === STATE.closed;
  }

  /** Whether the writer goes on in another ring, which has the name by now; records may still be in this one. */
  get moved(): boolean {
    return this.memory.load32(HEADER.state) === STATE.moved;
  }

  /** Records that this reader did not get, since it began. */
  get missed(): number {
    return this.#reading.missed;
  }

  /** The signal word as it was when this reader last looked for a record: what to wait on, for those who wait by themselves. */
  get seenSignal(): number {
    return this.#reading.seen;
  }

  /** Whether `wait` would return at once because records were left unlooked at. */
  get unfinished(): boolean {
    return this.#again;
  }

  stats(): RingReaderStats {
    const { delivered, missed, overtaken, invalid } = this.#reading;
    return { delivered, missed, overtaken, invalid };
  }

  /** Goes to a record; what lies between is not counted as missed. */
  skipTo(sequence: number): void {
    if (!Number.isSafeInteger(sequence) || sequence < 0) {
      throw new RangeError(`Cannot skip to record ${sequence}: expected an integer from 0`);
    }
    this.#reading.cursor = sequence;
    this.#reading.peeked = false;
  }

  /**
   * Goes to the newest record that is a keyframe and not behind this reader; false where the ring holds none.
   *
   * @param end only records before this one count. @default {the head}
   */
  skipToKeyframe(end = Infinity): boolean {
    const head = this.head;
    const last = Math.max(this.#reading.cursor, this.memory.load64(HEADER.oldest), head - this.header.slots);
    for (let sequence = Math.min(head, end) - 1; sequence >= last; sequence--) {
      const slot = slotOffset(sequence, this.header.slots);
      if (this.memory.load64(slot + SLOT.sequence) !== sequence + 1) continue;
      if ((this.memory.load32(slot + SLOT.flags) & 1) === 0) continue;
      this.skipTo(sequence);
      return true;
    }
    return false;
  }

  /**
   * Looks at the next record without taking it; null where there is none yet. After it `read`, `take` or `skip` moves on; a second
   * `peek` looks again, and in mode `latest` may find a newer one.
   */
  peek(mode: ReadMode = "every"): RecordMeta | null {
    const reading = this.#reading;
    reading.peeked = false;
    reading.latest = mode === "latest";
    this.#again = false;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const result = this.memory.readRecord ? this.#ask(STEP.look, NO_BYTES) : this.#find(mode);
      if (result === RESULT.nothing) return null;
      if (result === RESULT.later) break;
      if (this.#check.accept(reading.slot, reading.cursor, this.#meta)) {
        reading.peeked = true;
        this.#meta.missed = reading.gap;
        return this.#meta;
      }
      reading.peeked = false;
      reading.invalid++;
      reading.lose(1);
    }
    this.#again = true;
    return null;
  }

  /**
   * Copies the peeked record's payload, and its blob behind it where both fit, and takes the record. False where the
   * writer overtook the copy: then the record is missed, and what is in `into` is to be thrown away.
   *
   * @throws {RangeError} where the payload does not fit; the record is still peeked.
   */
  read(into: Uint8Array): boolean {
    this.#mustPeek();
    const { bytes, blobBytes, offset } = this.#meta;
    this.#mustFit(bytes, into);
    if (this.memory.readRecord) return this.#ask(STEP.copy, into) === RESULT.taken;
    const all = bytes + blobBytes;
    const length = into.length >= all ? all : bytes;
    if (length > 0) this.memory.read(offset, into, length);
    return this.take();
  }

  /**
   * The peeked record's payload, and its blob behind it, where they lie, without a copy. The writer may overwrite them at any
   * time: what was made of them counts only if `validate()` or `take()` says so afterwards.
   *
   * @throws {TypeError} where this kind of memory cannot be viewed.
   */
  view(): Uint8Array<ArrayBufferLike> {
    this.#mustPeek();
    if (!this.memory.view) throw new TypeError("Cannot view a record: this memory can only be copied from");
    const { offset, bytes, blobBytes, sequence } = this.#meta;
    const slot = sequence % this.header.slots;
    const known = this.#views[slot];
    if (known !== undefined && known.offset === offset && known.bytes.length === bytes + blobBytes) return known.bytes;
    const view = this.memory.view(offset, bytes + blobBytes);
    this.#views[slot] = { offset, bytes: view };
    return view;
  }

  /** Whether the peeked record is still whole. */
  validate(): boolean {
    this.#mustPeek();
    const { sequence } = this.#meta;
    const slot = slotOffset(sequence, this.header.slots);
    this.memory.fence();
    return this.memory.load64(HEADER.oldest) <= sequence && this.memory.load64(slot + SLOT.sequence) === sequence + 1;
  }

  /** Ends with the peeked record: true where it was whole to the end, else it is missed. */
  take(): boolean {
    const whole = this.validate();
    const reading = this.#reading;
    reading.peeked = false;
    if (whole) {
      reading.take();
      return true;
    }
    reading.overtaken++;
    reading.lose(1);
    // The oldest record is the next to be overwritten: a reader that is slower than the writer would lose every copy. From
    // the middle it gets some in a row.
    const head = this.head;
    const middle = head - ((head - Math.max(this.memory.load64(HEADER.oldest), head - this.header.slots)) >> 1);
    if (middle > reading.cursor && middle <= head) reading.lose(middle - reading.cursor);
    return false;
  }

  /** Passes the peeked record over; it does not count as missed. */
  skip(): void {
    this.#mustPeek();
    this.#reading.peeked = false;
    this.#reading.cursor++;
  }

  /**
   * The next record, copied into a buffer, or into what a function gives for its size (payload and blob); null where there is
   * none yet.
   *
   * @throws {RangeError} where the payload does not fit.
   */
  next(mode: ReadMode, into: Uint8Array | ((bytes: number) => Uint8Array)): RecordMeta | null {
    if (this.memory.readRecord && into instanceof Uint8Array) return this.#nextAtOnce(mode, into, 0);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const meta = this.peek(mode);
      if (meta === null) return null;
      if (this.read(into instanceof Uint8Array ? into : into(meta.bytes + meta.blobBytes))) return meta;
    }
    this.#again = true;
    return null;
  }

  /**
   * As `next`, but blocks this thread until there is a record, the ring is closed, the time is over, or somebody wakes those who
   * wait. Where the memory can do that at once, the copy begins the moment that this thread wakes.
   *
   * @throws {RangeError} where the payload does not fit.
   */
  nextSync(mode: ReadMode, into: Uint8Array, timeout = Infinity): RecordMeta | null {
    if (this.memory.readRecord) return this.#nextAtOnce(mode, into, timeout);
    const meta = this.next(mode, into);
    return meta || this.closed || !this.wait(timeout) ? meta : this.next(mode, into);
  }

  /** Blocks until something was published or closed since this reader last looked, or the time is over: then false. */
  wait(timeout = Infinity): boolean {
    return this.#again || this.memory.wait(HEADER.signal, this.#reading.seen, timeout) !== "timed-out";
  }

  /** As `wait`, without blocking. */
  async waitAsync(timeout = Infinity): Promise<boolean> {
    // With records unlooked at, a wait that is over at once still lets other tasks run.
    if (this.#again) {
      await this.memory.waitAsync(HEADER.signal, this.#reading.seen, 1);
      return true;
    }
    return await this.memory.waitAsync(HEADER.signal, this.#reading.seen, timeout) !== "timed-out";
  }

  /** Has the memory's owner take one step of reading. */
  #ask(step: typeof STEP[keyof typeof STEP], into: Uint8Array, timeout = 0): number {
    this.#reading.step = step;
    return this.memory.readRecord!(this.#reading, into, timeout);
  }

  /** `next()`, or `nextSync()`, in one call. */
  #nextAtOnce(mode: ReadMode, into: Uint8Array, timeout: number): RecordMeta | null {
    const reading = this.#reading, meta = this.#meta;
    reading.latest = mode === "latest";
    this.#again = false;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      reading.peeked = false;
      const { fresh } = reading;
      const result = this.#ask(STEP.next, into, timeout);
      if (result === RESULT.nothing) return null;
      if (result === RESULT.later) break;
      const taken = result === RESULT.taken;
      if (this.#check.accept(reading.slot, reading.cursor - (taken ? 1 : 0), meta)) {
        meta.missed = reading.before;
        if (taken) return meta;
        this.#mustFit(meta.bytes, into);
      } else if (taken) reading.refuse(fresh);
      else {
        reading.invalid++;
        reading.lose(1);
      }
    }
    this.#again = true;
    return null;
  }

  #mustPeek(): void {
    if (!this.#reading.peeked) throw new TypeError("Cannot read a record: none was peeked");
  }

  #mustFit(bytes: number, into: Uint8Array): void {
    if (into.length >= bytes) return;
    throw new RangeError(`Cannot read a record: it has ${bytes} bytes, the buffer has ${into.length}`);
  }

  /** Chooses the next record and copies its descriptor, word by word of memory; what cannot be had is counted and passed over. */
  #find(mode: ReadMode): number {
    const reading = this.#reading, { slots } = this.header;
    // Before the head is loaded, so that a record published after that ends the wait.
    reading.seen = this.memory.load32(HEADER.signal);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const oldest = this.memory.load64(HEADER.oldest);
      const head = this.head;
      if (mode === "latest" && head - 1 > reading.cursor) {
        // What was there before this reader's first record was never meant for it.
        if (reading.fresh) reading.cursor = head - 1;
        else reading.lose(head - 1 - reading.cursor);
      }
      if (reading.cursor >= head) return RESULT.nothing;
      const least = Math.min(Math.max(oldest, head - slots), head - 1);
      if (reading.cursor < least) reading.lose(least - reading.cursor);
      if (this.#look()) return RESULT.found;
    }
    return RESULT.later;
  }

  /** Copies the descriptor at the cursor; where it is not to be had, moves on and counts. */
  #look(): boolean {
    const reading = this.#reading, { cursor } = reading;
    const at = slotOffset(cursor, this.header.slots);
    const there = this.memory.load64(at + SLOT.sequence) === cursor + 1;
    if (there) {
      this.memory.read(at, reading.slot.bytes);
      this.memory.fence();
    }
    const kept = this.memory.load64(HEADER.oldest) <= cursor;
    if (there && kept && this.memory.load64(at + SLOT.sequence) === cursor + 1) return true;
    if (!there && kept) reading.invalid++;
    else reading.overtaken++;
    reading.lose(1);
    return false;
  }
}
