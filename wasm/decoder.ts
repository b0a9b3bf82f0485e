import { BRIDGE_FORMATS, type BridgeFormat } from "./exports.ts";
import type { FfmpegInstance } from "./instance.ts";

/** A codec that the bridge decodes. */
export type Codec = "h264" | "hevc" | "mjpeg";
const CODECS: Record<Codec, number> = { h264: 1, hevc: 2, mjpeg: 3 };

/** What a decoder may leave out. */
export type Skip = "none" | "non-reference" | "non-keyframes";
const SKIPS: Record<Skip, number> = { none: 0, "non-reference": 1, "non-keyframes": 2 };

/** Largest picture unless told otherwise: 8192 by 8192 samples. */
const MAX_PIXELS = 8192 * 8192;

const EAGAIN = -6;
/** AVERROR_EOF: the four letters "EOF " as a number, negated. */
const END = -0x20464f45;
const FRAME_BYTES = 88;

/** Where one plane of a picture lies in the instance's memory. */
export interface DecodedPlane {
  offset: number;
  /** Bytes from row to row. */
  stride: number;
}

/** One picture in the instance's memory, and a hold on it that goes back with `release()`. */
export class DecodedFrame {
  readonly #instance: FfmpegInstance;
  readonly #reference: number;
  #held = true;
  /** As given with its access unit; -1 where FFmpeg lost track of it. */
  readonly pts: number;
  /** Size of the picture shown: cropping is applied. */
  readonly width: number;
  readonly height: number;
  /** Null where FFmpeg's format is none of the bridge's. */
  readonly format: BridgeFormat | null;
  readonly planes: readonly DecodedPlane[];
  readonly keyframe: boolean;
  readonly corrupt: boolean;
  readonly interlaced: boolean;
  readonly topFieldFirst: boolean;
  /** Samples over the full range (0 to 255) instead of the video range. */
  readonly fullRange: boolean;
  /** FFmpeg's numbers, which are those of ITU-T H.273. */
  readonly matrix: number;
  readonly primaries: number;
  readonly transfer: number;
  /** Width to height of one sample, as a fraction; 0 to 1 where it is not known. */
  readonly sampleAspect: readonly [number, number];

  constructor(instance: FfmpegInstance, at: number) {
    const { view } = instance;
    const flags = view.getUint32(at + 20, true);
    this.#instance = instance;
    this.#reference = view.getUint32(at + 76, true);
    this.pts = view.getFloat64(at, true);
    this.width = view.getInt32(at + 8, true);
    this.height = view.getInt32(at + 12, true);
    this.format = BRIDGE_FORMATS[view.getInt32(at + 16, true) - 1] ?? null;
    this.keyframe = (flags & 1) !== 0;
    this.corrupt = (flags & 2) !== 0;
    this.interlaced = (flags & 4) !== 0;
    this.topFieldFirst = (flags & 8) !== 0;
    this.fullRange = (flags & 16) !== 0;
    this.matrix = view.getInt32(at + 56, true);
    this.primaries = view.getInt32(at + 60, true);
    this.transfer = view.getInt32(at + 64, true);
    this.sampleAspect = [view.getInt32(at + 68, true), view.getInt32(at + 72, true)];
    const planes: DecodedPlane[] = [];
    for (let i = 0; i < 4; i++) {
      const offset = view.getUint32(at + 24 + 4 * i, true);
      if (offset !== 0) planes.push({ offset, stride: view.getInt32(at + 40 + 4 * i, true) });
    }
    this.planes = planes;
  }

