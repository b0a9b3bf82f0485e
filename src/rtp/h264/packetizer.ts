// Pure: no I/O.
import { NalPacketizer, type NalPacketizerOptions } from "../nal_packetizer.ts";
import { isPictureNal, Nal, nalType } from "./nal.ts";

/** What a packetizer of H.264 is made of. */
export type H264PacketizerOptions = NalPacketizerOptions;

/**
 * Cuts access units into RTP packets: whole NAL units where they fit, fragments (FU-A) where they do not, and
 * parameter sets, delimiters and SEI messages together in one packet (STAP-A).
 *
 * @see RFC 6184, packetization mode 1
 */
export class H264Packetizer extends NalPacketizer {
  protected readonly headerBytes = 1;

  protected isPicture(first: number): boolean {
    return isPictureNal(nalType(first));
  }

  protected writeAggregateHeader(packet: Uint8Array, at: number, unit: Uint8Array, start: number): void {
    // The most important one inside decides; RFC 6184, 5.3.
    packet[at] = Math.max(packet[at] & 0x60, unit[start] & 0x60) | Nal.stapA;
  }

  protected writeFragmentHeader(
    packet: Uint8Array,
    at: number,
    unit: Uint8Array,
    { start, first, last }: { start: number; first: boolean; last: boolean },
  ): void {
    packet[at] = unit[start] & 0xe0 | Nal.fuA;
    packet[at + 1] = unit[start] & 0x1f | (first ? 0x80 : 0) | (last ? 0x40 : 0);
  }
}
