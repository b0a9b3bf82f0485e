// Pure: no I/O.
import { Fragments } from "../fragments.ts";
import type { RtpPacketView } from "../packet.ts";
import { type AacConfig, makeAacConfig, parseAacConfig } from "./aac_config.ts";
import {
  AudioDepacketizer,
  type AudioDepacketizerOptions,
  type AudioParameters,
  MAX_FRAME_BYTES,
} from "./audio_depacketizer.ts";
import { Bits } from "./bits.ts";

/** Access units in one packet; the header of each takes a byte at least, and few cameras send more than four. */
const MAX_UNITS = 64;

/** How many bits each field of an access unit's header has. @see RFC 3640, 4.1 */
interface HeaderShape {
  size: number;
  index: number;
  indexDelta: number;
  presentationDelta: number;
  decodingDelta: number;
  randomAccess: number;
  streamState: number;
}

/**
 * AAC in packets of MPEG-4 access units: several whole ones in a packet, or one in fragments. Interleaving is refused: it
 * costs a delay that no camera takes.
 *
 * @see RFC 3640, 3.3.5 (AAC-lbr) and 3.3.6 (AAC-hbr)
 */
export class AacDepacketizer extends AudioDepacketizer {
  readonly info: AudioParameters;
  readonly #shape: HeaderShape;
  readonly #auxiliary: number;
  readonly #constantSize: number;
  readonly #fragments = new Fragments(MAX_FRAME_BYTES);
  readonly #sizes = new Array<number>(MAX_UNITS).fill(0);
  readonly #at: { rtpTimestamp: number; ticks: number; sampleRate: number; channels: number };
  /** Bytes of the unit that comes in fragments. */
  #expected = 0;

