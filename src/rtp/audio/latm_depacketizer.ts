// Pure: no I/O.
import { Fragments } from "../fragments.ts";
import type { RtpPacketView } from "../packet.ts";
import {
  AudioDepacketizer,
  type AudioDepacketizerOptions,
  type AudioParameters,
  MAX_FRAME_BYTES,
} from "./audio_depacketizer.ts";
import { Bits } from "./bits.ts";
import { type LatmConfig, parseStreamMuxConfig, readStreamMuxConfig } from "./latm_config.ts";

/**
 * AAC in LATM elements, each in one packet or in fragments up to the marker; its configuration is in the description, in
 * band, or both.
 *
 * @see RFC 6416, 6; ISO/IEC 14496-3, 1.7
 */
export class LatmDepacketizer extends AudioDepacketizer {
  readonly #clockRate: number;
  readonly #inBand: boolean;
  readonly #fragments = new Fragments(MAX_FRAME_BYTES);
  readonly #at = { rtpTimestamp: 0, ticks: 0, sampleRate: 0, channels: 0 };
  #frame = new Uint8Array(2048);
  #config: LatmConfig | null = null;
  #info: AudioParameters | null = null;
  /** Whether packets were lost right before the next one, so that an element's begin may be among them. */
  #headAtRisk = false;
  /** Whether elements of this stream come in fragments. */
  #fragmented = false;

  constructor(options: AudioDepacketizerOptions) {
    super(options);
    const { clockRate, parameters } = options.format;
    this.#clockRate = clockRate;
    this.#inBand = (parameters.cpresent ?? "1").trim() !== "0";
    const text = (parameters.config ?? "").trim();
    if (/^([0-9a-f]{2})+$/i.test(text) && text.length <= 1024) {
      const config = parseStreamMuxConfig(Uint8Array.fromHex(text));
      if (config !== null && config !== "unsupported") this.#configure(config);
    }
  }

  get info(): AudioParameters | null {
    return this.#info;
  }

  protected override forget(): void {
    this.#headAtRisk = true;
    if (!this.#fragments.open) return;
    this.#fragments.close();
    this.counts.incomplete++;
  }

  protected payload({ data, payloadStart, payloadEnd, timestamp, marker }: RtpPacketView): void {
    const fragments = this.#fragments;
    if (fragments.open && fragments.timestamp !== timestamp) this.#dropFragments();
    if (!marker) this.#fragmented = true;
    // Behind a loss nothing but the next marker says where an element begins, where elements come in fragments.
    if (this.#headAtRisk && this.#fragmented) {
      this.#headAtRisk = !marker;
      return this.dropped("incomplete");
    }
    if (marker && !fragments.open) {
      this.#element(data, payloadStart, payloadEnd, timestamp);
      this.#headAtRisk = false;
      return;
    }
    if (!fragments.open) fragments.begin(timestamp);
    if (!fragments.append(data, payloadStart, payloadEnd)) {
      fragments.close();
      this.#headAtRisk = !marker;
      return this.dropped("oversize");
    }
    if (!marker) return;
    const joined = fragments.data;
    fragments.close();
    this.#element(joined, 0, joined.length, timestamp);
  }

  /** Drops an element whose last fragment did not come, nor a gap: a camera that forgot the marker, or damage. */
  #dropFragments(): void {
    this.#fragments.close();
    this.dropped("incomplete");
  }

  #element(data: Uint8Array, start: number, end: number, timestamp: number): void {
    const bits = new Bits(data, start, end);
    if (this.#inBand && !bits.flag()) {
      const config = readStreamMuxConfig(bits);
      if (config === null) return this.dropped("malformed");
      if (config === "unsupported") return this.dropped("unsupported");
      this.#configure(config);
    }
    const config = this.#config;
    if (config === null) return this.dropped("unconfigured");
    const begin = bits.at;
    // All lengths must fit before any frame is taken for one.
    for (let i = 0; i < config.frames; i++) bits.skip(8 * (config.frameBytes || readLength(bits)));
    bits.skip(config.otherBits);
    if (bits.exhausted || bits.left >= 8) return this.dropped("malformed");
    bits.at = begin;
    for (let i = 0; i < config.frames; i++) {
      const bytes = config.frameBytes || readLength(bits);
      if (bytes > this.#frame.length) this.#frame = new Uint8Array(bytes);
      bits.copy(this.#frame, 0, bytes);
      this.#at.rtpTimestamp = timestamp + Math.round(i * this.#at.ticks);
      if (bytes > 0) this.emit(this.#frame.subarray(0, bytes), this.#at, this.#headAtRisk);
    }
  }

  #configure(config: LatmConfig): void {
    const before = this.#config;
    this.#config = config;
    if (before !== null && equal(before.config, config.config)) return;
    const { aac } = config;
    this.#at.ticks = aac.frameSamples * this.#clockRate / aac.coreRate;
    this.#at.sampleRate = aac.sampleRate;
    this.#at.channels = aac.channels || 1;
    this.#info = {
      sampleRate: aac.sampleRate,
      channels: aac.channels || 1,
      config: config.config,
      codecString: aac.codecString,
    };
  }
}

/** A length in bytes: as many 255s as it takes, and the rest. */
function readLength(bits: Bits): number {
  let bytes = 0, part = 255;
  while (part === 255 && !bits.exhausted && bytes <= MAX_FRAME_BYTES) bytes += part = bits.read(8);
  return bytes;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
