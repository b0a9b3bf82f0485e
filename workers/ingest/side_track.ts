import { AudioReceiver, type AudioReceiverStats, DataReceiver, type DataReceiverStats } from "../../src/rtp/mod.ts";
import type { AudioTrackInfo, AudioUnit, DataUnit, Warning } from "../../src/media/mod.ts";
import { audioRecord, dataRecord, type RecordInfo, RingWriter, SharedRingMemory } from "../../src/ring/mod.ts";
import type { RtspTrack } from "../../src/rtsp/mod.ts";
import { SIDE_COUNTER as COUNTER, type SideCondition, type SideSettings } from "../ingest_protocol.ts";
import type { MediaTrack } from "./media_track.ts";

/** What a track beside the video tells its owner. */
export interface SideTrackEvents {
  /** It can be had now or cannot, or more is known of it. */
  changed(condition: SideCondition): void;
  warning(warning: Warning, at: number): void;
}

/**
 * A track beside the video, sound or data, from packets to its ring. Whatever its packets do to it is its own affair: where
 * it fails, it is given up until the next connection.
 */
export class SideTrack implements MediaTrack {
  readonly kind: SideSettings["kind"];
  readonly #writer: RingWriter;
  readonly #counters: Float64Array;
  readonly #events: SideTrackEvents;
  readonly #record: RecordInfo = {};
  #receiver: AudioReceiver | DataReceiver | null = null;
  /** What the receiver was made for; another track needs another one. */
  #made = "";
  /** What receivers before this one counted. */
  #past: Float64Array;
  #condition: SideCondition = { state: "waiting", reason: "the camera was not asked yet", encoding: "", info: null };
  /** How far times are ahead of the receiver's: one that was made anew begins at 0. */
  #shift = 0;
  #lastPts = 0;
  #now = 0;
  #gap = false;

  constructor({ kind, ring, counters }: SideSettings, events: SideTrackEvents) {
    this.kind = kind;
    this.#writer = RingWriter.adopt(new SharedRingMemory(ring));
    this.#counters = new Float64Array(counters);
    this.#past = this.#counters.slice();
    this.#events = events;
  }

  begin(track: RtspTrack, ordered: boolean): void {
    const { encoding, clockRate, payloadType, channels, parameters } = track;
    const made = JSON.stringify([encoding, clockRate, channels, parameters]);
    if (this.#receiver && made === this.#made) this.#receiver.reconnect({ payloadType, ordered });
    else {
      this.count();
      this.#past = this.#counters.slice();
      this.#receiver = this.#receiverFor(track, ordered);
      this.#made = made;
      const lastAt = this.#counters[COUNTER.lastUnitAt];
      if (lastAt > 0) {
        this.#shift = this.#lastPts + Math.max(1, Math.round((this.#now - lastAt) * 1000));
        this.#gap = true;
      }
    }
    this.#change({ state: "open", reason: "", encoding, info: this.#info });
  }

  /** It cannot be had, and why. */
  cannot(state: "missing" | "left-out" | "broken", reason: string, encoding = ""): void {
    this.#change({ state, reason, encoding, info: null });
    if (state === "missing") return;
    this.#counters[COUNTER.failures]++;
    const message = `${this.kind === "audio" ? "Sound" : "Data"} is left out: ${reason}`;
    this.#events.warning({ code: `${this.kind}-${state}`, message, at: { encoding }, count: 1 }, this.#now);
  }

  packet(data: Uint8Array, start: number, end: number, at: number): void {
    this.#now = at;
    this.#counters[COUNTER.lastPacketAt] = at;
    try {
      this.#receiver?.packet(data, start, end, at);
    } catch (error) {
      this.#broken(error);
    }
  }

  control(data: Uint8Array, start: number, end: number, at: number): void {
    this.#now = at;
    try {
      this.#receiver?.control(data, start, end, at);
    } catch (error) {
      this.#broken(error);
    }
  }

  get waits(): boolean {
    return this.#receiver?.waits ?? false;
  }

  tick(at: number): void {
    this.#now = at;
    try {
      this.#receiver?.tick(at);
    } catch (error) {
      this.#broken(error);
    }
  }

  report(at: number): Uint8Array<ArrayBuffer> | null {
    return this.#receiver?.report(at) ?? null;
  }

  /** Copies what the receiver counted to where the main thread reads it. */
  count(): void {
    const receiver = this.#receiver;
    if (!receiver) return;
    const counters = this.#counters, past = this.#past, { stats } = receiver;
    const { reorder, depacketizer } = stats;
    const set = (name: keyof typeof COUNTER, value: number) => counters[COUNTER[name]] = past[COUNTER[name]] + value;
    set("packets", stats.packets);
    set("bytes", stats.bytes);
    set("lost", reorder.lost);
    set("reordered", reorder.reordered);
    set("late", reorder.late);
    set("duplicates", reorder.duplicate);
    set("discarded", stats.badPackets + stats.otherPayloadTypes + reorder.stray + discardedBy(depacketizer));
    set("incomplete", "corrupt" in depacketizer ? depacketizer.corrupt : depacketizer.incomplete);
    set("reports", stats.senderReports);
    counters[COUNTER.jitterMs] = stats.jitter;
    if (this.#condition.state === "open" && differs(this.#info, this.#condition.info)) {
      this.#change({ ...this.#condition, info: this.#info });
    }
  }

  get #info(): AudioTrackInfo | null {
    return this.#receiver instanceof AudioReceiver ? this.#receiver.info : null;
  }

