// Pure: no I/O.
import type { AudioCodec, AudioTrackInfo, AudioUnit } from "../media/mod.ts";
import type { AudioDepacketizer, AudioDepacketizerStats, AudioFrame } from "./audio/mod.ts";
import type { PacketReceiverOptions } from "./packet_receiver.ts";
import { audioDepacketizer } from "./payload_formats.ts";
import { UnitReceiver, type UnitReceiverStats } from "./unit_receiver.ts";

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
export type AudioReceiverStats = UnitReceiverStats<AudioDepacketizerStats>;

/** One track of sound, from RTP and RTCP packets to frames with times. It outlives connections. */
export class AudioReceiver extends UnitReceiver<ReceivedAudioUnit, AudioFrame, AudioDepacketizer> {
  readonly #codec: AudioCodec;
  readonly #clockRate: number;

  constructor(options: AudioReceiverOptions) {
    const { codec, encoding, clockRate, channels, parameters } = options;
    super(
      options,
      { codec, duration: 0, sampleRate: 0, channels: 0, rtpTimestamp: 0 },
      (onFrame) => audioDepacketizer(encoding, { format: { clockRate, channels, parameters }, onFrame }),
    );
    this.#codec = codec;
    this.#clockRate = clockRate;
  }

  /** What is known of the track by now. */
  get info(): AudioTrackInfo {
    const { sampleRate = 0, channels = 0, config = new Uint8Array(0), codecString = "" } = this.depacketizer.info ??
      {};
    return { codec: this.#codec, clockRate: this.#clockRate, sampleRate, channels, config, codecString };
  }

  protected override complete(unit: ReceivedAudioUnit, frame: AudioFrame): void {
    unit.duration = Math.round(frame.ticks * 1e6 / this.#clockRate);
    unit.sampleRate = frame.sampleRate;
    unit.channels = frame.channels;
    unit.rtpTimestamp = frame.rtpTimestamp;
  }
}
