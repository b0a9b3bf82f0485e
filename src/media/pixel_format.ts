// Pure: no I/O.

/**
 * How the samples of a picture lie in memory. WebCodecs' name, or FFmpeg's where WebCodecs has none. `RGBPF32`: three planes
 * of 32-bit floats, red, green and blue, as networks take them (NCHW with N = 1).
 */
export type PixelFormat =
  | "I420"
  | "I422"
  | "I444"
  | "NV12"
  | "I420P10"
  | "RGB24"
  | "BGR24"
  | "RGBA"
  | "BGRA"
  | "GRAY8"
  | "RGBPF32";

/** One plane's share of a picture: bytes for `step` samples across, and by how many bits each side is halved. */
interface PlaneShape {
  bytesPerPixel: number;
  shiftX: number;
  shiftY: number;
}

const full = (bytesPerPixel: number): PlaneShape => ({ bytesPerPixel, shiftX: 0, shiftY: 0 });
const SHAPES: Record<PixelFormat, readonly PlaneShape[]> = {
  I420: [full(1), { bytesPerPixel: 1, shiftX: 1, shiftY: 1 }, { bytesPerPixel: 1, shiftX: 1, shiftY: 1 }],
  I422: [full(1), { bytesPerPixel: 1, shiftX: 1, shiftY: 0 }, { bytesPerPixel: 1, shiftX: 1, shiftY: 0 }],
  I444: [full(1), full(1), full(1)],
  NV12: [full(1), { bytesPerPixel: 2, shiftX: 1, shiftY: 1 }],
  I420P10: [full(2), { bytesPerPixel: 2, shiftX: 1, shiftY: 1 }, { bytesPerPixel: 2, shiftX: 1, shiftY: 1 }],
  RGB24: [full(3)],
  BGR24: [full(3)],
  RGBA: [full(4)],
  BGRA: [full(4)],
  GRAY8: [full(1)],
  RGBPF32: [full(4), full(4), full(4)],
};

/** Every pixel format, in the order of its number in a ring's slot: the number is the index here plus one. */
export const PIXEL_FORMATS = Object.keys(SHAPES) as readonly PixelFormat[];

/** The number that stands for a pixel format in a ring's slot. */
export function pixelFormatCode(format: PixelFormat): number {
  return PIXEL_FORMATS.indexOf(format) + 1;
}

/** The pixel format that a number of a ring's slot stands for, or undefined where it stands for none. */
export function pixelFormatOf(code: number): PixelFormat | undefined {
  return PIXEL_FORMATS[code - 1];
}

/** Whether a word is the name of a pixel format. */
export function isPixelFormat(word: string): word is PixelFormat {
  return Object.hasOwn(SHAPES, word);
}

/** Where one plane lies in a picture without padding. */
export interface PlaneLayout {
  /** Bytes from the picture's first byte. */
  offset: number;
  /** Bytes from row to row: the bytes of one row, as there is no padding. */
  stride: number;
  rows: number;
}

/**
 * The planes of a picture without padding, one after the other; odd sizes round the halved planes up.
 *
 * @throws {RangeError} where a side is not a positive integer.
 */
export function packedPlanes(format: PixelFormat, width: number, height: number): PlaneLayout[] {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new RangeError(`Cannot lay out a picture: size is ${width}x${height}, expected positive integers`);
  }
  let offset = 0;
  return SHAPES[format].map(({ bytesPerPixel, shiftX, shiftY }) => {
    const stride = ((width + (1 << shiftX) - 1) >> shiftX) * bytesPerPixel;
    const rows = (height + (1 << shiftY) - 1) >> shiftY;
    const plane = { offset, stride, rows };
    offset += stride * rows;
    return plane;
  });
}

/** Bytes of a picture without padding. */
export function packedBytes(format: PixelFormat, width: number, height: number): number {
  const planes = packedPlanes(format, width, height);
  const last = planes[planes.length - 1];
  return last.offset + last.stride * last.rows;
}