  #receiverFor(track: RtspTrack, ordered: boolean): AudioReceiver | DataReceiver {
    const { encoding, clockRate, payloadType, channels, parameters, audio } = track;
    const common = {
      ...{ encoding, clockRate, payloadType, ordered, cname: "millrace" },
      reportSsrc: crypto.getRandomValues(new Uint32Array(1))[0],
      onWarning: (warning: Warning) =>
        this.#events.warning({ ...warning, code: `${this.kind}-${warning.code}` }, this.#now),
    };
    return this.kind === "audio" && audio
      ? new AudioReceiver({
        ...{ ...common, codec: audio.codec, channels, parameters },
        onUnit: (unit) => this.#write(audioRecord(unit, this.#record), unit),
      })
      : new DataReceiver({ ...common, onUnit: (unit) => this.#write(dataRecord(unit, this.#record), unit) });
  }

  #write(record: RecordInfo, { data, receivedAt }: AudioUnit | DataUnit): void {
    const counters = this.#counters;
    if (data.length > this.#writer.maxBytes) {
      counters[COUNTER.oversize]++;
      this.#gap = true;
      return;
    }
    record.pts! += this.#shift;
    record.dts! += this.#shift;
    record.discontinuity ||= this.#gap;
    this.#gap = false;
    this.#lastPts = record.pts!;
    this.#writer.write(record, data);
    counters[COUNTER.units]++;
    counters[COUNTER.lastUnitAt] = receivedAt;
  }

  #broken(error: unknown): void {
    this.count();
    this.#past = this.#counters.slice();
    this.#receiver = null;
    const reason = `its packets cannot be taken apart: ${error instanceof Error ? error.message : error}`;
    this.cannot("broken", reason, this.#condition.encoding);
  }

  #change(condition: SideCondition): void {
    this.#condition = condition;
    this.#events.changed(condition);
  }
}

function discardedBy(stats: AudioReceiverStats["depacketizer"] | DataReceiverStats["depacketizer"]): number {
  if ("units" in stats) return stats.oversize;
  return stats.oversize + stats.malformed + stats.unsupported + stats.unconfigured;
}

function differs(a: AudioTrackInfo | null, b: AudioTrackInfo | null): boolean {
  if (a === null || b === null) return a !== b;
  return a.sampleRate !== b.sampleRate || a.channels !== b.channels || a.codecString !== b.codecString ||
    a.config.length !== b.config.length || a.config.some((byte, i) => byte !== b.config[i]);
}
