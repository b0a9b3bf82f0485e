// Pure: no I/O.
import { splitAnnexB } from "../annex_b.ts";
import { BitReader } from "../bit_reader.ts";
import { skipDisplay } from "../usability.ts";
import type { VideoParameters } from "../video_depacketizer.ts";
import { HevcNal, hevcNalType } from "./nal.ts";
import { type ProfileTierLevel, readProfileTierLevel } from "./profile.ts";
import { skipReferenceSets, skipScalingLists } from "./skip.ts";

/** What a stream's parameter sets tell of its pictures. */
export interface HevcParameters extends VideoParameters, ProfileTierLevel {
  /** 0 is luma alone, 1 is 4:2:0, 2 is 4:2:2, 3 is 4:4:4. */
  chroma: number;
  bitDepth: number;
}

/** A sequence parameter set. */
export interface HevcSps extends HevcParameters {
  id: number;
  vpsId: number;
  /** Bits of slice_pic_order_cnt_lsb. */
  orderBits: number;
  /** Whether the colour planes are coded each by itself. */
  separatePlanes: boolean;
}

/** What of a picture parameter set is needed to read a slice's head. */
export interface PpsInfo {
  id: number;
  spsId: number;
  /** Whether a slice says that its picture is shown. */
  outputFlag: boolean;
  /** Bits of a slice's head that mean nothing yet. */
  extraSliceBits: number;
}

/** Larger sides than level 6.2 allows are damage. */
const MAX_SIDE = 16_888;
/** Samples of luma for one of chroma, by the chroma format. */
const SUBSAMPLED_X = [1, 2, 2, 1];
const SUBSAMPLED_Y = [1, 2, 1, 1];

/**
 * Reads a sequence parameter set, with its NAL header and without a start code; null where it is none, or damaged.
 * A damaged end costs only what it held: the frame rate.
 *
 * @see H.265, 7.3.2.2 and E.2.1
 */
export function parseHevcSps(nal: Uint8Array): HevcSps | null {
  if (nal.length < 16 || hevcNalType(nal[0]) !== HevcNal.sps) return null;
  const r = new BitReader(nal, 2);
  const vpsId = r.bits(4);
  const maxSubLayer = r.bits(3);
  r.bit();
  if (maxSubLayer > 6) return null;
  const profile = readProfileTierLevel(r, maxSubLayer);
  const id = r.unsigned();
  const chroma = r.unsigned();
  if (id > 15 || chroma > 3) return null;
  const separatePlanes = chroma === 3 && r.flag();
  const codedWidth = r.unsigned(), codedHeight = r.unsigned();
  let left = 0, right = 0, top = 0, bottom = 0;
  if (r.flag()) [left, right, top, bottom] = [r.unsigned(), r.unsigned(), r.unsigned(), r.unsigned()];
  const bitDepth = r.unsigned() + 8;
  r.unsigned();
  const orderBits = r.unsigned() + 4;
  if (r.exhausted || bitDepth > 16 || orderBits > 16) return null;
  const width = codedWidth - (separatePlanes ? 1 : SUBSAMPLED_X[chroma]) * (left + right);
  const height = codedHeight - (separatePlanes ? 1 : SUBSAMPLED_Y[chroma]) * (top + bottom);
  if (width < 1 || height < 1 || codedWidth > MAX_SIDE || codedHeight > MAX_SIDE) return null;
  let maxReorder = 0;
  for (let i = r.flag() ? 0 : maxSubLayer; i <= maxSubLayer; i++) {
    r.unsigned();
    // Those of the highest layer come last, and hold for the whole stream.
    maxReorder = r.unsigned();
    r.unsigned();
  }
  if (r.exhausted || maxReorder > 16) return null;
  return {
    id,
    vpsId,
    orderBits,
    separatePlanes,
    width,
    height,
    frameRate: readFrameRate(r, orderBits),
    chroma,
    bitDepth,
    maxReorder,
    ...profile,
  };
}

