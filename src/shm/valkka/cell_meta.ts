// Pure: no I/O.
import type { ValkkaKind } from "./layout.ts";

/**
 * The metadata of one cell, filled anew for each record. x86-64's natural alignment, little-endian; what libValkka leaves as
 * garbage between the fields is zero.
 *
 *   bytes    0 u64 size
 *   frames   0 u64 size   8 i32 width   12 i32 height   16 u16 slot   24 i64 Unix milliseconds
 *   mp4      0 four bytes of the box's name   4 u8 is_first   8 u64 size   16 u16 slot   24 i64 Unix milliseconds
 */
export class CellMeta {
  readonly bytes = new Uint8Array(32);
  readonly #view = new DataView(this.bytes.buffer);
  readonly #kind: ValkkaKind;

  constructor(kind: ValkkaKind) {
    this.#kind = kind;
  }

  /** All but the size, which whoever copies the payload fills in. */
  encodeFrame(width: number, height: number, slot: number, stamp: number): void {
    this.#view.setInt32(8, width, true);
    this.#view.setInt32(12, height, true);
    this.#encodeStamp(slot, stamp);
  }

  encodeBox(name: Uint8Array, isFirst: boolean, slot: number, stamp: number): void {
    this.bytes.set(name.subarray(0, 4));
    this.bytes.fill(0, 4, 8);
    this.bytes[4] = isFirst ? 1 : 0;
    this.#encodeStamp(slot, stamp);
  }

  #encodeStamp(slot: number, stamp: number): void {
    this.#view.setUint16(16, slot & 0xffff, true);
    this.#view.setBigInt64(24, BigInt(Math.round(stamp)), true);
  }

  get size(): number {
    return Number(this.#view.getBigUint64(this.#kind === "mp4" ? 8 : 0, true));
  }

  get width(): number {
    return this.#view.getInt32(8, true);
  }

  get height(): number {
    return this.#view.getInt32(12, true);
  }

  get isFirst(): boolean {
    return this.bytes[4] !== 0;
  }

  /** libValkka's number of the stream. */
  get slot(): number {
    return this.#kind === "bytes" ? 0 : this.#view.getUint16(16, true);
  }

  /** Unix milliseconds, 0 where there are none: always in libValkka's rings of boxes. */
  get stamp(): number {
    return this.#kind === "bytes" ? 0 : Number(this.#view.getBigInt64(24, true));
  }
}
