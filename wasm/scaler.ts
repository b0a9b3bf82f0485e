import { type Border, makeBorder, type Rectangle } from "./border.ts";
import { type BridgeFormat, bridgeFormat } from "./exports.ts";
import type { DecodedPlane } from "./decoder.ts";
import type { FfmpegInstance } from "./instance.ts";

/** The algorithms that are offered; what they make is what swscale's of these names make. */
export type Algorithm = "nearest" | "bilinear" | "area" | "bicubic";
const ALGORITHMS: Record<Algorithm, number> = { nearest: 0, bilinear: 1, area: 2, bicubic: 3 };

/** What red, green and blue, from 0 to 1, are made into: less `mean`, divided by `std`. */
export interface Normalization {
  mean: readonly [number, number, number];
  std: readonly [number, number, number];
}

/** What a scaler converts from and to. */
export interface ScalerOptions {
  source: { width: number; height: number; format: BridgeFormat; fullRange?: boolean; matrix?: number };
  target: {
    width: number;
    height: number;
    format: BridgeFormat;
    fullRange?: boolean;
    /** Where the picture goes; what is left over has the grey of level `border`. @default {all of it} */
    place?: Rectangle;
    border?: number;
    /** Of RGBPF32. @default {0 to 1} */
    normalize?: Normalization;
  };
  /** @default {"bilinear"} */
  algorithm?: Algorithm;
}

/** Bytes of a call's arguments: two times four planes and strides. */
const TABLES = 64;

/** A converter for pictures of one size and format into another: our own kernels where they have a way, else swscale. */
export class Scaler implements Disposable {
  readonly #instance: FfmpegInstance;
  readonly #tables: number;
  readonly #border: Border | null;
  #pointer: number;

  constructor(instance: FfmpegInstance, options: ScalerOptions) {
    const { source, target } = options;
    const place = target.place ?? { x: 0, y: 0, width: target.width, height: target.height };
    this.#instance = instance;
    this.#border = target.place ? makeBorder({ ...target, place }) : null;
    this.#tables = instance.alloc(TABLES);
    this.#pointer = this.#tables === 0 ? 0 : instance.call((exports) =>
      exports.mr_scaler_new(
        source.width,
        source.height,
        bridgeFormat(source.format),
        source.fullRange ? 1 : 0,
        source.matrix ?? 2,
        place.width,
        place.height,
        bridgeFormat(target.format),
        target.fullRange ? 1 : 0,
        ALGORITHMS[options.algorithm ?? "bilinear"],
      )
    );
    if (this.#pointer !== 0) {
      if (target.normalize) this.#normalize(target.normalize);
      return;
    }
    instance.free(this.#tables);
    throw new Error(
      `Cannot scale ${source.width}x${source.height} ${source.format} to ` +
        `${place.width}x${place.height} ${target.format}: FFmpeg refused, or has no memory`,
    );
  }

  #normalize({ mean, std }: Normalization): void {
    const [factors, starts] = [this.#tables, this.#tables + 12];
    for (let i = 0; i < 3; i++) {
      this.#instance.view.setFloat32(factors + 4 * i, 1 / (255 * std[i]), true);
      this.#instance.view.setFloat32(starts + 4 * i, -mean[i] / std[i], true);
    }
    this.#instance.call((exports) => exports.mr_scaler_normalize(this.#pointer, factors, starts));
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
      view.setUint32(
        at + 32 + 4 * i,
        target[i] ? target[i].offset + (this.#border?.offsetOf(i, target[i]) ?? 0) : 0,
        true,
      );
      view.setInt32(at + 48 + 4 * i, target[i]?.stride ?? 0, true);
    }
    const rows = this.#instance.call((exports) => exports.mr_scaler_run(this.#pointer, at, at + 16, at + 32, at + 48));
    if (rows < 0) throw new RangeError(`Cannot scale a picture: ${this.#instance.errorText(rows)}`);
    this.#border?.fill(this.#instance.bytes, target);
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
