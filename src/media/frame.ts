// Pure: no I/O.
import { now } from "./clock.ts";
import { packedBytes, packedPlanes, type PixelFormat } from "./pixel_format.ts";

/** One plane of a picture. */
export interface Plane {
  /** From the first sample of the first row to the last of the last: `stride * (rows - 1) + rowBytes` bytes at least. */
  data: Uint8Array<ArrayBufferLike>;
  /** Bytes from row to row. */
  stride: number;
  /** Bytes of one row that are picture. */
  rowBytes: number;
  rows: number;
}

/** What travels with a picture. */
export interface FrameInfo {
  width: number;
  height: number;
  format: PixelFormat;
  /** Presentation time in integer microseconds. */
  pts: number;
  /** When the camera took it, in Unix milliseconds by the camera's clock; null where that is not known. */
  wallTime: number | null;
  /** When the last packet of it reached this host, in Unix milliseconds. */
  receivedAt: number;
  keyframe: boolean;
  /** Whether a part of it is known to be damaged. */
  corrupt: boolean;
  /** Number within its source, from 0. */
  sequence: number;
  /** Rises by one each time the source's size, format or parameter sets change. */
  generation: number;
  /**
   * How many frames this reader did not get between the one before and this one, as far as is known: those that its branch lost or
   * had no room for, and those that the decoder passed over, or could make nothing of that may be shown (`shed`, `skipped`,
   * `errors`, `corrupt` and `starved` in `decoderStats()`). What the network lost before it was an access unit is not among them.
   *
   * Behind `interval()` or `gate()` those that the branch lost, or had no room for: which of the decoder's would have been wanted
   * is not known. So it is with `decode({ frames: "keyframes" })`, where keyframes alone can be missed. Out of a ring: how many of
   * its records.
   */
  missed: number;
  /** The number its source was given by the program, 0 unless told. */
  streamId: number;
  /** Bytes that mean something to the programs that pass it on; a ring carries them from process to process. */
  blob?: Uint8Array<ArrayBufferLike> | null;
}

/**
 * One decoded picture: a lease on memory that someone else needs back. Hold it with `using`, and keep the pixels no
 * longer than the frame; `copy()` gives pixels to keep, `clone()` a second lease.
 */
export class Frame implements FrameInfo, Disposable {
  readonly width: number;
  readonly height: number;
  readonly format: PixelFormat;
  readonly pts: number;
  readonly wallTime: number | null;
  readonly receivedAt: number;
  readonly keyframe: boolean;
  readonly corrupt: boolean;
  readonly sequence: number;
  readonly generation: number;
  readonly missed: number;
  readonly streamId: number;
  /** The user's bytes that came with it, to keep; null where there are none. */
  readonly blob: Uint8Array<ArrayBufferLike> | null;
  readonly #planes: readonly Plane[];
  #lease: FrameLease | null;

  constructor(info: FrameInfo, planes: readonly Plane[], lease: FrameLease) {
    this.width = info.width;
    this.height = info.height;
    this.format = info.format;
    this.pts = info.pts;
    this.wallTime = info.wallTime;
    this.receivedAt = info.receivedAt;
    this.keyframe = info.keyframe;
    this.corrupt = info.corrupt;
    this.sequence = info.sequence;
    this.generation = info.generation;
    this.missed = info.missed;
    this.streamId = info.streamId;
    this.blob = info.blob ?? null;
    this.#planes = planes;
    this.#lease = lease;
  }

  /**
   * A frame of pixels that are the caller's, which must leave them as they are while the frame is in use.
   *
   * @param pixels Without padding, plane after plane: `packedBytes()` of them.
   * @param info What is not said is that of a whole picture that was made now.
   * @throws {RangeError} where there are fewer bytes than such a picture has.
   *
   * @example
   * ```ts ignore
   * ring.write(Frame.of(new Uint8Array(480 * 270 * 3), { width: 480, height: 270, format: "RGB24" }));
   * ```
   */
  static of(pixels: Uint8Array, info: Pick<FrameInfo, "width" | "height" | "format"> & Partial<FrameInfo>): Frame {
    const { width, height, format } = info;
    const need = packedBytes(format, width, height);
    if (pixels.length < need) {
      throw new RangeError(
        `Cannot make a ${width}x${height} ${format} frame: it has ${need} bytes, there are ${pixels.length}`,
      );
    }
    const receivedAt = info.receivedAt ?? now();
    const planes = packedPlanes(format, width, height).map(({ offset, stride, rows }) => ({
      data: pixels.subarray(offset, offset + stride * rows),
      stride,
      rowBytes: stride,
      rows,
    }));
    const whole = {
      keyframe: true,
      corrupt: false,
      sequence: 0,
      generation: 0,
      missed: 0,
      streamId: 0,
      wallTime: null,
    };
    return new Frame({ ...whole, pts: Math.round(receivedAt * 1_000), ...info, receivedAt }, planes, NO_LEASE);
  }

  /**
   * The pixels, borrowed until the frame is disposed of.
   *
   * @throws {TypeError} once the frame was disposed of: its memory may hold another picture by then.
   */
  get planes(): readonly Plane[] {
    if (this.#lease === null) throw new TypeError("Cannot read a frame's planes: the frame was disposed of");
    return this.#planes;
  }

  /** Milliseconds since the last packet of it reached this host. */
  get age(): number {
    return now() - this.receivedAt;
  }

  /** Bytes of the picture without padding. */
  get byteLength(): number {
    return packedBytes(this.format, this.width, this.height);
  }

  /**
   * A second lease on the same pixels, to be disposed of by itself.
   *
   * @param change.missed where it goes to a reader that missed others than this one's. @default {as this one's}
   */
  clone(change: { missed?: number } = {}): Frame {
    if (this.#lease === null) throw new TypeError("Cannot clone a frame: the frame was disposed of");
    const info = change.missed === undefined ? this : { ...(this as FrameInfo), missed: change.missed };
    return new Frame(info, this.#planes, this.#lease.clone());
  }

  /**
   * Copies the picture without padding, plane after plane, into `target`, or into a new array.
   *
   * @throws {RangeError} where `target` is too small.
   */
  copy(target: Uint8Array = new Uint8Array(this.byteLength)): Uint8Array {
    const need = this.byteLength;
    if (target.length < need) {
      throw new RangeError(`Cannot copy a frame: it has ${need} bytes, the target has ${target.length}`);
    }
    let at = 0;
    for (const { data, stride, rowBytes, rows } of this.planes) {
      if (stride === rowBytes) {
        target.set(data.subarray(0, rowBytes * rows), at);
        at += rowBytes * rows;
        continue;
      }
      for (let row = 0; row < rows; row++, at += rowBytes) {
        target.set(data.subarray(row * stride, row * stride + rowBytes), at);
      }
    }
    return target;
  }

  /** Gives the memory back. Idempotent. */
  [Symbol.dispose](): void {
    const lease = this.#lease;
    this.#lease = null;
    lease?.release();
  }
}

/** A counted hold on memory. */
export interface FrameLease {
  /** One more hold. */
  clone(): FrameLease;
  /** Ends this hold; called once for each hold. */
  release(): void;
}

/** A lease on memory that nobody needs back: the garbage collector's. */
export const NO_LEASE: FrameLease = { clone: () => NO_LEASE, release: () => {} };
