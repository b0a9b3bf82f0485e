// Pure: no I/O.
import { joinAnnexB, splitAnnexB } from "../annex_b.ts";

/** NAL units for tests, as x264 writes them: 320x180 at 25 frames a second, Constrained Baseline. */
export const SPS = [...hex("6742c00cd901419f9f011000000300100000030320f142a480")];
export const PPS = [...hex("68cb83cb20")];
/** 1280x720 at 30 frames a second, High. */
export const SPS_720 = [...hex("6764001facd9405005bb011000000300100000030 3c0f1831960".replace(" ", ""))];
export const AUD = [0x09, 0xf0];
/** Heads of slices: first macroblock 0, type 7 (I) and 5 (P). */
export const IDR = [0x65, 0x88, 0x84, 0x21, 0xa0, 0x37, 0x55, 0x80];
export const P = [0x41, 0x9a, 0x24, 0x6c, 0x41, 0x5f];
/** SEI: recovery point after 0 frames, exact. */
export const RECOVERY = [0x06, 0x06, 0x01, 0xc4, 0x80];

/** An access unit of these NAL units. */
export function unit(...parts: number[][]): Uint8Array<ArrayBuffer> {
  return joinAnnexB(parts.map((part) => new Uint8Array(part)));
}

/** The NAL units of an access unit as hex. */
export function nals(data: Uint8Array | number[]): string[] {
  const bytes = new Uint8Array(data);
  const found: string[] = [];
  splitAnnexB(bytes, (start, end) => found.push(bytes.subarray(start, end).toHex()));
  return found;
}

export function hex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(text);
}
