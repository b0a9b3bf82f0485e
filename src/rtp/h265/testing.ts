// Pure: no I/O.
import { joinAnnexB, splitAnnexB } from "../annex_b.ts";

/** NAL units for tests, as x265 writes them: 320x180 at 25 frames a second, Main, two B-frames. */
export const VPS = [...hex("40010c01ffff01600000030090000003000003003c959009")];
export const SPS = [...hex("42010101600000030090000003000003003ca00a080b9f796564924caf016808000003000800000300c840")];
export const PPS = [...hex("4401c172b46240")];
/** 1920x1080 at 30000/1001 frames a second, Main 10. */
export const SPS_1080 = [
  ...hex(
    "420101022000000300900000030000030078a003c08010e4d964a924caf01680800001f480003a98300a462f0000989680004c4b44",
  ),
];
export const AUD = [0x46, 0x01, 0x50];
/** Slices, each the first of its picture: the bit behind the header says so. */
export const IDR = [0x26, 0x01, 0xaf, 0x1d, 0x80, 0x7a, 0x33, 0x91];
export const CRA = [0x2a, 0x01, 0xad, 0x27, 0x41, 0x77, 0x18, 0x5c];
export const RASL = [0x12, 0x01, 0xe0, 0x44, 0x71, 0x22];
export const TRAIL = [0x02, 0x01, 0xd0, 0x11, 0x97, 0x35, 0x62];
/** Not the first of its picture. */
export const REST = [0x02, 0x01, 0x35, 0x41, 0x88, 0x29];
export const SEI = [0x4e, 0x01, 0x05, 0x04, 0x11, 0x22, 0x33, 0x44, 0x80];

/** An access unit of these NAL units. */
export function unit(...parts: number[][]): Uint8Array<ArrayBuffer> {
  return joinAnnexB(parts.map((part) => new Uint8Array(part)));
}

/** The NAL units of an access unit as hex. */
export function nals(data: Uint8Array): string[] {
  const found: string[] = [];
  splitAnnexB(data, (start, end) => found.push(data.subarray(start, end).toHex()));
  return found;
}

function hex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(text);
}
