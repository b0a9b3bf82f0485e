import { h264Parameters, hevcParameters, joinAnnexB, nalType, splitAnnexB } from "../rtp/mod.ts";
import { presentationOrder } from "./presentation_order.ts";
import { accessUnitsOf, codecOfAnnexB } from "./annex_b.ts";
import { isJpeg, jpegFilesOf } from "./mjpeg.ts";
import { isMp4 } from "./mp4_head.ts";

/** A video file, read whole. */
export interface VideoFile {
  codec: "h264" | "hevc" | "mjpeg";
  /** In pixels; 0 where it is not known before decoding. */
  width: number;
  height: number;
  /** Frames a second; 25 where a raw stream does not say. */
  frameRate: number;
  /** The first parameter sets, in Annex B form; of MJPEG none. */
  parameterSets: Uint8Array;
  /**
   * In decoding order; times in microseconds. A raw stream has no times: they follow from the frame rate, and from the
   * order in which its pictures are shown.
   */
  units: { data: Uint8Array; pts: number; dts: number; keyframe: boolean }[];
}

/**
 * Reads the access units of a video file: `.mp4`, `.mov`, or a raw H.264, H.265 or MJPEG stream.
 *
 * @throws {TypeError} where it is none of these.
 * @throws {Deno.errors.NotFound}
 */
export async function readVideoFile(path: string | URL): Promise<VideoFile> {
  const name = String(path).split("/").at(-1)!;
  const data = await Deno.readFile(path);
  if (isMp4(data)) return await (await import("./mp4.ts")).readMp4(data, name);
  if (isJpeg(data)) return readMjpeg(data, name);
  return readAnnexB(data, name);
}

/**
 * As `readVideoFile`, for the bytes of a raw stream.
 *
 * @throws {TypeError} where it is none, or does not tell in which order its pictures are shown.
 */
export function readAnnexB(data: Uint8Array, name = "the stream"): VideoFile {
  const codec = codecOfAnnexB(data);
  if (!codec) throw new TypeError(`Cannot play ${name}: it is no MP4 file, and no raw H.264, H.265 or MJPEG stream`);
  const begin = data.subarray(0, 65_536);
  const parameters = codec === "h264" ? h264Parameters(begin) : hevcParameters(begin);
  const frameRate = parameters?.frameRate || 25;
  const bounds = accessUnitsOf(data, codec).map(({ start, end, keyframe }) => ({
    data: data.subarray(start, end),
    keyframe,
  }));
  const shown = presentationOrder(bounds.map((unit) => unit.data), codec, name);
  // By how many pictures decoding must be ahead, so that none is shown before it is decoded.
  const delay = shown.reduce((most, place, i) => Math.max(most, i - place), 0);
  const time = (pictures: number) => Math.round(pictures * 1e6 / frameRate);
  const units = bounds.map((unit, i) => ({ ...unit, pts: time(shown[i]), dts: time(i - delay) }));
  if (units.length === 0) throw new TypeError(`Cannot play ${name}: it has no picture`);
  const sets: Uint8Array[] = [];
  const first = units[0].data;
  splitAnnexB(first, (start, end) => {
    const type = codec === "h264" ? nalType(first[start]) : first[start] >> 1 & 0x3f;
    if (codec === "h264" ? type === 7 || type === 8 : type >= 32 && type <= 34) sets.push(first.subarray(start, end));
  });
  const { width = 0, height = 0 } = parameters ?? {};
  return { codec, width, height, frameRate, parameterSets: joinAnnexB(sets), units };
}

/** A stream of JPEG files, one behind the other, which does not say how fast they follow. */
function readMjpeg(data: Uint8Array, name: string): VideoFile {
  const frameRate = 25;
  const files = jpegFilesOf(data);
  if (files.length === 0) throw new TypeError(`Cannot play ${name}: it has no picture`);
  const { width, height } = files[0];
  const units = files.map(({ start, end }, i) => {
    const time = Math.round(i * 1e6 / frameRate);
    return { data: data.subarray(start, end), pts: time, dts: time, keyframe: true };
  });
  return { codec: "mjpeg", width, height, frameRate, parameterSets: new Uint8Array(0), units };
}
