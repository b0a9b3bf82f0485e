// Pure: no I/O.
import type { AudioCodec, AudioTrackInfo, AudioUnit } from "../media/mod.ts";
import type { AudioDepacketizer, AudioDepacketizerStats, AudioFrame } from "./audio/mod.ts";
import { PacketReceiver, type PacketReceiverOptions, type PacketReceiverStats } from "./packet_receiver.ts";
import { audioDepacketizer } from "./payload_formats.ts";

/** A unit of sound from the network; an object that is used again, borrowed until `onUnit` returns, as its data is. */
export interface ReceivedAudioUnit extends AudioUnit {
  rtpTimestamp: number;
}

/** What an `AudioReceiver` is made of. */
export interface AudioReceiverOptions extends PacketReceiverOptions {
  codec: AudioCodec;
  /** Encoding name of the description: AAC comes in two formats. */
  encoding: string;
  /** As the description says, 0 where it does not. */
  channels: number;
  /** Parameters of `a=fmtp`, names in lower case. */
  parameters: Readonly<Record<string, string>>;
  onUnit: (unit: ReceivedAudioUnit) => void;
}

/** Counters of one track of sound. */
export interface AudioReceiverStats extends PacketReceiverStats {
  depacketizer: AudioDepacketizerStats;
}

/** One track of sound, from RTP and RTCP packets to frames with times. It outlives connections. */
export class AudioReceiver {
  readonly #clockRate: number;
  readonly #receiver: PacketReceiver;
  readonly #depacketizer: AudioDepacketizer;
  readonly #onUnit: (unit: ReceivedAudioUnit) => void;
  readonly #unit: ReceivedAudioUnit;
  #delivered = 0;

  constructor(options: AudioReceiverOptions) {
    const { codec, encoding, clockRate, channels, parameters } = options;
    this.#clockRate = clockRate;
    this.#onUnit = options.onUnit;
    this.#depacketizer = audioDepacketizer(encoding, {
      format: { clockRate, channels, parameters },
      onFrame: (frame) => this.#deliver(frame),
    });
    this.#receiver = new PacketReceiver(options, {
      packet: (view, receivedAt) => this.#depacketizer.push(view, receivedAt),
      gap: (lost) => this.#depacketizer.gap(lost),
      restart: () => this.#depacketizer.restart(),
    });
    this.#unit = {
      codec,
      data: new Uint8Array(0),
      pts: 0,
      duration: 0,
      sampleRate: 0,
      channels: 0,
      sequence: 0,
      discontinuity: false,
      corrupt: false,
      receivedAt: 0,
      wallTime: null,
      rtpTimestamp: 0,
    };
  }

  /** What is known of the track by now. */
  get info(): AudioTrackInfo {
    const { sampleRate = 0, channels = 0, config = new Uint8Array(0), codecString = "" } = this.#depacketizer.info ??
      {};
    return { codec: this.#unit.codec, clockRate: this.#clockRate, sampleRate, channels, config, codecString };
  }

  get stats(): AudioReceiverStats {
    return { ...this.#receiver.stats, depacketizer: this.#depacketizer.stats };
  }

  /** Takes one RTP packet, `data[start..end)`; nothing of it is kept but what comes out of order. */
  packet(data: Uint8Array, start: number, end: number, now: number): void {
    this.#receiver.packet(data, start, end, now);
  }

  /** Takes one compound RTCP packet, `data[start..end)`. */
  control(data: Uint8Array, start: number, end: number, now: number): void {
    this.#receiver.control(data, start, end, now);
  }

  /** Gives up waiting for packets that are overdue. */
  tick(now: number): void {
    this.#receiver.tick(now);
  }

  /** A receiver report with a description, to be sent every 5 s at least. */
  report(now: number): Uint8Array<ArrayBuffer> {
    return this.#receiver.report(now);
  }

  /** The same track over a new connection: times and numbers go on. */
  reconnect(track: { payloadType?: number; ordered?: boolean } = {}): void {
    this.#receiver.reconnect(track);
  }

  #deliver(frame: AudioFrame): void {
    const { timeline } = this.#receiver;
    const unit = this.#unit;
    unit.data = frame.data;
    unit.pts = timeline.push(frame.rtpTimestamp, frame.receivedAt);
    unit.duration = Math.round(frame.ticks * 1e6 / this.#clockRate);
    unit.sampleRate = frame.sampleRate;
    unit.channels = frame.channels;
    unit.discontinuity = frame.discontinuity;
    unit.corrupt = frame.corrupt;
    unit.receivedAt = frame.receivedAt;
    unit.wallTime = timeline.wallTime(frame.rtpTimestamp);
    unit.rtpTimestamp = frame.rtpTimestamp;
    unit.sequence = this.#delivered++;
    this.#onUnit(unit);
  }
}
