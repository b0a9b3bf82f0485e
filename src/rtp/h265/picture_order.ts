// Pure: no I/O.
import { splitAnnexB } from "../annex_b.ts";
import { BitReader } from "../bit_reader.ts";
import type { PicturePlace } from "../h264/picture_order.ts";
import { HevcNal, hevcNalType, isHevcFirstSlice, isHevcKeyframe, isHevcPicture } from "./nal.ts";
import { type HevcSps, parseHevcPps, parseHevcSps, type PpsInfo } from "./sps.ts";

/** How far into a slice the order of its picture can lie. */
const HEAD_BYTES = 32;
const END_OF_SEQUENCE = 36;
const IDR_WITH_LEADING = 19, IDR_ALONE = 20;
/** The last of the types whose even numbers nothing refers to. */
const LAST_SUB_LAYER = 14;

/**
 * Reads the order of presentation out of a stream that has no times, access unit by access unit in the order of decoding.
 *
 * @see H.265, 7.3.6.1 and 8.3.1
 */
export class HevcPictureOrder {
  readonly #sps = new Map<number, HevcSps>();
  readonly #pps = new Map<number, PpsInfo>();
  #group = -1;
  #ended = true;
  /** Of the last picture that others' order follows from. */
  #previous = 0;

  /** The place of the next access unit's picture; null where it cannot be told. */
  next(annexB: Uint8Array): PicturePlace | null {
    let place: PicturePlace | null = null, found = false;
    splitAnnexB(annexB, (start, end) => {
      const type = hevcNalType(annexB[start]);
      if (end - start < 3) {
        if (type === END_OF_SEQUENCE) this.#ended = true;
        return;
      }
      if (type === HevcNal.sps) {
        const sps = parseHevcSps(annexB.subarray(start, end));
        if (sps) this.#sps.set(sps.id, sps);
      } else if (type === HevcNal.pps) {
        const pps = parseHevcPps(annexB.subarray(start, end));
        if (pps) this.#pps.set(pps.id, pps);
      } else if (isHevcPicture(type) && !found && isHevcFirstSlice(annexB[start + 2])) {
        found = true;
        place = this.#ofSlice(annexB, start, end);
      }
    });
    return place;
  }

  #ofSlice(data: Uint8Array, start: number, end: number): PicturePlace | null {
    const type = hevcNalType(data[start]);
    const r = new BitReader(data, start + 2, Math.min(end, start + HEAD_BYTES));
    r.bit(); // first_slice_segment_in_pic_flag
    if (type >= HevcNal.blaWithLeading && type <= HevcNal.lastReservedIrap) r.bit(); // no_output_of_prior_pics_flag
    const pps = this.#pps.get(r.unsigned());
    const sps = pps && this.#sps.get(pps.spsId);
    if (!sps) return null;
    const idr = type === IDR_WITH_LEADING || type === IDR_ALONE;
    // Where a sequence begins the order begins anew; a CRA picture within one goes on with it.
    if (isHevcKeyframe(type) && (type !== HevcNal.cra || this.#ended)) {
      this.#group++;
      this.#previous = 0;
      this.#ended = false;
    }
    if (idr) return { group: this.#group, order: 0 };
    r.bits(pps.extraSliceBits);
    r.unsigned(); // slice_type
    if (pps.outputFlag) r.bit();
    if (sps.separatePlanes) r.bits(2);
    const lsb = r.bits(sps.orderBits);
    if (r.exhausted) return null;
    const range = 2 ** sps.orderBits;
    const begins = isHevcKeyframe(type) && this.#previous === 0;
    const before = this.#previous - this.#previous % range;
    const behind = this.#previous - before - lsb;
    const msb = begins ? 0 : before + (behind >= range / 2 ? range : -behind > range / 2 ? -range : 0);
    const order = msb + lsb;
    // Leading pictures, those of higher layers, and those that nothing refers to are not followed.
    const temporal = (data[start + 1] & 7) - 1;
    const leading = type >= 6 && type <= 9;
    if (temporal === 0 && !leading && !(type <= LAST_SUB_LAYER && type % 2 === 0)) this.#previous = order;
    return { group: this.#group, order };
  }
}
