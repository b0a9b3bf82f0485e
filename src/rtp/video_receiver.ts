// Pure: no I/O.
import type { AccessUnit, VideoCodec } from "../media/mod.ts";
import { DecodeTimes } from "./decode_times.ts";
import { KeyframeGate } from "./keyframe_gate.ts";
import { PacketReceiver, type PacketReceiverOptions, type PacketReceiverStats } from "./packet_receiver.ts";
import { sum } from "./sum.ts";
import { TrackReceiver } from "./track_receiver.ts";
import type { VideoDepacketizer, VideoDepacketizerStats, VideoParameters, VideoUnit } from "./video_depacketizer.ts";
import { videoDepacketizer, type VideoFormat } from "./payload_formats.ts";

/** An access unit from the network; an object that is used again, borrowed until `onUnit` returns. */
export interface ReceivedUnit extends AccessUnit {
  rtpTimestamp: number;
  /** Whether packets were lost since the unit before. */
  discontinuity: boolean;
  info: VideoParameters | null;
}

/** What a `VideoReceiver` is made of. */
export interface VideoReceiverOptions extends PacketReceiverOptions {
  /** @default {"h264"} */
  codec?: VideoCodec;
  /** From the description, in Annex B form. */
  parameterSets?: Uint8Array;
  /** What else the description says. */
  format?: VideoFormat;
  /**
   * What to do after a loss: hold pictures back until one that needs no other, or hand them on, flagged.
   * @default {"skip-to-keyframe"}
   */
  policy?: "skip-to-keyframe" | "deliver-corrupt";
  maxUnitBytes?: number;
  onUnit: (unit: ReceivedUnit) => void;
}

/** What a new connection may bring with it. */
export type VideoTrackChange = Partial<
  Pick<VideoReceiverOptions, "codec" | "format" | "parameterSets" | "payloadType" | "ordered">
>;

/** Counters of one track; they only rise, but for `jitter` and the quality. */
export interface VideoReceiverStats extends PacketReceiverStats {
  /** Units handed on, and units held back until a keyframe. */
  delivered: number;
  skipped: number;
  depacketizer: VideoDepacketizerStats;
}

/**
 * One video track, from RTP and RTCP packets to access units with times: reordering, depacketizing, the keyframe
 * gate, the timeline and the statistics for receiver reports. It outlives connections: `reconnect()` goes on with the
 * numbers and times of the same camera.
 */
export class VideoReceiver extends TrackReceiver {
  readonly #options: VideoReceiverOptions;
  protected readonly receiver: PacketReceiver;
  #depacketizer: VideoDepacketizer;
  readonly #gate = new KeyframeGate();
  readonly #times = new DecodeTimes();
  readonly #unit: ReceivedUnit;
  #discontinuity = false;
  #delivered = 0;
  /** Generations, and what was counted, of depacketizers before this one. */
  #firstGeneration = 0;
  #past: VideoDepacketizerStats = { units: 0, keyframes: 0, corrupt: 0, oversize: 0, malformed: 0, orphans: 0 };

  constructor(options: VideoReceiverOptions) {
    super();
    const { codec = "h264" } = options;
    this.#options = options;
    this.#depacketizer = this.#makeDepacketizer(codec, options);
    this.receiver = new PacketReceiver(options, {
      packet: (view, receivedAt) => this.#depacketizer.push(view, receivedAt),
      gap: (lost) => this.#depacketizer.gap(lost),
      restart: () => this.#restart(),
    });
    this.#unit = {
      codec,
      data: new Uint8Array(0),
      pts: 0,
      dts: 0,
      keyframe: false,
      corrupt: false,
      sequence: 0,
      generation: 0,
      receivedAt: 0,
      wallTime: null,
      rtpTimestamp: 0,
      discontinuity: false,
      info: null,
    };
  }

  /** What the newest parameter sets tell; null before the first. */
  get info(): VideoParameters | null {
    return this.#depacketizer.info;
  }

  /** The newest parameter sets in Annex B form, as a new array; empty for a codec without. */
  get parameterSets(): Uint8Array<ArrayBuffer> {
    return this.#depacketizer.parameterSets;
  }

  get stats(): VideoReceiverStats {
    return {
      ...this.receiver.stats,
      delivered: this.#delivered,
      skipped: this.#gate.skipped,
      depacketizer: sum(this.#past, this.#depacketizer.stats),
    };
  }

  /**
   * The same camera over a new connection: times and numbers go on, pictures wait for a keyframe. Where it changed its
   * codec meanwhile, that is another generation.
   */
  reconnect(track: VideoTrackChange = {}): void {
    this.receiver.reconnect(track);
    const { codec = this.#unit.codec, parameterSets } = track;
    if (codec !== this.#unit.codec) {
      this.#past = sum(this.#past, this.#depacketizer.stats);
      this.#firstGeneration = this.#unit.generation + 1;
      this.#depacketizer = this.#makeDepacketizer(codec, track);
      this.#unit.codec = codec;
    } else if (parameterSets !== undefined) this.#depacketizer.addParameterSets(parameterSets);
  }

  /** Hands on what is held; the unit in hand as corrupt. */
  flush(now: number): void {
    this.receiver.flush(now);
    this.#depacketizer.flush();
  }

  #makeDepacketizer(codec: VideoCodec, { parameterSets, format }: VideoTrackChange): VideoDepacketizer {
    const { maxUnitBytes } = this.#options;
    return videoDepacketizer(codec, {
      parameterSets,
      maxUnitBytes,
      format,
      onUnit: (unit) => this.#deliver(unit),
    });
  }

  #restart(): void {
    this.#depacketizer.restart();
    this.#gate.shut();
    this.#times.restart();
    this.#discontinuity = this.#delivered > 0;
  }

  #deliver(from: VideoUnit): void {
    const { timeline } = this.receiver;
    const { steps } = timeline;
    const pts = timeline.push(from.rtpTimestamp, from.receivedAt, from.keyframe);
    if (timeline.steps !== steps) this.#times.restart();
    this.#times.announce(from.info?.maxReorder ?? -1, from.info?.frameRate ?? 0);
    const dts = this.#times.push(pts);
    const passes = this.#gate.admit(from);
    // Whoever reads sees the units that pass: what was held back is missing before the next of those.
    this.#discontinuity ||= from.discontinuity;
    if (!passes && this.#options.policy !== "deliver-corrupt") {
      // Nothing that follows refers to pictures that lead a keyframe.
      if (!this.#gate.open) this.#discontinuity = this.#delivered > 0;
      return;
    }
    const unit = this.#unit;
    unit.data = from.data;
    unit.pts = pts;
    unit.dts = dts;
    unit.keyframe = from.keyframe;
    unit.corrupt = from.corrupt || !passes;
    unit.discontinuity = this.#discontinuity;
    this.#discontinuity = false;
    unit.generation = this.#firstGeneration + from.generation;
    unit.receivedAt = from.receivedAt;
    unit.wallTime = timeline.wallTime(from.rtpTimestamp);
    unit.rtpTimestamp = from.rtpTimestamp;
    unit.info = from.info;
    unit.sequence = this.#delivered++;
    this.#options.onUnit(unit);
  }
}
