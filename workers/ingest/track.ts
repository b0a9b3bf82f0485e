import type { RtspTrack } from "../../src/rtsp/mod.ts";
import { type ReceivedUnit, VideoReceiver } from "../../src/rtp/mod.ts";
import { now, type Warning } from "../../src/media/mod.ts";
import { RingWriter, SharedRingMemory } from "../../src/ring/mod.ts";
import { Doorbell } from "../doorbell.ts";
import { CAMERA_COUNTER as COUNTER, type CameraSettings } from "../ingest_protocol.ts";

/** The video track of a camera, from packets to the ring; it outlives connections. */
export class Track {
  readonly #settings: CameraSettings;
  readonly #writer: RingWriter;
  readonly #counters: Float64Array;
  readonly #bells = new Map<SharedArrayBuffer, Doorbell>();
  readonly #onWarning: (warning: Warning) => void;
  #receiver: VideoReceiver | null = null;

  constructor(settings: CameraSettings, onWarning: (warning: Warning) => void) {
    this.#settings = settings;
    this.#writer = RingWriter.adopt(new SharedRingMemory(settings.ring));
    this.#counters = new Float64Array(settings.counters);
    this.#onWarning = onWarning;
  }

  /** When the last access unit was written, Unix milliseconds; 0 before the first. */
  lastUnitAt = 0;

  /** Begins, or goes on, with a track as the session set it up. */
  begin(track: RtspTrack, ordered: boolean): void {
    const parameterSets = track.video?.parameterSets;
    if (this.#receiver) return this.#receiver.reconnect({ parameterSets, payloadType: track.payloadType, ordered });
    this.#receiver = new VideoReceiver({
      clockRate: track.clockRate,
      payloadType: track.payloadType,
      parameterSets,
      ordered,
      policy: this.#settings.corrupt === "deliver" ? "deliver-corrupt" : "skip-to-keyframe",
      reportSsrc: crypto.getRandomValues(new Uint32Array(1))[0],
      cname: "millrace",
      onUnit: (unit) => this.#write(unit),
      onWarning: this.#onWarning,
    });
  }

  packet(data: Uint8Array, start: number, end: number): void {
    const at = now();
    this.#counters[COUNTER.lastPacketAt] = at;
    this.#receiver?.packet(data, start, end, at);
  }

  control(data: Uint8Array, start: number, end: number): void {
    this.#receiver?.control(data, start, end, now());
  }

  tick(at: number): void {
    this.#receiver?.tick(at);
  }

  /** A receiver report, or null before the first connection. */
  report(at: number): Uint8Array<ArrayBuffer> | null {
    return this.#receiver?.report(at) ?? null;
  }

  attach(bell: SharedArrayBuffer): void {
    this.#bells.set(bell, new Doorbell(bell));
  }

  detach(bell: SharedArrayBuffer): void {
    this.#bells.delete(bell);
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
    counters[COUNTER.corrupt] = stats.depacketizer.corrupt;
    counters[COUNTER.skipped] = stats.skipped;
    counters[COUNTER.reports] = stats.senderReports;
    counters[COUNTER.jitterMs] = stats.jitter;
    counters[COUNTER.clockSteps] = stats.clockSteps;
    counters[COUNTER.ntp] = { none: 0, reports: 1, sr: 1, stepped: 2 }[stats.wallTimeQuality as string] ?? 0;
  }

  /** The end of the track: readers get what is in the ring, and the end. */
  close(): void {
    this.count();
    this.#writer.close();
    for (const bell of this.#bells.values()) bell.ring();
  }

  #write(unit: ReceivedUnit): void {
    const counters = this.#counters;
    if (unit.data.length > this.#writer.maxBytes) {
      counters[COUNTER.oversize]++;
      return;
    }
    const { info } = unit;
    this.#writer.writeAccessUnit(unit, {
      width: info?.width,
      height: info?.height,
      streamId: this.#settings.streamId,
      discontinuity: unit.discontinuity,
    });
    for (const bell of this.#bells.values()) bell.ring();
    this.lastUnitAt = counters[COUNTER.lastAccessUnitAt] = unit.receivedAt;
    counters[COUNTER.accessUnits]++;
    if (unit.keyframe) counters[COUNTER.keyframes]++;
    if (info) {
      counters[COUNTER.width] = info.width;
      counters[COUNTER.height] = info.height;
    }
  }
}
