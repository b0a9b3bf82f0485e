// Pure: no I/O.
import { NalPacketizer, type NalPacketizerOptions } from "../nal_packetizer.ts";
import { HevcNal, hevcNalType, isHevcPicture } from "./nal.ts";

/** What a packetizer of H.265 is made of. */
export type HevcPacketizerOptions = NalPacketizerOptions;

/**
 * Cuts access units into RTP packets: whole NAL units where they fit, fragments (FU) where they do not, and parameter
 * sets, delimiters and SEI messages together in one packet (AP). Without decoding order numbers.
 *
 * @see RFC 7798, 4.4
 */
export class HevcPacketizer extends NalPacketizer {
  protected readonly headerBytes = 2;

  protected isPicture(first: number): boolean {
    return isHevcPicture(hevcNalType(first));
  }

  protected writeAggregateHeader(packet: Uint8Array, at: number, unit: Uint8Array, start: number): void {
    // The lowest layer and temporal id inside; RFC 7798, 4.4.2. Before the first there is none.
    const id = (unit[start] & 1) << 8 | unit[start + 1];
    const before = (packet[at] & 1) << 8 | packet[at + 1];
    const lowest = before === 0 ? id : Math.min(id, before);
    packet[at] = HevcNal.aggregation << 1 | lowest >> 8;
    packet[at + 1] = lowest;
  }

  protected writeFragmentHeader(
    packet: Uint8Array,
    at: number,
    unit: Uint8Array,
    { start, first, last }: { start: number; first: boolean; last: boolean },
  ): void {
    packet[at] = unit[start] & 0x81 | HevcNal.fragment << 1;
    packet[at + 1] = unit[start + 1];
    packet[at + 2] = hevcNalType(unit[start]) | (first ? 0x80 : 0) | (last ? 0x40 : 0);
  }
}
