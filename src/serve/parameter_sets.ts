// Pure: no I/O.
import type { VideoCodec } from "../media/mod.ts";
import {
  findStartCode,
  hevcNalType,
  isHevcPicture,
  isPictureNal,
  joinAnnexB,
  Nal,
  nalType,
  splitAnnexB,
} from "../rtp/mod.ts";

/** Sets of one picture that are looked at; a stream with more is none that a description could hold. */
const MAX_SETS = 64;

/**
 * The parameter sets in front of a picture's first slice, in Annex B form; null where there are none, as in all of MJPEG.
 */
export function parameterSetsOf(codec: VideoCodec, unit: Uint8Array): Uint8Array<ArrayBuffer> | null {
  if (codec === "mjpeg") return null;
  const sets: Uint8Array[] = [];
  splitAnnexB(
    unit,
    (start, end) => {
      if (sets.length < MAX_SETS && isParameterSet(codec, unit[start])) sets.push(unit.subarray(start, end));
    },
    0,
    firstPicture(codec, unit),
  );
  return sets.length > 0 ? joinAnnexB(sets) : null;
}

/** Each set by itself, without start codes. */
export function splitSets(sets: Uint8Array): Uint8Array[] {
  const all: Uint8Array[] = [];
  splitAnnexB(sets, (start, end) => all.push(sets.subarray(start, end)));
  return all;
}

function isParameterSet(codec: "h264" | "hevc", first: number): boolean {
  if (codec === "h264") return nalType(first) === Nal.sps || nalType(first) === Nal.pps;
  const type = hevcNalType(first);
  return type >= 32 && type <= 34;
}

/** Where the first slice begins: what lies behind is most of the picture, and is not looked at. */
function firstPicture(codec: "h264" | "hevc", unit: Uint8Array): number {
  const { length } = unit;
  for (let code = findStartCode(unit, 0, length); code < length; code = findStartCode(unit, code + 3, length)) {
    const first = unit[code + 3];
    if (codec === "h264" ? isPictureNal(nalType(first)) : isHevcPicture(hevcNalType(first))) return code;
  }
  return length;
}
