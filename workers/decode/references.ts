// Pure: no I/O.
import type { VideoCodec } from "../../src/media/mod.ts";
import { findStartCode } from "../../src/rtp/annex_b.ts";

const H264_SPS = 7, H264_PPS = 8;
const HEVC_VPS = 32, HEVC_SPS = 33, HEVC_PPS = 34;
/** Sub-layer non-reference pictures have even types up to this one. @see H.265, table 7-1 */
const HEVC_LAST_NON_REFERENCE = 14;

/**
 * Tells the pictures that no other refers to: without them all others are the same to the bit.
 *
 * @see H.264, 7.4.1 (nal_ref_idc); H.265, 7.4.2.2
 */
export class References {
  /** The highest sub-layer of an HEVC stream; a higher one than there is until its parameter sets came. */
  #highest = 7;

  /** Takes note of what a keyframe's parameter sets say. */
  keyframe(codec: VideoCodec, unit: Uint8Array): void {
    if (codec !== "hevc") return;
    let highest = -1;
    eachNal(unit, (at) => {
      if ((unit[at] >> 1 & 63) === HEVC_SPS && at + 2 < unit.length) highest = Math.max(highest, unit[at + 2] >> 1 & 7);
      return !isHevcSlice(unit[at]);
    });
    if (highest >= 0) this.#highest = highest;
  }

  /** Whether a picture that is no keyframe is one that no other refers to. */
  isDisposable(codec: VideoCodec, unit: Uint8Array): boolean {
    if (codec === "mjpeg") return true;
    let slices = 0, disposable = true;
    eachNal(unit, (at) => {
      const first = unit[at];
      if (codec === "h264") {
        const type = first & 31;
        // Parameter sets are for those that follow.
        if (type === H264_SPS || type === H264_PPS) return disposable = false;
        if (type < 1 || type > 5) return true;
        slices++;
        // The other field may be referred to where this one is not: every slice is looked at.
        return disposable = (first & 0x60) === 0;
      }
      const type = first >> 1 & 63;
      if (type >= HEVC_VPS && type <= HEVC_PPS) return disposable = false;
      if (!isHevcSlice(first)) return true;
      slices++;
      // Pictures of the sub-layers above may refer to one that its own sub-layer has no use for.
      const layer = (unit[at + 1] & 7) - 1;
      disposable = type <= HEVC_LAST_NON_REFERENCE && type % 2 === 0 && layer >= this.#highest;
      return false; // all slices of a picture are of one type
    });
    return slices > 0 && disposable;
  }
}

function isHevcSlice(first: number): boolean {
  return (first >> 1 & 63) < 32;
}

/** Visits the first byte of each NAL unit, until it has seen enough. */
function eachNal(unit: Uint8Array, goOn: (at: number) => boolean): void {
  for (let code = findStartCode(unit, 0, unit.length); code + 3 < unit.length;) {
    if (!goOn(code + 3)) return;
    code = findStartCode(unit, code + 3, unit.length);
  }
}
