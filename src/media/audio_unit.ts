// Pure: no I/O.

/** A sound codec whose packets Millrace takes apart. Sound is passed on as it comes, and never decoded here. */
export type AudioCodec = "aac" | "pcmu" | "pcma" | "opus" | "l16";

/** One frame of encoded sound, or, of a codec without frames, as much as came in one packet. */
export interface AudioUnit {
  codec: AudioCodec;
  /**
   * AAC: one raw data block without ADTS or LATM around it. G.711: one byte for each sample. Opus: one packet. L16: samples of
   * 16 bits in network order, channels interleaved.
   */
  data: Uint8Array<ArrayBufferLike>;
  /** Presentation time in integer microseconds; from 0 for each track, monotonic over losses and reconnections. */
  pts: number;
  /** In integer microseconds. */
  duration: number;
  /** In Hz. */
  sampleRate: number;
  channels: number;
  /** Number of this unit within its track, from 0. */
  sequence: number;
  /** Whether something is missing between the unit before and this one. */
  discontinuity: boolean;
  /** Whether a part of it is known to be missing. */
  corrupt: boolean;
  /** When its last packet came, in Unix milliseconds of this host (with fractions). */
  receivedAt: number;
  /** When it was recorded, in Unix milliseconds by the camera's own clock; null before the first sender report. */
  wallTime: number | null;
}

/** What is known of a sound track before and while it flows. */
export interface AudioTrackInfo {
  codec: AudioCodec;
  /** RTP clock rate in Hz. */
  clockRate: number;
  /** Samples a second and channels, 0 until they are known. */
  sampleRate: number;
  channels: number;
  /** AAC: the AudioSpecificConfig of ISO/IEC 14496-3; empty for the others, and until it is known. */
  config: Uint8Array;
  /** RFC 6381 codec string such as `mp4a.40.2`; empty where there is none. */
  codecString: string;
}

/** What came on a track that is neither sound nor picture, as it came. */
export interface DataUnit {
  /** Encoding name of the description, such as `vnd.onvif.metadata`. */
  encoding: string;
  /** ONVIF metadata: one XML document. Others: the payload of one packet. */
  data: Uint8Array<ArrayBufferLike>;
  /** In integer microseconds; from 0 for each track. */
  pts: number;
  /** Number of this unit within its track, from 0. */
  sequence: number;
  /** Whether something is missing between the unit before and this one. */
  discontinuity: boolean;
  /** Whether a part of it is known to be missing. */
  corrupt: boolean;
  /** When its last packet came, in Unix milliseconds of this host (with fractions). */
  receivedAt: number;
  /** The camera's own time of it, in Unix milliseconds; null before the first sender report. */
  wallTime: number | null;
}
