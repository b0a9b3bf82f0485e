// Pure: no I/O.
import type { Reading, ReadResult } from "./reading.ts";
import type { WriteRequest } from "./write_request.ts";

/** How a wait on a word ended. */
export type WaitResult = "ok" | "not-equal" | "timed-out";

/**
 * The memory that a ring lies in. Offsets are bytes from its begin; whoever calls has checked them, and an implementation
 * throws a `RangeError` rather than reach outside. Words lie at multiples of their width; 64-bit words are passed as numbers
 * and are exact up to 2^53.
 *
 * What is promised about order, on every CPU:
 *
 * - A store is a release: whatever this thread wrote before it is visible to whoever loads the stored value.
 * - A load is an acquire: whatever this thread reads after it is at least as new as what the stored value promised.
 * - `read`, `write`, `writeRows` and a `view`'s elements are plain accesses without any order among themselves. They may
 *   overtake a store before them and be overtaken by a load after them. Bytes that somebody writes at the same time come out as any
 *   mixture of old and new, and nothing worse.
 * - `fence` is full: nothing moves across it in either direction. The protocol needs it in two places. The writer puts
 *   one between raising `oldest` and touching the bytes that this gave up; the reader puts one between its copy and the load of
 *   `oldest` that validates it. Were either left out, an ARM core could show a reader the new bytes beside the old `oldest`.
 */
export interface RingMemory {
  readonly byteLength: number;
  load32(offset: number): number;
  store32(offset: number, value: number): void;
  load64(offset: number): number;
  store64(offset: number, value: number): void;
  fence(): void;
  /** Copies the first `length` bytes of `into`, by default all, out of the memory. */
  read(offset: number, into: Uint8Array, length?: number): void;
  /** Copies the first `length` bytes of `from`, by default all, into the memory. */
  write(offset: number, from: Uint8Array, length?: number): void;
  /** Copies rows, which lie `fromStride` bytes apart in `from`, so that they lie `stride` bytes apart in the memory. */
  writeRows(offset: number, stride: number, from: Uint8Array, fromStride: number, rowBytes: number, rows: number): void;
  /** A view on the memory itself, where there can be one. */
  view?(offset: number, length: number): Uint8Array<ArrayBufferLike>;
  /**
   * All steps of writing one record at once, the wake as well, where the memory's owner can do that; else they are done one by one. What
   * it throws leaves the ring as it was.
   */
  writeRecord?(request: WriteRequest): void;
  /**
   * The steps of reading that `reading.step` names, at once. Of the descriptor that it leaves there it has checked where the
   * payload lies, and nothing else. With a timeout above zero it blocks this thread so long for a record.
   */
  readRecord?(reading: Reading, into: Uint8Array, timeout: number): ReadResult;
  /** Wakes all who wait on the word at `offset`. */
  notify(offset: number): void;
  /** Blocks this thread while the word is `expected`, at most so many milliseconds (`Infinity` waits for ever). */
  wait(offset: number, expected: number, timeout: number): WaitResult;
  /** As `wait`, without blocking. */
  waitAsync(offset: number, expected: number, timeout: number): Promise<WaitResult>;
}
