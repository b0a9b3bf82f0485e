// Pure: no I/O.
import { RTP_HEADER_BYTES, writeRtpHeader } from "./packet.ts";

/** What a packetizer is made of. */
export interface PacketizerOptions {
  payloadType: number;
  ssrc: number;
  /** The first sequence number. */
  sequence: number;
  /** Bytes of the largest packet, RTP header among them. @default {1400} */
  mtu?: number;
}

/** Takes a packet, borrowed until it returns. */
export type PacketTaker = (packet: Uint8Array<ArrayBuffer>) => void;

/** Numbers packets of one payload type and counts them. */
class PacketSender {
  readonly #options: PacketizerOptions;
  /** The packet in hand; its payload begins behind the RTP header. */
  readonly packet: Uint8Array<ArrayBuffer>;
  /** Bytes of the largest payload. */
  readonly room: number;
  sequence: number;
  packets = 0;
  octets = 0;

  /** @throws {RangeError} where the MTU leaves no room for a payload. */
  constructor(options: PacketizerOptions) {
    const { mtu = 1400 } = options;
    if (!Number.isInteger(mtu) || mtu < RTP_HEADER_BYTES + 8 || mtu > 65_535) {
      throw new RangeError(`Cannot make a packetizer: mtu is ${mtu}, expected 20 to 65535`);
    }
    this.#options = { ...options };
    this.packet = new Uint8Array(mtu);
    this.room = mtu - RTP_HEADER_BYTES;
    this.sequence = options.sequence & 0xffff;
  }

  /** Sends the packet in hand, with so many bytes of payload. */
  send(payload: number, timestamp: number, marker: boolean, emit: PacketTaker): void {
    const { payloadType, ssrc } = this.#options;
    writeRtpHeader(this.packet, { payloadType, ssrc, sequence: this.sequence, timestamp, marker });
    this.sequence = this.sequence + 1 & 0xffff;
    this.packets++;
    this.octets += payload;
    emit(this.packet.subarray(0, RTP_HEADER_BYTES + payload));
  }
}

/** Cuts units into RTP packets of one payload type. */
export abstract class Packetizer {
  protected readonly sender: PacketSender;

  /** @throws {RangeError} where the MTU leaves no room for a payload. */
  constructor(options: PacketizerOptions) {
    this.sender = new PacketSender(options);
  }

  /** The sequence number of the next packet. */
  get sequence(): number {
    return this.sender.sequence;
  }

  /** Packets sent so far. */
  get packets(): number {
    return this.sender.packets;
  }

  /** Bytes of payload sent so far. */
  get octets(): number {
    return this.sender.octets;
  }

  /** Emits the packets of one unit. Each packet is borrowed until `emit` returns. Says how many there were. */
  abstract packetize(unit: Uint8Array, rtpTimestamp: number, emit: PacketTaker): number;
}
