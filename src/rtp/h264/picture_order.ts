// Pure: no I/O.
import { BitReader } from "../bit_reader.ts";
import { splitAnnexB } from "../annex_b.ts";
import { isPictureNal, Nal, nalType } from "./nal.ts";
import { parsePpsIds, parseSps, type SpsInfo } from "./sps.ts";

/** How far into a slice the order of its picture can lie. */
const HEAD_BYTES = 48;

/** Where a picture stands in the order of presentation. */
export interface PicturePlace {
  /** Pictures are compared within their group alone: each IDR picture begins a new one. */
  group: number;
  /** Pictures of a group are shown from the least to the greatest. */
  order: number;
}

/**
 * Reads the order of presentation out of a stream that has no times, access unit by access unit in the order of
 * decoding. Memory management that resets the order without an IDR picture is not looked for: no encoder was seen to use it.
 *
 * @see H.264, 7.3.3 and 8.2.1
 */
export class PictureOrder {
  /** Whether a stream tells the order in a way that is not read here: pic_order_cnt_type 1, which hardly anybody uses. */
  unread = false;
  readonly #sps = new Map<number, SpsInfo>();
  readonly #spsOfPps = new Map<number, number>();
  #group = -1;
  #decoded = 0;
  #previousMsb = 0;
  #previousLsb = 0;

  /** The place of the next access unit's picture; null where it cannot be told. */
  next(annexB: Uint8Array): PicturePlace | null {
    let place: PicturePlace | null = null, found = false;
    splitAnnexB(annexB, (start, end) => {
      const type = nalType(annexB[start]);
      if (type === Nal.sps) {
        const sps = parseSps(annexB.subarray(start, end));
        if (sps) this.#sps.set(sps.id, sps);
      } else if (type === Nal.pps) {
        const ids = parsePpsIds(annexB.subarray(start, end));
        if (ids) this.#spsOfPps.set(ids.id, ids.spsId);
      } else if (isPictureNal(type) && !found) {
        found = true;
        place = this.#ofSlice(annexB, start, end);
      }
    });
    return place;
  }

  #ofSlice(data: Uint8Array, start: number, end: number): PicturePlace | null {
    const idr = nalType(data[start]) === Nal.idr;
    const reference = (data[start] & 0x60) !== 0;
    const r = new BitReader(data, start + 1, Math.min(end, start + HEAD_BYTES));
    r.unsigned(); // first_mb_in_slice
    r.unsigned(); // slice_type
    const sps = this.#sps.get(this.#spsOfPps.get(r.unsigned()) ?? -1);
    if (!sps) return null;
    if (sps.orderType === 1) {
      this.unread = true;
      return null;
    }
    if (idr) {
      this.#group++;
      this.#decoded = this.#previousMsb = this.#previousLsb = 0;
    }
    if (sps.orderType === 2) return { group: this.#group, order: this.#decoded++ };
    if (sps.separatePlanes) r.bits(2);
    r.bits(sps.frameNumBits);
    if (sps.interlaced && r.flag()) r.bit(); // field_pic_flag, bottom_field_flag
    if (idr) r.unsigned(); // idr_pic_id
    const lsb = r.bits(sps.orderBits);
    if (r.exhausted) return null;
    const half = 2 ** (sps.orderBits - 1), behind = this.#previousLsb - lsb;
    const msb = this.#previousMsb + (behind >= half ? 2 * half : -behind > half ? -2 * half : 0);
    if (reference) {
      this.#previousMsb = msb;
      this.#previousLsb = lsb;
    }
    return { group: this.#group, order: msb + lsb };
  }
}
