import { assertEquals } from "@std/assert";
import type { AccessUnit, EncodedFeed } from "../../src/media/mod.ts";
import { nalType, splitAnnexB } from "../../src/rtp/mod.ts";
import type { VideoFile } from "../../src/file/mod.ts";

/** NAL units that a sender or receiver may add or leave out: parameter sets, delimiters, ends, filler. */
const FRAMING = new Set([7, 8, 9, 10, 11, 12]);

/** The next access units of a feed. */
export async function take(feed: EncodedFeed, count: number): Promise<AccessUnit[]> {
  const units: AccessUnit[] = [];
  for await (const unit of feed) {
    units.push(unit);
    if (units.length >= count) break;
  }
  return units;
}

/** What of an access unit makes the picture: its slices and what goes with them. */
export function pictureOf(data: Uint8Array): Uint8Array[] {
  const nals: Uint8Array[] = [];
  splitAnnexB(data, (start, end) => {
    if (!FRAMING.has(nalType(data[start]))) nals.push(data.slice(start, end));
  });
  return nals;
}

/** Which of a file's access units this is, to the bit; -1 where it is none of them. */
export function indexIn(file: VideoFile, data: Uint8Array): number {
  const picture = pictureOf(data);
  return file.units.findIndex((unit) => equal(picture, pictureOf(unit.data)));
}

/**
 * Asserts that access units are those of a file to the bit, in order and without a gap, beginning at any, and going
 * round where the file does.
 */
export function assertPlays(units: readonly AccessUnit[], file: VideoFile): void {
  const pictures = file.units.map((unit) => pictureOf(unit.data));
  const begin = indexIn(file, units[0].data);
  if (begin < 0) throw new Error("The first access unit is none of the file's");
  units.forEach((unit, i) => {
    const at = (begin + i) % pictures.length;
    if (!equal(pictureOf(unit.data), pictures[at])) throw new Error(`Access unit ${i} is not the file's ${at}`);
    assertEquals(unit.keyframe, file.units[at].keyframe, `keyframe flag of access unit ${i}`);
    assertEquals(unit.corrupt, false, `corrupt flag of access unit ${i}`);
  });
}

/** Asserts that a decoder that begins at a keyframe has all it needs, and that times only rise. */
export function assertDecodable(units: readonly AccessUnit[]): void {
  let dts = -Infinity;
  for (const unit of units) {
    if (unit.keyframe) {
      const types: number[] = [];
      splitAnnexB(unit.data, (start) => types.push(nalType(unit.data[start])));
      assertEquals(types.includes(7) && types.includes(8), true, "a keyframe carries its parameter sets");
    }
    if (unit.dts <= dts) throw new Error(`dts goes from ${dts} to ${unit.dts}`);
    if (unit.dts > unit.pts) throw new Error(`dts ${unit.dts} is above pts ${unit.pts}`);
    dts = unit.dts;
  }
}

function equal(a: Uint8Array[], b: Uint8Array[]): boolean {
  return a.length === b.length &&
    a.every((part, i) => part.length === b[i].length && part.every((byte, at) => byte === b[i][at]));
}
