// Pure: no I/O.
import type { AccessUnit, VideoCodec } from "../media/access_unit.ts";
import type { FrameInfo } from "../media/frame.ts";
import { pixelFormatCode, pixelFormatOf } from "../media/pixel_format.ts";
import type { PixelFormat } from "../media/pixel_format.ts";
import { FLAG, MAX_PLANES, SLOT, SLOT_BYTES } from "./layout.ts";

const CODECS: readonly VideoCodec[] = ["h264", "hevc", "mjpeg"];

/** The number that stands for a codec in the slots of a ring of access units. */
export function codecCode(codec: VideoCodec): number {
  return CODECS.indexOf(codec) + 1;
}

/** The codec that a number of a slot stands for, or undefined where it stands for none. */
export function codecOf(code: number): VideoCodec | undefined {
  return CODECS[code - 1];
}

/** Where one plane lies in a payload. */
export interface RecordPlane {
  /** Bytes from the payload's begin. */
  offset: number;
  stride: number;
}

/** What a writer says of a record; whatever it leaves out is 0, false, or none. */
export interface RecordInfo {
  /** Integer microseconds. */
  pts?: number;
  /** Integer microseconds. @default {pts} */
  dts?: number;
  /** Unix milliseconds of the camera's clock. */
  wallTime?: number | null;
  /** Unix milliseconds of this host. */
  receivedAt?: number;
  keyframe?: boolean;
  corrupt?: boolean;
  /** Whether something is missing between the record before and this one. */
  discontinuity?: boolean;
  generation?: number;
  /** A pixel format's code, or a codec's. */
  format?: number;
  width?: number;
  height?: number;
  streamId?: number;
  planes?: readonly RecordPlane[];
}

/**
 * One record of a ring, as its descriptor says. A reader has one of these and fills it anew for each record: copy what
 * must last.
 */
export class RecordMeta {
  sequence = 0;
  /** Where the payload lies in the ring's memory. */
  offset = 0;
  /** Bytes of the payload. */
  bytes = 0;
  /** Bytes of the user's blob, right behind the payload. */
  blobBytes = 0;
  pts = 0;
  dts = 0;
  wallTime: number | null = null;
  receivedAt = 0;
  publishedAt = 0;
  keyframe = false;
  corrupt = false;
  discontinuity = false;
  generation = 0;
  /** A pixel format's code, or a codec's. */
  format = 0;
  width = 0;
  height = 0;
  streamId = 0;
  /** How many of `planes` count. */
  planeCount = 0;
  readonly planes: RecordPlane[] = Array.from({ length: MAX_PLANES }, () => ({ offset: 0, stride: 0 }));
  /** Records that this reader did not get between the one before and this one. */
  missed = 0;

  /** One that lasts. */
  clone(): RecordMeta {
    return Object.assign(new RecordMeta(), this, { planes: this.planes.map((plane) => ({ ...plane })) });
  }

  /** The pixel format, in a ring of frames. */
  get pixelFormat(): PixelFormat | undefined {
    return pixelFormatOf(this.format);
  }

  /** The codec, in a ring of access units. */
  get codec(): VideoCodec | undefined {
    return codecOf(this.format);
  }
}

const HIGH = 2 ** 32;

/** A descriptor on its way into the memory or out of it, without garbage. */
export class SlotRecord {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Everything behind the sequence, which is stored by itself. */
  readonly body: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;

