// Pure: no I/O.
import type { DataUnit } from "../media/mod.ts";
import type { RtpPacketView } from "./packet.ts";
import { PacketReceiver, type PacketReceiverOptions, type PacketReceiverStats } from "./packet_receiver.ts";
import { TrackReceiver } from "./track_receiver.ts";

/** A unit as it comes out of its packets; borrowed. */
interface DepacketizedUnit {
  data: Uint8Array<ArrayBufferLike>;
  rtpTimestamp: number;
  discontinuity: boolean;
  corrupt: boolean;
  receivedAt: number;
}

/** Takes packets, in order, apart into units. */
interface UnitDepacketizer {
  readonly stats: object;
  push(packet: RtpPacketView, receivedAt: number): void;
  gap(lost: number): void;
  restart(): void;
}

/** What units have in common, whatever they are of. */
type Unit = Omit<DataUnit, "encoding">;

/** Counters of a track beside the video. */
export interface UnitReceiverStats<Stats> extends PacketReceiverStats {
  depacketizer: Stats;
}

/**
 * One track of units that each stand for themselves, from RTP and RTCP packets to units with times. It outlives connections.
 */
export abstract class UnitReceiver<
  Given extends Unit,
  Taken extends DepacketizedUnit,
  Depacketizer extends UnitDepacketizer,
> extends TrackReceiver {
  protected readonly depacketizer: Depacketizer;
  protected readonly receiver: PacketReceiver;
  readonly #onUnit: (unit: Given) => void;
  readonly #unit: Given;
  #delivered = 0;

  /**
   * @param unit what its units have beside what all have. One object is given each time, which `complete()` fills in.
   * @param depacketizer hands its units to the function that it is made with.
   */
  constructor(
    options: PacketReceiverOptions & { onUnit: (unit: Given) => void },
    unit: Omit<Given, keyof Unit>,
    depacketizer: (take: (unit: Taken) => void) => Depacketizer,
  ) {
    super();
    this.#onUnit = options.onUnit;
    const taker = this.depacketizer = depacketizer((taken) => this.#deliver(taken));
    this.receiver = new PacketReceiver(options, {
      packet: (view, receivedAt) => taker.push(view, receivedAt),
      gap: (lost) => taker.gap(lost),
      restart: () => taker.restart(),
    });
    const common: Unit = {
      ...{ data: new Uint8Array(0), pts: 0, sequence: 0, discontinuity: false, corrupt: false },
      ...{ receivedAt: 0, wallTime: null },
    };
    this.#unit = { ...common, ...unit } as Given;
  }

  get stats(): UnitReceiverStats<Depacketizer["stats"]> {
    return { ...this.receiver.stats, depacketizer: { ...this.depacketizer.stats } };
  }

  /** The same track over a new connection: times and numbers go on. */
  reconnect(track: { payloadType?: number; ordered?: boolean } = {}): void {
    this.receiver.reconnect(track);
  }

  /** Fills in what these units have beside what all have. */
  protected complete(_unit: Given, _taken: Taken): void {}

  #deliver(taken: Taken): void {
    const { timeline } = this.receiver;
    const unit = this.#unit;
    unit.data = taken.data;
    unit.pts = timeline.push(taken.rtpTimestamp, taken.receivedAt);
    unit.discontinuity = taken.discontinuity;
    unit.corrupt = taken.corrupt;
    unit.receivedAt = taken.receivedAt;
    unit.wallTime = timeline.wallTime(taken.rtpTimestamp);
    unit.sequence = this.#delivered++;
    this.complete(unit, taken);
    this.#onUnit(unit);
  }
}
