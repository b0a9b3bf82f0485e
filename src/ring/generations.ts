// Pure: no I/O.
import type { PixelFormat } from "../media/pixel_format.ts";

/** What tells one generation from the next. */
export interface GenerationOf {
  generation: number;
  width: number;
  height: number;
}

/**
 * Counts the generations in a ring of frames, so that a reader can rely on them whoever makes the frames: another size or format is
 * another generation, also where its source does not count them, and none comes twice.
 */
export class Generations {
  #width = 0;
  #height = 0;
  #format: PixelFormat | undefined;
  #last = -1;
  /** By how much the ring's count is ahead of the source's. */
  #ahead = 0;

  /** The generation that the next frame is of. */
  next(frame: GenerationOf & { format: PixelFormat }): number {
    const { width, height, format } = frame;
    const changed = this.#last >= 0 && (width !== this.#width || height !== this.#height || format !== this.#format);
    let generation = frame.generation + this.#ahead;
    if (generation < this.#last || (changed && generation === this.#last)) {
      this.#ahead += this.#last + 1 - generation;
      generation = this.#last + 1;
    }
    this.#width = width;
    this.#height = height;
    this.#format = format;
    return this.#last = generation;
  }

  /** Goes on after a record that another writer wrote. */
  resume(newest: GenerationOf & { pixelFormat: PixelFormat | undefined }): void {
    this.#last = newest.generation;
    this.#width = newest.width;
    this.#height = newest.height;
    this.#format = newest.pixelFormat;
  }
}
