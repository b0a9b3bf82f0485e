// Pure: no I/O.

/** `first-sample-flags-present`: what libValkka takes for the sign of a keyframe. @see ISO/IEC 14496-12, 8.8.8 */
const FIRST_SAMPLE_FLAGS = 0x000004;
const LARGE = 1;
/** Boxes looked at inside one box, at most. */
const CHILDREN = 64;

/** One box of an MP4, in the bytes that it was found in. */
export interface Box {
  /** Four characters. */
  name: string;
  /** Header included. */
  bytes: Uint8Array;
}

/**
 * The boxes that follow one another in some bytes.
 *
 * @throws {TypeError} where the bytes are no whole number of boxes.
 */
export function topLevelBoxes(bytes: Uint8Array): Box[] {
  const boxes: Box[] = [];
  for (let at = 0; at < bytes.length;) {
    const box = boxAt(bytes, at);
    if (box === null) {
      throw new TypeError(`Cannot write MP4 boxes: there is none at byte ${at} of ${bytes.length}`);
    }
    boxes.push(box);
    at += box.bytes.length;
  }
  return boxes;
}

function boxAt(bytes: Uint8Array, at: number): Box | null {
  if (at + 8 > bytes.length) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, bytes.length - at);
  let size = view.getUint32(0);
  let header = 8;
  if (size === LARGE) {
    if (view.byteLength < 16) return null;
    size = Number(view.getBigUint64(8));
    header = 16;
  } else if (size === 0) size = view.byteLength; // to the end
  if (size < header || size > view.byteLength) return null;
  const name = String.fromCharCode(bytes[at + 4], bytes[at + 5], bytes[at + 6], bytes[at + 7]);
  return { name, bytes: bytes.subarray(at, at + size) };
}

function child(box: Uint8Array, name: string): Uint8Array | null {
  let at = 8;
  for (let i = 0; i < CHILDREN && at < box.length; i++) {
    const inner = boxAt(box, at);
    if (inner === null) return null;
    if (inner.name === name) return inner.bytes;
    at += inner.bytes.length;
  }
  return null;
}

/** Whether a `moof` says, in its first run, how its first sample differs from the others: it is a keyframe. */
export function beginsWithKeyframe(moof: Uint8Array): boolean {
  const fragment = child(moof, "traf");
  const run = fragment && child(fragment, "trun");
  if (!run || run.length < 12) return false;
  const flags = run[9] << 16 | run[10] << 8 | run[11];
  return (flags & FIRST_SAMPLE_FLAGS) !== 0;
}
