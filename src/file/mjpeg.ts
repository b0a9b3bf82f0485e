// Pure: no I/O.
import { readJpegSegments } from "../rtp/mod.ts";

/** Whether a file begins as a JPEG file does; a raw stream of MJPEG is one behind the other. */
export function isJpeg(data: Uint8Array): boolean {
  return data.length > 4 && data[0] === 0xff && data[1] === 0xd8 && data[2] === 0xff;
}

/** The bounds of each JPEG file in a stream of them; what lies between is left out. */
export function jpegFilesOf(data: Uint8Array): { start: number; end: number; width: number; height: number }[] {
  const files: { start: number; end: number; width: number; height: number }[] = [];
  for (let start = nextMarker(data, 0, 0xd8); start < data.length;) {
    const { width, height, scan } = readJpegSegments(data, start, data.length);
    // Within the scan no byte that follows 0xff is a marker's, but for those that restart it.
    const end = scan < 0 ? data.length : Math.min(data.length, nextMarker(data, scan, 0xd9) + 2);
    if (scan >= 0 && width > 0 && height > 0) files.push({ start, end, width, height });
    start = nextMarker(data, scan < 0 ? start + 2 : end, 0xd8);
  }
  return files;
}

function nextMarker(data: Uint8Array, from: number, marker: number): number {
  for (let at = data.indexOf(0xff, from); at >= 0 && at + 1 < data.length; at = data.indexOf(0xff, at + 1)) {
    if (data[at + 1] === marker) return at;
  }
  return data.length;
}
