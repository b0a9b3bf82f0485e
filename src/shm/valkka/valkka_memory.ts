import type { RingMemory, WaitResult } from "../../ring/mod.ts";
import type { NativeLibrary } from "../../../ffi/load.ts";
import { shmError } from "../shm_error.ts";
import { ShmRingMemory } from "../shm_memory.ts";

/**
 * A ring whose header and descriptors lie in our own segment, and whose payloads lie in libValkka's: what is behind the
 * segment's end is read from the cells.
 */
export class ValkkaMemory implements RingMemory {
  readonly byteLength: number;
  /** Our segment. */
  readonly side: ShmRingMemory;
  /** The C library's handle of the cells, 0 while there are none. */
  ring = 0;
  readonly #library: NativeLibrary;

  /** @param totalBytes of segment and cells together. */
  constructor(library: NativeLibrary, side: number, totalBytes: number) {
    this.#library = library;
    this.side = new ShmRingMemory(library, side);
    this.byteLength = totalBytes;
  }

  load32(offset: number): number {
    return this.side.load32(offset);
  }

  store32(offset: number, value: number): void {
    this.side.store32(offset, value);
  }

  load64(offset: number): number {
    return this.side.load64(offset);
  }

  store64(offset: number, value: number): void {
    this.side.store64(offset, value);
  }

  fence(): void {
    this.side.fence();
  }

  read(offset: number, into: Uint8Array, length: number = into.length): void {
    const inCells = offset - this.side.byteLength;
    if (inCells < 0) return this.side.read(offset, into, length);
    if (length > into.length) throw new RangeError(`Cannot copy ${length} bytes: the buffer has ${into.length}`);
    const result = this.#library.symbols.mr_valkka_read(this.ring, inCells, into, length);
    if (result < 0) throw shmError("Cannot read a libValkka ring", result);
  }

  write(offset: number, from: Uint8Array, length: number = from.length): void {
    this.side.write(offset, from, length);
  }

  writeRows(): void {
    throw new TypeError("Cannot write rows of a libValkka ring: its cells are written by one call");
  }

  notify(offset: number): void {
    this.side.notify(offset);
  }

  wait(offset: number, expected: number, timeout: number): WaitResult {
    return this.side.wait(offset, expected, timeout);
  }

  waitAsync(offset: number, expected: number, timeout: number): Promise<WaitResult> {
    return this.side.waitAsync(offset, expected, timeout);
  }

  pause(): Promise<void> {
    return this.side.pause();
  }
}
