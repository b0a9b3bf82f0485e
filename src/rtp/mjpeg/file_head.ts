// Pure: no I/O.
import { HUFFMAN_SEGMENTS } from "./tables.ts";

/** What a picture's packets tell of it, from which the head of its JPEG file is made. */
export interface JpegShape {
  /** 0: two samples of luma for one of chroma in a row (4:2:2); 1: two in a row, and two rows (4:2:0). */
  type: number;
  /** In pixels, up to 65535. */
  width: number;
  height: number;
  /** Blocks between restart markers, 0 where there are none. */
  restartInterval: number;
  /** One quantisation table or two, one behind the other, each of 64 bytes, or of 128 where its bit is set in `wide`. */
  tables: Uint8Array;
  wide: number;
  /** Segments of tables that the camera sends as they are, in place of those; empty where it does not. */
  segments: Uint8Array;
}

/** Room that the head of a file needs at most. */
export const MAX_HEAD_BYTES = 4096;
/** Bytes of tables that a camera may send as they are. */
export const MAX_SEGMENT_BYTES = 2048;

/** Whether the tables are as long as they should be, and how many they are; 0 where not. */
export function countTables(bytes: number, wide: number): number {
  const first = wide & 1 ? 128 : 64, second = wide & 2 ? 128 : 64;
  return bytes === first ? 1 : bytes === first + second ? 2 : 0;
}

/**
 * The head of a JPEG file, from its first marker to the begin of the scan.
 *
 * @see ITU-T T.81, annex B; RFC 2435, appendix B
 */
export function jpegHead(shape: JpegShape): Uint8Array<ArrayBuffer> {
  const { type, width, height, restartInterval, tables, wide, segments } = shape;
  const ownTables = hasSegment(segments, 0xdb);
  const count = ownTables ? 2 : countTables(tables.length, wide);
  const head: number[] = [0xff, 0xd8];
  for (let i = 0, at = 0; i < count && !ownTables; i++) {
    const bytes = wide >> i & 1 ? 128 : 64;
    head.push(0xff, 0xdb, 0, 3 + bytes, (wide >> i & 1) << 4 | i, ...tables.subarray(at, at + bytes));
    at += bytes;
  }
  head.push(...segments);
  if (!hasSegment(segments, 0xc4)) head.push(...HUFFMAN_SEGMENTS);
  // Wide tables are none of the baseline process's.
  head.push(
    0xff,
    wide === 0 || ownTables ? 0xc0 : 0xc1,
    0,
    17,
    8,
    height >> 8,
    height & 0xff,
    width >> 8,
    width & 0xff,
  );
  const chroma = Math.min(1, count - 1);
  head.push(3, 1, type === 0 ? 0x21 : 0x22, 0, 2, 0x11, chroma, 3, 0x11, chroma);
  if (restartInterval > 0) head.push(0xff, 0xdd, 0, 4, restartInterval >> 8, restartInterval & 0xff);
  head.push(0xff, 0xda, 0, 12, 3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0);
  return new Uint8Array(head);
}

/** What the head of a JPEG file, or segments without one, say; null where they are damaged before that. */
export interface JpegSegments {
  width: number;
  height: number;
  /** The sampling of the first component; 0 where it is not said. */
  sampling: number;
  restartInterval: number;
  /** Bounds of the segments with tables, two numbers each. */
  tables: number[];
  /** Where the scan begins; -1 where it does not. */
  scan: number;
}

/** Reads segments of a JPEG file, `data[start..end)`, up to the scan or to what is none. */
export function readSegments(data: Uint8Array, start: number, end: number): JpegSegments {
  const found: JpegSegments = { width: 0, height: 0, sampling: 0, restartInterval: 0, tables: [], scan: -1 };
  let at = start;
  while (at + 4 <= end && data[at] === 0xff) {
    const marker = data[at + 1];
    // Filler, and the begin of the file.
    if (marker === 0xff || marker === 0xd8) {
      at += marker === 0xff ? 1 : 2;
      continue;
    }
    const bytes = data[at + 2] << 8 | data[at + 3];
    const stop = at + 2 + bytes;
    if (marker < 0xc0 || bytes < 2 || stop > end) break;
    if (marker === 0xda) {
      found.scan = stop;
      break;
    }
    if ((marker === 0xc0 || marker === 0xc1) && bytes >= 17) {
      found.height = data[at + 5] << 8 | data[at + 6];
      found.width = data[at + 7] << 8 | data[at + 8];
      found.sampling = data[at + 11];
    } else if (marker === 0xdd && bytes === 4) {
      found.restartInterval = data[at + 4] << 8 | data[at + 5];
    } else if (marker === 0xdb || marker === 0xc4) {
      found.tables.push(at, stop);
    }
    at = stop;
  }
  return found;
}

/** Whether segments of this kind are among them. */
export function hasSegment(segments: Uint8Array, marker: number): boolean {
  for (let at = 0; at + 4 <= segments.length; at += 2 + (segments[at + 2] << 8 | segments[at + 3])) {
    if (segments[at + 1] === marker) return true;
  }
  return false;
}
