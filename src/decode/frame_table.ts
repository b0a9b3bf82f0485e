// Pure: no I/O.
import { type FrameInfo, pixelFormatCode, pixelFormatOf } from "../media/mod.ts";

/*
 * The frames of one decode worker that somebody may still hold, as a table in shared memory. An entry is written by the
 * decode worker alone, before its number is handed to anyone; any thread that holds it counts itself out in `holds`;
 * the worker takes an entry back when it finds the count at zero.
 *
 *   entry, 160 bytes:
 *     0 i32 holds            4 u32 format       8 u32 width       12 u32 height
 *    16 u32 flags           20 u32 generation  24 u32 streamId    28 u32 planes
 *    32 4 x { u32 offset in the instance's memory, u32 stride, u32 bytes of a row, u32 rows }
 *    96 f64 pts            104 f64 wallTime (NaN: none)   112 f64 receivedAt   120 f64 sequence   128 reserved
 */
const ENTRY_BYTES = 160;
const FLAG_KEYFRAME = 1;
const FLAG_CORRUPT = 2;

/** Where one plane lies in an instance's memory. */
export interface PlanePlace {
  offset: number;
  stride: number;
  rowBytes: number;
  rows: number;
}

/** The table of frames that are out. */
export class FrameTable {
  readonly buffer: SharedArrayBuffer;
  readonly entries: number;
  readonly #words: Int32Array;
  readonly #floats: Float64Array;

  constructor(source: number | SharedArrayBuffer) {
    this.buffer = typeof source === "number" ? new SharedArrayBuffer(source * ENTRY_BYTES) : source;
    this.entries = this.buffer.byteLength / ENTRY_BYTES;
    this.#words = new Int32Array(this.buffer);
    this.#floats = new Float64Array(this.buffer);
  }

  /** Writes an entry, with no holds yet. For the decode worker, on an entry that is free. */
  put(index: number, info: FrameInfo, planes: readonly PlanePlace[]): void {
    const w = index * ENTRY_BYTES / 4;
    const words = this.#words;
    words[w + 1] = pixelFormatCode(info.format);
    words[w + 2] = info.width;
    words[w + 3] = info.height;
    words[w + 4] = (info.keyframe ? FLAG_KEYFRAME : 0) | (info.corrupt ? FLAG_CORRUPT : 0);
    words[w + 5] = info.generation;
    words[w + 6] = info.streamId;
    words[w + 7] = planes.length;
    for (let i = 0; i < planes.length; i++) {
      const at = w + 8 + i * 4;
      words[at] = planes[i].offset;
      words[at + 1] = planes[i].stride;
      words[at + 2] = planes[i].rowBytes;
      words[at + 3] = planes[i].rows;
    }
    const f = (index * ENTRY_BYTES + 96) / 8;
    this.#floats[f] = info.pts;
    this.#floats[f + 1] = info.wallTime ?? NaN;
    this.#floats[f + 2] = info.receivedAt;
    this.#floats[f + 3] = info.sequence;
    Atomics.store(words, w, 0);
  }

  /** What was put into an entry that the caller holds. `missed` is the queue's to know, and 0 here. */
  info(index: number): FrameInfo {
    const w = index * ENTRY_BYTES / 4;
    const f = (index * ENTRY_BYTES + 96) / 8;
    const words = this.#words;
    const wallTime = this.#floats[f + 1];
    return {
      format: pixelFormatOf(words[w + 1])!,
      width: words[w + 2],
      height: words[w + 3],
      keyframe: (words[w + 4] & FLAG_KEYFRAME) !== 0,
      corrupt: (words[w + 4] & FLAG_CORRUPT) !== 0,
      generation: words[w + 5] >>> 0,
      streamId: words[w + 6] >>> 0,
      pts: this.#floats[f],
      wallTime: Number.isNaN(wallTime) ? null : wallTime,
      receivedAt: this.#floats[f + 2],
      sequence: this.#floats[f + 3],
      missed: 0,
    };
  }

  /** Where the planes of an entry lie. */
  planes(index: number): PlanePlace[] {
    const w = index * ENTRY_BYTES / 4;
    const words = this.#words;
    const planes: PlanePlace[] = [];
    for (let i = 0, at = w + 8; i < words[w + 7]; i++, at += 4) {
      planes.push({
        offset: words[at] >>> 0,
        stride: words[at + 1] >>> 0,
        rowBytes: words[at + 2] >>> 0,
        rows: words[at + 3] >>> 0,
      });
    }
    return planes;
  }

  /** One more hold. */
  hold(index: number): void {
    Atomics.add(this.#words, index * ENTRY_BYTES / 4, 1);
  }

  /** One hold less; true where it was the last. */
  release(index: number): boolean {
    return Atomics.sub(this.#words, index * ENTRY_BYTES / 4, 1) === 1;
  }

  holds(index: number): number {
    return Atomics.load(this.#words, index * ENTRY_BYTES / 4);
  }
}
