// Pure: no I/O.
import type { VideoCodec } from "../media/mod.ts";
import { H264Packetizer } from "./h264/packetizer.ts";
import { HevcPacketizer } from "./h265/packetizer.ts";
import { MjpegPacketizer } from "./mjpeg/packetizer.ts";
import type { PacketizerOptions, PacketTaker } from "./packetizer.ts";

/** Cuts access units into RTP packets. */
export interface VideoPacketizer {
  /** The sequence number of the next packet. */
  readonly sequence: number;
  /** Packets, and bytes of payload, sent so far. */
  readonly packets: number;
  readonly octets: number;
  /**
   * Emits the packets of one access unit; the last one has the marker. Each packet is borrowed until `emit` returns. Says
   * how many there were.
   *
   * @throws {TypeError} where it is a JPEG file that the payload format has no way to say.
   */
  packetize(unit: Uint8Array, rtpTimestamp: number, emit: PacketTaker): number;
}

/**
 * The packetizer of a codec.
 *
 * @throws {RangeError} where the MTU leaves no room for a payload.
 */
export function videoPacketizer(codec: VideoCodec, options: PacketizerOptions): VideoPacketizer {
  switch (codec) {
    case "h264":
      return new H264Packetizer(options);
    case "hevc":
      return new HevcPacketizer(options);
    case "mjpeg":
      return new MjpegPacketizer(options);
  }
}
