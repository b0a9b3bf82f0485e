// Pure: no I/O.
import type { PixelFormat } from "../media/mod.ts";

/**
 * Whether the samples of a scaled picture go from 0 to 255, and not over the video range, 16 to 235. RGB and GRAY8
 * always do, so that black is 0 and white is 255 whatever the camera sends, as OpenCV and FFmpeg's `format=gray` have it; YUV
 * stays what it was: scaling changes the size of a picture and not its levels.
 */
export function scaledFullRange(format: PixelFormat, sourceFullRange: boolean): boolean {
  return format === "GRAY8" || sourceFullRange;
}
