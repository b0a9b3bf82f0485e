import { packedBytes, type PixelFormat, type Plane } from "../../src/media/mod.ts";
import { RingWriter, SharedRingMemory } from "../../src/ring/mod.ts";
import type { Decoded } from "./decoded.ts";
import type { Instance } from "./instance.ts";

/** Copies pictures into a ring that a reader who is trusted with nothing has. */
export class RingOutput {
  readonly #stats: Float64Array;
  readonly #grown: (shape: { width: number; height: number; format: PixelFormat }) => void;
  #writer: RingWriter | null = null;
  #asked = 0;

  /** @param grown Called when a picture needs a larger ring than there is; pictures are dropped until it comes. */
  constructor(
    output: { ring: SharedArrayBuffer | null; stats: SharedArrayBuffer },
    grown: (shape: { width: number; height: number; format: PixelFormat }) => void,
  ) {
    this.#stats = new Float64Array(output.stats);
    this.#grown = grown;
    if (output.ring) this.set(output.ring);
  }

  set(ring: SharedArrayBuffer): void {
    this.#writer?.close();
    this.#writer = RingWriter.adopt(new SharedRingMemory(ring));
  }

  write(instance: Instance, { info, planes }: Decoded): void {
    this.#stats[0]++;
    const bytes = packedBytes(info.format, info.width, info.height);
    if (!this.#writer || bytes > this.#writer.maxBytes) {
      this.#stats[2]++;
      if (bytes === this.#asked) return;
      this.#asked = bytes;
      return this.#grown({ width: info.width, height: info.height, format: info.format });
    }
    const views: Plane[] = planes.map((plane) => ({
      data: instance.bytesOf(plane),
      stride: plane.stride,
      rowBytes: plane.rowBytes,
      rows: plane.rows,
    }));
    this.#writer.writeFrame(info, views);
    this.#stats[1]++;
  }

  end(): void {
    this.#writer?.close();
  }
}
