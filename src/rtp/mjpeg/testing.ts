// Pure: no I/O.
import { jpegHead, type JpegShape } from "./file_head.ts";
import { quantisationTables } from "./tables.ts";

/** A JPEG file of this shape with this scan. */
export function jpegFile(scan: Uint8Array | number[], shape: Partial<JpegShape> = {}): Uint8Array<ArrayBuffer> {
  const head = jpegHead({
    type: 1,
    width: 320,
    height: 240,
    restartInterval: 0,
    tables: quantisationTables(50),
    wide: 0,
    segments: new Uint8Array(0),
    ...shape,
  });
  return new Uint8Array([...head, ...scan, 0xff, 0xd9]);
}
