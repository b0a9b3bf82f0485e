// Pure: no I/O.
import type { RingHeader } from "./layout.ts";
import { SlotRecord } from "./meta.ts";

/** What `RingMemory.readRecord` is to do: look for a record; copy the one that was found, and take it; both. */
export const STEP = { look: 1, copy: 2, next: 3 } as const;

/**
 * What came of it: there is none; it was copied whole, and taken; it is found, and not copied, because that was not asked for or the
 * buffer is too small; many were tried and none could be had; the writer overtook the copy.
 */
export const RESULT = { nothing: 0, taken: 1, found: 2, later: 3, lost: 4 } as const;
export type ReadResult = typeof RESULT[keyof typeof RESULT];

/** Bytes of the block. */
const BYTES = 256;
const DESCRIBED = 128;
const F64 = {
  cursor: 0,
  gap: 1,
  delivered: 2,
  missed: 3,
  overtaken: 4,
  invalid: 5,
  bytes: 6,
  arena: 7,
  arenaBytes: 8,
  cellBytes: 9,
  before: 13,
} as const;
const U32 = { slots: 20, mode: 21, step: 22, fresh: 23, peeked: 24, seen: 25 } as const;

/** What one reader knows, in a block of bytes that the C library works on as well: its layout is the one of `mr_ring_read`. */
export class Reading {
  readonly bytes = new Uint8Array(BYTES);
  /** The descriptor of the record that was found last. */
  readonly slot = new SlotRecord(this.bytes.subarray(DESCRIBED));
  readonly #numbers = new Float64Array(this.bytes.buffer);
  readonly #words = new Uint32Array(this.bytes.buffer);

  constructor(header: RingHeader) {
    this.#numbers[F64.arena] = header.arenaOffset;
    this.#numbers[F64.arenaBytes] = header.arenaBytes;
    this.#numbers[F64.cellBytes] = header.policy === "fixed" ? header.cellBytes : 0;
    this.#words[U32.slots] = header.slots;
    this.#words[U32.fresh] = 1;
  }

  /** Sequence of the record that comes next in order. */
  get cursor(): number {
    return this.#numbers[F64.cursor];
  }
  set cursor(sequence: number) {
    this.#numbers[F64.cursor] = sequence;
  }

  /** Records passed over since the last one taken. */
  get gap(): number {
    return this.#numbers[F64.gap];
  }

  /** As `gap` was when the last record was found. */
  get before(): number {
    return this.#numbers[F64.before];
  }

  get delivered(): number {
    return this.#numbers[F64.delivered];
  }

  get missed(): number {
    return this.#numbers[F64.missed];
  }

  get overtaken(): number {
    return this.#numbers[F64.overtaken];
  }
  set overtaken(records: number) {
    this.#numbers[F64.overtaken] = records;
  }

  get invalid(): number {
    return this.#numbers[F64.invalid];
  }
  set invalid(records: number) {
    this.#numbers[F64.invalid] = records;
  }

  /** The signal word as it was before the last look. */
  get seen(): number {
    return this.#words[U32.seen];
  }
  set seen(signal: number) {
    this.#words[U32.seen] = signal;
  }

  set latest(latest: boolean) {
    this.#words[U32.mode] = latest ? 1 : 0;
  }

  set step(step: number) {
    this.#words[U32.step] = step;
  }

  /** Whether no record was taken yet. */
  get fresh(): boolean {
    return this.#words[U32.fresh] !== 0;
  }

  /** Whether a record was found and is neither taken nor passed over. */
  get peeked(): boolean {
    return this.#words[U32.peeked] !== 0;
  }
  set peeked(peeked: boolean) {
    this.#words[U32.peeked] = peeked ? 1 : 0;
  }

  /** Goes on for a reader of another ring, that missed so many records between the two. */
  goOn(missed: number): void {
    this.#words[U32.fresh] = 0;
    this.#numbers[F64.gap] = this.#numbers[F64.missed] = missed;
  }

  lose(records: number): void {
    this.#numbers[F64.cursor] += records;
    this.#numbers[F64.missed] += records;
    this.#numbers[F64.gap] += records;
  }

  /** Counts the record at the cursor as delivered. */
  take(): void {
    this.#numbers[F64.cursor]++;
    this.#numbers[F64.delivered]++;
    this.#numbers[F64.gap] = 0;
    this.#words[U32.fresh] = 0;
  }

  /** Undoes `take` of a record that turned out to make no sense: it is missed. */
  refuse(fresh: boolean): void {
    this.#numbers[F64.delivered]--;
    this.#numbers[F64.invalid]++;
    this.#numbers[F64.missed]++;
    this.#numbers[F64.gap] = this.before + 1;
    this.#words[U32.fresh] = fresh ? 1 : 0;
  }
}
