// Pure: no I/O.
import type { RtpPacketView } from "../packet.ts";
import {
  checkedUnitBytes,
  type VideoDepacketizer,
  type VideoDepacketizerOptions,
  type VideoDepacketizerStats,
  type VideoParameters,
  type VideoUnit,
} from "../video_depacketizer.ts";
import { JpegPayload } from "./payload.ts";
import { PictureBuffer } from "./picture_buffer.ts";
import { PictureHead } from "./picture_head.ts";

/** What a depacketizer of MJPEG is made of. */
export interface MjpegDepacketizerOptions extends VideoDepacketizerOptions {
  /** Picture size that the description gives; needed above 2040 pixels, unless the packets carry it. @default {0} */
  width?: number;
  height?: number;
  /** Frames a second that the description gives. @default {0} */
  frameRate?: number;
}

/** Counters; they only rise. */
export interface MjpegDepacketizerStats extends VideoDepacketizerStats {
  /** Pictures of a kind that the format does not have, without a size, or whose tables did not come. */
  unknownShape: number;
}

/**
 * Joins the payloads of RTP packets, in order, into JPEG files, each of which is a keyframe.
 *
 * A picture whose begin is missing is dropped; one that lacks something further on ends there, and is flagged.
 *
 * @see RFC 2435
 */
export class MjpegDepacketizer implements VideoDepacketizer {
  readonly parameterSets: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  readonly #picture: PictureBuffer;
  readonly #head: PictureHead;
  readonly #payload = new JpegPayload();
  readonly #onUnit: (unit: VideoUnit) => void;
  readonly #unit: VideoUnit;
  readonly #stats = { units: 0, keyframes: 0, corrupt: 0, oversize: 0, malformed: 0, orphans: 0, unknownShape: 0 };
  #open = false;
  #timestamp = 0;
  /** Whether the picture in hand lacks something, and whether it has a head. */
  #damaged = false;
  #usable = false;
  #discontinuity = false;

  /** @throws {RangeError} where the limit is no positive integer. */
  constructor(options: MjpegDepacketizerOptions) {
    const { width = 0, height = 0, frameRate = 0 } = options;
    this.#picture = new PictureBuffer(checkedUnitBytes(options.maxUnitBytes));
    this.#head = new PictureHead({ width, height, frameRate });
    this.#onUnit = options.onUnit;
    this.#unit = {
      data: new Uint8Array(0),
      rtpTimestamp: 0,
      keyframe: true,
      leading: false,
      corrupt: false,
      discontinuity: false,
      generation: 0,
      receivedAt: 0,
      info: null,
    };
  }

  get stats(): MjpegDepacketizerStats {
    return { ...this.#stats };
  }

  get info(): VideoParameters | null {
    return this.#head.info;
  }

  /** There are none. */
  addParameterSets(): void {}

  push(packet: RtpPacketView, receivedAt: number): void {
    if (this.#open && packet.timestamp !== this.#timestamp) this.#finish();
    this.#unit.receivedAt = receivedAt;
    const { data, payloadStart, payloadEnd } = packet;
    if (payloadEnd > payloadStart) {
      const payload = this.#payload;
      if (!payload.parse(data, payloadStart, payloadEnd)) {
        this.#stats.malformed++;
        this.#damaged = true;
        if (!this.#open) this.#discontinuity = true;
      } else {
        if (payload.offset === 0) this.#begin(packet);
        this.#fragment(packet);
      }
    }
    if (packet.marker && this.#open) this.#finish();
  }

  gap(_lost: number): void {
    this.#discontinuity = true;
    this.#damaged = true;
  }

  restart(): void {
    this.flush();
    this.#discontinuity = this.#stats.units > 0;
  }

  flush(): void {
    if (!this.#open) return;
    this.#damaged = true;
    this.#finish();
  }

  #begin(packet: RtpPacketView): void {
    // Another picture of the same instant: two fields, or a camera whose clock stands.
    if (this.#open) this.#finish();
    this.#open = true;
    this.#timestamp = packet.timestamp;
    this.#damaged = false;
    this.#picture.begin();
    this.#usable = this.#head.read(this.#payload, packet);
    if (this.#usable && this.#head.renewed) this.#picture.setHead(this.#head.bytes);
    if (!this.#usable) this.#stats.unknownShape++;
  }

  #fragment(packet: RtpPacketView): void {
    const { offset, dataStart } = this.#payload;
    if (!this.#open) {
      this.#stats.orphans++;
      this.#discontinuity = true;
      return;
    }
    // Behind what is missing nothing can be placed: where it belongs in the picture only its begin would tell.
    if (offset !== this.#picture.length) this.#damaged = true;
    else if (!this.#damaged || offset === 0) this.#picture.append(packet.data, dataStart, packet.payloadEnd);
  }

  #finish(): void {
    const picture = this.#picture;
    this.#open = false;
    if (picture.overflow) this.#stats.oversize++;
    if (picture.overflow || !this.#usable || picture.length === 0) {
      this.#discontinuity = true;
      return;
    }
    const unit = this.#unit;
    if (this.#head.changed && this.#stats.units > 0) unit.generation++;
    this.#head.changed = false;
    unit.data = picture.file();
    unit.rtpTimestamp = this.#timestamp;
    unit.corrupt = this.#damaged;
    unit.discontinuity = this.#discontinuity;
    unit.info = this.#head.info;
    this.#stats.units++;
    this.#stats.keyframes++;
    if (unit.corrupt) this.#stats.corrupt++;
    this.#discontinuity = false;
    this.#onUnit(unit);
  }
}
