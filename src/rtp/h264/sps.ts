// Pure: no I/O.
import { BitReader } from "../bit_reader.ts";
import { splitAnnexB } from "../annex_b.ts";
import { skipDisplay } from "../usability.ts";
import { Nal, nalType } from "./nal.ts";

/** What a stream's parameter sets tell of its pictures. */
export interface H264Parameters {
  /** Visible width in pixels, cropping applied. */
  width: number;
  height: number;
  /** Frames a second as announced, 0 where they are not. */
  frameRate: number;
  /** RFC 6381, such as `avc1.64001f`. */
  codecString: string;
  profile: number;
  constraints: number;
  level: number;
  /** Pictures by which presentation may run behind decoding, -1 where that is not told. */
  maxReorder: number;
  /** Whether pictures may be coded as fields. */
  interlaced: boolean;
}

/** A sequence parameter set. */
export interface SpsInfo extends H264Parameters {
  id: number;
  /** Bits of frame_num, needed to read slice headers. */
  frameNumBits: number;
  /** How slices tell the order of presentation: pic_order_cnt_type. */
  orderType: number;
  /** Bits of pic_order_cnt_lsb, where the type is 0. */
  orderBits: number;
  /** Whether the colour planes are coded each by itself. */
  separatePlanes: boolean;
}

/** Profiles whose sets carry the chroma format and scaling lists. @see H.264, 7.3.2.1.1 */
const HIGH = new Set([44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244]);
/** Larger sides than level 6.2 allows are damage. */
const MAX_SIDE = 16_384;

/**
 * Reads a sequence parameter set, with its NAL header and without a start code; null where it is none, or damaged.
 * A damaged end (usability information is often cut off) costs only what it held.
 *
 * @see H.264, 7.3.2.1.1 and E.1.1
 */
export function parseSps(nal: Uint8Array): SpsInfo | null {
  if (nal.length < 5 || nalType(nal[0]) !== Nal.sps) return null;
  const profile = nal[1], constraints = nal[2], level = nal[3];
  const r = new BitReader(nal, 4);
  const id = r.unsigned();
  if (id > 31) return null;
  let chroma = 1, separatePlanes = false;
  if (HIGH.has(profile)) {
    chroma = r.unsigned();
    if (chroma > 3) return null;
    if (chroma === 3) separatePlanes = r.flag();
    if (r.unsigned() > 6 || r.unsigned() > 6) return null;
    r.bit();
    if (r.flag()) skipScalingLists(r, chroma === 3 ? 12 : 8);
  }
  const frameNumBits = r.unsigned() + 4;
  const orderType = r.unsigned();
  if (frameNumBits > 16 || orderType > 2) return null;
  let orderBits = 0;
  if (orderType === 0) {
    orderBits = r.unsigned() + 4;
    if (orderBits > 16) return null;
  } else if (orderType === 1) {
    r.bit();
    r.signed();
    r.signed();
    const cycle = r.unsigned();
    if (cycle > 255) return null;
    for (let i = 0; i < cycle; i++) r.signed();
  }
  r.unsigned(); // max_num_ref_frames
  r.bit();
  const widthMbs = r.unsigned() + 1;
  const heightUnits = r.unsigned() + 1;
  const framesOnly = r.flag();
  if (!framesOnly) r.bit();
  r.bit();
  const crop = { left: 0, right: 0, top: 0, bottom: 0 };
  if (r.flag()) {
    Object.assign(crop, { left: r.unsigned(), right: r.unsigned(), top: r.unsigned(), bottom: r.unsigned() });
  }
  const hasUsability = r.flag();
  if (r.exhausted) return null;
  const subsampledX = !separatePlanes && (chroma === 1 || chroma === 2) ? 2 : 1;
  const subsampledY = !separatePlanes && chroma === 1 ? 2 : 1;
  const fields = framesOnly ? 1 : 2;
  const width = widthMbs * 16 - subsampledX * (crop.left + crop.right);
  const height = heightUnits * 16 * fields - subsampledY * fields * (crop.top + crop.bottom);
  if (width < 1 || height < 1 || widthMbs * 16 > MAX_SIDE || heightUnits * 16 * fields > MAX_SIDE) return null;
  // Baseline has no B-slices, order type 2 is decoding order, and constraint_set3 of an intra profile means no reference.
  const noReorder = profile === 66 || orderType === 2 || (profile === 44 || constraints & 0x10 && HIGH.has(profile));
  const usability = hasUsability ? readUsability(r) : { frameRate: 0, maxReorder: -1 };
  return {
    id,
    frameNumBits,
    orderType,
    orderBits,
    separatePlanes,
    width,
    height,
    frameRate: usability.frameRate,
    codecString: "avc1." + [profile, constraints, level].map((byte) => byte.toString(16).padStart(2, "0")).join(""),
    profile,
    constraints,
    level,
    maxReorder: noReorder ? 0 : usability.maxReorder,
    interlaced: !framesOnly,
  };
}

/** The parameters of the first sequence parameter set that can be read in an Annex B stream; null where there is none. */
export function h264Parameters(annexB: Uint8Array): H264Parameters | null {
  let found: H264Parameters | null = null;
  splitAnnexB(annexB, (start, end) => {
    if (found === null && nalType(annexB[start]) === Nal.sps) found = parseSps(annexB.subarray(start, end));
  });
  return found;
}

/** The id of a picture parameter set, and of the sequence parameter set it refers to; null where it is damaged. */
export function parsePpsIds(nal: Uint8Array): { id: number; spsId: number } | null {
  if (nal.length < 2 || nalType(nal[0]) !== Nal.pps) return null;
  const r = new BitReader(nal, 1);
  const id = r.unsigned(), spsId = r.unsigned();
  return r.exhausted || id > 255 || spsId > 31 ? null : { id, spsId };
}

function skipScalingLists(r: BitReader, count: number): void {
  for (let list = 0; list < count && !r.exhausted; list++) {
    if (!r.flag()) continue;
    let last = 8, next = 8;
    for (let i = 0; i < (list < 6 ? 16 : 64) && !r.exhausted; i++) {
      if (next !== 0) next = (last + r.signed() + 256) % 256;
      if (next !== 0) last = next;
    }
  }
}

function readUsability(r: BitReader): { frameRate: number; maxReorder: number } {
  skipDisplay(r);
  let frameRate = 0;
  if (r.flag()) {
    const units = r.bits(32), scale = r.bits(32);
    r.bit();
    // One tick is a field; cameras that announce 0 or more than 300 frames a second announce nothing.
    const rate = units > 0 ? scale / units / 2 : 0;
    if (!r.exhausted && rate > 0 && rate <= 300) frameRate = rate;
  }
  const nalHrd = r.flag();
  if (nalHrd) skipHrd(r);
  const vclHrd = r.flag();
  if (vclHrd) skipHrd(r);
  if (nalHrd || vclHrd) r.bit();
  r.bit();
  let maxReorder = -1;
  if (r.flag()) { // bitstream restriction
    r.bit();
    for (let i = 0; i < 4; i++) r.unsigned();
    const reorder = r.unsigned();
    if (!r.exhausted && reorder <= 16) maxReorder = reorder;
  }
  return { frameRate, maxReorder };
}

function skipHrd(r: BitReader): void {
  const count = r.unsigned() + 1;
  r.bits(8);
  for (let i = 0; i < count && !r.exhausted; i++) {
    r.unsigned();
    r.unsigned();
    r.bit();
  }
  r.bits(20);
}
