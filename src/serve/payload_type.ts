// Pure: no I/O.
import type { VideoCodec } from "../media/mod.ts";

/** RTP's clock for video. */
export const CLOCK_RATE = 90_000;

/** Payload types: the static one that RFC 3551 gives to JPEG, and the first dynamic one. */
export const PAYLOAD_TYPE: Readonly<Record<VideoCodec, number>> = { h264: 96, hevc: 96, mjpeg: 26 };
