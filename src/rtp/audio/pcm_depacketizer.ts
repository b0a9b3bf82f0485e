// Pure: no I/O.
import type { RtpPacketView } from "../packet.ts";
import { AudioDepacketizer, type AudioDepacketizerOptions, type AudioParameters } from "./audio_depacketizer.ts";

/**
 * Samples without frames: G.711 of both laws, and 16 bits in network order. A payload is one unit.
 *
 * @see RFC 3551, 4.5.11 (L16) and 4.5.14 (PCMA, PCMU)
 */
export class PcmDepacketizer extends AudioDepacketizer {
  readonly info: AudioParameters;
  readonly #bytesPerSample: number;
  readonly #at: { rtpTimestamp: number; ticks: number; sampleRate: number; channels: number };

  constructor(options: AudioDepacketizerOptions & { bytesPerSample: number }) {
    super(options);
    const { clockRate, channels } = options.format;
    this.info = { sampleRate: clockRate, channels: channels || 1, config: new Uint8Array(0), codecString: "" };
    this.#bytesPerSample = options.bytesPerSample * this.info.channels;
    this.#at = { rtpTimestamp: 0, ticks: 0, sampleRate: clockRate, channels: this.info.channels };
  }

  protected payload({ data, payloadStart, payloadEnd, timestamp }: RtpPacketView): void {
    const samples = Math.floor((payloadEnd - payloadStart) / this.#bytesPerSample);
    const bytes = samples * this.#bytesPerSample;
    // Half a sample at the end is nothing that could be heard.
    if (bytes !== payloadEnd - payloadStart) this.counts.malformed++;
    if (samples === 0) return this.dropped("incomplete");
    this.#at.rtpTimestamp = timestamp;
    this.#at.ticks = samples;
    this.emit(data.subarray(payloadStart, payloadStart + bytes), this.#at);
  }
}
