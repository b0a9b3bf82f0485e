// Pure: no I/O.
import type { RtpPacketView } from "./packet.ts";

/** What a stream tells of its pictures, of whatever codec. */
export interface VideoParameters {
  /** Visible width in pixels, cropping applied. */
  width: number;
  height: number;
  /** Frames a second as announced, 0 where they are not. */
  frameRate: number;
  /** RFC 6381, such as `avc1.64001f`; empty where the codec has none. */
  codecString: string;
  /** Pictures by which presentation may run behind decoding, -1 where that is not told. */
  maxReorder: number;
}

/** One access unit as it comes out of its packets: an object that is used again, borrowed until `onUnit` returns. */
export interface VideoUnit<Info extends VideoParameters = VideoParameters> {
  /**
   * H.264 and HEVC: NAL units in Annex B form with four-byte start codes; a keyframe holds its parameter sets. MJPEG: one
   * JPEG file. Borrowed too.
   */
  data: Uint8Array<ArrayBuffer>;
  rtpTimestamp: number;
  keyframe: boolean;
  /** Whether it refers to pictures before the keyframe that it follows: of no use where decoding began with that one. */
  leading: boolean;
  /** Whether a part is missing or bad, or may be. */
  corrupt: boolean;
  /** Whether packets were lost since the unit before, so that pictures this one refers to may be missing. */
  discontinuity: boolean;
  /** Rises by one with each change of the parameter sets or of the picture's size. */
  generation: number;
  /** When its last packet came, in milliseconds. */
  receivedAt: number;
  /** What the parameter sets tell; null before the first. */
  info: Info | null;
}

/** What a depacketizer of video is made of. */
export interface VideoDepacketizerOptions<Info extends VideoParameters = VideoParameters> {
  /** Parameter sets from the description, in Annex B form. */
  parameterSets?: Uint8Array;
  /** The largest access unit that is built; a larger one is dropped and counted. @default {4 MiB} */
  maxUnitBytes?: number;
  onUnit: (unit: VideoUnit<Info>) => void;
}

/** Counters that every depacketizer of video has; they only rise. */
export interface VideoDepacketizerStats {
  units: number;
  keyframes: number;
  corrupt: number;
  /** Units larger than the limit. */
  oversize: number;
  /** Packets whose payload breaks the payload format, or uses what no camera does. */
  malformed: number;
  /** Fragments whose first one did not come. */
  orphans: number;
}

/**
 * Joins the payloads of RTP packets, in order, into access units. Nothing that it is given makes it throw, and what it
 * holds is bounded.
 */
export interface VideoDepacketizer<Info extends VideoParameters = VideoParameters> {
  readonly stats: VideoDepacketizerStats;
  /** What the newest parameter sets tell; null before the first. */
  readonly info: Info | null;
  /** The newest parameter sets in Annex B form, as a new array; empty for a codec without. */
  readonly parameterSets: Uint8Array<ArrayBuffer>;
  /** Takes parameter sets in Annex B form, from a new description. */
  addParameterSets(annexB: Uint8Array): void;
  /** Takes the next packet in order. Nothing of it is kept. */
  push(packet: RtpPacketView, receivedAt: number): void;
  /** Packets are missing between the last one and the next. */
  gap(lost: number): void;
  /** The next packet belongs to another sequence: what is in hand is handed on, flagged. */
  restart(): void;
  /** Hands on the unit in hand. Nobody knows whether its end is there, so that it is flagged. */
  flush(): void;
}

/** The limit of a unit's size. @throws {RangeError} where it is no positive integer. */
export function checkedUnitBytes(maxUnitBytes: number = 4 * 1024 * 1024): number {
  if (!Number.isInteger(maxUnitBytes) || maxUnitBytes < 1) {
    throw new RangeError(`Cannot make a depacketizer: maxUnitBytes is ${maxUnitBytes}, expected a positive integer`);
  }
  return maxUnitBytes;
}
