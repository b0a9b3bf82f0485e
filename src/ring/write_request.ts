// Pure: no I/O.
import { SlotRecord } from "./meta.ts";

/** Pieces that a payload may have in one request: one for each plane. */
export const PARTS = 4;
const BYTES = 320;
const F64 = { sequence: 0, oldest: 1, slots: 2, payload: 3, parts: 4 } as const;
const SIGNAL = 48;
/** Where the descriptor would begin if its sequence were in the request as well: `SlotRecord` never fills that in. */
const SLOT_AT = 192;
const NOTHING = new Uint8Array(0);

/** One record on its way into the memory, in a block of bytes that the C library works by: its layout is the one of `mr_ring_write`. */
export class WriteRequest {
  readonly bytes = new Uint8Array(BYTES);
  readonly slot = new SlotRecord(this.bytes.subarray(SLOT_AT));
  /** The parts' buffers, the blob's last. */
  readonly buffers: Uint8Array[] = Array(PARTS + 1).fill(NOTHING);
  readonly #numbers = new Float64Array(this.bytes.buffer);
  readonly #words = new Uint32Array(this.bytes.buffer);

  constructor(slots: number) {
    this.#numbers[F64.slots] = slots;
  }

  /** Puts rows of a buffer in as part `index`. */
  part(index: number, buffer: Uint8Array, stride: number, rowBytes: number, rows: number): void {
    const at = F64.parts + 4 * index, numbers = this.#numbers;
    this.buffers[index] = buffer;
    numbers[at] = buffer.length;
    numbers[at + 1] = stride;
    numbers[at + 2] = rowBytes;
    numbers[at + 3] = rows;
  }

  /** Puts a whole buffer in. */
  whole(index: number, buffer: Uint8Array): void {
    this.part(index, buffer, buffer.length, buffer.length, 1);
  }

  /** Says which record it is, and where its payload goes. */
  place(sequence: number, oldest: number, payload: number, signal: number): void {
    this.#numbers[F64.sequence] = sequence;
    this.#numbers[F64.oldest] = oldest;
    this.#numbers[F64.payload] = payload;
    this.#words[SIGNAL] = signal;
  }

  /** Lets go of the caller's buffers. */
  clear(): void {
    for (let i = 0; i <= PARTS; i++) if (this.buffers[i].length > 0) this.part(i, NOTHING, 0, 0, 0);
  }
}
