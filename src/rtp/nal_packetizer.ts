// Pure: no I/O.
import { splitAnnexB } from "./annex_b.ts";
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

/** What a packetizer of NAL units is made of. */
export interface NalPacketizerOptions extends PacketizerOptions {
  /** Whether small NAL units in front of the picture share a packet. @default {true} */
  aggregate?: boolean;
}

/** Takes a packet, borrowed until it returns. */
export type PacketTaker = (packet: Uint8Array<ArrayBuffer>) => void;

/** Numbers packets of one payload type and counts them. */
export class PacketSender {
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

/**
 * What H.264 and H.265 have in common: whole NAL units where they fit, fragments where they do not, and parameter sets,
 * delimiters and SEI messages together in one packet.
 */
export abstract class NalPacketizer {
  readonly #sender: PacketSender;
  readonly #aggregate: boolean;
  /** Bounds of the NAL units in hand; used again. */
  readonly #bounds: number[] = [];

  /** @throws {RangeError} where the MTU leaves no room for a payload. */
  constructor(options: NalPacketizerOptions) {
    this.#sender = new PacketSender(options);
    this.#aggregate = options.aggregate ?? true;
  }

  /** Bytes of a NAL unit's header, and of a packet that holds several. */
  protected abstract readonly headerBytes: number;
  /** Whether a NAL unit that begins with this byte carries a part of the picture. */
  protected abstract isPicture(first: number): boolean;
  /** Writes the header of a packet of several, of which one begins at `start`; called for each of them in turn. */
  protected abstract writeAggregateHeader(packet: Uint8Array, at: number, unit: Uint8Array, start: number): void;
  /** Writes the header of a fragment, one byte longer than a NAL unit's. */
  protected abstract writeFragmentHeader(
    packet: Uint8Array,
    at: number,
    unit: Uint8Array,
    part: { start: number; first: boolean; last: boolean },
  ): void;

  /** The sequence number of the next packet. */
  get sequence(): number {
    return this.#sender.sequence;
  }

  /** Packets sent so far. */
  get packets(): number {
    return this.#sender.packets;
  }

  /** Bytes of payload sent so far. */
  get octets(): number {
    return this.#sender.octets;
  }

  /**
   * Emits the packets of one access unit in Annex B form; the last one has the marker. Each packet is borrowed until
   * `emit` returns. Says how many there were.
   */
  packetize(unit: Uint8Array, rtpTimestamp: number, emit: PacketTaker): number {
    const bounds = this.#bounds;
    bounds.length = 0;
    splitAnnexB(unit, (start, end) => bounds.push(start, end));
    const before = this.packets;
    for (let i = 0; i < bounds.length;) {
      const together = this.#aggregate ? this.#countTogether(unit, i) : 1;
      const last = i + together * 2 === bounds.length;
      const bytes = bounds[i + 1] - bounds[i];
      if (together > 1) this.#sendTogether(unit, i, { count: together, rtpTimestamp, last, emit });
      else if (bytes <= this.#sender.room) {
        this.#sender.packet.set(unit.subarray(bounds[i], bounds[i + 1]), RTP_HEADER_BYTES);
        this.#sender.send(bytes, rtpTimestamp, last, emit);
      } else this.#fragment(unit, i, { rtpTimestamp, last, emit });
      i += together * 2;
    }
    return this.packets - before;
  }

  /** How many NAL units from bound `i` on go into one packet: those in front of the picture, as far as they fit. */
  #countTogether(unit: Uint8Array, i: number): number {
    const bounds = this.#bounds;
    let bytes = this.headerBytes, count = 0;
    for (; i < bounds.length; i += 2, count++) {
      bytes += 2 + bounds[i + 1] - bounds[i];
      if (this.isPicture(unit[bounds[i]]) || bytes > this.#sender.room) break;
    }
    return Math.max(1, count);
  }

  #sendTogether(unit: Uint8Array, i: number, how: Sending & { count: number }): void {
    const { packet } = this.#sender;
    let at = RTP_HEADER_BYTES + this.headerBytes;
    packet.fill(0, RTP_HEADER_BYTES, at);
    for (const stop = i + how.count * 2; i < stop; i += 2) {
      const start = this.#bounds[i], length = this.#bounds[i + 1] - start;
      this.writeAggregateHeader(packet, RTP_HEADER_BYTES, unit, start);
      packet[at] = length >>> 8;
      packet[at + 1] = length;
      packet.set(unit.subarray(start, start + length), at + 2);
      at += 2 + length;
    }
    this.#sender.send(at - RTP_HEADER_BYTES, how.rtpTimestamp, how.last, how.emit);
  }

  #fragment(unit: Uint8Array, i: number, { rtpTimestamp, last, emit }: Sending): void {
    const { packet } = this.#sender;
    const start = this.#bounds[i], end = this.#bounds[i + 1];
    const header = this.headerBytes + 1;
    const room = this.#sender.room - header;
    const begin = start + this.headerBytes;
    for (let at = begin; at < end; at += room) {
      const stop = Math.min(at + room, end);
      const part = { start, first: at === begin, last: stop === end };
      this.writeFragmentHeader(packet, RTP_HEADER_BYTES, unit, part);
      packet.set(unit.subarray(at, stop), RTP_HEADER_BYTES + header);
      this.#sender.send(header + stop - at, rtpTimestamp, last && part.last, emit);
    }
  }
}

interface Sending {
  rtpTimestamp: number;
  /** Whether these are the access unit's last bytes. */
  last: boolean;
  emit: PacketTaker;
}
