// Pure: no I/O.

const TYPES = ["ftyp", "moov", "mdat", "free", "skip", "wide"];

/** Whether a file begins as MP4 and QuickTime files do: with a box that says its type. */
export function isMp4(data: Uint8Array): boolean {
  return TYPES.includes(String.fromCharCode(...data.subarray(4, 8)));
}
