// Pure: no I/O.
import { packedPlanes } from "../media/pixel_format.ts";
import { HEADER, MAX_PLANES, readHeader, type RingHeader, SLOT, slotOffset, STATE } from "./layout.ts";
import type { RingMemory } from "./memory.ts";
import { RecordMeta, SlotRecord } from "./meta.ts";

/** Which record comes next: each one in order, or always the newest. */
export type ReadMode = "every" | "latest";

/** Where a reader begins: with what comes next, the newest record there is, or the oldest. */
export type ReadStart = "new" | "latest" | "oldest";

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
const MAX_SIDE = 65_536;

/**
 * One of any number of readers of a ring, at its own pace. It writes nothing to the ring, and believes nothing of
 * what is in it: whatever the bytes say, no call reaches outside the memory, loops for long, or gives a payload that was
 * overwritten while being read.
 */
export class RingReader {
  readonly memory: RingMemory;
  readonly header: Readonly<RingHeader>;
  readonly #slot = new SlotRecord();
  readonly #meta = new RecordMeta();
  /** Views of the payloads by slot, made anew only when they move. */
  readonly #views: { offset: number; bytes: Uint8Array<ArrayBufferLike> }[] = [];
  #cursor = 0;
  #peeked = false;
  #fresh = true;
  #seen: number;
  #again = false;
  /** Records passed over since the last one delivered. */
  #gap = 0;
  #delivered = 0;
  #missed = 0;
  #overtaken = 0;
  #invalid = 0;
  #shape = { format: 0, width: 0, height: 0, planes: packedPlanes("GRAY8", 1, 1) };

  /**
   * @param options.start @default {"oldest"}
   * @param options.what how messages call the ring, such as `ring "cam-1"`.
   * @throws {ShmError} `version` or `invalid` where the memory holds no ring that this library reads.
   */
  constructor(memory: RingMemory, options: { start?: ReadStart; what?: string } = {}) {
    this.memory = memory;
    this.header = readHeader(memory, options.what);
    this.#seen = memory.load32(HEADER.signal);
    const oldest = this.memory.load64(HEADER.oldest), head = this.head;
    const start = options.start ?? "oldest";
    this.#cursor = start === "new" ? head : start === "latest" ? Math.max(0, head - 1) : Math.min(oldest, head);
  }

  /** Sequence of the record that the writer writes next. */
  get head(): number {
    const head = this.memory.load64(HEADER.head);
    return head <= Number.MAX_SAFE_INTEGER ? head : 0;
  }

  /** Sequence of the record that this reader would read next in order. */
  get cursor(): number {
    return this.#cursor;
  }

