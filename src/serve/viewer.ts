// Pure: no I/O.
import { buildBye, buildSenderReport, type VideoPacketizer } from "../rtp/mod.ts";
import { frameInterleaved } from "../rtsp/mod.ts";
import type { SendFormat } from "./send_format.ts";

/** Between two sender reports, in milliseconds. */
const REPORT_INTERVAL = 5_000;
const CNAME = "millrace";

/** Where a viewer's packets go. */
export interface ViewerSink {
  /** Whether there is room for so many bytes more; where not, the client is behind. */
  hasRoom(bytes: number): boolean;
  /** RTP and RTCP over the RTSP connection, whole frames. */
  interleaved(bytes: Uint8Array<ArrayBuffer>): void;
  datagram(kind: "rtp" | "rtcp", packet: Uint8Array<ArrayBuffer>): void;
}

/** What happens to packets between a camera that misbehaves and one viewer. */
export interface Disturbance {
  /** Whether the packet in hand is lost. */
  loses(): boolean;
  /** Sends a datagram: at once, later, or twice. The packet is its own. */
  datagram(packet: Uint8Array<ArrayBuffer>, emit: (packet: Uint8Array<ArrayBuffer>) => void): void;
  /** Bytes that belong to nothing, behind the packets of the so many-th access unit. */
  strayBytes(accessUnit: number): Uint8Array;
}

/** One access unit, or frame of sound, that is sent; borrowed. */
export interface SentUnit {
  data: Uint8Array;
  /** Whether a viewer can begin with it; sound always. */
  keyframe: boolean;
  /** Presentation time in microseconds. */
  pts: number;
}

/** Which time it is, for sender reports. */
export interface SendTime {
  /** Milliseconds of any clock that does not step. */
  now: number;
  /** Unix milliseconds of the stream's own clock at the presentation time `pts`, in microseconds. */
  unixMs: number;
  pts: number;
}

/** What a viewer was sent. */
export interface ViewerStats {
  accessUnits: number;
  packets: number;
  bytes: number;
  /** Access units that it did not get because it was behind. */
  skipped: number;
  /** Access units that the payload format cannot carry. */
  unsendable: number;
}

/** One track of a client that plays: its own SSRC, sequence and clock, from the next keyframe on. */
export class Viewer {
  readonly stats: ViewerStats = { accessUnits: 0, packets: 0, bytes: 0, skipped: 0, unsendable: 0 };
  readonly ssrc: number;
  readonly channels: readonly [number, number] | null;
  readonly kind: SendFormat["kind"];
  readonly #clockRate: number;
  readonly #packetizer: VideoPacketizer;
  readonly #base: number;
  readonly #disturbance: Disturbance | undefined;
  readonly #sink: ViewerSink;
  #waiting = true;
  #reportAt = 0;
  /** Packets of one access unit, framed, for one write. */
  #frames = new Uint8Array(65_536);
  #filled = 0;

  constructor(options: {
    format: SendFormat;
    channels: readonly [number, number] | null;
    sink: ViewerSink;
    disturbance?: Disturbance;
  }) {
    const { kind, payloadType, clockRate, packetizer } = options.format;
    this.kind = kind;
    this.#clockRate = clockRate;
    this.channels = options.channels;
    this.#disturbance = options.disturbance;
    this.#sink = options.sink;
    const [ssrc, base, sequence] = crypto.getRandomValues(new Uint32Array(3));
    this.ssrc = ssrc;
    this.#base = base;
    this.#packetizer = packetizer({ payloadType, ssrc, sequence: sequence & 0xffff });
  }

  /** Sequence number of the next packet. */
  get sequence(): number {
    return this.#packetizer.sequence;
  }

  /** The RTP time of a presentation time in microseconds. */
  rtpTime(pts: number): number {
    return this.#base + Math.round(pts * this.#clockRate / 1e6) >>> 0;
  }

  /** Some pictures will not be sent: what comes after them begins at a keyframe, as from an encoder that was stopped. */
  pause(): void {
    this.#waiting = true;
  }

  /** Sends one access unit, and a report where one is due. */
  send(unit: SentUnit, time: SendTime): void {
    if (this.#waiting && !unit.keyframe) return;
    if (!this.#sink.hasRoom(unit.data.length)) {
      // The client reads too slowly: what it misses would damage all that builds on it.
      this.stats.skipped++;
      this.#waiting = true;
      return;
    }
    this.#waiting = false;
    // A report at once, so that wall time is known from the first picture on.
    if (time.now >= this.#reportAt) this.#report(time);
    try {
      if (this.channels) this.#sendInterleaved(unit);
      else this.#packetizer.packetize(unit.data, this.rtpTime(unit.pts), (packet) => this.#sendDatagram(packet));
      this.stats.accessUnits++;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      this.stats.unsendable++;
    }
  }

  /** Says that nothing will come any more. */
  bye(): void {
    this.#control(buildBye({ ssrc: this.ssrc, cname: CNAME }));
  }

  #sendInterleaved(unit: SentUnit): void {
    this.#filled = 0;
    this.#packetizer.packetize(unit.data, this.rtpTime(unit.pts), (packet) => this.#frame(packet));
    this.#append(this.#disturbance?.strayBytes(this.stats.accessUnits + 1));
    if (this.#filled > 0) this.#sink.interleaved(this.#frames.slice(0, this.#filled));
  }

  #frame(packet: Uint8Array<ArrayBuffer>): void {
    if (this.#disturbance?.loses()) return;
    const at = this.#filled, { length } = packet;
    this.#reserve(length + 4);
    const frames = this.#frames;
    frames[at] = 0x24;
    frames[at + 1] = this.channels![0];
    frames[at + 2] = length >> 8;
    frames[at + 3] = length & 0xff;
    frames.set(packet, at + 4);
    this.#filled += length + 4;
    this.#count(length);
  }

  #append(bytes: Uint8Array | undefined): void {
    if (!bytes) return;
    this.#reserve(bytes.length);
    this.#frames.set(bytes, this.#filled);
    this.#filled += bytes.length;
  }

  #reserve(bytes: number): void {
    const need = this.#filled + bytes;
    if (need <= this.#frames.length) return;
    const larger = new Uint8Array(2 * need);
    larger.set(this.#frames.subarray(0, this.#filled));
    this.#frames = larger;
  }

  #sendDatagram(packet: Uint8Array<ArrayBuffer>): void {
    const disturbance = this.#disturbance;
    if (!disturbance) this.#emit(packet.slice());
    else if (!disturbance.loses()) disturbance.datagram(packet.slice(), (each) => this.#emit(each));
  }

  #emit(packet: Uint8Array<ArrayBuffer>): void {
    this.#count(packet.length);
    this.#sink.datagram("rtp", packet);
  }

  #count(bytes: number): void {
    this.stats.packets++;
    this.stats.bytes += bytes;
  }

  #report({ now, unixMs, pts }: SendTime): void {
    this.#reportAt = now + REPORT_INTERVAL;
    const { packets, octets } = this.#packetizer;
    this.#control(
      buildSenderReport({ ssrc: this.ssrc, unixMs, rtpTimestamp: this.rtpTime(pts), packets, octets, cname: CNAME }),
    );
  }

  #control(packet: Uint8Array<ArrayBuffer>): void {
    if (this.channels) this.#sink.interleaved(frameInterleaved(this.channels[1], packet) as Uint8Array<ArrayBuffer>);
    else this.#sink.datagram("rtcp", packet);
  }
}
