import { FfmpegInstance } from "../../wasm/mod.ts";
import type { PlanePlace } from "../../src/decode/frame_table.ts";
import type { Decoded } from "./decoded.ts";
import { FramePool } from "./frame_pool.ts";

/** Bytes of a picture's room that a scaler's output is aligned to. */
const SPARE_ROOMS = 16;

/** Room for one scaled picture. */
export interface Room {
  readonly offset: number;
  /** Gives the room back, for the next picture of that size. */
  free(): void;
}

/** The sandbox that a worker decodes in, for as long as it lives, and what is out of it. */
export class Instance {
  readonly epoch: number;
  readonly ffmpeg: FfmpegInstance;
  readonly pool = new FramePool();
  readonly #spare = new Map<number, number[]>();

  private constructor(epoch: number, ffmpeg: FfmpegInstance) {
    this.epoch = epoch;
    this.ffmpeg = ffmpeg;
  }

  static async create(module: WebAssembly.Module, epoch: number): Promise<Instance> {
    return new Instance(epoch, await FfmpegInstance.create(module));
  }

  /** Room for a picture of so many bytes; null where there is no memory. */
  room(bytes: number): Room | null {
    const spare = this.#spare.get(bytes) ?? [];
    this.#spare.set(bytes, spare);
    const offset = spare.pop() ?? this.ffmpeg.alloc(bytes);
    if (offset === 0) return null;
    return {
      offset,
      free: () => {
        if (spare.length < SPARE_ROOMS) spare.push(offset);
        else this.ffmpeg.free(offset);
      },
    };
  }

  /**
   * The entry of a decoded picture in the frame table, made when the first queue wants it; -1 where there is none. It
   * is held until `done()`, so that a picture that no queue took is not gone while others are still made of it.
   */
  entryOf(decoded: Decoded): number {
    if (decoded.entry < 0) {
      decoded.entry = this.pool.take(decoded.info, decoded.planes, decoded.release);
      if (decoded.entry >= 0) this.pool.table.hold(decoded.entry);
    }
    return decoded.entry;
  }

  /** Every queue that wanted the picture has it: what nobody holds is given back. */
  done(decoded: Decoded): void {
    if (decoded.entry < 0) decoded.release();
    else this.pool.table.release(decoded.entry);
  }

  /** The bytes of a plane where it lies. */
  bytesOf(plane: PlanePlace): Uint8Array {
    return this.ffmpeg.bytes.subarray(plane.offset, plane.offset + plane.stride * (plane.rows - 1) + plane.rowBytes);
  }
}
