// Pure: no I/O.
import { BitReader } from "../bit_reader.ts";
import { Nal, nalType } from "./nal.ts";

/** How far into a slice its first two numbers can reach: 63 bits each, header and prevention bytes among them. */
const SLICE_HEAD_BYTES = 24;
const RECOVERY_POINT = 6;

/** Whether a slice holds intra macroblocks only (type I or SI), and whether it is the picture's first. */
export function readSliceHead(data: Uint8Array, start: number, end: number): { first: boolean; intra: boolean } {
  const r = new BitReader(data, start + 1, Math.min(end, start + SLICE_HEAD_BYTES));
  const firstMacroblock = r.unsigned();
  const type = r.unsigned();
  const intra = type === 2 || type === 7 || type === 4 || type === 9;
  return { first: firstMacroblock === 0 && !r.exhausted, intra: intra && !r.exhausted };
}

/**
 * Frames until the picture is right when decoding begins at this SEI's recovery point; -1 where it holds none.
 *
 * @see H.264, 7.3.2.3.1 and D.1.8
 */
export function recoveryFrames(data: Uint8Array, start: number, end: number): number {
  if (nalType(data[start]) !== Nal.sei) return -1;
  // Message headers are walked with prevention bytes in place: they cannot occur in types and sizes of real messages
  // before the recovery point, and where they do the walk ends early.
  let at = start + 1;
  while (at + 2 <= end) {
    let type = 0, size = 0;
    while (at < end && data[at] === 255) type += data[at++];
    type += data[at++];
    while (at < end && data[at] === 255) size += data[at++];
    size += data[at++];
    if (at >= end) return -1;
    if (type === RECOVERY_POINT) {
      const r = new BitReader(data, at, end);
      const frames = r.unsigned();
      return r.exhausted ? -1 : frames;
    }
    at += size;
  }
  return -1;
}
