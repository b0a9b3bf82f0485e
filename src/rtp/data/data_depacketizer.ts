// Pure: no I/O.
import { Fragments } from "../fragments.ts";
import type { RtpPacketView } from "../packet.ts";

/** One unit of data: an object that is used again, borrowed until `onUnit` returns. */
export interface DataFrame {
  /** Borrowed too. */
  data: Uint8Array<ArrayBufferLike>;
  rtpTimestamp: number;
  /** Whether packets were lost since the unit before. */
  discontinuity: boolean;
  /** Whether a part of it may be missing. */
  corrupt: boolean;
  /** When its last packet came, in milliseconds. */
  receivedAt: number;
}

/** Counters; they only rise. */
export interface DataDepacketizerStats {
  units: number;
  corrupt: number;
  /** Documents larger than the limit. */
  oversize: number;
}

/** What a depacketizer of data is made of. */
export interface DataDepacketizerOptions {
  /** Whether packets up to one with the marker are one document. */
  joined: boolean;
  /** The largest document that is joined; a larger one is dropped and counted. @default {1 MiB} */
  maxUnitBytes?: number;
  onUnit: (unit: DataFrame) => void;
}

/** What the begin of an ONVIF document looks like, so that one that follows a loss can be told to be whole. */
const DOCUMENT = /^\s*(<\?xml|<([\w-]+:)?MetadataStream)/;
const LOOK_BYTES = 64;

/**
 * Takes payloads as they are, or joins those of one document: ONVIF metadata.
 *
 * @see ONVIF Streaming Specification, metadata streaming
 */
export class DataDepacketizer {
  readonly stats: DataDepacketizerStats = { units: 0, corrupt: 0, oversize: 0 };
  readonly #joined: boolean;
  readonly #onUnit: (unit: DataFrame) => void;
  readonly #fragments: Fragments;
  readonly #unit: DataFrame = {
    data: new Uint8Array(0),
    rtpTimestamp: 0,
    discontinuity: false,
    corrupt: false,
    receivedAt: 0,
  };
  #discontinuity = false;
  #damaged = false;
  #headAtRisk = false;
  /** Whether what comes up to the next marker is the rest of a document that was dropped. */
  #overflow = false;

  constructor(options: DataDepacketizerOptions) {
    this.#joined = options.joined;
    this.#onUnit = options.onUnit;
    this.#fragments = new Fragments(options.maxUnitBytes ?? 1 << 20);
  }

  /** Takes the next packet in order. Nothing of it is kept. */
  push({ data, payloadStart, payloadEnd, timestamp, marker }: RtpPacketView, receivedAt: number): void {
    const fragments = this.#fragments;
    if (fragments.open && fragments.timestamp !== timestamp) this.#finish();
    this.#unit.receivedAt = receivedAt;
    if (!this.#joined) {
      if (payloadEnd > payloadStart) this.#emit(data.subarray(payloadStart, payloadEnd), timestamp, false);
      return;
    }
    if (!fragments.open) {
      fragments.begin(timestamp);
      this.#overflow = false;
      this.#damaged = this.#headAtRisk && !beginsDocument(data, payloadStart, payloadEnd);
      this.#headAtRisk = false;
    }
    if (!this.#overflow && !fragments.append(data, payloadStart, payloadEnd)) {
      this.#overflow = true;
      this.stats.oversize++;
    }
    if (marker) this.#finish();
  }

  /** Packets are missing between the last one and the next. */
  gap(_lost: number): void {
    this.#discontinuity = true;
    this.#headAtRisk = true;
    this.#damaged = true;
  }

  /** The next packet belongs to another sequence: what is in hand is handed on, flagged. */
  restart(): void {
    this.#damaged = true;
    if (this.#fragments.open) this.#finish();
    this.#discontinuity = this.stats.units > 0;
    this.#headAtRisk = false;
  }

  #finish(): void {
    const { data, timestamp, length } = this.#fragments;
    this.#fragments.close();
    if (this.#overflow || length === 0) this.#discontinuity ||= this.#overflow;
    else this.#emit(data, timestamp, this.#damaged);
  }

  #emit(data: Uint8Array, rtpTimestamp: number, corrupt: boolean): void {
    const unit = this.#unit;
    unit.data = data;
    unit.rtpTimestamp = rtpTimestamp;
    unit.corrupt = corrupt;
    unit.discontinuity = this.#discontinuity;
    this.#discontinuity = false;
    this.stats.units++;
    if (corrupt) this.stats.corrupt++;
    this.#onUnit(unit);
  }
}

function beginsDocument(data: Uint8Array, start: number, end: number): boolean {
  return DOCUMENT.test(String.fromCharCode(...data.subarray(start, Math.min(end, start + LOOK_BYTES))));
}
