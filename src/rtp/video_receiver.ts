// Pure: no I/O.
import type { AccessUnit, Warning } from "../media/mod.ts";
import { DecodeTimes } from "./decode_times.ts";
import { H264Depacketizer, type H264DepacketizerStats, type H264Unit } from "./h264/depacketizer.ts";
import { KeyframeGate } from "./h264/keyframe_gate.ts";
import type { H264Parameters } from "./h264/sps.ts";
import { RtpPacketView } from "./packet.ts";
import { ReceiverStats } from "./receiver_stats.ts";
import { Reorder, type ReorderStats } from "./reorder.ts";
import { buildReceiverReport, ntpMiddle, parseRtcp, unixOf } from "./rtcp.ts";
import { Timeline, type WallTimeQuality } from "./timeline.ts";

/** An access unit from the network; an object that is used again, borrowed until `onUnit` returns. */
export interface ReceivedUnit extends AccessUnit {
  rtpTimestamp: number;
  /** Whether packets were lost since the unit before. */
  discontinuity: boolean;
  info: H264Parameters | null;
}

/** What a `VideoReceiver` is made of. */
export interface VideoReceiverOptions {
  clockRate: number;
  /** Packets of other payload types are counted and left out. */
  payloadType: number;
  /** From the description, in Annex B form. */
  parameterSets?: Uint8Array;
  /** Whether packets cannot come out of order (TCP): none is ever held back then. @default {false} */
  ordered?: boolean;
  /**
   * What to do after a loss: hold pictures back until one that needs no other, or hand them on, flagged.
   * @default {"skip-to-keyframe"}
   */
  policy?: "skip-to-keyframe" | "deliver-corrupt";
  /** Bounds of reordering where packets can come out of order. */
  maxPackets?: number;
  maxDelay?: number;
  maxUnitBytes?: number;
  /** The SSRC that receiver reports are sent under, and the name that goes with it. */
  reportSsrc: number;
  cname: string;
  onUnit: (unit: ReceivedUnit) => void;
  /** Hears of what is odd, at most once a second and kind. */
  onWarning?: (warning: Warning) => void;
}

/** Counters of one track; they only rise, but for `jitter` and `quality`. */
export interface VideoReceiverStats {
  /** RTP packets, those refused among them. */
  packets: number;
  bytes: number;
  /** Packets that are no RTP, or of another payload type. */
  badPackets: number;
  otherPayloadTypes: number;
  /** RTCP packets that could not be read. */
  badReports: number;
  senderReports: number;
  byes: number;
  /** Units handed on, and units held back until a keyframe. */
  delivered: number;
  skipped: number;
  /** In milliseconds. */
  jitter: number;
  wallTimeQuality: WallTimeQuality;
  clockSteps: number;
  reorder: ReorderStats;
  depacketizer: H264DepacketizerStats;
}

/** Between two warnings of one code, in milliseconds. */
const WARNING_INTERVAL = 1000;

/**
 * One video track, from RTP and RTCP packets to access units with times: reordering, depacketizing, the keyframe
 * gate, the timeline and the statistics for receiver reports. It outlives connections: `reconnect()` goes on with the
 * numbers and times of the same camera.
 */
