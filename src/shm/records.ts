// Pure: no I/O.
import { Frame, type FrameInfo, type FrameLease, packedPlanes, ShmError } from "../media/mod.ts";
import type { RecordMeta } from "../ring/mod.ts";
import type { ShmRecord, ShmUnit } from "./reader_options.ts";

/** What a reader says of a record other than the ring does. */
export interface RecordPlace {
  sequence: number;
  generation: number;
}

/** What is known of a frame whose record this is. */
export function frameInfo(meta: RecordMeta, place: RecordPlace, blob: Uint8Array | null): FrameInfo {
  const { width, height, pts, wallTime, receivedAt, keyframe, corrupt, missed, streamId } = meta;
  const format = meta.pixelFormat!;
  return { width, height, format, pts, wallTime, receivedAt, keyframe, corrupt, missed, streamId, ...place, blob };
}

/** The planes of a frame in the bytes of its record. */
export function planesOf(meta: RecordMeta, bytes: Uint8Array) {
  return packedPlanes(meta.pixelFormat!, meta.width, meta.height).map(({ stride: rowBytes, rows }, i) => {
    const { offset, stride } = meta.planes[i];
    return { data: bytes.subarray(offset, offset + stride * (rows - 1) + rowBytes), stride, rowBytes, rows };
  });
}

/** A frame whose pixels lie in bytes that come back when it is disposed of. */
export function frameOf(meta: RecordMeta, place: RecordPlace, bytes: Uint8Array, lease: FrameLease): Frame {
  return new Frame(frameInfo(meta, place, blobOf(meta, bytes)), planesOf(meta, bytes), lease);
}

/** A record whose bytes are nobody else's. */
export function recordOf(meta: RecordMeta, place: RecordPlace, bytes: Uint8Array<ArrayBuffer>): ShmRecord {
  const lasting = meta.clone();
  Object.assign(lasting, place);
  return { meta: lasting, data: bytes.subarray(0, meta.bytes), blob: blobOf(meta, bytes) };
}

/** @throws {ShmError} `invalid` where the codec is none. */
export function unitOf(meta: RecordMeta, place: RecordPlace, bytes: Uint8Array<ArrayBuffer>): ShmUnit {
  const { codec, pts, dts, keyframe, corrupt, receivedAt, wallTime, missed, streamId } = meta;
  if (!codec) throw new ShmError("invalid", `Cannot read an access unit: ${meta.format} is no codec`);
  return {
    ...{ codec, pts, dts, keyframe, corrupt, receivedAt, wallTime, missed, streamId, ...place },
    data: bytes.subarray(0, meta.bytes),
    blob: blobOf(meta, bytes),
  };
}

/** The user's bytes behind a payload, copied; null where there are none. */
function blobOf(meta: RecordMeta, bytes: Uint8Array): Uint8Array<ArrayBuffer> | null {
  return meta.blobBytes === 0 ? null : new Uint8Array(bytes.subarray(meta.bytes, meta.bytes + meta.blobBytes));
}
