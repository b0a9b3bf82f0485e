// Pure: no I/O.
import { RTP_HEADER_BYTES, writeRtpHeader } from "../packet.ts";
import { isPictureNal, Nal, nalType, splitAnnexB } from "./nal.ts";

/** What a packetizer is made of. */
export interface H264PacketizerOptions {
  payloadType: number;
  ssrc: number;
  /** The first sequence number. */
  sequence: number;
  /** Bytes of the largest packet, RTP header among them. @default {1400} */
  mtu?: number;
  /** Whether small NAL units in front of the picture share a packet (STAP-A). @default {true} */
  aggregate?: boolean;
}

/**
 * Cuts access units into RTP packets: whole NAL units where they fit, fragments (FU-A) where they do not, and
 * parameter sets, delimiters and SEI messages together in one packet (STAP-A).
 *
 * @see RFC 6184, packetization mode 1
 */
export class H264Packetizer {
  readonly #options: Required<H264PacketizerOptions>;
  readonly #packet: Uint8Array<ArrayBuffer>;
  /** Bounds of the NAL units in hand; used again. */
  readonly #bounds: number[] = [];
  #sequence: number;
  /** Packets sent so far. */
  packets = 0;
  /** Bytes of payload sent so far. */
  octets = 0;

  /** @throws {RangeError} where the MTU leaves no room for a payload. */
  constructor(options: H264PacketizerOptions) {
    const { mtu = 1400, aggregate = true } = options;
    this.#options = { ...options, mtu, aggregate };
    if (!Number.isInteger(mtu) || mtu < RTP_HEADER_BYTES + 8 || mtu > 65_535) {
      throw new RangeError(`Cannot make a packetizer: mtu is ${mtu}, expected 20 to 65535`);
    }
    this.#packet = new Uint8Array(mtu);
    this.#sequence = options.sequence & 0xffff;
  }

  /** The sequence number of the next packet. */
  get sequence(): number {
    return this.#sequence;
  }

  /**
   * Emits the packets of one access unit in Annex B form; the last one has the marker. Each packet is borrowed until
   * `emit` returns. Says how many there were.
   */
  packetize(unit: Uint8Array, rtpTimestamp: number, emit: (packet: Uint8Array<ArrayBuffer>) => void): number {
    const bounds = this.#bounds;
    bounds.length = 0;
    splitAnnexB(unit, (start, end) => bounds.push(start, end));
    const before = this.packets;
    const room = this.#options.mtu - RTP_HEADER_BYTES;
    for (let i = 0; i < bounds.length;) {
      const together = this.#options.aggregate ? this.#countTogether(unit, i, room) : 1;
      const last = i + together * 2 === bounds.length;
      if (together > 1) this.#aggregate(unit, i, together, rtpTimestamp, last, emit);
      else if (bounds[i + 1] - bounds[i] <= room) {
        this.#packet.set(unit.subarray(bounds[i], bounds[i + 1]), RTP_HEADER_BYTES);
        this.#send(bounds[i + 1] - bounds[i], rtpTimestamp, last, emit);
      } else this.#fragment(unit, bounds[i], bounds[i + 1], rtpTimestamp, last, emit);
      i += together * 2;
    }
    return this.packets - before;
  }

  /** How many NAL units from bound `i` on go into one packet: those in front of the picture, as far as they fit. */
  #countTogether(unit: Uint8Array, i: number, room: number): number {
    const bounds = this.#bounds;
    let bytes = 1, count = 0;
    for (; i < bounds.length; i += 2, count++) {
      bytes += 2 + bounds[i + 1] - bounds[i];
      if (isPictureNal(nalType(unit[bounds[i]])) || bytes > room) break;
    }
    return Math.max(1, count);
  }

  #aggregate(unit: Uint8Array, i: number, count: number, timestamp: number, last: boolean, emit: Emit): void {
    const packet = this.#packet;
    let at = RTP_HEADER_BYTES + 1, importance = 0;
    for (const stop = i + count * 2; i < stop; i += 2) {
      const start = this.#bounds[i], length = this.#bounds[i + 1] - start;
      // The most important one inside decides; RFC 6184, 5.3.
      importance = Math.max(importance, unit[start] & 0x60);
      packet[at] = length >>> 8;
      packet[at + 1] = length;
      packet.set(unit.subarray(start, start + length), at + 2);
      at += 2 + length;
    }
    packet[RTP_HEADER_BYTES] = importance | Nal.stapA;
    this.#send(at - RTP_HEADER_BYTES, timestamp, last, emit);
  }

  #fragment(unit: Uint8Array, start: number, end: number, timestamp: number, last: boolean, emit: Emit): void {
    const packet = this.#packet;
    const room = this.#options.mtu - RTP_HEADER_BYTES - 2;
    const header = unit[start];
    for (let at = start + 1; at < end; at += room) {
      const stop = Math.min(at + room, end);
      packet[RTP_HEADER_BYTES] = header & 0xe0 | Nal.fuA;
      packet[RTP_HEADER_BYTES + 1] = header & 0x1f | (at === start + 1 ? 0x80 : 0) | (stop === end ? 0x40 : 0);
      packet.set(unit.subarray(at, stop), RTP_HEADER_BYTES + 2);
      this.#send(2 + stop - at, timestamp, last && stop === end, emit);
    }
  }

  #send(payload: number, timestamp: number, marker: boolean, emit: Emit): void {
    const { payloadType, ssrc } = this.#options;
    writeRtpHeader(this.#packet, { payloadType, ssrc, sequence: this.#sequence, timestamp, marker });
    this.#sequence = this.#sequence + 1 & 0xffff;
    this.packets++;
    this.octets += payload;
    emit(this.#packet.subarray(0, RTP_HEADER_BYTES + payload));
  }
}

type Emit = (packet: Uint8Array<ArrayBuffer>) => void;