export class VideoReceiver {
  readonly #options: VideoReceiverOptions;
  readonly #view = new RtpPacketView();
  #reorder: Reorder;
  readonly #depacketizer: H264Depacketizer;
  readonly #gate = new KeyframeGate();
  readonly #timeline: Timeline;
  readonly #times = new DecodeTimes();
  #receiver: ReceiverStats;
  readonly #unit: ReceivedUnit;
  readonly #warnings = new Map<string, { at: number; count: number }>();
  #now = 0;
  #discontinuity = false;
  readonly #counts = {
    packets: 0,
    bytes: 0,
    badPackets: 0,
    otherPayloadTypes: 0,
    badReports: 0,
    senderReports: 0,
    byes: 0,
    delivered: 0,
  };
  /** Counters of connections before this one. */
  #past: ReorderStats | null = null;

  constructor(options: VideoReceiverOptions) {
    this.#options = { ...options };
    this.#timeline = new Timeline(options);
    this.#receiver = new ReceiverStats(options);
    this.#depacketizer = new H264Depacketizer({
      parameterSets: options.parameterSets,
      maxUnitBytes: options.maxUnitBytes,
      onUnit: (unit) => this.#deliver(unit),
    });
    this.#reorder = this.#makeReorder(options.ordered ?? false);
    this.#unit = {
      codec: "h264",
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
  get info(): H264Parameters | null {
    return this.#depacketizer.parameters.info;
  }

  /** The newest parameter sets in Annex B form, as a new array. */
  get parameterSets(): Uint8Array<ArrayBuffer> {
    return this.#depacketizer.parameters.toAnnexB();
  }

  get stats(): VideoReceiverStats {
    const { stats } = this.#reorder;
    const past = this.#past;
    return {
      ...this.#counts,
      skipped: this.#gate.skipped,
      jitter: this.#receiver.jitter,
      wallTimeQuality: this.#timeline.quality,
      clockSteps: this.#timeline.steps,
      reorder: past === null ? { ...stats } : sum(past, stats),
      depacketizer: this.#depacketizer.stats,
    };
  }

  /** Takes one RTP packet, `data[start..end)`; nothing of it is kept but what comes out of order. */
  packet(data: Uint8Array, start: number, end: number, now: number): void {
    this.#now = now;
    this.#counts.packets++;
    this.#counts.bytes += end - start;
    const view = this.#view;
    const fault = view.parse(data, start, end);
    if (fault !== null) {
      this.#counts.badPackets++;
      this.#warn("rtp-malformed", `Dropped a packet that is no RTP: ${fault}`, { bytes: end - start });
      return;
    }
    if (view.payloadType !== this.#options.payloadType) {
      this.#counts.otherPayloadTypes++;
      this.#warn("rtp-payload-type", "Dropped a packet of a payload type that was not described", {
        payloadType: view.payloadType,
        ssrc: view.ssrc,
      });
      return;
    }
    this.#receiver.update(view.ssrc, view.sequence, view.timestamp, now);
    this.#reorder.push(view, now);
  }

  /** Takes one compound RTCP packet, `data[start..end)`. */
  control(data: Uint8Array, start: number, end: number, now: number): void {
    this.#now = now;
    const { packets, malformed } = parseRtcp(data, start, end);
    this.#counts.badReports += malformed;
    for (const packet of packets) {
      if (packet.type === "bye") this.#counts.byes++;
      if (packet.type !== "sender-report") continue;
      this.#counts.senderReports++;
      const current = this.#reorder.ssrc;
      // A report of another source maps another clock. Before the first packet (0) there is nothing to compare with.
      if (current !== 0 && packet.ssrc !== current) continue;
      this.#timeline.senderReport(unixOf(packet.ntpSeconds, packet.ntpFraction), packet.rtpTimestamp);
      this.#receiver.senderReport(packet.ssrc, ntpMiddle(packet.ntpSeconds, packet.ntpFraction), now);
    }
  }

  /** Gives up waiting for packets that are overdue. */
  tick(now: number): void {
    this.#now = now;
    this.#reorder.tick(now);
  }

  /** A receiver report with a description, to be sent every 5 s at least. */
  report(now: number): Uint8Array<ArrayBuffer> {
    const block = this.#receiver.reportBlock(now);
    return buildReceiverReport({
      ssrc: this.#options.reportSsrc,
      cname: this.#options.cname,
      blocks: block === null ? [] : [block],
    });
  }

  /** The same camera over a new connection: times and numbers go on, pictures wait for a keyframe. */
  reconnect(track: { parameterSets?: Uint8Array; payloadType?: number; ordered?: boolean } = {}): void {
    this.flush(this.#now);
    this.#past = this.#past === null ? { ...this.#reorder.stats } : sum(this.#past, this.#reorder.stats);
    if (track.ordered !== undefined) this.#options.ordered = track.ordered;
    if (track.payloadType !== undefined) this.#options.payloadType = track.payloadType;
    this.#reorder = this.#makeReorder(this.#options.ordered ?? false);
    this.#receiver = new ReceiverStats(this.#options);
    if (track.parameterSets !== undefined) this.#depacketizer.parameters.addAll(track.parameterSets);
    this.#restart();
  }

  /** Hands on what is held; the unit in hand as corrupt. */
  flush(now: number): void {
    this.#now = now;
    this.#reorder.flush();
    this.#depacketizer.flush();
  }

  #makeReorder(ordered: boolean): Reorder {
    const { maxPackets = 64, maxDelay = 80 } = this.#options;
    return new Reorder({
      packet: (view, receivedAt) => this.#depacketizer.push(view, receivedAt),
      gap: (lost) => {
        this.#warn("rtp-lost", `Lost ${lost} packets`, { ssrc: this.#reorder.ssrc, lost });
        this.#depacketizer.gap(lost);
      },
      restart: (ssrc) => {
        if (this.#counts.delivered > 0 && this.#reorder.stats.delivered > 0) {
          this.#warn("rtp-restart", "The source began a new sequence", { ssrc });
          this.#restart();
        }
      },
    }, { maxPackets: ordered ? 0 : maxPackets, maxDelay });
  }

  #restart(): void {
    this.#depacketizer.restart();
    this.#gate.shut();
    this.#timeline.restart();
    this.#times.restart();
    this.#discontinuity = this.#counts.delivered > 0;
  }

  #deliver(from: H264Unit): void {
    const pts = this.#timeline.push(from.rtpTimestamp, from.receivedAt);
    this.#times.announce(from.info?.maxReorder ?? -1, from.info?.frameRate ?? 0);
    const dts = this.#times.push(pts);
    const passes = this.#gate.admit(from);
    // Whoever reads sees the units that pass: what was held back is missing before the next of those.
    this.#discontinuity ||= from.discontinuity;
    if (!passes && this.#options.policy !== "deliver-corrupt") {
      this.#discontinuity = this.#counts.delivered > 0;
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
    unit.generation = from.generation;
    unit.receivedAt = from.receivedAt;
    unit.wallTime = this.#timeline.wallTime(from.rtpTimestamp);
    unit.rtpTimestamp = from.rtpTimestamp;
    unit.info = from.info;
    unit.sequence = this.#counts.delivered++;
    this.#options.onUnit(unit);
  }

  #warn(code: string, message: string, at: Record<string, string | number>): void {
    const { onWarning } = this.#options;
    if (onWarning === undefined) return;
    const entry = this.#warnings.get(code) ?? { at: -Infinity, count: 0 };
    this.#warnings.set(code, entry);
    entry.count++;
    if (this.#now - entry.at < WARNING_INTERVAL) return;
    const { count } = entry;
    entry.at = this.#now;
    entry.count = 0;
    onWarning({ code, message, at, count });
  }
}

function sum(a: ReorderStats, b: ReorderStats): ReorderStats {
  return {
    delivered: a.delivered + b.delivered,
    lost: a.lost + b.lost,
    late: a.late + b.late,
    duplicate: a.duplicate + b.duplicate,
    reordered: a.reordered + b.reordered,
    restarts: a.restarts + b.restarts,
    stray: a.stray + b.stray,
  };
}
