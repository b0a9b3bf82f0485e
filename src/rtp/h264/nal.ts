// Pure: no I/O.

/** The types of NAL unit that mean something here. @see H.264, table 7-1; RFC 6184, table 1 */
export const Nal = {
  slice: 1,
  partitionA: 2,
  idr: 5,
  sei: 6,
  sps: 7,
  pps: 8,
  delimiter: 9,
  endOfSequence: 10,
  endOfStream: 11,
  stapA: 24,
  fuA: 28,
} as const;

/** The type of a NAL unit, from its first byte. */
export function nalType(first: number): number {
  return first & 0x1f;
}

/** Whether a type carries a part of the picture. */
export function isPictureNal(type: number): boolean {
  return type >= Nal.slice && type <= Nal.idr;
}
