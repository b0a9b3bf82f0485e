// Pure: no I/O.
import type { VideoCodec } from "../media/mod.ts";

/** What the body of a video tag says. */
export type VideoTag =
  /** The decoder's configuration, `data[start..end)`: before the first picture, and whenever it changes. */
  | { kind: "configuration"; codec: VideoCodec; start: number; end: number }
  /** A picture: NAL units behind their lengths. */
  | {
    kind: "picture";
    codec: VideoCodec;
    keyframe: boolean;
    /** By how many milliseconds it is shown after it is decoded. */
    delay: number;
    start: number;
    end: number;
  }
  /** A picture of another codec, by the name that there is for it. */
  | { kind: "unknown"; name: string }
  /** Nothing that pictures are made of. */
  | { kind: "other" };

const OTHER: VideoTag = { kind: "other" };
/** 12 is no number of the specification: cameras sent H.265 so long before there was one. */
const LEGACY: Readonly<Record<number, VideoCodec>> = { 7: "h264", 12: "hevc" };
const FOURCC: Readonly<Record<string, VideoCodec>> = { avc1: "h264", hvc1: "hevc" };
const KEYFRAME = 1, COMMAND = 5;
const Enhanced = { begin: 0, picture: 1, pictureNow: 3, modified: 7 } as const;

/** Reads the body of a video tag, `data[start..end)`, in the old form or in the enhanced one. */
export function readVideoTag(data: Uint8Array, start: number, end: number): VideoTag {
  if (start >= end) return OTHER;
  const first = data[start];
  if ((first & 0x80) !== 0) return readEnhanced(data, start, end);
  const type = first >> 4, number = first & 0x0f;
  if (type === COMMAND) return OTHER;
  const codec = LEGACY[number];
  if (codec === undefined) return { kind: "unknown", name: `codec ${number}` };
  if (end - start < 5) return OTHER;
  if (data[start + 1] === 0) return { kind: "configuration", codec, start: start + 5, end };
  if (data[start + 1] !== 1) return OTHER;
  return picture(codec, type === KEYFRAME, signed24(data, start + 2), start + 5, end);
}

function readEnhanced(data: Uint8Array, start: number, end: number): VideoTag {
  const keyframe = (data[start] >> 4 & 7) === KEYFRAME;
  if ((data[start] >> 4 & 7) === COMMAND) return OTHER;
  let type = data[start] & 0x0f, at = start + 1;
  while (type === Enhanced.modified) {
    // A modification's length less one, itself, and, in half a byte each, its type and that of what follows.
    let bytes = (data[at] ?? 0) + 1;
    at++;
    if (bytes === 256) {
      bytes = (data[at] << 8 | data[at + 1]) + 1;
      at += 2;
    }
    at += bytes + 1;
    if (at > end) return OTHER;
    type = data[at - 1] & 0x0f;
  }
  if (end - at < 4) return OTHER;
  const name = String.fromCharCode(data[at], data[at + 1], data[at + 2], data[at + 3]);
  const codec = FOURCC[name];
  if (codec === undefined) return { kind: "unknown", name: name.replace(/[^\x20-\x7e]/g, "?") };
  at += 4;
  if (type === Enhanced.begin) return { kind: "configuration", codec, start: at, end };
  if (type === Enhanced.pictureNow) return picture(codec, keyframe, 0, at, end);
  if (type !== Enhanced.picture || end - at < 3) return OTHER;
  return picture(codec, keyframe, signed24(data, at), at + 3, end);
}

function picture(codec: VideoCodec, keyframe: boolean, delay: number, start: number, end: number): VideoTag {
  return { kind: "picture", codec, keyframe, delay, start, end };
}

function signed24(data: Uint8Array, at: number): number {
  return (data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8) >> 8;
}
