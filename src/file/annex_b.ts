// Pure: no I/O.
import { isPictureNal, Nal, nalType, readSliceHead, splitAnnexB } from "../rtp/mod.ts";

/** The bounds of one access unit in a stream, its start codes included. */
export interface UnitBounds {
  start: number;
  end: number;
  keyframe: boolean;
}

/** What a NAL unit is to the search for the next access unit. */
interface NalRole {
  /** Part of a picture, and the first part of it. */
  opensPicture: boolean;
  picture: boolean;
  /** Can only stand before the first slice of an access unit. */
  leads: boolean;
  keyframe: boolean;
}

/** H.264's rules. @see H.264, 7.4.1.2.3 */
function h264Role(data: Uint8Array, start: number, end: number): NalRole {
  const type = nalType(data[start]);
  const picture = isPictureNal(type);
  return {
    picture,
    opensPicture: picture && readSliceHead(data, start, end).first,
    leads: type >= Nal.sei && type <= Nal.delimiter || type >= 14 && type <= 18,
    keyframe: type === Nal.idr,
  };
}

/** H.265's rules. @see H.265, 7.4.2.4.4 */
function hevcRole(data: Uint8Array, start: number): NalRole {
  const type = data[start] >> 1 & 0x3f;
  const picture = type < 32;
  return {
    picture,
    opensPicture: picture && (data[start + 2] & 0x80) !== 0,
    leads: type >= 32 && type <= 35 || type === 39 || type >= 41 && type <= 44 || type >= 48 && type <= 55,
    keyframe: type >= 16 && type <= 21,
  };
}

/** Finds the access units of an Annex B stream; those without a picture are joined to the one after. */
export function accessUnitsOf(data: Uint8Array, codec: "h264" | "hevc"): UnitBounds[] {
  const units: UnitBounds[] = [];
  let start = -1, hasPicture = false, keyframe = false;
  splitAnnexB(data, (nalStart, nalEnd) => {
    const role = codec === "h264" ? h264Role(data, nalStart, nalEnd) : hevcRole(data, nalStart);
    // The start code has three bytes, and a fourth where there is a zero before it.
    const code = nalStart - 3 - (nalStart > 3 && data[nalStart - 4] === 0 ? 1 : 0);
    if (start < 0) start = code;
    if (hasPicture && (role.opensPicture || role.leads)) {
      units.push({ start, end: code, keyframe });
      start = code;
      hasPicture = keyframe = false;
    }
    if (!role.picture) return;
    hasPicture = true;
    keyframe ||= role.keyframe;
  });
  if (hasPicture) units.push({ start, end: data.length, keyframe });
  return units;
}

/** Which codec an Annex B stream is of, by its parameter sets; null where it has neither's. */
export function codecOfAnnexB(data: Uint8Array): "h264" | "hevc" | null {
  let h264 = 0, hevc = 0;
  splitAnnexB(data.subarray(0, 65_536), (start) => {
    if ((data[start] & 0x9f) === 7 && data[start] !== 7) h264++;
    // nuh_layer_id 0 and nuh_temporal_id_plus1 1: the first byte is even, for which 0x41, a slice of H.264's, is not taken.
    const type = data[start] >> 1 & 0x3f;
    if (type >= 32 && type <= 34 && (data[start] & 0x81) === 0 && data[start + 1] === 1) hevc++;
  });
  return hevc > h264 ? "hevc" : h264 > 0 ? "h264" : null;
}
