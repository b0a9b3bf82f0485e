// Pure: no I/O.
import type { BranchStats, FrameOverflow } from "../media/mod.ts";

/*
 * A bounded queue of frames between a decode worker and one reader on another thread. What goes through it are numbers
 * of entries in the worker's frame table; whoever takes a number out owns the hold that was put in with it.
 *
 *   words, i32:  0 head  1 tail  2 state (0 open, 1 over, 2 closed by the reader)  3 received  4 dropped  5 delivered
 *                6 capacity  7 the writer waits for room  8 taken out and not yet given back  9 last number
 *                12 + 4 i: { entry, epoch, number, reserved } of place i
 *
 * Head and tail count up for ever and wrap; place = count modulo places. The writer alone moves `tail`. Both may move
 * `head` (the writer when it drops the oldest), by compare-and-exchange: a reader whose exchange fails has read an
 * entry that was taken away from under it, and reads again. There is one place more than the capacity, so that the
 * writer never writes over the place that such a reader looks at.
 */
const HEAD = 0,
  TAIL = 1,
  STATE = 2,
  RECEIVED = 3,
  DROPPED = 4,
  DELIVERED = 5,
  CAPACITY = 6,
  WAITS = 7,
  HELD = 8,
  NUMBER = 9,
  PLACES = 12,
  PLACE_WORDS = 4;
const OPEN = 0, OVER = 1, CLOSED = 2;

/** A frame in a frame table. */
export interface TableEntry {
  /** Entry in the frame table of that epoch. */
  entry: number;
  /** Which instance of the worker it belongs to: a worker whose instance trapped makes a new one. */
  epoch: number;
}

/** One number out of the queue. */
export interface Lease extends TableEntry {
  /** Frames that the queue lost, or that never came to it, since the one before. */
  missed: number;
}

/** The queue; both sides make one of these over the same buffer. */
export class LeaseQueue {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #places: number;
  #lastNumber = 0;

  constructor(source: { capacity: number } | SharedArrayBuffer) {
    if (source instanceof SharedArrayBuffer) {
      this.buffer = source;
      this.#words = new Int32Array(source);
    } else {
      const { capacity } = source;
      if (!Number.isInteger(capacity) || capacity < 1 || capacity > 4096) {
        throw new RangeError(`Cannot make a branch: capacity is ${capacity}, expected an integer from 1 to 4096`);
      }
      // A power of two, so that the place of a count stays the same when the count wraps.
      const places = 1 << Math.ceil(Math.log2(capacity + 1));
      this.buffer = new SharedArrayBuffer(4 * (PLACES + places * PLACE_WORDS));
      this.#words = new Int32Array(this.buffer);
      this.#words[CAPACITY] = capacity;
    }
    this.#places = (this.#words.length - PLACES) / PLACE_WORDS;
  }

