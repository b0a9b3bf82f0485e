// Pure: no I/O.
import { mayEnd, stayAwake } from "../media/awake.ts";
import type { RingMemory, WaitResult } from "./memory.ts";

/** Up to here a loop is faster than making a view to copy through, and leaves no garbage. */
const SMALL = 256;
/** How many waits in a row may end at once before other tasks of this thread are let in. */
const PATIENCE = 64;

/** A ring's memory among the threads of one process. */
export class SharedRingMemory implements RingMemory {
  readonly buffer: SharedArrayBuffer;
  readonly byteLength: number;
  readonly #bytes: Uint8Array<SharedArrayBuffer>;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #longs: BigUint64Array<SharedArrayBuffer>;
  /** A word that nobody else sees, for the fence. */
  readonly #own = new Int32Array(new SharedArrayBuffer(4));
  #atOnce = 0;

  /** @throws {RangeError} where the buffer's length is not a multiple of eight. */
  constructor(buffer: SharedArrayBuffer) {
    if (buffer.byteLength % 8 !== 0) {
      throw new RangeError(`Cannot use a buffer as ring memory: it has ${buffer.byteLength} bytes, no multiple of 8`);
    }
    this.buffer = buffer;
    this.byteLength = buffer.byteLength;
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Int32Array(buffer);
    this.#longs = new BigUint64Array(buffer);
  }

  load32(offset: number): number {
    return Atomics.load(this.#words, offset / 4) >>> 0;
  }

  store32(offset: number, value: number): void {
    Atomics.store(this.#words, offset / 4, value);
  }

  load64(offset: number): number {
    return Number(Atomics.load(this.#longs, offset / 8));
  }

  store64(offset: number, value: number): void {
    Atomics.store(this.#longs, offset / 8, BigInt(value));
  }

  /**
   * A read-modify-write is an acquire and a release in one. An atomic store before it cannot sink below its load, and plain accesses after it
   * cannot rise above that load: the writer's case. Plain loads before it cannot sink below its store, and an atomic load after
   * it cannot rise above that store: the reader's case. A plain store or load of the atomic kind alone would give one half of this.
   */
  fence(): void {
    Atomics.add(this.#own, 0, 1);
  }

  read(offset: number, into: Uint8Array, length: number = into.length): void {
    this.#check(offset, length, into.length);
    const bytes = this.#bytes;
    if (length > SMALL) into.set(bytes.subarray(offset, offset + length));
    else for (let i = 0; i < length; i++) into[i] = bytes[offset + i];
  }

  write(offset: number, from: Uint8Array, length: number = from.length): void {
    this.#check(offset, length, from.length);
    const bytes = this.#bytes;
    if (length > SMALL) bytes.set(length === from.length ? from : from.subarray(0, length), offset);
    else for (let i = 0; i < length; i++) bytes[offset + i] = from[i];
  }

  writeRows(
    offset: number,
    stride: number,
    from: Uint8Array,
    fromStride: number,
    rowBytes: number,
    rows: number,
  ): void {
    if (rows < 1) return;
    this.#check(offset, (rows - 1) * stride + rowBytes, this.byteLength);
    if (from.length < (rows - 1) * fromStride + rowBytes) {
      throw new RangeError(`Cannot copy ${rows} rows of ${rowBytes} bytes: the buffer has ${from.length} bytes`);
    }
    if (stride === rowBytes && fromStride === rowBytes) {
      const bytes = rows * rowBytes;
      this.#bytes.set(bytes === from.length ? from : from.subarray(0, bytes), offset);
      return;
    }
    for (let row = 0; row < rows; row++) {
      const at = row * fromStride;
      this.#bytes.set(from.subarray(at, at + rowBytes), offset + row * stride);
    }
  }

  view(offset: number, length: number): Uint8Array<SharedArrayBuffer> {
    this.#check(offset, length, length);
    return this.#bytes.subarray(offset, offset + length);
  }

  notify(offset: number): void {
    Atomics.notify(this.#words, offset / 4);
  }

  wait(offset: number, expected: number, timeout: number): WaitResult {
    return Atomics.wait(this.#words, offset / 4, expected | 0, timeout);
  }

  async waitAsync(offset: number, expected: number, timeout: number): Promise<WaitResult> {
    const wait = Atomics.waitAsync(this.#words, offset / 4, expected | 0, timeout);
    if (wait.async) {
      this.#atOnce = 0;
      stayAwake();
      const result = await wait.value; // it never rejects
      mayEnd();
      return result;
    }
    // A writer that is always ahead would keep this thread in microtasks for ever, and its timers would starve.
    if (++this.#atOnce >= PATIENCE) {
      this.#atOnce = 0;
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    return wait.value;
  }

  #check(offset: number, length: number, room: number): void {
    if (length > room || !(offset >= 0) || !(length >= 0) || offset + length > this.byteLength) {
      throw new RangeError(
        `Cannot reach ${length} bytes at ${offset}: the memory has ${this.byteLength} bytes, the buffer ${room}`,
      );
    }
  }
}
