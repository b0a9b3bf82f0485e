import type { Reading, ReadResult, RingMemory, WaitResult, WriteRequest } from "../ring/mod.ts";
import { ERRNO } from "../../ffi/errno.ts";
import type { NativeLibrary } from "../../ffi/load.ts";
import { shmError } from "./shm_error.ts";

/** How long a wait on another thread keeps that thread, in milliseconds: Deno has 32 of them, and whoever gets none waits for one. */
const SLICE = 200;
/** The same of the first few: each end of a wait wakes this thread, whose event loop takes more than the wait. */
const LONG_SLICE = 10_000;
const LONG_WAITS = 8;
/** How many waits may be over at once before other tasks of this thread are let in. */
const PATIENCE = 64;

let longWaits = 0;

/** A ring's memory among processes: POSIX shared memory, reached through the C library by a handle. */
export class ShmRingMemory implements RingMemory {
  readonly byteLength: number;
  /** The C library's handle; good in every thread of the process. */
  readonly handle: number;
  readonly #library: NativeLibrary;
  readonly #word = new Uint32Array(1);
  #atOnce = 0;
  readonly #long = new BigUint64Array(1);
  /** Not 0 where nobody is to wait any more. */
  readonly #stop = new Int32Array(new SharedArrayBuffer(4));

  /** @throws {ShmError} where the handle is none of shared memory. */
  constructor(library: NativeLibrary, handle: number) {
    this.#library = library;
    this.handle = handle;
    const result = library.symbols.mr_shm_size(handle, this.#long);
    if (result < 0) throw shmError("Cannot use shared memory", result);
    this.byteLength = Number(this.#long[0]);
  }

  load32(offset: number): number {
    this.#check(this.#library.symbols.mr_mem_load32(this.handle, offset, this.#word), offset);
    return this.#word[0];
  }

  store32(offset: number, value: number): void {
    this.#check(this.#library.symbols.mr_mem_store32(this.handle, offset, value >>> 0), offset);
  }

  load64(offset: number): number {
    this.#check(this.#library.symbols.mr_mem_load64(this.handle, offset, this.#long), offset);
    return Number(this.#long[0]);
  }

  store64(offset: number, value: number): void {
    this.#long[0] = BigInt(value);
    this.#check(this.#library.symbols.mr_mem_store64(this.handle, offset, this.#long), offset);
  }

  fence(): void {
    this.#library.symbols.mr_mem_fence();
  }

  read(offset: number, into: Uint8Array, length: number = into.length): void {
    this.#checkLength(length, into.length);
    this.#check(this.#library.symbols.mr_mem_read(this.handle, offset, into, length), offset);
  }

  write(offset: number, from: Uint8Array, length: number = from.length): void {
    this.#checkLength(length, from.length);
    this.#check(this.#library.symbols.mr_mem_write(this.handle, offset, from, length), offset);
  }

  writeRows(
    offset: number,
    stride: number,
    from: Uint8Array,
    fromStride: number,
    rowBytes: number,
    rows: number,
  ): void {
    if (stride === rowBytes && fromStride === rowBytes) return this.write(offset, from, rowBytes * rows);
    const { symbols } = this.#library;
    this.#check(
      symbols.mr_mem_write_rows(this.handle, offset, stride, from, from.length, 0, fromStride, rowBytes, rows),
      offset,
    );
  }

  writeRecord(request: WriteRequest): void {
    const [first, second, third, fourth, blob] = request.buffers;
    const result = this.#library.symbols.mr_ring_write(
      this.handle,
      request.bytes,
      first,
      second,
      third,
      fourth,
      blob,
    );
    if (result === -ERRNO.ERANGE) {
      throw new RangeError("Cannot write a record: its rows lie outside their buffer, or it lies outside the memory");
    }
    if (result < 0) throw shmError("Cannot write a record", result);
  }

  readRecord(reading: Reading, into: Uint8Array, timeout: number): ReadResult {
    const { symbols } = this.#library;
    const result = symbols.mr_ring_read(this.handle, reading.bytes, into, into.length, milliseconds(timeout));
    if (result < 0) throw shmError("Cannot read a record", result);
    return result as ReadResult;
  }

  notify(offset: number): void {
    this.#library.symbols.mr_mem_notify(this.handle, offset);
  }

  wait(offset: number, expected: number, timeout: number): WaitResult {
    const result = this.#library.symbols.mr_mem_wait(this.handle, offset, expected, milliseconds(timeout));
    return this.#waited(result, offset);
  }

  /** The time is also over where the memory's owner died: that is looked for five times a second. */
  async waitAsync(offset: number, expected: number, timeout: number): Promise<WaitResult> {
    if (this.load32(offset) !== expected) {
      // A writer that is always ahead would else keep this thread in microtasks.
      if (++this.#atOnce % PATIENCE === 0) await this.pause();
      return "not-equal";
    }
    for (let left = timeout, until = performance.now() + timeout; left > 0; left = until - performance.now()) {
      const result = await this.#waitApart(offset, expected, left);
      if (result === 0) return "ok";
      if (result === -ERRNO.EOWNERDEAD) break;
      if (result !== -ERRNO.ETIMEDOUT) throw shmError("Cannot wait on shared memory", result);
    }
    return "timed-out";
  }

  /** Has waits on other threads end, those that begin later too: at once if the word is notified, else within a fifth of a second. */
  endWaits(): void {
    Atomics.store(this.#stop, 0, 1);
  }

  /** Waits on a thread of Deno's, for a part of the time. */
  async #waitApart(offset: number, expected: number, left: number): Promise<number> {
    const { symbols } = this.#library;
    const long = left > SLICE && longWaits < LONG_WAITS;
    const slice = Math.ceil(Math.min(left, long ? LONG_SLICE : SLICE));
    if (long) longWaits++;
    try {
      return await symbols.mr_shm_wait_async(this.handle, offset, expected, slice, this.#stop);
    } finally {
      if (long) longWaits--;
    }
  }

  /** Lets other tasks of this thread run, and comes back. */
  async pause(): Promise<void> {
    // The first word of a ring is never 0, so that this wait is over when it begins.
    await this.#library.symbols.mr_mem_wait_async(this.handle, 0, 0, 0);
  }

  #waited(result: number, offset: number): WaitResult {
    if (result === -ERRNO.ETIMEDOUT) return "timed-out";
    this.#check(result, offset);
    return "ok";
  }

  #check(result: number, offset: number): void {
    if (result >= 0) return;
    if (result === -ERRNO.ERANGE) throw new RangeError(`Cannot reach offset ${offset} of ${this.byteLength} bytes`);
    throw shmError("Cannot use shared memory", result);
  }

  #checkLength(length: number, have: number): void {
    if (length > have) throw new RangeError(`Cannot copy ${length} bytes: the buffer has ${have}`);
  }
}

/** As the C library wants them: below zero for ever. */
function milliseconds(timeout: number): number {
  return timeout === 0 ? 0 : timeout < 2 ** 30 ? Math.ceil(timeout) : timeout === Infinity ? -1 : 2 ** 30;
}
