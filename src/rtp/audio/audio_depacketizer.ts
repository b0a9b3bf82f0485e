// Pure: no I/O.
import type { RtpPacketView } from "../packet.ts";

/** One frame of sound as it comes out of its packets: an object that is used again, borrowed until `onFrame` returns. */
export interface AudioFrame {
  /** Borrowed too. */
  data: Uint8Array<ArrayBufferLike>;
  /** 32 bits, unsigned: that of its own, where several came in one packet. */
  rtpTimestamp: number;
  /** Duration in ticks of the RTP clock. */
  ticks: number;
  sampleRate: number;
  channels: number;
  /** Whether packets were lost since the frame before. */
  discontinuity: boolean;
  /** Whether, behind a loss, it may be the rest of a frame only. */
  corrupt: boolean;
  /** When its last packet came, in milliseconds. */
  receivedAt: number;
}

/** Counters of a depacketizer of sound; they only rise. */
export interface AudioDepacketizerStats {
  frames: number;
  /** Frames larger than the limit. */
  oversize: number;
  /** Packets whose payload breaks the format. */
  malformed: number;
  /** Packets that use what is refused: interleaving, several programs. */
  unsupported: number;
  /** Fragments whose first one did not come, and frames that lacked one. */
  incomplete: number;
  /** Packets that came before their configuration. */
  unconfigured: number;
}

/** What the description says of a track of sound; plain data. */
export interface AudioFormat {
  clockRate: number;
  /** 0 where it is not said. */
  channels: number;
  /** Parameters of `a=fmtp`, names in lower case. */
  parameters: Readonly<Record<string, string>>;
}

/** What a depacketizer of sound is made of. */
export interface AudioDepacketizerOptions {
  format: AudioFormat;
  onFrame: (frame: AudioFrame) => void;
}

/** What a stream tells of its sound. */
export interface AudioParameters {
  /** In Hz. */
  sampleRate: number;
  channels: number;
  /** AAC's AudioSpecificConfig; empty for others. */
  config: Uint8Array;
  /** RFC 6381; empty where there is none. */
  codecString: string;
}

/** No frame of sound is larger than this: 8192 bytes are AAC's bound for one of eight channels, and PCM comes in packets. */
export const MAX_FRAME_BYTES = 65_536;

/**
 * Takes the payloads of RTP packets, in order, apart into frames of sound. Nothing that it is given makes it throw, and what
 * it holds is bounded. A frame that lacks a fragment is dropped: no codec of
 * sound can make anything of a part.
 */
export abstract class AudioDepacketizer {
  protected readonly counts: AudioDepacketizerStats = {
    frames: 0,
    oversize: 0,
    malformed: 0,
    unsupported: 0,
    incomplete: 0,
    unconfigured: 0,
  };
  readonly #onFrame: (frame: AudioFrame) => void;
  readonly #frame: AudioFrame = {
    data: new Uint8Array(0),
    rtpTimestamp: 0,
    ticks: 0,
    sampleRate: 0,
    channels: 0,
    discontinuity: false,
    corrupt: false,
    receivedAt: 0,
  };
  #discontinuity = false;

  constructor(options: AudioDepacketizerOptions) {
    this.#onFrame = options.onFrame;
  }

  get stats(): AudioDepacketizerStats {
    return { ...this.counts };
  }

  /** What is known of the sound; null where nothing is yet. */
  abstract readonly info: AudioParameters | null;

  /** Takes the next packet in order. Nothing of it is kept. */
  push(packet: RtpPacketView, receivedAt: number): void {
    this.#frame.receivedAt = receivedAt;
    if (packet.payloadEnd > packet.payloadStart) this.payload(packet);
  }

  /** Packets are missing between the last one and the next. */
  gap(_lost: number): void {
    this.#discontinuity = true;
    this.forget();
  }

  /** The next packet belongs to another sequence. */
  restart(): void {
    this.#discontinuity = this.counts.frames > 0;
    this.forget();
  }

  /** Takes a payload of at least one byte apart. */
  protected abstract payload(packet: RtpPacketView): void;

  /** Drops what is in hand, its rest being lost. */
  protected forget(): void {}

  /** Says that something was dropped: the next frame does not follow the last one. */
  protected dropped(counter: Exclude<keyof AudioDepacketizerStats, "frames">): void {
    this.counts[counter]++;
    this.#discontinuity = true;
  }

  /** Hands a frame on. */
  protected emit(
    data: Uint8Array,
    at: { rtpTimestamp: number; ticks: number; sampleRate: number; channels: number },
    corrupt = false,
  ): void {
    const frame = this.#frame;
    frame.data = data;
    frame.rtpTimestamp = at.rtpTimestamp >>> 0;
    frame.ticks = at.ticks;
    frame.sampleRate = at.sampleRate;
    frame.channels = at.channels;
    frame.corrupt = corrupt;
    frame.discontinuity = this.#discontinuity;
    this.#discontinuity = false;
    this.counts.frames++;
    this.#onFrame(frame);
  }
}
