// Pure: no I/O.
import type { VideoCodec } from "../media/mod.ts";
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

/** Encoding names of video in a description, in upper case. */
const ENCODINGS: Readonly<Record<string, VideoCodec>> = { H264: "h264", H265: "hevc", HEVC: "hevc", JPEG: "mjpeg" };

/** The codec that an encoding name stands for; null where it is none that is known here. */
export function videoCodecOf(encoding: string): VideoCodec | null {
  return Object.hasOwn(ENCODINGS, encoding.toUpperCase()) ? ENCODINGS[encoding.toUpperCase()] : null;
}

/** The depacketizer of a codec, made by what the description says. */
export function videoDepacketizer(
  codec: VideoCodec,
  options: VideoDepacketizerOptions & { format?: VideoFormat },
): VideoDepacketizer {
  const { format, ...rest } = options;
  switch (codec) {
    case "h264":
      return new H264Depacketizer(rest);
    case "hevc":
      return new HevcDepacketizer({
        ...rest,
        decodingOrderNumbers: Number(format?.parameters["sprop-max-don-diff"] ?? 0) > 0,
      });
    case "mjpeg":
      return new MjpegDepacketizer({
        ...rest,
        width: format?.width,
        height: format?.height,
        frameRate: format?.frameRate,
      });
  }
}
