// Pure: no I/O.

/** The types of NAL unit that mean something here. @see H.265, table 7-1; RFC 7798, 4.4 */
export const HevcNal = {
  raslN: 8,
  raslR: 9,
  blaWithLeading: 16,
  cra: 21,
  lastReservedIrap: 23,
  vps: 32,
  sps: 33,
  pps: 34,
  delimiter: 35,
  prefixSei: 39,
  suffixSei: 40,
  aggregation: 48,
  fragment: 49,
  paci: 50,
} as const;

/** The type of a NAL unit, from its first byte. */
export function hevcNalType(first: number): number {
  return first >> 1 & 0x3f;
}

/** Whether a type carries a part of the picture. */
export function isHevcPicture(type: number): boolean {
  return type < HevcNal.vps;
}

/** Whether decoding can begin with a picture of this type. */
export function isHevcKeyframe(type: number): boolean {
  return type >= HevcNal.blaWithLeading && type <= HevcNal.cra;
}

/** Whether a picture of this type refers to pictures before the keyframe that it follows, and is shown before it (RASL). */
export function isHevcSkipped(type: number): boolean {
  return type === HevcNal.raslN || type === HevcNal.raslR;
}

/** Whether a slice is the first one of its picture. `first` is the first byte behind its header. @see H.265, 7.3.6.1 */
export function isHevcFirstSlice(first: number): boolean {
  return (first & 0x80) !== 0;
}
