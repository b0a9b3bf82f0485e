// Pure: no I/O.
import type { RtpPacketView } from "../packet.ts";
import { AccessUnitBuilder } from "./access_unit.ts";
import { Nal, nalType } from "./nal.ts";
import type { ParameterSets } from "./parameter_sets.ts";
import type { H264Parameters } from "./sps.ts";

/** One access unit as it comes out of its packets: an object that is used again, borrowed until `onUnit` returns. */
export interface H264Unit {
  /** NAL units in Annex B form with four-byte start codes, borrowed too. A keyframe holds its parameter sets. */
  data: Uint8Array<ArrayBuffer>;
  rtpTimestamp: number;
  keyframe: boolean;
  /** Whether a part is missing or bad, or may be. */
  corrupt: boolean;
  /** Whether packets were lost since the unit before, so that pictures this one refers to may be missing. */
  discontinuity: boolean;
  /** Rises by one with each change of the parameter sets. */
  generation: number;
  /** When its last packet came, in milliseconds. */
  receivedAt: number;
  /** What the parameter sets tell; null before the first. */
  info: H264Parameters | null;
}

/** What a depacketizer is made of. */
export interface H264DepacketizerOptions {
  /** Parameter sets from the description, in Annex B form. */
  parameterSets?: Uint8Array;
  /** The largest access unit that is built; a larger one is dropped and counted. @default {4 MiB} */
  maxUnitBytes?: number;
  onUnit: (unit: H264Unit) => void;
}

/** Counters; they only rise. */
export interface H264DepacketizerStats {
  units: number;
  keyframes: number;
  corrupt: number;
  /** Units larger than the limit. */
  oversize: number;
  /** Packets whose payload breaks RFC 6184, or uses what no camera does (STAP-B, MTAP, FU-B). */
  malformed: number;
  /** Fragments whose first one did not come. */
  orphans: number;
  /** Markers that turned up before the end of a picture. */
  falseMarkers: number;
  /** NAL units of types that mean nothing outside RTP, or with the error bit set. */
  badNals: number;
  /** NAL units that held start codes of their own. */
  startCodesInside: number;
  /** Keyframes that came before their parameter sets. */
  keyframesWithoutParameters: number;
  /** Parameter sets that could not be read. */
  badParameterSets: number;
}

const bit = (type: number) => 1 << type;
/** First NAL units that say: more than a slice leads the pictures of this stream. */
const LEADERS = bit(Nal.sei) | bit(Nal.sps) | bit(Nal.pps) | bit(Nal.delimiter);

/**
 * Joins the payloads of RTP packets, in order, into access units.
 *
 * A unit ends with the marker bit or, for cameras that forget it (FLIR M400), with the next timestamp. Losses are told by
 * `gap()`; every unit that may lack a byte is flagged. Whether to go on with it is the caller's, or a `KeyframeGate`'s.
 *
 * @see RFC 6184, 5.6 (single NAL unit), 5.7.1 (STAP-A), 5.8 (FU-A)
 */
export class H264Depacketizer {
  readonly #builder: AccessUnitBuilder;
  readonly #onUnit: (unit: H264Unit) => void;
  readonly #unit: H264Unit;
  readonly #stats = { units: 0, keyframes: 0, corrupt: 0, oversize: 0, malformed: 0, orphans: 0, falseMarkers: 0 };
  #open = false;
  #timestamp = 0;
  #receivedAt = 0;
  #fragmentHeader = 0;
  #discontinuity = false;
  /** Whether packets were lost right before the unit in hand, and right before the next one. */
  #headAtRisk = false;
  #gapBefore = false;
  /** Bits of the NAL unit types that units of this stream begin with. */
  #heads = 0;
  /** The timestamp of the unit that a marker ended. */
  #endedTimestamp = -1;
  #ignoreMarkers = false;
  #emitted = false;
  #seenChanges: number;

