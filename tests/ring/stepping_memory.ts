import type { RingMemory, WaitResult } from "../../src/ring/mod.ts";

/** What a memory throws at the store before which its writer dies. */
export class Crash extends Error {}

/**
 * Memory that shows every state which its writer leaves behind on the way: `onStore` is called before each store and in
 * the middle of each longer write, and may throw `Crash`, as if the writer had been killed there.
 */
export class SteppingMemory implements RingMemory {
  readonly byteLength: number;
  onStore: () => void = () => {};
  readonly #memory: RingMemory;

  constructor(memory: RingMemory) {
    this.#memory = memory;
    this.byteLength = memory.byteLength;
  }

  load32(offset: number): number {
    return this.#memory.load32(offset);
  }

  load64(offset: number): number {
    return this.#memory.load64(offset);
  }

  store32(offset: number, value: number): void {
    this.onStore();
    this.#memory.store32(offset, value);
  }

  store64(offset: number, value: number): void {
    this.onStore();
    this.#memory.store64(offset, value);
  }

  fence(): void {
    this.#memory.fence();
  }

  read(offset: number, into: Uint8Array, length?: number): void {
    this.#memory.read(offset, into, length);
  }

  write(offset: number, from: Uint8Array, length: number = from.length): void {
    const half = length >> 1;
    this.onStore();
    this.#memory.write(offset, from, half);
    this.onStore();
    this.#memory.write(offset + half, from.subarray(half, length));
  }

  writeRows(offset: number, stride: number, from: Uint8Array, fromStride: number, rowBytes: number, rows: number) {
    for (let row = 0; row < rows; row++) {
      const at = row * fromStride;
      this.write(offset + row * stride, from.subarray(at, at + rowBytes));
    }
  }

  notify(offset: number): void {
    this.onStore();
    this.#memory.notify(offset);
  }

  wait(offset: number, expected: number, timeout: number): WaitResult {
    return this.#memory.wait(offset, expected, timeout);
  }

  waitAsync(offset: number, expected: number, timeout: number): Promise<WaitResult> {
    return this.#memory.waitAsync(offset, expected, timeout);
  }
}