/** Reads the head of a picture parameter set; null where it is damaged. @see H.265, 7.3.2.3.1 */
export function parseHevcPps(nal: Uint8Array): PpsInfo | null {
  if (nal.length < 3 || hevcNalType(nal[0]) !== HevcNal.pps) return null;
  const r = new BitReader(nal, 2);
  const id = r.unsigned(), spsId = r.unsigned();
  r.bit(); // dependent slice segments
  const outputFlag = r.flag(), extraSliceBits = r.bits(3);
  return r.exhausted || id > 63 || spsId > 15 ? null : { id, spsId, outputFlag, extraSliceBits };
}

/** The parameters of the first sequence parameter set that can be read in an Annex B stream; null where there is none. */
export function hevcParameters(annexB: Uint8Array): HevcParameters | null {
  let found: HevcParameters | null = null, rate = 0;
  splitAnnexB(annexB, (start, end) => {
    const nal = annexB.subarray(start, end);
    if (hevcNalType(nal[0]) === HevcNal.vps) rate ||= parseHevcVps(nal)?.frameRate ?? 0;
    else found ??= parseHevcSps(nal);
  });
  return found === null ? null : withRate(found, rate);
}

/** The same with another frame rate where it has none. */
export function withRate<Info extends HevcParameters>(info: Info, frameRate: number): Info {
  return info.frameRate > 0 || frameRate === 0 ? info : { ...info, frameRate };
}

/** A video parameter set: its id, and the frame rate where it tells it, else 0. Null where it is damaged. @see H.265, 7.3.2.1 */
export function parseHevcVps(nal: Uint8Array): { id: number; frameRate: number } | null {
  if (nal.length < 16 || hevcNalType(nal[0]) !== HevcNal.vps) return null;
  const r = new BitReader(nal, 2);
  const id = r.bits(4);
  r.bits(8); // base layer flags, number of layers
  const maxSubLayer = r.bits(3);
  r.bits(17);
  if (maxSubLayer > 6) return null;
  readProfileTierLevel(r, maxSubLayer);
  for (let i = r.flag() ? 0 : maxSubLayer; i <= maxSubLayer; i++) {
    for (let n = 0; n < 3; n++) r.unsigned();
  }
  const maxLayer = r.bits(6);
  const layerSets = r.unsigned();
  if (r.exhausted || layerSets > 1023) return null;
  for (let i = 0; i < layerSets && !r.exhausted; i++) r.bits(maxLayer + 1);
  return { id, frameRate: r.flag() ? readRate(r, 1) : 0 };
}

function readFrameRate(r: BitReader, orderBits: number): number {
  for (let i = 0; i < 6; i++) r.unsigned(); // sizes of blocks
  if (r.flag() && r.flag()) skipScalingLists(r);
  r.bits(2);
  if (r.flag()) { // PCM
    r.bits(8);
    r.unsigned();
    r.unsigned();
    r.bit();
  }
  if (!skipReferenceSets(r)) return 0;
  if (r.flag()) { // long-term references
    const count = r.unsigned();
    for (let i = 0; i < count && !r.exhausted; i++) r.bits(orderBits + 1);
  }
  r.bits(2);
  if (!r.flag()) return 0;
  skipDisplay(r);
  r.bit();
  const fields = r.flag();
  r.bit();
  if (r.flag()) { for (let i = 0; i < 4; i++) r.unsigned(); // default display window
   }
  return r.flag() ? readRate(r, fields ? 2 : 1) : 0;
}

/** Cameras that announce 0 or more than 300 frames a second announce nothing. */
function readRate(r: BitReader, ticksPerFrame: number): number {
  const units = r.bits(32), scale = r.bits(32);
  const rate = units > 0 ? scale / units / ticksPerFrame : 0;
  return !r.exhausted && rate > 0 && rate <= 300 ? rate : 0;
}
