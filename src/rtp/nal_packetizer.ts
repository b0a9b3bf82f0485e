// Pure: no I/O.
import { splitAnnexB } from "./annex_b.ts";
import { RTP_HEADER_BYTES } from "./packet.ts";
import { Packetizer, type PacketizerOptions, type PacketTaker } from "./packetizer.ts";

/** What a packetizer of NAL units is made of. */
export interface NalPacketizerOptions extends PacketizerOptions {
  /** Whether small NAL units in front of the picture share a packet. @default {true} */
  aggregate?: boolean;
}

/**
 * What H.264 and H.265 have in common: whole NAL units where they fit, fragments where they do not, and parameter sets,
 * delimiters and SEI messages together in one packet.
 */
export abstract class NalPacketizer extends Packetizer {
  readonly #aggregate: boolean;
  /** Bounds of the NAL units in hand; used again. */
  readonly #bounds: number[] = [];

  /** @throws {RangeError} where the MTU leaves no room for a payload. */
  constructor(options: NalPacketizerOptions) {
    super(options);
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

  /**
   * Emits the packets of one access unit in Annex B form; the last one has the marker. Each packet is borrowed until
   * `emit` returns. Says how many there were.
   */
  override packetize(unit: Uint8Array, rtpTimestamp: number, emit: PacketTaker): number {
    const bounds = this.#bounds;
    bounds.length = 0;
    splitAnnexB(unit, (start, end) => bounds.push(start, end));
    const before = this.packets;
    for (let i = 0; i < bounds.length;) {
      const together = this.#aggregate ? this.#countTogether(unit, i) : 1;
      const last = i + together * 2 === bounds.length;
      const bytes = bounds[i + 1] - bounds[i];
      if (together > 1) this.#sendTogether(unit, i, { count: together, rtpTimestamp, last, emit });
      else if (bytes <= this.sender.room) {
        this.sender.packet.set(unit.subarray(bounds[i], bounds[i + 1]), RTP_HEADER_BYTES);
        this.sender.send(bytes, rtpTimestamp, last, emit);
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
      if (this.isPicture(unit[bounds[i]]) || bytes > this.sender.room) break;
    }
    return Math.max(1, count);
  }

  #sendTogether(unit: Uint8Array, i: number, how: Sending & { count: number }): void {
    const { packet } = this.sender;
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
    this.sender.send(at - RTP_HEADER_BYTES, how.rtpTimestamp, how.last, how.emit);
  }

  #fragment(unit: Uint8Array, i: number, { rtpTimestamp, last, emit }: Sending): void {
    const { packet } = this.sender;
    const start = this.#bounds[i], end = this.#bounds[i + 1];
    const header = this.headerBytes + 1;
    const room = this.sender.room - header;
    const begin = start + this.headerBytes;
    for (let at = begin; at < end; at += room) {
      const stop = Math.min(at + room, end);
      const part = { start, first: at === begin, last: stop === end };
      this.writeFragmentHeader(packet, RTP_HEADER_BYTES, unit, part);
      packet.set(unit.subarray(at, stop), RTP_HEADER_BYTES + header);
      this.sender.send(header + stop - at, rtpTimestamp, last && part.last, emit);
    }
  }
}

interface Sending {
  rtpTimestamp: number;
  /** Whether these are the access unit's last bytes. */
  last: boolean;
  emit: PacketTaker;
}
