// Pure: no I/O.
import { NalDepacketizer, type NalDepacketizerStats } from "../nal_depacketizer.ts";
import { checkedUnitBytes, type VideoDepacketizerOptions, type VideoUnit } from "../video_depacketizer.ts";
import { HevcNal, hevcNalType, isHevcFirstSlice, isHevcPicture } from "./nal.ts";
import type { HevcParameters } from "./sps.ts";
import { HevcUnitBuilder } from "./unit_builder.ts";

/** One access unit of H.265. */
export type HevcUnit = VideoUnit<HevcParameters>;

/** What a depacketizer of H.265 is made of. */
export interface HevcDepacketizerOptions extends VideoDepacketizerOptions<HevcParameters> {
  /**
   * Whether packets carry decoding order numbers: `sprop-max-don-diff` above 0. They are passed over; NAL units sent in
   * another order than they are decoded in, which no camera does, stay in that order. @default {false}
   */
  decodingOrderNumbers?: boolean;
}

/** Counters; they only rise. */
export interface HevcDepacketizerStats extends NalDepacketizerStats {
  /** Packets with extensions of their own (PACI), which are left out. */
  paci: number;
}

/**
 * Joins the payloads of RTP packets, in order, into access units of H.265.
 *
 * @see RFC 7798, 4.4.1 (single NAL unit), 4.4.2 (aggregation), 4.4.3 (fragments), 4.4.4 (PACI)
 */
export class HevcDepacketizer extends NalDepacketizer<HevcParameters> {
  readonly #donBytes: number;
  #fragmentType = -1;
  #paci = 0;

  /** @throws {RangeError} where the limit is no positive integer. */
  constructor(options: HevcDepacketizerOptions) {
    super(new HevcUnitBuilder(checkedUnitBytes(options.maxUnitBytes)), options);
    this.#donBytes = options.decodingOrderNumbers ? 2 : 0;
  }

  override get stats(): HevcDepacketizerStats {
    return { ...super.stats, paci: this.#paci };
  }

  protected payload(data: Uint8Array, start: number, end: number): void {
    if (end - start < 2) return this.malformed();
    const type = hevcNalType(data[start]);
    if (type === HevcNal.fragment) return this.#fragment(data, start, end);
    const { builder } = this;
    // Anything else ends a fragmented NAL unit whose last fragment did not say so.
    builder.closeNal(false);
    if (type === HevcNal.aggregation) return this.#aggregate(data, start + 2, end);
    if (type === HevcNal.paci) {
      this.#paci++;
      return builder.damage();
    }
    if (type > HevcNal.paci || end - start < 3 + this.#donBytes) return this.malformed();
    if (this.#donBytes === 0) return this.#whole(data, start, end);
    this.#begin(type, data[start + 4]);
    builder.openNal();
    builder.append(data, start, start + 2);
    builder.append(data, start + 4, end);
    builder.closeNal(true);
  }

  #whole(data: Uint8Array, start: number, end: number, complete = true): void {
    const { builder } = this;
    if (end - start > 2) this.#begin(hevcNalType(data[start]), data[start + 2]);
    builder.openNal();
    builder.append(data, start, end);
    builder.closeNal(complete);
  }

  #aggregate(data: Uint8Array, at: number, end: number): void {
    // The first unit has its number whole, the others their distance from the one before.
    let don = this.#donBytes;
    while (at + don + 2 <= end) {
      at += don;
      don = this.#donBytes >> 1;
      const size = data[at] << 8 | data[at + 1];
      at += 2;
      const stop = Math.min(at + size, end);
      if (stop > at) this.#whole(data, at, stop, at + size <= end);
      if (at + size > end) this.counts.malformed++;
      at += size;
    }
    if (at < end) this.malformed();
  }

  #fragment(data: Uint8Array, start: number, end: number): void {
    const { builder } = this;
    if (end - start < 4) return this.malformed();
    const flags = data[start + 2];
    const type = flags & 0x3f;
    let at = start + 3;
    if ((flags & 0x80) !== 0) {
      at += this.#donBytes;
      builder.closeNal(false);
      if (at >= end) return this.malformed();
      this.#begin(type, data[at]);
      builder.openNal();
      builder.appendByte(data[start] & 0x81 | type << 1);
      builder.appendByte(data[start + 1]);
      this.#fragmentType = type;
    } else if (!builder.open || this.#fragmentType !== type) {
      builder.closeNal(false);
      builder.damage();
      this.counts.orphans++;
      return;
    }
    builder.append(data, at, end);
    // Start and end in one fragment is forbidden; it is a whole NAL unit all the same.
    if ((flags & 0x40) !== 0) builder.closeNal(true);
  }

  /** Ends the unit in hand where this NAL unit can only belong to the next picture: its first slice, or a delimiter. */
  #begin(type: number, first: number): void {
    const opens = type === HevcNal.delimiter || isHevcPicture(type) && isHevcFirstSlice(first);
    if (opens && this.builder.hasPicture) this.nextPicture();
  }
}