  /** How many records this reader is behind. */
  get behind(): number {
    return Math.max(0, this.head - this.#cursor);
  }

  /** Whether the writer has closed the ring; records may still be in it. */
  get closed(): boolean {
    return this.memory.load32(HEADER.state) === STATE.closed;
  }

  /** Records that this reader did not get, since it began. */
  get missed(): number {
    return this.#missed;
  }

  /** The signal word as it was when this reader last looked for a record: what to wait on, for those who wait by themselves. */
  get seenSignal(): number {
    return this.#seen;
  }

  /** Whether `wait` would return at once because records were left unlooked at. */
  get unfinished(): boolean {
    return this.#again;
  }

  stats(): RingReaderStats {
    return {
      delivered: this.#delivered,
      missed: this.#missed,
      overtaken: this.#overtaken,
      invalid: this.#invalid,
    };
  }

  /** Goes to a record; what lies between is not counted as missed. */
  skipTo(sequence: number): void {
    if (!Number.isSafeInteger(sequence) || sequence < 0) {
      throw new RangeError(`Cannot skip to record ${sequence}: expected an integer from 0`);
    }
    this.#cursor = sequence;
    this.#peeked = false;
  }

  /** Goes to the newest record that is a keyframe and not behind this reader; false where the ring holds none. */
  skipToKeyframe(): boolean {
    const head = this.head;
    const last = Math.max(this.#cursor, this.memory.load64(HEADER.oldest), head - this.header.slots);
    for (let sequence = head - 1; sequence >= last; sequence--) {
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
    this.#peeked = false;
    this.#again = false;
    // Before the head is loaded, so that a record published after that ends the wait.
    this.#seen = this.memory.load32(HEADER.signal);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const oldest = this.memory.load64(HEADER.oldest);
      const head = this.head;
      if (mode === "latest" && head - 1 > this.#cursor) {
        // What was there before this reader's first record was never meant for it.
        if (this.#fresh) this.#cursor = head - 1;
        else this.#lose(head - 1 - this.#cursor);
      }
      if (this.#cursor >= head) return null;
      const least = Math.min(Math.max(oldest, head - this.header.slots), head - 1);
      if (this.#cursor < least) this.#lose(least - this.#cursor);
      if (this.#look()) {
        this.#peeked = true;
        this.#meta.missed = this.#gap;
        return this.#meta;
      }
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
    if (into.length < bytes) {
      throw new RangeError(`Cannot read a record: it has ${bytes} bytes, the buffer has ${into.length}`);
    }
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
    this.#peeked = false;
    if (whole) {
      this.#cursor++;
      this.#delivered++;
      this.#gap = 0;
      this.#fresh = false;
      return true;
    }
    this.#overtaken++;
    this.#lose(1);
    // The oldest record is the next to be overwritten: a reader that is slower than the writer would lose every copy. From
    // the middle it gets some in a row.
    const head = this.head;
    const middle = head - ((head - Math.max(this.memory.load64(HEADER.oldest), head - this.header.slots)) >> 1);
    if (middle > this.#cursor && middle <= head) this.#lose(middle - this.#cursor);
    return false;
  }

  /** Passes the peeked record over; it does not count as missed. */
  skip(): void {
    this.#mustPeek();
    this.#peeked = false;
    this.#cursor++;
  }

  /**
   * The next record, copied into a buffer, or into what a function gives for its size (payload and blob); null where there is
   * none yet.
   *
   * @throws {RangeError} where the payload does not fit.
   */
  next(mode: ReadMode, into: Uint8Array | ((bytes: number) => Uint8Array)): RecordMeta | null {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const meta = this.peek(mode);
      if (meta === null) return null;
      if (this.read(into instanceof Uint8Array ? into : into(meta.bytes + meta.blobBytes))) return meta;
    }
    this.#again = true;
    return null;
  }

  /** Blocks until something was published or closed since this reader last looked, or the time is over: then false. */
  wait(timeout = Infinity): boolean {
    return this.#again || this.memory.wait(HEADER.signal, this.#seen, timeout) !== "timed-out";
  }

  /** As `wait`, without blocking. */
  async waitAsync(timeout = Infinity): Promise<boolean> {
    // With records unlooked at, a wait that is over at once still lets other tasks run.
    if (this.#again) {
      await this.memory.waitAsync(HEADER.signal, this.#seen, 1);
      return true;
    }
    return await this.memory.waitAsync(HEADER.signal, this.#seen, timeout) !== "timed-out";
  }

  #lose(records: number): void {
    this.#cursor += records;
    this.#missed += records;
    this.#gap += records;
  }

  #mustPeek(): void {
    if (!this.#peeked) throw new TypeError("Cannot read a record: none was peeked");
  }

  /** Copies and checks the descriptor at the cursor; where it is not to be had, moves on and counts. */
  #look(): boolean {
    const sequence = this.#cursor, { slots } = this.header;
    const at = slotOffset(sequence, slots);
    if (this.memory.load64(at + SLOT.sequence) === sequence + 1) {
      this.memory.read(at, this.#slot.bytes);
      this.memory.fence();
      const intact = this.memory.load64(HEADER.oldest) <= sequence &&
        this.memory.load64(at + SLOT.sequence) === sequence + 1;
      if (intact && this.#accept(sequence)) return true;
      if (intact) this.#invalid++;
      else this.#overtaken++;
    } else if (this.memory.load64(HEADER.oldest) <= sequence) this.#invalid++;
    else this.#overtaken++;
    this.#lose(1);
    return false;
  }

  /** Whether the descriptor makes sense; then `#meta` is it. */
  #accept(sequence: number): boolean {
    const { arenaBytes, arenaOffset, cellBytes, policy, slots, kind } = this.header;
    const { payloadOffset, payloadBytes, blobBytes } = this.#slot;
    const end = payloadOffset + payloadBytes + blobBytes;
    if (!(end <= arenaBytes)) return false;
    if (policy === "fixed") {
      const cell = (sequence % slots) * cellBytes;
      if (payloadOffset !== cell || end > cell + cellBytes) return false;
    }
    const meta = this.#meta;
    this.#slot.decode(meta);
    meta.sequence = sequence;
    meta.offset = arenaOffset + payloadOffset;
    if (meta.planeCount > MAX_PLANES) return false;
    return kind !== "frames" || this.#isPicture(meta);
  }

  /** Whether the planes are those of such a picture, and lie in the payload. */
  #isPicture(meta: RecordMeta): boolean {
    const { format, width, height } = meta;
    const shape = this.#shape;
    if (shape.format !== format || shape.width !== width || shape.height !== height) {
      const pixelFormat = meta.pixelFormat;
      if (pixelFormat === undefined || !(width >= 1 && height >= 1 && width <= MAX_SIDE && height <= MAX_SIDE)) {
        return false;
      }
      shape.planes = packedPlanes(pixelFormat, width, height);
      shape.format = format;
      shape.width = width;
      shape.height = height;
    }
    if (meta.planeCount !== shape.planes.length) return false;
    for (let i = 0; i < shape.planes.length; i++) {
      const { stride: rowBytes, rows } = shape.planes[i], { offset, stride } = meta.planes[i];
      if (stride < rowBytes || offset + stride * (rows - 1) + rowBytes > meta.bytes) return false;
    }
    return true;
  }
}