  constructor(options: AudioDepacketizerOptions) {
    super(options);
    const { format } = options;
    const { bytes, config } = configOf(format);
    const number = (name: string, otherwise = 0) => bitsOf(format.parameters[name], otherwise);
    // A description without parameters is met with: such cameras send what everybody sends.
    const none = format.parameters.sizelength === undefined && format.parameters.constantsize === undefined;
    const low = /lbr/i.test(format.parameters.mode ?? "");
    this.#shape = {
      size: number("sizelength", none ? low ? 6 : 13 : 0),
      index: number("indexlength", none ? low ? 2 : 3 : 0),
      indexDelta: number("indexdeltalength", none ? low ? 2 : 3 : 0),
      presentationDelta: number("ctsdeltalength"),
      decodingDelta: number("dtsdeltalength"),
      randomAccess: number("randomaccessindication") > 0 ? 1 : 0,
      streamState: number("streamstateindication"),
    };
    this.#auxiliary = number("auxiliarydatasizelength");
    this.#constantSize = Math.min(MAX_FRAME_BYTES, Number.parseInt(format.parameters.constantsize ?? "") || 0);
    const channels = config.channels || format.channels || 1;
    const { sampleRate, coreRate, frameSamples, codecString } = config;
    this.info = { sampleRate, channels, config: bytes, codecString };
    this.#at = { rtpTimestamp: 0, ticks: frameSamples * format.clockRate / coreRate, sampleRate, channels };
  }

  protected override forget(): void {
    if (!this.#fragments.open) return;
    this.#fragments.close();
    this.counts.incomplete++;
  }

  protected payload({ data, payloadStart, payloadEnd, timestamp, marker }: RtpPacketView): void {
    const section = this.#readHeaders(data, payloadStart, payloadEnd);
    if (section === null) return;
    const { units, begin } = section;
    if (units === 1 && this.#sizes[0] > payloadEnd - begin) {
      return this.#fragment(data, begin, payloadEnd, { timestamp, marker });
    }
    this.forget();
    let at = begin;
    for (let i = 0; i < units; i++) {
      const stop = at + this.#sizes[i];
      if (stop > payloadEnd) return this.dropped("malformed");
      this.#at.rtpTimestamp = timestamp + Math.round(i * this.#at.ticks);
      if (stop > at) this.emit(data.subarray(at, stop), this.#at);
      at = stop;
    }
  }

  #fragment(data: Uint8Array, start: number, end: number, packet: { timestamp: number; marker: boolean }): void {
    const fragments = this.#fragments;
    const bytes = this.#sizes[0];
    if (fragments.open && (fragments.timestamp !== packet.timestamp || this.#expected !== bytes)) this.forget();
    if (!fragments.open) {
      fragments.begin(packet.timestamp);
      this.#expected = bytes;
    }
    if (bytes > MAX_FRAME_BYTES || !fragments.append(data, start, end)) {
      fragments.close();
      return this.dropped("oversize");
    }
    if (!packet.marker && fragments.length < bytes) return;
    if (fragments.length === bytes) {
      this.#at.rtpTimestamp = packet.timestamp;
      this.emit(fragments.data, this.#at);
    } else this.dropped("incomplete");
    fragments.close();
  }

  /** Reads the headers into `#sizes`: how many units there are, and where the first begins. Null where it cannot be taken. */
  #readHeaders(data: Uint8Array, start: number, end: number): { units: number; begin: number } | null {
    const shape = this.#shape;
    const { size, index, indexDelta, presentationDelta, decodingDelta, randomAccess, streamState } = shape;
    if (size + index + indexDelta + presentationDelta + decodingDelta + randomAccess + streamState === 0) {
      // Units of one size have no headers, and those without a size fill their packet.
      return this.#constantUnits(start, end);
    }
    const headerBits = end - start < 2 ? 0 : data[start] << 8 | data[start + 1];
    const begin = start + 2 + Math.ceil(headerBits / 8);
    if (headerBits === 0 || begin > end) {
      this.dropped("malformed");
      return null;
    }
    const bits = new Bits(data, start + 2, begin);
    const stop = bits.at + headerBits;
    let units = 0, interleaved = false;
    while (bits.at < stop && units < MAX_UNITS && !bits.exhausted) {
      const from = bits.at;
      this.#sizes[units] = size > 0 ? bits.read(size) : this.#constantSize;
      const distance = bits.read(units === 0 ? index : indexDelta);
      if (units > 0 && distance !== 0) interleaved = true;
      if (presentationDelta > 0 && bits.flag()) bits.skip(presentationDelta);
      if (decodingDelta > 0 && bits.flag()) bits.skip(decodingDelta);
      bits.skip(randomAccess + streamState);
      // Trailing bits that are no header, as some send.
      if (bits.at > stop || bits.at === from) break;
      units++;
    }
    if (interleaved || units === 0) {
      this.dropped(interleaved ? "unsupported" : "malformed");
      return null;
    }
    return { units, begin: this.#skipAuxiliary(data, begin, end) };
  }

  #constantUnits(start: number, end: number): { units: number; begin: number } {
    const bytes = this.#constantSize || end - start;
    const units = Math.max(1, Math.min(MAX_UNITS, Math.floor((end - start) / bytes)));
    this.#sizes.fill(bytes, 0, units);
    return { units, begin: start };
  }

  #skipAuxiliary(data: Uint8Array, begin: number, end: number): number {
    if (this.#auxiliary === 0) return begin;
    const bits = new Bits(data, begin, end);
    bits.skip(bits.read(this.#auxiliary));
    return Math.min(end, Math.ceil(bits.at / 8));
  }
}

/** The configuration that the description gives; where it does not, that of AAC-LC at the clock's rate. */
function configOf(format: AudioDepacketizerOptions["format"]): { bytes: Uint8Array; config: AacConfig } {
  const text = (format.parameters.config ?? "").trim();
  if (/^([0-9a-f]{2})+$/i.test(text) && text.length <= 512) {
    const bytes = Uint8Array.fromHex(text);
    const config = parseAacConfig(bytes);
    if (config !== null) return { bytes, config };
  }
  const bytes = makeAacConfig(format.clockRate, format.channels);
  return { bytes, config: parseAacConfig(bytes)! };
}

function bitsOf(text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number.parseInt(text);
  return value >= 0 && value <= 32 ? value : 0;
}
