import { type BridgeFormat, bridgeFormat } from "./exports.ts";
import type { DecodedPlane } from "./decoder.ts";
import type { FfmpegInstance } from "./instance.ts";

/** swscale's algorithms that are offered. */
export type Algorithm = "nearest" | "bilinear" | "area" | "bicubic";
const ALGORITHMS: Record<Algorithm, number> = { nearest: 0, bilinear: 1, area: 2, bicubic: 3 };

/** What a scaler converts from and to. */
export interface ScalerOptions {
  source: { width: number; height: number; format: BridgeFormat; fullRange?: boolean; matrix?: number };
  target: { width: number; height: number; format: BridgeFormat; fullRange?: boolean };
  /** @default {"bilinear"} */
  algorithm?: Algorithm;
}

/** One of swscale's converters, for pictures of one size and format into another. */
export class Scaler implements Disposable {
  readonly #instance: FfmpegInstance;
  readonly #tables: number;
  #pointer: number;

  constructor(instance: FfmpegInstance, options: ScalerOptions) {
    const { source, target } = options;
    this.#instance = instance;
    this.#tables = instance.alloc(64);
    this.#pointer = this.#tables === 0 ? 0 : instance.call((exports) =>
      exports.mr_scaler_new(
        source.width,
        source.height,
        bridgeFormat(source.format),
        source.fullRange ? 1 : 0,
        source.matrix ?? 2,
        target.width,
        target.height,
        bridgeFormat(target.format),
        target.fullRange ? 1 : 0,
        ALGORITHMS[options.algorithm ?? "bilinear"],
      )
    );
    if (this.#pointer !== 0) return;
    instance.free(this.#tables);
    throw new Error(
      `Cannot scale ${source.width}x${source.height} ${source.format} to ` +
        `${target.width}x${target.height} ${target.format}: FFmpeg refused, or has no memory`,
    );
  }

  /**
   * Converts one picture; offsets are the instance's. Nothing is allocated.
   *
   * @throws {RangeError} where swscale refuses the planes.
   * @throws {InstanceDeadError}
   */
  run(source: readonly DecodedPlane[], target: readonly DecodedPlane[]): void {
    if (this.#pointer === 0) throw new TypeError("Cannot use a scaler: it was disposed of");
    const { view } = this.#instance;
    const at = this.#tables;
    for (let i = 0; i < 4; i++) {
      view.setUint32(at + 4 * i, source[i]?.offset ?? 0, true);
      view.setInt32(at + 16 + 4 * i, source[i]?.stride ?? 0, true);
      view.setUint32(at + 32 + 4 * i, target[i]?.offset ?? 0, true);
      view.setInt32(at + 48 + 4 * i, target[i]?.stride ?? 0, true);
    }
    const rows = this.#instance.call((exports) => exports.mr_scaler_run(this.#pointer, at, at + 16, at + 32, at + 48));
    if (rows < 0) throw new RangeError(`Cannot scale a picture: ${this.#instance.errorText(rows)}`);
  }

  /** Idempotent. */
  [Symbol.dispose](): void {
    const pointer = this.#pointer;
    this.#pointer = 0;
    if (pointer === 0 || this.#instance.dead) return;
    this.#instance.call((exports) => exports.mr_scaler_free(pointer));
    this.#instance.free(this.#tables);
  }
}
