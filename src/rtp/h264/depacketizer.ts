// Pure: no I/O.
import { NalDepacketizer, type NalDepacketizerStats } from "../nal_depacketizer.ts";
import { checkedUnitBytes, type VideoDepacketizerOptions, type VideoUnit } from "../video_depacketizer.ts";
import { Nal, nalType } from "./nal.ts";
import type { H264Parameters } from "./sps.ts";
import { H264UnitBuilder } from "./unit_builder.ts";

/** One access unit of H.264. */
export type H264Unit = VideoUnit<H264Parameters>;
/** What a depacketizer of H.264 is made of. */
export type H264DepacketizerOptions = VideoDepacketizerOptions<H264Parameters>;
/** Counters; `malformed` counts also what no camera uses: STAP-B, MTAP, FU-B. */
export type H264DepacketizerStats = NalDepacketizerStats;

/**
 * Joins the payloads of RTP packets, in order, into access units of H.264.
 *
 * @see RFC 6184, 5.6 (single NAL unit), 5.7.1 (STAP-A), 5.8 (FU-A)
 */
export class H264Depacketizer extends NalDepacketizer<H264Parameters> {
  #fragmentHeader = 0;

  /** @throws {RangeError} where the limit is no positive integer. */
  constructor(options: H264DepacketizerOptions) {
    super(new H264UnitBuilder(checkedUnitBytes(options.maxUnitBytes)), options);
  }

  protected payload(data: Uint8Array, start: number, end: number): void {
    const { builder } = this;
    const type = nalType(data[start]);
    if (type === Nal.fuA) return this.#fragment(data, start, end);
    // Anything else ends a fragmented NAL unit whose last fragment did not say so.
    builder.closeNal(false);
    if (type === Nal.stapA) return this.#aggregate(data, start + 1, end);
    if (type > Nal.stapA) return this.malformed();
    builder.openNal();
    builder.append(data, start, end);
    builder.closeNal(true);
  }

  #aggregate(data: Uint8Array, at: number, end: number): void {
    const { builder } = this;
    while (at + 2 <= end) {
      const size = data[at] << 8 | data[at + 1];
      at += 2;
      const stop = Math.min(at + size, end);
      if (stop > at) {
        builder.openNal();
        builder.append(data, at, stop);
        builder.closeNal(at + size <= end);
      }
      if (at + size > end) this.counts.malformed++;
      at += size;
    }
    if (at < end) this.malformed();
  }

  #fragment(data: Uint8Array, start: number, end: number): void {
    const { builder } = this;
    if (end - start < 2) return this.malformed();
    const flags = data[start + 1];
    const header = data[start] & 0xe0 | flags & 0x1f;
    if ((flags & 0x80) !== 0) {
      builder.closeNal(false);
      builder.openNal();
      builder.appendByte(header);
      this.#fragmentHeader = header;
    } else if (!builder.open || nalType(this.#fragmentHeader) !== nalType(header)) {
      builder.closeNal(false);
      builder.damage();
      this.counts.orphans++;
      return;
    }
    builder.append(data, start + 2, end);
    // Start and end in one fragment is forbidden, and sent by cameras all the same: it is a whole NAL unit.
    if ((flags & 0x40) !== 0) builder.closeNal(true);
  }
}
