// Pure: no I/O.
import type { Warning } from "../media/mod.ts";
import { RtpPacketView } from "./packet.ts";
import { ReceiverStats } from "./receiver_stats.ts";
import { Reorder, type ReorderStats } from "./reorder.ts";
import { buildReceiverReport, ntpMiddle, parseRtcp, unixOf } from "./rtcp.ts";
import { sum } from "./sum.ts";
import { Timeline, type WallTimeQuality } from "./timeline.ts";

/** What every receiver of a track is made of. */
export interface PacketReceiverOptions {
  clockRate: number;
  /** Packets of other payload types are counted and left out. */
  payloadType: number;
  /** Whether packets cannot come out of order (TCP): none is ever held back then. @default {false} */
  ordered?: boolean;
  /** Bounds of reordering where packets can come out of order. */
  maxPackets?: number;
  maxDelay?: number;
  /** The SSRC that receiver reports are sent under, and the name that goes with it. */
  reportSsrc: number;
  cname: string;
  /** Hears of what is odd, at most once a second and kind. */
  onWarning?: (warning: Warning) => void;
}

/** Counters of one track's packets; they only rise, but for `jitter` and the quality. */
export interface PacketReceiverStats {
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
  /** In milliseconds. */
  jitter: number;
  wallTimeQuality: WallTimeQuality;
  clockSteps: number;
  reorder: ReorderStats;
}

/** Takes the packets of a track in order. */
export interface PacketSink {
  /** The next packet, borrowed until this returns. */
  packet(view: RtpPacketView, receivedAt: number): void;
  /** So many packets are missing before the next. */
  gap(lost: number): void;
  /** The next packet belongs to another sequence than those before. */
  restart(): void;
}

/** Between two warnings of one code, in milliseconds. */
const WARNING_INTERVAL = 1000;

/**
 * What every track has in common: packets are read, counted and put in order, reports are read and written, times go on.
 * It outlives connections: `reconnect()` goes on with the numbers and times of the same camera.
 */
export class PacketReceiver {
  readonly timeline: Timeline;
  readonly #options: PacketReceiverOptions;
  readonly #sink: PacketSink;
  readonly #view = new RtpPacketView();
  #reorder: Reorder;
  #receiver: ReceiverStats;
  readonly #warnings = new Map<string, { at: number; count: number }>();
  #now = 0;
  readonly #counts = {
    packets: 0,
    bytes: 0,
    badPackets: 0,
    otherPayloadTypes: 0,
    badReports: 0,
    senderReports: 0,
    byes: 0,
  };
  /** Counters of connections before this one. */
  #past: ReorderStats | null = null;

  constructor(options: PacketReceiverOptions, sink: PacketSink) {
    this.#options = { ...options };
    this.#sink = sink;
    this.timeline = new Timeline(options);
    this.#receiver = new ReceiverStats(options);
    this.#reorder = this.#makeReorder();
  }

  get stats(): PacketReceiverStats {
    const { stats } = this.#reorder;
    const past = this.#past;
    return {
      ...this.#counts,
      jitter: this.#receiver.jitter,
      wallTimeQuality: this.timeline.quality,
      clockSteps: this.timeline.steps,
      reorder: past === null ? { ...stats } : sum(past, stats),
    };
  }

  /**
   * Takes one RTP packet, `data[start..end)`; nothing of it is kept but what comes out of order.
   *
   * @param timely Whether it was received as it came, so that its time says something of the network's jitter.
   */
  packet(data: Uint8Array, start: number, end: number, now: number, timely = true): void {
    this.#now = now;
    this.#counts.packets++;
    this.#counts.bytes += end - start;
    const view = this.#view;
    const fault = view.parse(data, start, end);
    if (fault !== null) {
      this.#counts.badPackets++;
      this.warn("rtp-malformed", `Dropped a packet that is no RTP: ${fault}`, { bytes: end - start });
      return;
    }
    if (view.payloadType !== this.#options.payloadType) {
      this.#counts.otherPayloadTypes++;
      this.warn("rtp-payload-type", "Dropped a packet of a payload type that was not described", {
        payloadType: view.payloadType,
        ssrc: view.ssrc,
      });
      return;
    }
    this.#receiver.update(view.ssrc, view.sequence, view.timestamp, timely ? now : NaN);
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
      this.timeline.senderReport(unixOf(packet.ntpSeconds, packet.ntpFraction), packet.rtpTimestamp);
      this.#receiver.senderReport(packet.ssrc, ntpMiddle(packet.ntpSeconds, packet.ntpFraction), now);
    }
  }

  /** Whether packets are held back for one that is missing. */
  get waits(): boolean {
    return this.#reorder.held > 0;
  }

  /** Gives up waiting for packets that are overdue. */
  tick(now: number): void {
    this.#now = now;
    this.#reorder.tick(now);
  }

  /** Hands on what is held. */
  flush(now: number): void {
    this.#now = now;
    this.#reorder.flush();
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

  /** The same camera over a new connection: what is held goes to the sink, and then a restart. */
  reconnect(track: { payloadType?: number; ordered?: boolean }): void {
    this.#reorder.flush();
    this.#sink.restart();
    this.timeline.restart();
    this.#past = this.#past === null ? { ...this.#reorder.stats } : sum(this.#past, this.#reorder.stats);
    if (track.ordered !== undefined) this.#options.ordered = track.ordered;
    if (track.payloadType !== undefined) this.#options.payloadType = track.payloadType;
    this.#reorder = this.#makeReorder();
    this.#receiver = new ReceiverStats(this.#options);
  }

  /** Says that something is odd, at most once a second and code. */
  warn(code: string, message: string, at: Record<string, string | number>): void {
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

  #makeReorder(): Reorder {
    const { maxPackets = 64, maxDelay = 80, ordered = false } = this.#options;
    return new Reorder({
      packet: (view, receivedAt) => this.#sink.packet(view, receivedAt),
      gap: (lost) => {
        this.warn("rtp-lost", `Lost ${lost} packets`, { ssrc: this.#reorder.ssrc, lost });
        this.#sink.gap(lost);
      },
      restart: (ssrc) => {
        if (this.#reorder.stats.delivered === 0) return;
        this.warn("rtp-restart", "The source began a new sequence", { ssrc });
        // What the sink has in hand has a time of the sequence before.
        this.#sink.restart();
        this.timeline.restart();
      },
    }, { maxPackets: ordered ? 0 : maxPackets, maxDelay });
  }
}