  /** @throws {RangeError} where the limit is no positive integer. */
  constructor(options: H264DepacketizerOptions) {
    const { maxUnitBytes = 4 * 1024 * 1024 } = options;
    if (!Number.isInteger(maxUnitBytes) || maxUnitBytes < 1) {
      throw new RangeError(`Cannot make a depacketizer: maxUnitBytes is ${maxUnitBytes}, expected a positive integer`);
    }
    this.#builder = new AccessUnitBuilder(maxUnitBytes);
    this.#onUnit = options.onUnit;
    if (options.parameterSets !== undefined) this.#builder.sets.addAll(options.parameterSets);
    this.#seenChanges = this.#builder.sets.changes;
    this.#unit = {
      data: new Uint8Array(0),
      rtpTimestamp: 0,
      keyframe: false,
      corrupt: false,
      discontinuity: false,
      generation: 0,
      receivedAt: 0,
      info: null,
    };
  }

  get stats(): H264DepacketizerStats {
    const { badNals, startCodesInside, keyframesWithoutParameters, sets } = this.#builder;
    return { ...this.#stats, badNals, startCodesInside, keyframesWithoutParameters, badParameterSets: sets.refused };
  }

  /** The newest parameter sets; more may be added, from a new description. */
  get parameters(): ParameterSets {
    return this.#builder.sets;
  }

  /** Takes the next packet in order. Nothing of it is kept. */
  push(packet: RtpPacketView, receivedAt: number): void {
    if (this.#open) {
      // What was lost between two packets of one picture was that picture's: `gap()` has flagged it.
      if (packet.timestamp === this.#timestamp) this.#gapBefore = false;
      else this.#finish();
    }
    if (!this.#open) this.#begin(packet.timestamp);
    this.#receivedAt = receivedAt;
    const { data, payloadStart, payloadEnd } = packet;
    // Empty packets keep a path open; they may carry the marker.
    if (payloadEnd > payloadStart) this.#payload(data, payloadStart, payloadEnd);
    if (!packet.marker || this.#ignoreMarkers) return;
    // Cameras mark parameter sets that they send by themselves: those belong to the picture that follows.
    if (this.#builder.hasPicture || this.#builder.open || this.#builder.overflow) this.#finish(true);
  }

  /** Packets are missing between the last one and the next. */
  gap(_lost: number): void {
    this.#discontinuity = true;
    this.#gapBefore = true;
    if (!this.#open) return;
    this.#builder.closeNal(false);
    this.#builder.damage();
  }

  /** The next packet belongs to another sequence: what is in hand is handed on, flagged. */
  restart(): void {
    this.flush();
    this.#discontinuity = this.#emitted;
    this.#gapBefore = false;
    this.#heads = 0;
    this.#endedTimestamp = -1;
  }

  /** Hands on the unit in hand. Nobody knows whether its end is there, so that it is flagged. */
  flush(): void {
    if (!this.#open) return;
    this.#builder.damage();
    this.#finish();
  }

  #begin(timestamp: number): void {
    this.#open = true;
    this.#timestamp = timestamp;
    this.#builder.begin();
    this.#headAtRisk = this.#gapBefore;
    this.#gapBefore = false;
  }

  #payload(data: Uint8Array, start: number, end: number): void {
    const builder = this.#builder;
    const type = nalType(data[start]);
    if (type === Nal.fuA) return this.#fragment(data, start, end);
    // Anything else ends a fragmented NAL unit whose last fragment did not say so.
    builder.closeNal(false);
    if (type === Nal.stapA) return this.#aggregate(data, start + 1, end);
    if (type > Nal.stapA) {
      this.#stats.malformed++;
      builder.damage();
      return;
    }
    builder.openNal();
    builder.append(data, start, end);
    builder.closeNal(true);
  }

  #aggregate(data: Uint8Array, at: number, end: number): void {
    const builder = this.#builder;
    while (at + 2 <= end) {
      const size = data[at] << 8 | data[at + 1];
      at += 2;
      const stop = Math.min(at + size, end);
      if (stop > at) {
        builder.openNal();
        builder.append(data, at, stop);
        builder.closeNal(at + size <= end);
      }
      if (at + size > end) this.#stats.malformed++;
      at += size;
    }
    if (at < end) {
      this.#stats.malformed++;
      builder.damage();
    }
  }

  #fragment(data: Uint8Array, start: number, end: number): void {
    const builder = this.#builder;
    if (end - start < 2) {
      this.#stats.malformed++;
      builder.damage();
      return;
    }
    const flags = data[start + 1];
    const header = data[start] & 0xe0 | flags & 0x1f;
    if ((flags & 0x80) !== 0) {
      builder.closeNal(false);
      builder.openNal();
      builder.appendByte(header);
      this.#fragmentHeader = header;
    } else if (!builder.open || nalType(this.#fragmentHeader) !== nalType(header)) {
      builder.closeNal(false);
      builder.damage();
      this.#stats.orphans++;
      return;
    }
    builder.append(data, start + 2, end);
    // Start and end in one fragment is forbidden, and sent by cameras all the same: it is a whole NAL unit.
    if ((flags & 0x40) !== 0) builder.closeNal(true);
  }

  /** Ends the unit in hand and hands it on, unless there is nothing of a picture in it. */
  #finish(byMarker = false): void {
    const builder = this.#builder;
    // A fragmented NAL unit that ends with the picture lacks its end bit only: a lost packet would be a gap.
    builder.closeNal(byMarker);
    this.#open = false;
    if (builder.overflow) {
      this.#stats.oversize++;
      this.#discontinuity = true;
      return;
    }
    if (!builder.hasPicture) {
      // Only a picture's head carries a risk on: what was damaged here may have led the next picture.
      if (builder.damaged || this.#headAtRisk && !this.#headIsIntact()) this.#gapBefore = this.#discontinuity = true;
      return;
    }
    const continued = this.#timestamp === this.#endedTimestamp && !builder.beginsPicture;
    if (continued && !this.#headAtRisk) {
      // The marker came before the picture's end: this camera sets it with each slice. From now on the timestamp decides.
      this.#stats.falseMarkers++;
      this.#ignoreMarkers = true;
    }
    const keyframe = builder.isKeyframe();
    const headMissing = continued || this.#headAtRisk && !this.#headIsIntact() || !builder.beginsPicture;
    const corrupt = builder.damaged || headMissing;
    if (!this.#headAtRisk && builder.beginsPicture) this.#heads |= bit(builder.firstType);
    this.#endedTimestamp = byMarker ? this.#timestamp : -1;
    this.#emit(keyframe, corrupt);
  }

  /** Whether a unit that follows a loss shows by its first NAL unit that nothing of it was lost. */
  #headIsIntact(): boolean {
    const first = this.#builder.firstType;
    if (first === Nal.delimiter) return true;
    if (first === Nal.sps) return (this.#heads & bit(Nal.delimiter)) === 0;
    return first === Nal.idr && this.#builder.beginsPicture && (this.#heads & bit(Nal.idr)) !== 0 &&
      (this.#heads & LEADERS) === 0;
  }

  #emit(keyframe: boolean, corrupt: boolean): void {
    const unit = this.#unit;
    const sets = this.#builder.sets;
    if (sets.changes !== this.#seenChanges) {
      this.#seenChanges = sets.changes;
      if (this.#emitted) unit.generation++;
    }
    unit.data = this.#builder.bytes(keyframe);
    unit.rtpTimestamp = this.#timestamp;
    unit.keyframe = keyframe;
    unit.corrupt = corrupt;
    unit.discontinuity = this.#discontinuity;
    unit.receivedAt = this.#receivedAt;
    unit.info = sets.info;
    this.#stats.units++;
    if (keyframe) this.#stats.keyframes++;
    if (corrupt) this.#stats.corrupt++;
    this.#discontinuity = false;
    this.#emitted = true;
    this.#onUnit(unit);
  }
}
