// Pure: no I/O.
import type { BitReader } from "../bit_reader.ts";

/** More sets of reference pictures, or pictures in one, than these are damage. @see H.265, 7.4.3.2.1 and 7.4.8 */
const MAX_SETS = 64;
const MAX_PICTURES = 16;

/** Passes over the scaling lists. @see H.265, 7.3.4 */
export function skipScalingLists(r: BitReader): void {
  for (let size = 0; size < 4; size++) {
    for (let matrix = 0; matrix < 6; matrix += size === 3 ? 3 : 1) {
      if (!r.flag()) {
        r.unsigned();
        continue;
      }
      if (size > 1) r.signed();
      for (let i = 0; i < Math.min(64, 1 << 4 + 2 * size) && !r.exhausted; i++) r.signed();
    }
  }
}

/** Passes over the short-term sets of reference pictures; false where they are damaged. @see H.265, 7.3.7 */
export function skipReferenceSets(r: BitReader): boolean {
  const sets = r.unsigned();
  if (sets > MAX_SETS) return false;
  let pictures = 0;
  for (let set = 0; set < sets; set++) {
    if (set > 0 && r.flag()) {
      r.bit();
      r.unsigned();
      let kept = 0;
      for (let i = 0; i <= pictures; i++) {
        // Whether the picture is used, and, where it is not, whether it is kept all the same.
        if (r.flag() || r.flag()) kept++;
      }
      pictures = kept;
    } else {
      const before = r.unsigned(), after = r.unsigned();
      if (before + after > MAX_PICTURES) return false;
      pictures = before + after;
      for (let i = 0; i < pictures; i++) {
        r.unsigned();
        r.bit();
      }
    }
    if (r.exhausted || pictures > MAX_PICTURES + 1) return false;
  }
  return true;
}