  /** Gives the pixels back to FFmpeg. Idempotent. */
  release(): void {
    if (!this.#held) return;
    this.#held = false;
    if (!this.#instance.dead) this.#instance.call((exports) => exports.mr_frame_release(this.#reference));
  }
}

/** One of FFmpeg's decoders: access units in by `send()`, pictures out by `receive()`. */
export class Decoder implements Disposable {
  readonly #instance: FfmpegInstance;
  readonly #frame: number;
  #pointer: number;
  #skip: Skip = "none";

  constructor(
    instance: FfmpegInstance,
    codec: Codec,
    options: { parameterSets?: Uint8Array; maxPixels?: number; lowDelay?: boolean },
  ) {
    this.#instance = instance;
    const sets = options.parameterSets ?? new Uint8Array(0);
    this.#frame = instance.alloc(FRAME_BYTES);
    const copy = sets.length > 0 ? instance.alloc(sets.length) : 0;
    if (copy !== 0) instance.bytes.set(sets, copy);
    const starved = this.#frame === 0 || (sets.length > 0 && copy === 0);
    this.#pointer = starved ? 0 : instance.call((exports) =>
      exports.mr_decoder_new(
        CODECS[codec],
        copy,
        sets.length,
        options.maxPixels ?? MAX_PIXELS,
        options.lowDelay ? 1 : 0,
      )
    );
    if (copy !== 0) instance.free(copy);
    if (this.#pointer !== 0) return;
    instance.free(this.#frame);
    throw new Error(`Cannot make a decoder for ${codec}: FFmpeg refused, or has no memory`);
  }

  /**
   * Takes one access unit, which stays the caller's.
   *
   * @param pts Comes out again with its picture.
   * @returns `"ok"`; `"again"` where pictures must be received first; or FFmpeg's error, negative.
   * @throws {InstanceDeadError}
   */
  send(accessUnit: Uint8Array, pts: number): "ok" | "again" | number {
    const instance = this.#instance, pointer = this.#live;
    const room = instance.call((exports) => exports.mr_decoder_room(pointer, accessUnit.length));
    if (room === 0) return -48; // ENOMEM, by this libc's numbers
    instance.bytes.set(accessUnit, room);
    const result = instance.call((exports) => exports.mr_decoder_send(pointer, accessUnit.length, pts));
    return result === 0 ? "ok" : result === EAGAIN ? "again" : result;
  }

  /**
   * The next picture, or null where more access units are needed, or the last one came out.
   *
   * @throws {InstanceDeadError}
   */
  receive(): DecodedFrame | null {
    const pointer = this.#live;
    const result = this.#instance.call((exports) => exports.mr_decoder_receive(pointer, this.#frame));
    if (result === 1) return new DecodedFrame(this.#instance, this.#frame);
    this.lastError = result === 0 || result === END ? 0 : result;
    return null;
  }

  /** What FFmpeg said when `receive()` last gave nothing: 0, or a negative error. */
  lastError = 0;

  /** No more access units will come: `receive()` gives what was held back. */
  drain(): void {
    const pointer = this.#live;
    this.#instance.call((exports) => exports.mr_decoder_drain(pointer));
  }

  /** Forgets all pictures, as before a jump or after a drain. */
  flush(): void {
    const pointer = this.#live;
    this.#instance.call((exports) => exports.mr_decoder_flush(pointer));
  }

  get skip(): Skip {
    return this.#skip;
  }

  set skip(skip: Skip) {
    if (skip === this.#skip) return;
    const pointer = this.#live;
    this.#instance.call((exports) => exports.mr_decoder_skip(pointer, SKIPS[skip]));
    this.#skip = skip;
  }

  /** Idempotent; pictures that are out stay held. */
  [Symbol.dispose](): void {
    const pointer = this.#pointer;
    this.#pointer = 0;
    if (pointer === 0 || this.#instance.dead) return;
    this.#instance.call((exports) => exports.mr_decoder_free(pointer));
    this.#instance.free(this.#frame);
  }

  /** To be asked before the instance is called: what is thrown inside of a call counts as a trap. */
  get #live(): number {
    if (this.#pointer === 0) throw new TypeError("Cannot use a decoder: it was disposed of");
    return this.#pointer;
  }
}
