// Pure: no I/O.
import type { RtpPacketView } from "./packet.ts";
import { Head, type UnitBuilder } from "./unit_builder.ts";
import type {
  VideoDepacketizer,
  VideoDepacketizerOptions,
  VideoDepacketizerStats,
  VideoParameters,
  VideoUnit,
} from "./video_depacketizer.ts";

/** Counters of a depacketizer for NAL units; they only rise. */
export interface NalDepacketizerStats extends VideoDepacketizerStats {
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

/** What leads a picture, beside its slices. */
const LEADERS = Head.delimiter | Head.sets | Head.leader;

/**
 * What H.264 and H.265 have in common: units of NAL units that come whole, several in a packet, or in fragments.
 *
 * A unit ends with the marker bit or, for cameras that forget it (FLIR M400), with the next timestamp. Losses are told by
 * `gap()`; every unit that may lack a byte is flagged. Whether to go on with it is the caller's, or a `KeyframeGate`'s.
 */
export abstract class NalDepacketizer<Info extends VideoParameters> implements VideoDepacketizer<Info> {
  protected readonly builder: UnitBuilder<Info>;
  protected readonly counts = {
    units: 0,
    keyframes: 0,
    corrupt: 0,
    oversize: 0,
    malformed: 0,
    orphans: 0,
    falseMarkers: 0,
  };
  readonly #onUnit: (unit: VideoUnit<Info>) => void;
  readonly #unit: VideoUnit<Info>;
  #open = false;
  #timestamp = 0;
  #receivedAt = 0;
  #discontinuity = false;
  /** Whether packets were lost right before the unit in hand, and right before the next one. */
  #headAtRisk = false;
  #gapBefore = false;
  /** What units of this stream begin with: bits of `Head`. */
  #heads = 0;
  /** The timestamp of the unit that a marker ended. */
  #endedTimestamp = -1;
  #ignoreMarkers = false;
  #emitted = false;
  #seenChanges: number;

  constructor(builder: UnitBuilder<Info>, options: VideoDepacketizerOptions<Info>) {
    this.builder = builder;
    this.#onUnit = options.onUnit;
    if (options.parameterSets !== undefined) builder.sets.addAll(options.parameterSets);
    this.#seenChanges = builder.sets.changes;
    this.#unit = {
      data: new Uint8Array(0),
      rtpTimestamp: 0,
      keyframe: false,
      leading: false,
      corrupt: false,
      discontinuity: false,
      generation: 0,
      receivedAt: 0,
      info: null,
    };
  }

  /** Takes a payload of at least one byte apart. */
  protected abstract payload(data: Uint8Array, start: number, end: number): void;

  get stats(): NalDepacketizerStats {
    const { badNals, startCodesInside, keyframesWithoutParameters, sets } = this.builder;
    return { ...this.counts, badNals, startCodesInside, keyframesWithoutParameters, badParameterSets: sets.refused };
  }

  get info(): Info | null {
    return this.builder.sets.info;
  }

  get parameterSets(): Uint8Array<ArrayBuffer> {
    return this.builder.sets.toAnnexB();
  }

  addParameterSets(annexB: Uint8Array): void {
    this.builder.sets.addAll(annexB);
  }

  push(packet: RtpPacketView, receivedAt: number): void {
    if (this.#open) {
      // What was lost between two packets of one picture was that picture's: `gap()` has flagged it.
      if (packet.timestamp === this.#timestamp) this.#gapBefore = false;
      else this.#finish(false);
    }
    if (!this.#open) this.#begin(packet.timestamp);
    this.#receivedAt = receivedAt;
    const { data, payloadStart, payloadEnd } = packet;
    // Empty packets keep a path open; they may carry the marker.
    if (payloadEnd > payloadStart) this.payload(data, payloadStart, payloadEnd);
    if (!packet.marker || this.#ignoreMarkers) return;
    // Cameras mark parameter sets that they send by themselves: those belong to the picture that follows.
    if (this.builder.hasPicture || this.builder.open || this.builder.overflow) this.#finish(true);
  }

  gap(_lost: number): void {
    this.#discontinuity = true;
    this.#gapBefore = true;
    if (!this.#open) return;
    this.builder.closeNal(false);
    this.builder.damage();
  }

  restart(): void {
    this.flush();
    this.#discontinuity = this.#emitted;
    this.#gapBefore = false;
    this.#heads = 0;
    this.#endedTimestamp = -1;
  }

  flush(): void {
    if (!this.#open) return;
    this.builder.damage();
    this.#finish(false);
  }

  /** A packet of this payload cannot be read: what is missing belongs to the unit in hand. */
  protected malformed(): void {
    this.counts.malformed++;
    this.builder.damage();
  }

  /** Another picture begins under the same timestamp. */
  protected nextPicture(): void {
    this.#finish(false);
    this.#begin(this.#timestamp);
  }

  #begin(timestamp: number): void {
    this.#open = true;
    this.#timestamp = timestamp;
    this.builder.begin();
    this.#headAtRisk = this.#gapBefore;
    this.#gapBefore = false;
  }

  /** Ends the unit in hand and hands it on, unless there is nothing of a picture in it. */
  #finish(byMarker: boolean): void {
    const { builder } = this;
    // A fragmented NAL unit that ends with the picture lacks its end bit only: a lost packet would be a gap.
    builder.closeNal(byMarker);
    this.#open = false;
    if (builder.overflow) {
      this.counts.oversize++;
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
      this.counts.falseMarkers++;
      this.#ignoreMarkers = true;
    }
    const keyframe = builder.isKeyframe();
    const headMissing = continued || this.#headAtRisk && !this.#headIsIntact() || !builder.beginsPicture;
    const corrupt = builder.damaged || headMissing;
    if (!this.#headAtRisk && builder.beginsPicture) this.#heads |= builder.head;
    this.#endedTimestamp = byMarker ? this.#timestamp : -1;
    this.#emit(keyframe, corrupt);
  }

  /** Whether a unit that follows a loss shows by its first NAL unit that nothing of it was lost. */
  #headIsIntact(): boolean {
    const { head, beginsPicture } = this.builder;
    if (head === Head.delimiter) return true;
    if (head === Head.sets) return (this.#heads & Head.delimiter) === 0;
    return head === Head.keySlice && beginsPicture && (this.#heads & Head.keySlice) !== 0 &&
      (this.#heads & LEADERS) === 0;
  }

  #emit(keyframe: boolean, corrupt: boolean): void {
    const unit = this.#unit;
    const { sets, leading } = this.builder;
    if (sets.changes !== this.#seenChanges) {
      this.#seenChanges = sets.changes;
      if (this.#emitted) unit.generation++;
    }
    unit.data = this.builder.bytes(keyframe);
    unit.rtpTimestamp = this.#timestamp;
    unit.keyframe = keyframe;
    unit.leading = leading;
    unit.corrupt = corrupt;
    unit.discontinuity = this.#discontinuity;
    unit.receivedAt = this.#receivedAt;
    unit.info = sets.info;
    this.counts.units++;
    if (keyframe) this.counts.keyframes++;
    if (corrupt) this.counts.corrupt++;
    this.#discontinuity = false;
    this.#emitted = true;
    this.#onUnit(unit);
  }
}
