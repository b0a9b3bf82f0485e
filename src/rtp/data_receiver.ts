// Pure: no I/O.
import type { DataUnit } from "../media/mod.ts";
import { DataDepacketizer, type DataDepacketizerStats, type DataFrame } from "./data/data_depacketizer.ts";
import type { PacketReceiverOptions } from "./packet_receiver.ts";
import { isJoined } from "./payload_formats.ts";
import { UnitReceiver, type UnitReceiverStats } from "./unit_receiver.ts";

/** What a `DataReceiver` is made of. */
export interface DataReceiverOptions extends PacketReceiverOptions {
  /** Encoding name of the description; empty where there is none. */
  encoding: string;
  /** The unit is used again, and borrowed until this returns, as its data is. */
  onUnit: (unit: DataUnit) => void;
}

/** Counters of one track of data. */
export type DataReceiverStats = UnitReceiverStats<DataDepacketizerStats>;

/**
 * One track that is neither picture nor sound, or of a codec that is not known: ONVIF metadata come as documents, anything
 * else packet by packet. It outlives connections.
 */
export class DataReceiver extends UnitReceiver<DataUnit, DataFrame, DataDepacketizer> {
  constructor(options: DataReceiverOptions) {
    const { encoding } = options;
    super(options, { encoding }, (onUnit) => new DataDepacketizer({ joined: isJoined(encoding), onUnit }));
  }
}
