// Pure: no I/O.
import type { AudioCodec, VideoCodec } from "../media/mod.ts";
import {
  AacDepacketizer,
  type AudioDepacketizer,
  type AudioDepacketizerOptions,
  LatmDepacketizer,
  OpusDepacketizer,
  PcmDepacketizer,
} from "./audio/mod.ts";
import { H264Depacketizer } from "./h264/depacketizer.ts";
import { HevcDepacketizer } from "./h265/depacketizer.ts";
import { MjpegDepacketizer } from "./mjpeg/depacketizer.ts";
import type { VideoDepacketizer, VideoDepacketizerOptions } from "./video_depacketizer.ts";

/** What a description says of a video track, beside its parameter sets; plain data. */
export interface VideoFormat {
  /** Picture size, for a codec that cannot tell a large one; 0 where it is not said. */
  width: number;
  height: number;
  /** Frames a second, 0 where they are not said. */
  frameRate: number;
  /** Parameters of `a=fmtp`, names in lower case. */
  parameters: Readonly<Record<string, string>>;
}

type VideoOptions = VideoDepacketizerOptions & { format?: VideoFormat };

interface VideoPayload {
  kind: "video";
  codec: VideoCodec;
  make: (options: VideoOptions) => VideoDepacketizer;
}

interface AudioPayload {
  kind: "audio";
  codec: AudioCodec;
  make: (options: AudioDepacketizerOptions) => AudioDepacketizer;
  /** Whether what the description says is of this codec; the name stands for others as well. */
  fits?: (parameters: Readonly<Record<string, string>>) => boolean;
}

interface DataPayload {
  kind: "data";
  /** Whether packets up to one with the marker are one document. */
  joined: boolean;
}

const H264: VideoPayload = { kind: "video", codec: "h264", make: (options) => new H264Depacketizer(options) };
const HEVC: VideoPayload = {
  kind: "video",
  codec: "hevc",
  make: ({ format, ...options }) =>
    new HevcDepacketizer({
      ...options,
      decodingOrderNumbers: Number(format?.parameters["sprop-max-don-diff"] ?? 0) > 0,
    }),
};
const MJPEG: VideoPayload = {
  kind: "video",
  codec: "mjpeg",
  make: ({ format, ...options }) => new MjpegDepacketizer({ ...options, ...format }),
};
const pcm = (codec: AudioCodec, bytesPerSample: number): AudioPayload => ({
  kind: "audio",
  codec,
  make: (options) => new PcmDepacketizer({ ...options, bytesPerSample }),
});
const DOCUMENT: DataPayload = { kind: "data", joined: true };

type PayloadFormat = VideoPayload | AudioPayload | DataPayload;

const VIDEO: Readonly<Record<VideoCodec, VideoPayload>> = { h264: H264, hevc: HEVC, mjpeg: MJPEG };

/** The one table from encoding names, in upper case, to payload formats. What is not in it is offered packet by packet. */
const FORMATS: ReadonlyMap<string, PayloadFormat> = new Map<string, PayloadFormat>([
  ["H264", H264],
  ["H265", HEVC],
  ["HEVC", HEVC],
  ["JPEG", MJPEG],
  ["MPEG4-GENERIC", {
    kind: "audio",
    codec: "aac",
    make: (options) => new AacDepacketizer(options),
    // CELP and anything else of MPEG-4 have modes of their own; some cameras leave AAC's out.
    fits: ({ mode = "" }) => mode === "" || /^aac-[hl]br$/i.test(mode.trim()),
  }],
  ["MP4A-LATM", { kind: "audio", codec: "aac", make: (options) => new LatmDepacketizer(options) }],
  ["OPUS", { kind: "audio", codec: "opus", make: (options) => new OpusDepacketizer(options) }],
  ["PCMU", pcm("pcmu", 1)],
  ["PCMA", pcm("pcma", 1)],
  ["L16", pcm("l16", 2)],
  ["VND.ONVIF.METADATA", DOCUMENT],
  ["VND.ONVIF.METADATA.GZIP", DOCUMENT],
  ["VND.ONVIF.METADATA.EXI.ONVIF", DOCUMENT],
  ["VND.ONVIF.METADATA.EXI.EXT", DOCUMENT],
]);

function formatOf(encoding: string): PayloadFormat | undefined {
  return FORMATS.get(encoding.toUpperCase());
}

/** The video codec that an encoding name stands for; null where it is none that is known here. */
export function videoCodecOf(encoding: string): VideoCodec | null {
  const format = formatOf(encoding);
  return format?.kind === "video" ? format.codec : null;
}

/** The codec of sound that a description's encoding name and parameters stand for; null where it is none that is known here. */
export function audioCodecOf(encoding: string, parameters: Readonly<Record<string, string>> = {}): AudioCodec | null {
  const format = formatOf(encoding);
  return format?.kind === "audio" && (format.fits?.(parameters) ?? true) ? format.codec : null;
}

/** Whether packets of this encoding up to a marker are one document. */
export function isJoined(encoding: string): boolean {
  const format = formatOf(encoding);
  return format?.kind === "data" && format.joined;
}

/** The depacketizer of a codec, made by what the description says. */
export function videoDepacketizer(codec: VideoCodec, options: VideoOptions): VideoDepacketizer {
  return VIDEO[codec].make(options);
}

/**
 * The depacketizer of an encoding name, made by what the description says.
 *
 * @throws {TypeError} where it is no sound that is known here; `audioCodecOf()` tells.
 */
export function audioDepacketizer(encoding: string, options: AudioDepacketizerOptions): AudioDepacketizer {
  const format = formatOf(encoding);
  if (format?.kind !== "audio") {
    throw new TypeError(`Cannot take ${encoding} apart: it is no codec of sound known here`);
  }
  return format.make(options);
}
