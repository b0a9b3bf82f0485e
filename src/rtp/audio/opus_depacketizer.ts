// Pure: no I/O.
import type { RtpPacketView } from "../packet.ts";
import { AudioDepacketizer, type AudioDepacketizerOptions, type AudioParameters } from "./audio_depacketizer.ts";

/** Opus counts in samples of 48 kHz, whatever it codes. */
const RATE = 48_000;
/** A packet lasts 120 ms at most. @see RFC 6716, 3.2.5 */
const MAX_SAMPLES = 5760;

/** Samples of 48 kHz in one frame, by the configuration number. @see RFC 6716, table 2 */
const FRAME_SAMPLES = Array.from({ length: 32 }, (_, config) => {
  if (config < 12) return [480, 960, 1920, 2880][config & 3];
  if (config < 16) return [480, 960][config & 1];
  return [120, 240, 480, 960][config & 3];
});

/** Samples of 48 kHz that a packet of Opus holds, `data[start..end)`; 0 where it is damaged. */
export function opusSamples(data: Uint8Array, start: number, end: number): number {
  if (end <= start) return 0;
  const code = data[start] & 3;
  const frames = code === 0 ? 1 : code < 3 ? 2 : end - start < 2 ? 0 : data[start + 1] & 0x3f;
  const samples = frames * FRAME_SAMPLES[data[start] >> 3];
  return samples > MAX_SAMPLES ? 0 : samples;
}

/**
 * Opus: a payload is one packet.
 *
 * @see RFC 7587
 */
export class OpusDepacketizer extends AudioDepacketizer {
  readonly info: AudioParameters;
  readonly #clockRate: number;
  readonly #at = { rtpTimestamp: 0, ticks: 0, sampleRate: RATE, channels: 0 };

  constructor(options: AudioDepacketizerOptions) {
    super(options);
    // The description's two channels are there for all; whether there are two says the parameter, and each packet.
    const channels = Number(options.format.parameters["sprop-stereo"] ?? 0) === 1 ? 2 : 1;
    this.info = { sampleRate: RATE, channels, config: new Uint8Array(0), codecString: "opus" };
    this.#clockRate = options.format.clockRate;
  }

  protected payload({ data, payloadStart, payloadEnd, timestamp }: RtpPacketView): void {
    const samples = opusSamples(data, payloadStart, payloadEnd);
    if (samples === 0) return this.dropped("malformed");
    this.#at.rtpTimestamp = timestamp;
    this.#at.ticks = samples * this.#clockRate / RATE;
    this.#at.channels = data[payloadStart] & 4 ? 2 : 1;
    this.emit(data.subarray(payloadStart, payloadEnd), this.#at);
  }
}
