import type { RtspTrack } from "../../src/rtsp/mod.ts";
import { type ReceivedUnit, VideoReceiver, type VideoReceiverStats } from "../../src/rtp/mod.ts";
import type { VideoTrackInfo, Warning } from "../../src/media/mod.ts";
import { RingWriter, SharedRingMemory } from "../../src/ring/mod.ts";
import { Doorbell } from "../doorbell.ts";
import { WakeWish } from "../wake_wish.ts";
import { CAMERA_COUNTER as COUNTER, type CameraSettings } from "../ingest_protocol.ts";
import type { MediaTrack } from "./media_track.ts";

/** As the counter `ntp` says them. */
const QUALITIES: readonly VideoReceiverStats["wallTimeQuality"][] = ["none", "sr", "stepped"];

/** Bytes that may gather at most: half of the least window that the system offers a sender. */
const MOST_GATHERED = 32_768;

/** What a track tells its owner. */
export interface TrackEvents {
  /** The parameter sets changed, or are known for the first time. */
  info(info: VideoTrackInfo): void;
  warning(warning: Warning, at: number): void;
}

/** The video track of a camera, from packets to the ring; it outlives connections. */
export class Track implements MediaTrack {
  readonly #settings: CameraSettings;
  readonly #writer: RingWriter;
  readonly #counters: Float64Array;
  readonly #bells = new Map<number, { bell: Doorbell; wish: WakeWish }>();
  readonly #events: TrackEvents;
  #receiver: VideoReceiver | null = null;
  #clockRate = 0;
  #generation = -1;
  #now = 0;
  /** Whether an access unit was too large: what follows refers to it. */
  #oversized = false;
  #skipped = 0;
  #oversize = 0;
  /** Whether packets came since the last access unit. */
  #underWay = false;
  /** Whether packets lay in the socket before they were received. */
  #gathers = false;
  /** Of the last keyframe. */
  #keyframeBytes = 0;

  constructor(settings: CameraSettings, events: TrackEvents) {
    this.#settings = settings;
    this.#writer = RingWriter.adopt(new SharedRingMemory(settings.ring));
    this.#counters = new Float64Array(settings.counters);
    this.#events = events;
  }

  /** When the last access unit was written, Unix milliseconds; 0 before the first. */
  lastUnitAt = 0;

