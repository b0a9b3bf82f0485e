// Pure: no I/O.
import type { DataUnit } from "../media/mod.ts";
import { DataDepacketizer, type DataDepacketizerStats, type DataFrame } from "./data/data_depacketizer.ts";
import { PacketReceiver, type PacketReceiverOptions, type PacketReceiverStats } from "./packet_receiver.ts";
import { isJoined } from "./payload_formats.ts";

/** What a `DataReceiver` is made of. */
export interface DataReceiverOptions extends PacketReceiverOptions {
  /** Encoding name of the description; empty where there is none. */
  encoding: string;
  /** The unit is used again, and borrowed until this returns, as its data is. */
  onUnit: (unit: DataUnit) => void;
}

/** Counters of one track of data. */
export interface DataReceiverStats extends PacketReceiverStats {
  depacketizer: DataDepacketizerStats;
}

/**
 * One track that is neither picture nor sound, or of a codec that is not known: ONVIF metadata come as documents, anything
 * else packet by packet. It outlives connections.
 */
export class DataReceiver {
  readonly #receiver: PacketReceiver;
  readonly #depacketizer: DataDepacketizer;
  readonly #onUnit: (unit: DataUnit) => void;
  readonly #unit: DataUnit;
  #delivered = 0;

  constructor(options: DataReceiverOptions) {
    this.#onUnit = options.onUnit;
    this.#depacketizer = new DataDepacketizer({
      joined: isJoined(options.encoding),
      onUnit: (frame) => this.#deliver(frame),
    });
    this.#receiver = new PacketReceiver(options, {
      packet: (view, receivedAt) => this.#depacketizer.push(view, receivedAt),
      gap: (lost) => this.#depacketizer.gap(lost),
      restart: () => this.#depacketizer.restart(),
    });
    this.#unit = {
      encoding: options.encoding,
      data: new Uint8Array(0),
      pts: 0,
      sequence: 0,
      discontinuity: false,
      corrupt: false,
      receivedAt: 0,
      wallTime: null,
    };
  }

  get stats(): DataReceiverStats {
    return { ...this.#receiver.stats, depacketizer: { ...this.#depacketizer.stats } };
  }

  /** Takes one RTP packet, `data[start..end)`; nothing of it is kept but what comes out of order. */
  packet(data: Uint8Array, start: number, end: number, now: number): void {
    this.#receiver.packet(data, start, end, now);
  }

  /** Takes one compound RTCP packet, `data[start..end)`. */
  control(data: Uint8Array, start: number, end: number, now: number): void {
    this.#receiver.control(data, start, end, now);
  }

  /** Gives up waiting for packets that are overdue. */
  tick(now: number): void {
    this.#receiver.tick(now);
  }

  /** A receiver report with a description, to be sent every 5 s at least. */
  report(now: number): Uint8Array<ArrayBuffer> {
    return this.#receiver.report(now);
  }

  /** The same track over a new connection: times and numbers go on. */
  reconnect(track: { payloadType?: number; ordered?: boolean } = {}): void {
    this.#receiver.reconnect(track);
  }

  #deliver(frame: DataFrame): void {
    const { timeline } = this.#receiver;
    const unit = this.#unit;
    unit.data = frame.data;
    unit.pts = timeline.push(frame.rtpTimestamp, frame.receivedAt);
    unit.discontinuity = frame.discontinuity;
    unit.corrupt = frame.corrupt;
    unit.receivedAt = frame.receivedAt;
    unit.wallTime = timeline.wallTime(frame.rtpTimestamp);
    unit.sequence = this.#delivered++;
    this.#onUnit(unit);
  }
}
