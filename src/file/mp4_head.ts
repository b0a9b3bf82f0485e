// Pure: no I/O.

const TYPES = ["ftyp", "moov", "mdat", "free", "skip", "wide"];

/** Whether a file begins as MP4 and QuickTime files do: with a box that says its type. */
export function isMp4(data: Uint8Array): boolean {
  return TYPES.includes(String.fromCharCode(...data.subarray(4, 8)));
}

/** Whether a file has the box that says where everything is; recorders write it last, or never where they were stopped. */
export function hasIndex(data: Uint8Array): boolean {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  for (let at = 0; at + 8 <= data.length;) {
    if (String.fromCharCode(...data.subarray(at + 4, at + 8)) === "moov") return true;
    const short = view.getUint32(at);
    const bytes = short === 1 && at + 16 <= data.length ? Number(view.getBigUint64(at + 8)) : short;
    if (bytes < 8) return false; // 0: up to the file's end
    at += bytes;
  }
  return false;
}
