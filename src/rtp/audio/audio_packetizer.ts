// Pure: no I/O.
import type { AudioCodec, AudioTrackInfo } from "../../media/mod.ts";
import { RTP_HEADER_BYTES } from "../packet.ts";
import { Packetizer, type PacketizerOptions, type PacketTaker } from "../packetizer.ts";

/** Bytes in front of an AAC frame: how many bits of headers there are, and its one header. */
const AAC_HEAD = 4;
/** The size field's 13 bits. */
const AAC_LARGEST = 0x1fff;
/** Bytes of a sample of the codecs that have no frames. */
const SAMPLE_BYTES: Readonly<Partial<Record<AudioCodec, number>>> = { pcmu: 1, pcma: 1, l16: 2 };

/**
 * Puts units of sound into RTP packets as they are: one frame a packet where it fits, in fragments where it does not.
 *
 * @see RFC 3640, 3.3.6 (AAC-hbr); RFC 7587; RFC 3551, 4.5.11 and 4.5.14
 */
export class AudioPacketizer extends Packetizer {
  readonly #codec: AudioCodec;
  readonly #sampleBytes: number;

  /** @throws {RangeError} where the MTU leaves no room for a payload. */
  constructor(options: PacketizerOptions & Pick<AudioTrackInfo, "codec" | "channels">) {
    super(options);
    this.#codec = options.codec;
    this.#sampleBytes = (SAMPLE_BYTES[options.codec] ?? 0) * Math.max(1, options.channels);
  }

  /**
   * Emits the packets of one unit. Each packet is borrowed until `emit` returns. Says how many there were.
   *
   * @throws {TypeError} where the payload format cannot say a unit of that size.
   */
  override packetize(unit: Uint8Array, rtpTimestamp: number, emit: PacketTaker): number {
    const before = this.packets;
    if (this.#codec === "aac") this.#sendAac(unit, rtpTimestamp, emit);
    else if (this.#sampleBytes > 0) this.#sendSamples(unit, rtpTimestamp, emit);
    else {
      const { packet, room } = this.sender;
      if (unit.length > room) {
        throw new TypeError(`Cannot send a packet of sound: it has ${unit.length} bytes, ${room} fit`);
      }
      packet.set(unit, RTP_HEADER_BYTES);
      this.sender.send(unit.length, rtpTimestamp, false, emit);
    }
    return this.packets - before;
  }

  #sendAac(unit: Uint8Array, rtpTimestamp: number, emit: PacketTaker): void {
    if (unit.length > AAC_LARGEST) {
      throw new TypeError(`Cannot send a frame of AAC: it has ${unit.length} bytes, ${AAC_LARGEST} can be said`);
    }
    const { packet, room } = this.sender;
    for (let at = 0; at < unit.length;) {
      const end = Math.min(unit.length, at + room - AAC_HEAD);
      // The size of the whole frame in each of its fragments; its index is 0.
      packet.set([0, 16, unit.length >> 5, unit.length << 3 & 0xff], RTP_HEADER_BYTES);
      packet.set(unit.subarray(at, end), RTP_HEADER_BYTES + AAC_HEAD);
      this.sender.send(AAC_HEAD + end - at, rtpTimestamp, end === unit.length, emit);
      at = end;
    }
  }

  #sendSamples(unit: Uint8Array, rtpTimestamp: number, emit: PacketTaker): void {
    const { packet, room } = this.sender;
    const size = this.#sampleBytes, most = room - room % size;
    for (let at = 0; at < unit.length;) {
      const end = Math.min(unit.length, at + most);
      packet.set(unit.subarray(at, end), RTP_HEADER_BYTES);
      this.sender.send(end - at, rtpTimestamp + at / size >>> 0, false, emit);
      at = end;
    }
  }
}
