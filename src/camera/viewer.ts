// Pure: no I/O.
import type { VideoFile } from "../file/mod.ts";
import { buildSenderReport, type VideoPacketizer, videoPacketizer } from "../rtp/mod.ts";
import { frameInterleaved } from "../rtsp/mod.ts";
import { PAYLOAD_TYPES } from "./description.ts";
import type { Faults } from "./faults.ts";
import type { PlayedUnit } from "./playback.ts";

/** Between two sender reports, in milliseconds. */
const REPORT_INTERVAL = 5_000;
const CLOCK_RATE = 90_000;
const GARBAGE = new TextEncoder().encode("\r\n\r\nstray bytes\r\n");

/** Where a viewer's packets go. */
export interface ViewerSink {
  /** RTP and RTCP over the RTSP connection, whole frames; false: it is behind, and this was not taken. */
  interleaved(bytes: Uint8Array<ArrayBuffer>): boolean;
  datagram(kind: "rtp" | "rtcp", packet: Uint8Array<ArrayBuffer>): void;
}

/** What a viewer was sent. */
export interface ViewerStats {
  accessUnits: number;
  packets: number;
  bytes: number;
  /** Access units that it did not get because it was behind. */
  skipped: number;
}

/** One client that plays: its own SSRC, sequence and clock, from the next keyframe on. */
export class Viewer {
  readonly stats: ViewerStats = { accessUnits: 0, packets: 0, bytes: 0, skipped: 0 };
  readonly ssrc: number;
  readonly channels: readonly [number, number] | null;
  readonly #packetizer: VideoPacketizer;
  readonly #base: number;
  readonly #faults: Faults;
  readonly #random: () => number;
  readonly #sink: ViewerSink;
  #waiting = true;
  #reportAt = 0;
  /** Packets of one access unit, framed, for one write. */
  #frames = new Uint8Array(262_144);
  #held: Uint8Array<ArrayBuffer> | null = null;

  constructor(options: {
    codec: VideoFile["codec"];
    channels: readonly [number, number] | null;
    faults: Faults;
    random: () => number;
    sink: ViewerSink;
  }) {
    this.channels = options.channels;
    this.#faults = options.faults;
    this.#random = options.random;
    this.#sink = options.sink;
    const [ssrc, base, sequence] = crypto.getRandomValues(new Uint32Array(3));
    this.ssrc = ssrc;
    this.#base = base;
    const payloadType = PAYLOAD_TYPES[options.codec];
    this.#packetizer = videoPacketizer(options.codec, { payloadType, ssrc, sequence: sequence & 0xffff });
  }

  /** Sequence number of the next packet. */
  get sequence(): number {
    return this.#packetizer.sequence;
  }

  /** The RTP time of a presentation time in microseconds. */
  rtpTime(pts: number): number {
    return this.#base + Math.round(pts * CLOCK_RATE / 1e6) >>> 0;
  }

  /** Some pictures will not be sent: what comes after them begins at a keyframe, as from an encoder that was stopped. */
  pause(): void {
    this.#waiting = true;
  }

  /** Sends one access unit, and a report where one is due. `now` is Unix milliseconds, `elapsed` microseconds of the playback. */
  send(unit: PlayedUnit, now: number, elapsed: number): void {
    if (this.#waiting && !unit.keyframe) return;
    this.#waiting = false;
    // A report at once, so that wall time is known from the first picture on.
    if (now >= this.#reportAt) this.#report(now, elapsed);
    this.stats.accessUnits++;
    const timestamp = this.rtpTime(unit.pts);
    if (this.channels) this.#sendInterleaved(unit, timestamp);
    else this.#packetizer.packetize(unit.data, timestamp, (packet) => this.#sendDatagram(packet));
  }

  #sendInterleaved(unit: PlayedUnit, timestamp: number): void {
    let at = 0;
    const { garbageEvery } = this.#faults;
    const garbage = garbageEvery > 0 && this.stats.accessUnits % garbageEvery === 0;
    this.#packetizer.packetize(unit.data, timestamp, (packet) => {
      if (this.#lost()) return;
      const need = at + packet.length + 4 + GARBAGE.length;
      if (need > this.#frames.length) {
        const larger = new Uint8Array(2 * need);
        larger.set(this.#frames.subarray(0, at));
        this.#frames = larger;
      }
      const frames = this.#frames;
      frames[at] = 0x24;
      frames[at + 1] = this.channels![0];
      frames[at + 2] = packet.length >> 8;
      frames[at + 3] = packet.length & 0xff;
      frames.set(packet, at + 4);
      at += packet.length + 4;
      this.#count(packet.length);
    });
    if (garbage) {
      this.#frames.set(GARBAGE, at);
      at += GARBAGE.length;
    }
    if (this.#sink.interleaved(this.#frames.slice(0, at))) return;
    // The client reads too slowly: what it misses would damage all that builds on it.
    this.stats.skipped++;
    this.#waiting = true;
  }

  #sendDatagram(packet: Uint8Array<ArrayBuffer>): void {
    if (this.#lost()) return;
    const copy = packet.slice();
    if (!this.#held && this.#random() < this.#faults.reorder) {
      this.#held = copy;
      return;
    }
    this.#emit(copy);
    if (this.#held) {
      this.#emit(this.#held);
      this.#held = null;
    }
    if (this.#random() < this.#faults.duplicate) this.#emit(copy);
  }

  #emit(packet: Uint8Array<ArrayBuffer>): void {
    this.#count(packet.length);
    this.#sink.datagram("rtp", packet);
  }

  #lost(): boolean {
    return this.#faults.drop > 0 && this.#random() < this.#faults.drop;
  }

  #count(bytes: number): void {
    this.stats.packets++;
    this.stats.bytes += bytes;
  }

  #report(now: number, elapsed: number): void {
    this.#reportAt = now + REPORT_INTERVAL;
    const packet = buildSenderReport({
      ssrc: this.ssrc,
      unixMs: now + this.#faults.clockOffset,
      rtpTimestamp: this.rtpTime(elapsed),
      packets: this.#packetizer.packets,
      octets: this.#packetizer.octets,
      cname: "millrace-camera",
    });
    if (this.channels) this.#sink.interleaved(frameInterleaved(this.channels[1], packet) as Uint8Array<ArrayBuffer>);
    else this.#sink.datagram("rtcp", packet);
  }
}
