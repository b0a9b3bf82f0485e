// Pure: no I/O.
import type { BitReader } from "./bit_reader.ts";

/**
 * Passes over what the usability information of H.264 and H.265 begins with, alike in both: how samples are shaped and shown.
 *
 * @see ITU-T H.264, E.1.1; ITU-T H.265, E.2.1
 */
export function skipDisplay(r: BitReader): void {
  if (r.flag() && r.bits(8) === 255) r.bits(32); // aspect ratio
  if (r.flag()) r.bit(); // overscan
  if (r.flag()) { // video signal type
    r.bits(4);
    if (r.flag()) r.bits(24);
  }
  if (r.flag()) { // chroma location
    r.unsigned();
    r.unsigned();
  }
}