  /**
   * Puts a held entry in. Returns the lease that had to go, the new one's or the oldest's, for the writer to release;
   * null where none had to.
   *
   * @param options.maxHeld A reader that has this many out gets no more before it gives some back.
   * @param options.missing Frames before this one that were lost on the way here. @default {0}
   */
  push(
    { entry, epoch }: TableEntry,
    { overflow, maxHeld = Infinity, missing = 0 }: { overflow: FrameOverflow; maxHeld?: number; missing?: number },
  ): TableEntry | null {
    const words = this.#words;
    Atomics.add(words, RECEIVED, 1);
    const number = words[NUMBER] += 1 + missing;
    let lost: TableEntry | null = null;
    const hoards = this.held >= maxHeld;
    if (hoards || this.full) {
      if (hoards || overflow !== "drop-oldest") {
        Atomics.add(words, DROPPED, 1);
        return { entry, epoch };
      }
      lost = this.#take();
      if (lost) Atomics.add(words, DROPPED, 1);
    }
    const tail = Atomics.load(words, TAIL);
    const at = PLACES + (tail & (this.#places - 1)) * PLACE_WORDS;
    words[at] = entry;
    words[at + 1] = epoch;
    words[at + 2] = number;
    Atomics.store(words, TAIL, tail + 1 | 0);
    return lost;
  }

  /** Takes the next lease out, or null where there is none now. For each, `giveBack()` is called once. */
  pop(): Lease | null {
    const taken = this.#take();
    if (!taken) return null;
    Atomics.add(this.#words, HELD, 1);
    Atomics.add(this.#words, DELIVERED, 1);
    const missed = Math.max(0, (taken.number - this.#lastNumber | 0) - 1);
    this.#lastNumber = taken.number;
    return { entry: taken.entry, epoch: taken.epoch, missed };
  }

  /** Counts a lease that was taken out as given back; before `takeWait()`. */
  giveBack(): void {
    Atomics.sub(this.#words, HELD, 1);
  }

  /** How many leases are out. */
  get held(): number {
    return Atomics.load(this.#words, HELD);
  }

  /** Takes out all that nobody will read: it counts neither as delivered nor as dropped. */
  discard(release: (lease: TableEntry) => void): void {
    for (let lease = this.#take(); lease; lease = this.#take()) release(lease);
  }

  /** The epoch of the next lease, or null where the queue is empty. */
  peekEpoch(): number | null {
    const words = this.#words;
    const head = Atomics.load(words, HEAD);
    if (head === Atomics.load(words, TAIL)) return null;
    return words[PLACES + (head & (this.#places - 1)) * PLACE_WORDS + 1];
  }

  get full(): boolean {
    const words = this.#words;
    return (Atomics.load(words, TAIL) - Atomics.load(words, HEAD) | 0) >= words[CAPACITY];
  }

  /** Whether there is no room; the reader is then asked to say when there is. For a writer that blocks. */
  waitsForRoom(maxHeld = Infinity): boolean {
    const blocked = () => this.full || this.held >= maxHeld;
    if (!blocked()) return false;
    Atomics.store(this.#words, WAITS, 1);
    return blocked();
  }

  /**
   * Whether the writer waits for room, and is to be rung now that there is some. For the reader, after each `pop()` and
   * `giveBack()`.
   */
  takeWait(): boolean {
    return Atomics.load(this.#words, WAITS) === 1 && Atomics.exchange(this.#words, WAITS, 0) === 1;
  }

  get empty(): boolean {
    return Atomics.load(this.#words, TAIL) === Atomics.load(this.#words, HEAD);
  }

  /** Marks the end from the writer's side: what is queued is still read. */
  end(): void {
    Atomics.compareExchange(this.#words, STATE, OPEN, OVER);
  }

  /** Marks the end from the reader's side: nothing more is put in. */
  close(): void {
    Atomics.store(this.#words, STATE, CLOSED);
  }

  /** Whether the writer has ended it. */
  get over(): boolean {
    return Atomics.load(this.#words, STATE) === OVER;
  }

  /** Whether the reader has closed it. */
  get closed(): boolean {
    return Atomics.load(this.#words, STATE) === CLOSED;
  }

  stats(): BranchStats {
    const words = this.#words;
    return {
      received: Atomics.load(words, RECEIVED) >>> 0,
      delivered: Atomics.load(words, DELIVERED) >>> 0,
      dropped: Atomics.load(words, DROPPED) >>> 0,
    };
  }

  #take(): { entry: number; epoch: number; number: number } | null {
    const words = this.#words;
    for (;;) {
      const head = Atomics.load(words, HEAD);
      if (head === Atomics.load(words, TAIL)) return null;
      const at = PLACES + (head & (this.#places - 1)) * PLACE_WORDS;
      const taken = { entry: words[at], epoch: words[at + 1], number: words[at + 2] };
      if (Atomics.compareExchange(words, HEAD, head, head + 1 | 0) === head) return taken;
    }
  }
}