  begin(track: RtspTrack, ordered: boolean): void {
    const { clockRate, payloadType, parameters, video } = track;
    const { width = 0, height = 0, frameRate = 0, codec = "h264", parameterSets } = video ?? {};
    const described = { codec, payloadType, parameterSets, ordered, format: { width, height, frameRate, parameters } };
    this.#clockRate = clockRate;
    if (this.#receiver) return this.#receiver.reconnect(described);
    this.#receiver = new VideoReceiver({
      ...described,
      clockRate,
      policy: this.#settings.corrupt === "deliver" ? "deliver-corrupt" : "skip-to-keyframe",
      reportSsrc: crypto.getRandomValues(new Uint32Array(1))[0],
      cname: "millrace",
      onUnit: (unit) => this.#write(unit),
      onWarning: (warning) => this.#events.warning(warning, this.#now),
    });
  }

  packet(data: Uint8Array, start: number, end: number, at: number): void {
    this.#now = at;
    this.#counters[COUNTER.lastPacketAt] = at;
    this.#underWay = true;
    this.#receiver?.packet(data, start, end, at, !this.#gathers);
  }

  control(data: Uint8Array, start: number, end: number, at: number): void {
    this.#now = at;
    this.#receiver?.control(data, start, end, at);
  }

  get waits(): boolean {
    return this.#receiver?.waits ?? false;
  }

  tick(at: number): void {
    this.#now = at;
    this.#receiver?.tick(at);
  }

  report(at: number): Uint8Array<ArrayBuffer> | null {
    return this.#receiver?.report(at) ?? null;
  }

  /** Has a bell rung after each access unit. By number, since each message brings another object for the same memory. */
  attach(number: number, bell: SharedArrayBuffer, wish?: SharedArrayBuffer): void {
    this.#bells.set(number, { bell: new Doorbell(bell), wish: new WakeWish(wish) });
  }

  detach(number: number): void {
    this.#bells.delete(number);
  }

  /**
   * Bytes that may gather before they are received: where all who read want keyframes alone, less than one has, so that none
   * waits for what comes behind it; 1 while the rest of an access unit is awaited, and for all others.
   */
  gathering(may: boolean): number {
    this.#gathers = may && !this.#underWay && this.#keyframeBytes > 1 && this.#bells.size > 0;
    if (this.#gathers) { for (const { wish } of this.#bells.values()) if (wish.includes(false)) this.#gathers = false; }
    return this.#gathers ? Math.min(MOST_GATHERED, this.#keyframeBytes * 3 >> 2) : 1;
  }

  /** Copies what the receiver counted to where the main thread reads it. */
  count(): void {
    const stats = this.#receiver?.stats;
    if (!stats) return;
    const counters = this.#counters;
    counters[COUNTER.packets] = stats.packets;
    counters[COUNTER.bytes] = stats.bytes;
    counters[COUNTER.lost] = stats.reorder.lost;
    counters[COUNTER.reordered] = stats.reorder.reordered;
    counters[COUNTER.late] = stats.reorder.late;
    counters[COUNTER.duplicates] = stats.reorder.duplicate;
    counters[COUNTER.discarded] = stats.badPackets + stats.otherPayloadTypes + stats.depacketizer.malformed +
      stats.reorder.stray;
    counters[COUNTER.oversize] = stats.depacketizer.oversize + this.#oversize;
    counters[COUNTER.corrupt] = stats.depacketizer.corrupt;
    counters[COUNTER.skipped] = this.#skipped + (this.#settings.corrupt === "skip" ? stats.skipped : 0);
    counters[COUNTER.reports] = stats.senderReports;
    counters[COUNTER.jitterMs] = stats.jitter;
    counters[COUNTER.clockSteps] = stats.clockSteps;
    counters[COUNTER.ntp] = QUALITIES.indexOf(stats.wallTimeQuality);
  }

  #write(unit: ReceivedUnit): void {
    this.#underWay = false;
    if (unit.keyframe) this.#keyframeBytes = unit.data.length;
    if (!this.#fits(unit)) return;
    if (unit.generation !== this.#generation) this.#announce(unit);
    const { info, wallTime } = unit;
    this.#writer.writeAccessUnit(unit, {
      width: info?.width,
      height: info?.height,
      streamId: this.#settings.streamId,
      discontinuity: unit.discontinuity,
    });
    for (const { bell, wish } of this.#bells.values()) if (wish.includes(unit.keyframe)) bell.ring();
    const counters = this.#counters;
    this.lastUnitAt = counters[COUNTER.lastAccessUnitAt] = unit.receivedAt;
    counters[COUNTER.accessUnits]++;
    if (unit.keyframe) counters[COUNTER.keyframes]++;
    if (wallTime !== null) counters[COUNTER.clockOffset] = wallTime - unit.receivedAt;
    if (info) {
      counters[COUNTER.width] = info.width;
      counters[COUNTER.height] = info.height;
    }
  }

  #announce({ codec, generation, info }: ReceivedUnit): void {
    this.#generation = generation;
    if (!info) return;
    const { width, height, frameRate, codecString } = info;
    const parameterSets = this.#receiver!.parameterSets;
    this.#events.info({ codec, clockRate: this.#clockRate, width, height, frameRate, codecString, parameterSets });
  }

  /** Whether the ring takes an access unit; after one that it does not, none is taken up to the next keyframe that fits. */
  #fits(unit: ReceivedUnit): boolean {
    if (unit.data.length <= this.#writer.maxBytes) {
      if (unit.keyframe) this.#oversized = false;
      if (!this.#oversized) return true;
      this.#skipped++;
      return false;
    }
    this.#oversized = true;
    this.#oversize++;
    const message = `Dropped a picture of ${unit.data.length} bytes, ${this.#writer.maxBytes} are taken: ` +
      "open the camera with a larger bufferBytes";
    this.#events.warning({ code: "oversize", message, at: { bytes: unit.data.length }, count: 1 }, this.#now);
    return false;
  }
}
