// Pure: no I/O.

/** A video codec that Millrace decodes. */
export type VideoCodec = "h264" | "hevc" | "mjpeg";

/**
 * One encoded picture.
 *
 * Ownership: `data` belongs to whoever holds the access unit, unless the place that hands it out says that it is
 * borrowed until the next one.
 */
export interface AccessUnit {
  /** The codec of `data`. */
  codec: VideoCodec;
  /** H.264 and HEVC: NAL units in Annex B form, each with a four-byte start code. MJPEG: one JPEG file. */
  data: Uint8Array<ArrayBufferLike>;
  /** Presentation time in integer microseconds, monotonic over losses and reconnections of one source. */
  pts: number;
  /** Decoding time in integer microseconds; never above `pts`. */
  dts: number;
  /** Whether decoding can start here. */
  keyframe: boolean;
  /** Whether a part of this picture is known to be missing. */
  corrupt: boolean;
  /** Number of this access unit within its source, from 0. */
  sequence: number;
  /** Rises by one each time the parameter sets or the picture's size change. */
  generation: number;
  /** When its last packet came, in Unix milliseconds of this host (with fractions). */
  receivedAt: number;
  /** When the camera took it, in Unix milliseconds by the camera's own clock; null before the first sender report. */
  wallTime: number | null;
}

/** What is known of a video track before and while it flows. */
export interface VideoTrackInfo {
  codec: VideoCodec;
  /** RTP clock rate in Hz. */
  clockRate: number;
  /** Picture width in pixels, 0 until it is known. */
  width: number;
  /** Picture height in pixels, 0 until it is known. */
  height: number;
  /** Frames a second as the stream announces them, 0 where it does not. */
  frameRate: number;
  /** RFC 6381 codec string such as `avc1.64001f`; empty until it is known. */
  codecString: string;
  /** Parameter sets known out of band, in Annex B form; empty where there are none. */
  parameterSets: Uint8Array;
}