  /** @param bytes where it lies, by default by itself. */
  constructor(bytes: Uint8Array<ArrayBuffer> = new Uint8Array(SLOT_BYTES)) {
    this.bytes = bytes;
    this.body = bytes.subarray(SLOT.payloadOffset, SLOT_BYTES);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, SLOT_BYTES);
  }

  #u64(offset: number): number {
    return this.#view.getUint32(offset + 4, true) * HIGH + this.#view.getUint32(offset, true);
  }

  #i64(offset: number): number {
    return this.#view.getInt32(offset + 4, true) * HIGH + this.#view.getUint32(offset, true);
  }

  #set64(offset: number, value: number): void {
    const high = Math.floor(value / HIGH);
    this.#view.setInt32(offset + 4, high, true);
    this.#view.setUint32(offset, value - high * HIGH, true);
  }

  /** Fills the body from what the writer says. */
  encode(
    info: RecordInfo,
    payloadOffset: number,
    bytes: number,
    blobBytes: number,
    publishedAt: number,
  ): void {
    const view = this.#view;
    const pts = info.pts ?? 0;
    this.#set64(SLOT.payloadOffset, payloadOffset);
    this.#set64(SLOT.payloadBytes, bytes);
    this.#set64(SLOT.pts, pts);
    this.#set64(SLOT.dts, info.dts ?? pts);
    view.setFloat64(SLOT.wallTime, info.wallTime ?? NaN, true);
    view.setFloat64(SLOT.receivedAt, info.receivedAt ?? publishedAt, true);
    view.setFloat64(SLOT.publishedAt, publishedAt, true);
    const flags = (info.keyframe ? FLAG.keyframe : 0) | (info.corrupt ? FLAG.corrupt : 0) |
      (info.discontinuity ? FLAG.discontinuity : 0);
    view.setUint32(SLOT.flags, flags, true);
    view.setUint32(SLOT.generation, info.generation ?? 0, true);
    view.setUint32(SLOT.format, info.format ?? 0, true);
    view.setUint32(SLOT.width, info.width ?? 0, true);
    view.setUint32(SLOT.height, info.height ?? 0, true);
    view.setUint32(SLOT.streamId, info.streamId ?? 0, true);
    const planes = info.planes;
    const count = planes === undefined ? 0 : planes.length;
    view.setUint32(SLOT.planes, count, true);
    view.setUint32(SLOT.blobBytes, blobBytes, true);
    for (let i = 0; i < MAX_PLANES; i++) {
      const at = SLOT.planeTable + i * 8;
      view.setUint32(at, i < count ? planes![i].offset : 0, true);
      view.setUint32(at + 4, i < count ? planes![i].stride : 0, true);
    }
  }

  /** The sequence that the descriptor is of, -1 while it is being written. */
  get sequence(): number {
    return this.#u64(SLOT.sequence) - 1;
  }

  get payloadOffset(): number {
    return this.#u64(SLOT.payloadOffset);
  }

  get payloadBytes(): number {
    return this.#u64(SLOT.payloadBytes);
  }

  get blobBytes(): number {
    return this.#view.getUint32(SLOT.blobBytes, true);
  }

  /** Fills `meta` with all but its `sequence`, `offset` and `missed`, which the reader knows better. */
  decode(meta: RecordMeta): void {
    const view = this.#view;
    meta.bytes = this.payloadBytes;
    meta.blobBytes = this.blobBytes;
    meta.pts = this.#i64(SLOT.pts);
    meta.dts = this.#i64(SLOT.dts);
    const wallTime = view.getFloat64(SLOT.wallTime, true);
    meta.wallTime = Number.isFinite(wallTime) ? wallTime : null;
    meta.receivedAt = view.getFloat64(SLOT.receivedAt, true);
    meta.publishedAt = view.getFloat64(SLOT.publishedAt, true);
    const flags = view.getUint32(SLOT.flags, true);
    meta.keyframe = (flags & FLAG.keyframe) !== 0;
    meta.corrupt = (flags & FLAG.corrupt) !== 0;
    meta.discontinuity = (flags & FLAG.discontinuity) !== 0;
    meta.generation = view.getUint32(SLOT.generation, true);
    meta.format = view.getUint32(SLOT.format, true);
    meta.width = view.getUint32(SLOT.width, true);
    meta.height = view.getUint32(SLOT.height, true);
    meta.streamId = view.getUint32(SLOT.streamId, true);
    meta.planeCount = view.getUint32(SLOT.planes, true);
    for (let i = 0; i < MAX_PLANES; i++) {
      const plane = meta.planes[i], at = SLOT.planeTable + i * 8;
      plane.offset = view.getUint32(at, true);
      plane.stride = view.getUint32(at + 4, true);
    }
  }
}

/** What a ring of frames says of a frame whose planes lie as given. */
export function frameRecord(
  frame: Omit<FrameInfo, "sequence" | "missed">,
  planes: readonly RecordPlane[],
  into: RecordInfo = {},
): RecordInfo {
  into.pts = into.dts = frame.pts;
  into.wallTime = frame.wallTime;
  into.receivedAt = frame.receivedAt;
  into.keyframe = frame.keyframe;
  into.corrupt = frame.corrupt;
  into.generation = frame.generation;
  into.format = pixelFormatCode(frame.format);
  into.width = frame.width;
  into.height = frame.height;
  into.streamId = frame.streamId;
  into.planes = planes;
  return into;
}

/** What a ring of access units says of one. */
export function accessUnitRecord(
  unit: Omit<AccessUnit, "data" | "sequence">,
  into: RecordInfo = {},
): RecordInfo {
  into.pts = unit.pts;
  into.dts = unit.dts;
  into.wallTime = unit.wallTime;
  into.receivedAt = unit.receivedAt;
  into.keyframe = unit.keyframe;
  into.corrupt = unit.corrupt;
  into.generation = unit.generation;
  into.format = codecCode(unit.codec);
  return into;
}
