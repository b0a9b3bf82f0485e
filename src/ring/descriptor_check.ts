// Pure: no I/O.
import { packedPlanes } from "../media/pixel_format.ts";
import { MAX_PLANES, type RingHeader } from "./layout.ts";
import type { RecordMeta, SlotRecord } from "./meta.ts";

const MAX_SIDE = 65_536;

/** Tells descriptors that make sense from others: those may be anybody's work. */
export class DescriptorCheck {
  readonly #header: Readonly<RingHeader>;
  #shape = { format: 0, width: 0, height: 0, planes: packedPlanes("GRAY8", 1, 1) };

  constructor(header: Readonly<RingHeader>) {
    this.#header = header;
  }

  /** Whether it can be that of a record; then `meta` says what it says. */
  accept(slot: SlotRecord, sequence: number, meta: RecordMeta): boolean {
    const { arenaBytes, arenaOffset, cellBytes, policy, slots, kind } = this.#header;
    const { payloadOffset, payloadBytes, blobBytes } = slot;
    const end = payloadOffset + payloadBytes + blobBytes;
    if (!(end <= arenaBytes)) return false;
    if (policy === "fixed") {
      const cell = (sequence % slots) * cellBytes;
      if (payloadOffset !== cell || end > cell + cellBytes) return false;
    }
    slot.decode(meta);
    meta.sequence = sequence;
    meta.offset = arenaOffset + payloadOffset;
    if (meta.planeCount > MAX_PLANES) return false;
    return kind !== "frames" || this.#isPicture(meta);
  }

  /** Whether the planes are those of such a picture, and lie in the payload. */
  #isPicture(meta: RecordMeta): boolean {
    const { format, width, height } = meta;
    const shape = this.#shape;
    if (shape.format !== format || shape.width !== width || shape.height !== height) {
      const pixelFormat = meta.pixelFormat;
      if (pixelFormat === undefined || !(width >= 1 && height >= 1 && width <= MAX_SIDE && height <= MAX_SIDE)) {
        return false;
      }
      shape.planes = packedPlanes(pixelFormat, width, height);
      shape.format = format;
      shape.width = width;
      shape.height = height;
    }
    if (meta.planeCount !== shape.planes.length) return false;
    for (let i = 0; i < shape.planes.length; i++) {
      const { stride: rowBytes, rows } = shape.planes[i], { offset, stride } = meta.planes[i];
      if (stride < rowBytes || offset + stride * (rows - 1) + rowBytes > meta.bytes) return false;
    }
    return true;
  }
}
