// Pure: no I/O.
import type { BitReader } from "../bit_reader.ts";

/** What a decoder must be able to do. */
export interface ProfileTierLevel {
  profile: number;
  /** 30 times the level's number. */
  level: number;
  /** RFC 6381, such as `hvc1.1.6.L93.B0`. */
  codecString: string;
}

/**
 * Reads what a parameter set says of profile, tier and level, that of its layers passed over.
 *
 * @see H.265, 7.3.3; ISO/IEC 14496-15, E.3 (the codec string)
 */
export function readProfileTierLevel(r: BitReader, maxSubLayer: number): ProfileTierLevel {
  const space = r.bits(2), high = r.flag(), profile = r.bits(5);
  let compatibility = 0;
  // The string has them the other way round: the flag of profile 0 is the lowest bit.
  for (let i = 0; i < 32; i++) compatibility += r.bit() * 2 ** i;
  const constraints = Array.from({ length: 6 }, () => r.bits(8));
  const level = r.bits(8);
  skipSubLayers(r, maxSubLayer);
  while (constraints.at(-1) === 0) constraints.pop();
  const parts = [
    "hvc1",
    ["", "A", "B", "C"][space] + profile,
    hex(compatibility),
    (high ? "H" : "L") + level,
    ...constraints.map(hex),
  ];
  return { profile, level, codecString: parts.join(".") };
}

function hex(value: number): string {
  return value.toString(16).toUpperCase();
}

function skipSubLayers(r: BitReader, count: number): void {
  if (count === 0) return;
  const present: { profile: boolean; level: boolean }[] = [];
  for (let i = 0; i < count; i++) present.push({ profile: r.flag(), level: r.flag() });
  for (let i = count; i < 8; i++) r.bits(2);
  for (const { profile, level } of present) {
    if (profile) { for (let i = 0; i < 11; i++) r.bits(8); }
    if (level) r.bits(8);
  }
}
